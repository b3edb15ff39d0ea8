import Foundation
import Primitives

/// Where a test turned from passing to failing on one branch in one environment.
struct Turn: Sendable, Equatable {
    /// Tests that are asked for at once.
    static let mostTests = 50
    /// Executions of a test that are looked through.
    static let mostExecutions = 1000

    /// A test that fails in a run, and where.
    struct Question: Sendable {
        let test: ID<Test>
        let branch: String
        let environment: String
        /// When that run began: what came later does not count.
        let until: Date
    }

    struct Point: Sendable, Equatable {
        let run: ID<Run>
        let commit: String
        let at: Date
    }

    let test: ID<Test>
    /// `nil` when none is among the executions that are looked through.
    let lastPass: Point?
    let firstFailure: Point?
}
