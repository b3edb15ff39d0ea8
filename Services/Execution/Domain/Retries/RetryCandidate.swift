import Foundation
import Primitives

/// A test that fails in what a build has uploaded so far, and what is known of it.
struct RetryCandidate: Sendable {
    /// One failing execution, as Validation sees it.
    struct Failure: Equatable, Sendable {
        let result: ID<TestResult>
        /// As its name in the contract; empty when nobody was asked.
        var category = ""
        /// Equal for failures that look alike; empty when nobody was asked.
        var signature = ""
    }

    /// What Analytics says.
    struct Outlook: Equatable, Sendable {
        /// The raw values are stored.
        enum Kind: String, Codable, Sendable { case flaky, broken, other }

        var kind = Kind.other
        /// Since when it has failed in earlier runs, if it has.
        var failingSince: Date?
        var isQuarantined = false
        /// By which. Analytics of an earlier release does not say.
        var quarantine: Quarantine?
    }

    /// The quarantine that a test is in, as it stands. What it says is read by its version.
    struct Quarantine: Codable, Equatable, Sendable {
        let id: ID<QuarantineEntry>
        let version: Int64
    }

    let test: ID<TestIdentity>
    let suiteName: String
    let className: String
    let name: String
    let file: String
    /// Executions so far.
    let attempts: Int
    /// Of the newest one.
    let microseconds: Int64?
    /// Oldest first; not empty.
    var failures: [Failure]
    var outlook = Outlook()
    /// The newest word of a person on the test, one that was taken back among them; `nil` while nobody has said anything.
    var word: RetryWord?

    /// It says how what ran the tests has ended.
    var isProcess: Bool { ProcessResult.isOne(suite: suiteName, className: className) }

    var category: String { failures.last?.category ?? "" }

    /// Two executions have failed in the same way.
    var repeatsItself: Bool {
        let signatures = failures.map(\.signature).filter { !$0.isEmpty }
        return Set(signatures).count < signatures.count
    }
}
