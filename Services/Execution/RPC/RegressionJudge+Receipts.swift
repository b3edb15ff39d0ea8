import AnalyticsAPI
import Foundation
import Primitives
import ServiceKit
import SwiftProtobuf

/// What a run comes to against a baseline, and what is kept of it.
extension RegressionJudge {
    /// How two runs differ, and by which names of their tests.
    struct Compared: Sendable {
        let counts: RegressionCounts
        /// What fails and did not, the first thousand.
        let first: [TestDifference]
        /// By which aliases; `nil` where that is not kept.
        let aliases: [JoinedTest]?

        var names: TestNames { aliases.map(TestNames.these) ?? .current }
        /// Of which it is kept where they turned.
        var turning: [ID<TestIdentity>] { first.prefix(KnownTurn.mostKept).map(\.test) }
    }

    /// - Parameter isKept: what is found is kept, so the aliases by which it was found are as well.
    func compare(_ pair: Pair, isKept: Bool) async throws -> Compared {
        let aliases = isKept ? try await regressions.comparisons.aliases(in: pair.span, and: pair.base, tenant: pair.tenant) : nil
        let names: TestNames = aliases.map(TestNames.these) ?? .current
        let counts = try await regressions.counts(pair.span, against: pair.base, by: names, tenant: pair.tenant)
        let first =
            counts.all == 0 ? [] : try await regressions.differences(pair.span, against: pair.base, by: names, tenant: pair.tenant).items
        return Compared(counts: counts, first: first, aliases: aliases)
    }

    // MARK: - Since when

    /// Where a test turned, and what follows from it.
    struct Turned: Sendable {
        let turn: KnownTurn
        let origin: RegressionOrigin
    }

    /// Where tests turned, and the commits that may be why.
    func origins(_ tests: [ID<TestIdentity>], _ pair: Pair) async throws -> [ID<TestIdentity>: Turned] {
        guard !tests.isEmpty else { return [:] }
        let run = pair.run
        let known = try await turned(tests, in: run)
        // Tests that turned at the same place have the same suspects.
        var seen: [[ID<Run>]: [String]] = [:]
        var found: [ID<TestIdentity>: Turned] = [:]
        for test in tests {
            var turn = try KnownTurn(known[test])
            let place = RegressionOrigin(turn, in: pair.judged, since: pair.held.point)
            let (good, bad) = (place.lastGood.run, place.firstBad.run)
            let commits =
                if let same = seen[[good, bad]] {
                    same
                } else {
                    try await regressions.commits(after: good, upTo: bad, branch: run.branch, project: run.project, tenant: pair.tenant)
                }
            seen[[good, bad]] = commits
            turn.seen = commits
            found[test] = Turned(turn: turn, origin: RegressionOrigin(turn, in: pair.judged, since: pair.held.point))
        }
        return found
    }

    // MARK: - What is kept

    /// - Parameter origins: of others than `Compared.turning` they are not kept.
    func receipt(
        _ pair: Pair, _ compared: Compared, _ known: [ID<TestIdentity>: FailureEvidence], _ origins: [ID<TestIdentity>: Turned], at now: Date
    ) throws -> RegressionReceipt {
        var turns: [ID<TestIdentity>: KnownTurn] = [:]
        for test in compared.turning { turns[test] = origins[test]?.turn }
        let basis = RegressionReceipt.Basis(
            pair.held, compared.first, turns: turns, judged: pair.judged, aliases: compared.aliases
        ) { known[$0.test] }
        let bytes = try basis.encoded()
        return RegressionReceipt(
            held: pair.held, version: pair.run.version, counts: compared.counts,
            assessed: AssessmentCounts(basis.failures.map(\.assessed), of: compared.counts.all), edition: basis.edition,
            inputHash: RegressionReceipt.Basis.hash(of: bytes), basis: bytes, judgedAt: now)
    }

    /// Whether an answer is kept to who asks: of a run that is finished, and no fork has anything kept of runs that are not its own kind's.
    func isKept(_ pair: Pair) -> Bool {
        pair.run.state.isFinal && (Caller.current.lane == .trusted || pair.run.lane == .untrusted)
    }
}
