import Foundation
import Primitives

/// A named test in a suite.
struct Case: Identified, Sendable, Equatable {
    static let idPrefix = "cse"

    let id: ID<Case>
    let suite: ID<Suite>
    let project: ID<Project>
    let name: String
    let http: HTTPCase
    /// Values of the project's fields by key, as these write them.
    let fields: [String: String]
    let createdAt: Date
    let updatedAt: Date
    /// Raised by every change.
    let version: Int64
}

extension Case {
    /// What UpdateCase takes: `nil` leaves a part as it is, and fields that are not named stay.
    struct Change: Sendable, Equatable {
        let name: String?
        let http: HTTPCase?
        let fields: [String: String]
    }
}
