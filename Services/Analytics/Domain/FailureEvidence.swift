import Foundation
import Primitives

/// What is known of a test that fails in a run, but for that run: its failure is to be explained, and must not be counted among its own reasons. What
/// the run has told of the test is left out, so that the same is known before it has told anything and after.
struct FailureEvidence: Sendable {
    /// Tests that are asked about at once.
    static let mostTests = 1000
    /// Results of a test in one run that are left out of what is remembered of it; one is usual, a run of shards has one of each.
    static let mostResults = 200

    /// `nil` when there is no other result of the test.
    let verdict: StabilityVerdict?
    /// It passed in another run of the commit on which it fails in this one. On whichever branch, since the code is the same; in the same
    /// environment, since a test that fails on one system alone is not flaky. Never of a test with `mostResults` in this run: others of its own could be
    /// among what is left.
    let passedOnCommit: Bool
    /// Since when it has failed in other runs without a pass, where the verdict is about; `nil` when it passes there.
    let failingSince: Date?

    /// A result of the test in the run.
    struct OwnResult: Sendable, Equatable {
        let result: ID<Result>
        let test: ID<Test>
        let branch: String
        let environment: String
        let commit: String
        let startedAt: Date
        let outcome: Outcome
        let failedTries: Int

        /// As its test's line was told of it.
        var observations: [TestObservation] {
            Fact(
                result: result, test: test, suiteName: "", className: "", name: "", outcome: outcome, duration: nil, failedTries: failedTries
            ).observations(at: startedAt, commit: commit)
        }
    }

    /// - Parameters:
    ///   - lines: what is remembered of the test, this run's results among it when they have arrived.
    ///   - own: of the test in the run; empty when they have not arrived.
    ///   - line: where the run was; that of most results is judged where no other result is known.
    ///   - commit: of the run; empty for that of `own`.
    ///   - excused: which results are put down to the environment: their failed tries are not remembered among the test's results.
    init(
        _ lines: TestLines, without own: [OwnResult], on line: (branch: String, environment: String), commit: String, excused: Set<ID<Result>> = []
    ) {
        var others = lines
        for result in own { others.leaveOut(result, isExcused: excused.contains(result.result)) }
        let isKnown = others.lines.contains { $0.branch == line.branch && $0.environment == line.environment && !$0.state.allStretches.isEmpty }
        let order = others.ordered(first: isKnown ? line : nil).map(\.state)
        let known = order.filter { !$0.allStretches.isEmpty || !$0.past.isEmpty || $0.environmentFailures > 0 }
        verdict = known.isEmpty ? nil : StabilityVerdict(known)
        failingSince = known.first?.failingSince.map { Date(timeIntervalSince1970: Double($0) / 1_000) }
        let code = StableHash.of(commit.isEmpty ? own.first?.commit ?? "" : commit)
        // A pass that is not kept by itself any more could be the run's own.
        let isLooseAlone = own.contains { $0.outcome == .passed }
        passedOnCommit =
            own.count < Self.mostResults
            && others.lines.contains { $0.environment == line.environment && $0.state.hasPassed(on: code, looseAlone: isLooseAlone) }
    }
}
