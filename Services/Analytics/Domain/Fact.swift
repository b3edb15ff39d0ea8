import Foundation
import Primitives

/// How one test ended.
enum Outcome: String, Sendable, CaseIterable {
    case passed, failed, errored, skipped
}

/// One execution of a test.
struct Fact: Sendable {
    let result: ID<Result>
    let test: ID<Test>
    let suiteName: String
    let className: String
    let name: String
    let outcome: Outcome
    /// Microseconds, `nil` when the report did not say.
    let duration: Int64?
    /// Tries within the run that failed before the one that stands.
    var failedTries = 0
    /// The machine that carried it out; empty when nobody said.
    var host = ""
}

extension Fact {
    /// What it adds to sums of durations: what was skipped took no time, though reports give it 0.
    var taken: Int64? { outcome == .skipped ? nil : duration }

    /// What related tests share: their class, or their suite. 0 when it stands alone.
    var groupHash: UInt64 { StableHash.of(className.isEmpty ? suiteName : className) }

    /// Failed tries before the last failed one.
    var triesBeforeLastFailure: Int { outcome == .passed ? min(failedTries, Self.mostTries) - 1 : failedTries }

    /// One of its tries failed: an ill machine's failures are no less its own when another try passes.
    var failedOnce: Bool {
        switch outcome {
        case .failed, .errored: true
        case .passed: failedTries > 0
        case .skipped: false
        }
    }
}

/// Facts as they are delivered: one part of what one run recorded.
struct FactBatch: Sendable {
    static let maxFacts = 5000
    static let maxTags = 50

    let project: ID<Project>
    let run: ID<Run>
    /// The sender's name for this delivery; the same one again changes nothing.
    let event: String
    let branch: String
    let commit: String
    var environment = ""
    /// Of the run, `key:value`.
    var tags: [String] = []
    /// Where the machines stand; empty when nobody said.
    var zone = ""
    /// When the run started; orders the executions of a test.
    let startedAt: Date
    let facts: [Fact]
}

enum Result: Identified { static let idPrefix = "res" }
enum Run: Identified { static let idPrefix = "run" }
enum Project: Identified { static let idPrefix = "prj" }
