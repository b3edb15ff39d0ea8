import Foundation
import Primitives

/// One test over all its runs.
struct Test: Identified, Sendable {
    static let idPrefix = "tst"

    let id: ID<Test>
    let project: ID<Project>
    let suiteName: String
    let className: String
    let name: String
    let tally: Tally
    /// How often the outcome changed between passing and not passing from one execution to the next; skipped ones do not count.
    let flips: Int64
    let lastOutcome: Outcome
    let firstSeenAt: Date
    let lastSeenAt: Date
    /// Microseconds, over the executions that said how long they took.
    let meanDuration: Int64?
    /// `nil` until it has run since stability is judged.
    let stability: Stability?
    /// What a person says of it, which holds; `nil` while nobody does.
    let verdict: TestVerdict?
}

/// One of the list of flaky tests.
struct FlakyTest: Sendable {
    let test: Test
    /// Why the machine says so; `nil` where that has to be worked out: it says otherwise, or said so before reasons were kept.
    let reasons: [StabilityReason]?
}

/// One line of a test's history.
struct Execution: Sendable {
    let result: ID<Result>
    let run: ID<Run>
    let outcome: Outcome
    let duration: Int64?
    let branch: String
    let commit: String
    let executedAt: Date
}

/// How many ended how.
struct Tally: Sendable, Equatable {
    var passed: Int64 = 0
    var failed: Int64 = 0
    var errored: Int64 = 0
    var skipped: Int64 = 0

    var total: Int64 { passed + failed + errored + skipped }

    mutating func count(_ outcome: Outcome) {
        switch outcome {
        case .passed: passed += 1
        case .failed: failed += 1
        case .errored: errored += 1
        case .skipped: skipped += 1
        }
    }

    mutating func add(_ other: Tally) {
        passed += other.passed
        failed += other.failed
        errored += other.errored
        skipped += other.skipped
    }

    /// Without failures that are put down to an environment; which of them were errors nobody counts.
    func without(environmental: Int64) -> Tally {
        let fewer = min(max(0, environmental), failed)
        let rest = min(max(0, environmental - fewer), errored)
        return Tally(passed: passed, failed: failed - fewer, errored: errored - rest, skipped: skipped)
    }

    /// Of those that say something; `nil` when there is none.
    var passRate: Double? {
        let judged = passed + failed + errored
        return judged == 0 ? nil : Double(passed) / Double(judged)
    }
}
