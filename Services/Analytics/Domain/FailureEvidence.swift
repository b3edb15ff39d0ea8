import Foundation
import Primitives

/// What is known of a test that fails in a run, but for that failure: it is to be explained, and must not be counted among its own reasons.
struct FailureEvidence: Sendable {
    /// Tests that are asked about at once.
    static let mostTests = 1000

    /// `nil` when there is no other result of the test.
    let verdict: StabilityVerdict?
    /// It passed in another run of a commit on which it fails in this one.
    let passedOnCommit: Bool
    /// Since when it has failed in other runs without a pass, where the verdict is about; `nil` when it passes there.
    let failingSince: Date?

    /// - Parameters:
    ///   - lines: what is remembered of the test, this run's failures among it when they have arrived.
    ///   - failures: of the test in the run; empty when they have not arrived.
    ///   - line: where the run was; that of most results is judged where no other result is known.
    init(_ lines: TestLines, without failures: [PlacedFailure], on line: (branch: String, environment: String)) {
        var others = lines
        for failure in failures { others.leaveOut(failure) }
        let isKnown = others.lines.contains { $0.branch == line.branch && $0.environment == line.environment && !$0.state.allStretches.isEmpty }
        let order = others.ordered(first: isKnown ? line : nil).map(\.state)
        let known = order.filter { !$0.allStretches.isEmpty || !$0.past.isEmpty || $0.environmentFailures > 0 }
        verdict = known.isEmpty ? nil : StabilityVerdict(known)
        failingSince = known.first?.failingSince.map { Date(timeIntervalSince1970: Double($0) / 1_000) }
        // A commit is on one line mostly, and a failure that has made one more commit mixed stands beside a pass on it.
        let whole = StabilityHistory(lines.ordered(first: isKnown ? line : nil).map(\.state))
        passedOnCommit = !failures.isEmpty && whole.mixedCommits > StabilityHistory(order).mixedCommits
    }
}
