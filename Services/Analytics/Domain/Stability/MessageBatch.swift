import Foundation
import Primitives

/// What a failure said, as far as it can be compared.
struct FailureMessage: Sendable {
    let result: ID<Result>
    let test: ID<Test>
    /// Equal for messages that say the same; never 0.
    let fingerprint: UInt64
}

/// Messages as they are delivered: of failures of one run. No name is needed to tell a delivery from another: one that comes again says what is known.
struct MessageBatch: Sendable {
    static let maxMessages = 2000

    let project: ID<Project>
    let branch: String
    let environment: String
    /// When the run started, as its facts have it.
    let startedAt: Date
    let messages: [FailureMessage]
}
