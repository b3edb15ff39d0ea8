import Crypto
import Foundation
import Primitives

/// What a run was told when it was finished, or whoever asked about it: against what it was held, what was known then, and what was made of it.
struct RegressionReceipt: Sendable {
    /// All that an assessment looks at. Stored as JSON.
    struct Basis: Codable, Sendable, Equatable {
        struct Failure: Codable, Sendable, Equatable {
            let test: ID<TestIdentity>
            /// How the test ended in the baseline's run (`Outcome`); `nil` where that does not have it.
            let before: Int16?
            /// `nil` when nothing was known.
            let evidence: FailureEvidence?
            let assessed: RegressionAssessment.Kind
            /// Of the first `KnownTurn.mostKept`; releases before kept neither.
            var turn: KnownTurn?
            var origin: RegressionOrigin?
        }

        let edition: Int32
        let baseline: String
        /// The baseline's.
        let run: ID<Run>
        /// In the order of the tests' ids, the first `AssessmentCounts.most`.
        let failures: [Failure]
        /// The run that was judged, where it stood among others then. Absent in receipts of releases before, as is what follows.
        var judged: RegressionPoint?
        /// Aliases by which tests of both runs were one; absent with more than `JoinedTest.mostKept`.
        var aliases: [JoinedTest]?

        /// Of the same in the same order always, since the members of an object are sorted.
        func encoded() throws -> Data {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            return try encoder.encode(self)
        }

        static func hash(of bytes: Data) -> Data { Data(SHA256.hash(data: bytes)) }
    }

    let held: HeldAgainst
    /// Of the run, which may be opened and finished again.
    let version: Int64
    let counts: RegressionCounts
    let assessed: AssessmentCounts
    let edition: Int32
    let inputHash: Data
    let basis: Data
    let judgedAt: Date
    /// Nobody told the run so when it was finished: somebody asked.
    var isAsked = false

    /// - Throws: `regressions.not_replayable`.
    func known() throws(Fault) -> Basis {
        do {
            return try JSONDecoder().decode(Basis.self, from: basis)
        } catch {
            throw Fault.notReplayable("What was known then cannot be read.")
        }
    }

    /// Tests are renamed at any time, and what both runs came to then they come to by the names of then.
    func names(_ known: Basis) -> TestNames { known.aliases.map(TestNames.these) ?? .madeBy(judgedAt) }
}

/// Of what a run was told, what a list of runs needs.
struct ToldRegressions: Sendable {
    let counts: RegressionCounts
    let assessed: AssessmentCounts
    /// Empty while nobody has spoken of any test of the run's line.
    let failures: [RegressionReceipt.Basis.Failure]

    /// With what people say, where they have spoken, instead of what the machine made of it.
    func assessed(with words: [ID<TestIdentity>: RegressionVerdict]) -> AssessmentCounts {
        guard !words.isEmpty else { return assessed }
        return AssessmentCounts(failures.map { words[$0.test]?.kind?.assessment ?? $0.assessed }, of: counts.all)
    }
}

/// The same once more by the edition that judged, on the results of both runs and what was known then.
struct RegressionReplay: Sendable {
    let receipt: RegressionReceipt
    let counts: RegressionCounts
    let assessed: AssessmentCounts
    let inputHash: Data

    /// - Parameters:
    ///   - counts: what the results of both runs come to, by the names of then (`RegressionReceipt.names`).
    ///   - differences: of them what fails and did not.
    ///   - editions: that there are.
    /// - Throws: `regressions.not_replayable`.
    init(
        _ receipt: RegressionReceipt, _ counts: RegressionCounts, _ differences: [TestDifference],
        among editions: [AssessmentEdition] = AssessmentEdition.released
    ) throws {
        guard let edition = AssessmentEdition.numbered(receipt.edition, among: editions) else {
            throw Fault.notReplayable("This release no longer has edition \(receipt.edition) of how failures are assessed.")
        }
        let kept = try receipt.known()
        let known = Dictionary(kept.failures.map { ($0.test, $0) }) { first, _ in first }
        let basis = RegressionReceipt.Basis(
            receipt.held, differences, by: edition, turns: known.compactMapValues(\.turn), judged: kept.judged, aliases: kept.aliases
        ) { known[$0.test]?.evidence }
        self.receipt = receipt
        self.counts = counts
        assessed = AssessmentCounts(basis.failures.map(\.assessed), of: counts.all)
        inputHash = RegressionReceipt.Basis.hash(of: try basis.encoded())
    }

    /// All of it comes to the same, each test's assessment and suspects included, and what is kept is what was kept then.
    var agrees: Bool {
        inputHash == receipt.inputHash && RegressionReceipt.Basis.hash(of: receipt.basis) == receipt.inputHash && counts == receipt.counts
            && assessed == receipt.assessed
    }
}

extension RegressionReceipt.Basis {
    /// - Parameters:
    ///   - turns: of tests of which that is kept.
    ///   - judged: the run; `nil` without any turns.
    init(
        _ held: HeldAgainst, _ differences: [TestDifference], by rules: AssessmentEdition = .current, turns: [ID<TestIdentity>: KnownTurn] = [:],
        judged: RegressionPoint? = nil, aliases: [JoinedTest]? = nil, evidence: (TestDifference) -> FailureEvidence?
    ) {
        edition = rules.number
        baseline = held.id
        run = held.run
        self.judged = judged
        self.aliases = aliases
        failures = differences.map { difference in
            let evidence = evidence(difference)
            let turn = turns[difference.test]
            let origin = turn.flatMap { turn in judged.map { RegressionOrigin(turn, in: $0, since: held.point) } }
            return Failure(
                test: difference.test, before: difference.base?.outcome.rawValue, evidence: evidence,
                assessed: RegressionAssessment(evidence, by: rules).kind, turn: turn, origin: origin)
        }
    }
}
