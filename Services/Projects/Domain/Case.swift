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
    let createdAt: Date
}
