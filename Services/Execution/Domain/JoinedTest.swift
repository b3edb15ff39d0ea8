import Foundation
import Primitives

/// Two ids that are one test: results of before it was renamed have the other one. Kept in receipts as JSON.
struct JoinedTest: Codable, Equatable, Sendable {
    /// Beyond these a receipt keeps none, and is replayed by those aliases that were made before it.
    static let mostKept = 5_000

    let alias: ID<TestIdentity>
    let test: ID<TestIdentity>
}

/// By which aliases the tests of two runs are held against each other.
enum TestNames: Equatable, Sendable {
    /// Those that there are.
    case current
    /// Those of them that were made by then. What was deleted or moved since is lost to it.
    case madeBy(Date)
    /// These and no others.
    case these([JoinedTest])
}
