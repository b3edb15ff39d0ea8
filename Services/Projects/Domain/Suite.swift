import Foundation
import Primitives

/// An ordered set of cases that run together.
struct Suite: Identified, Sendable, Equatable {
    static let idPrefix = "ste"
    static let maxCases = 2000

    let id: ID<Suite>
    let project: ID<Project>
    let name: String
    let description: String
    let variables: [String: String]
    let caseCount: Int64
    let createdAt: Date
}

extension Suite {
    /// What CreateSuite takes, checked.
    struct Draft: Sendable, Equatable {
        let name: String
        let description: String
        let variables: [String: String]

        /// - Throws: `request.invalid` naming the field.
        init(name: String, description: String, variables: [String: String]) throws(Fault) {
            self.name = try Text.name(name, "/name")
            self.description = try Text.prose(description, "/description")
            self.variables = try Variables.checked(variables, "/variables")
        }
    }
}
