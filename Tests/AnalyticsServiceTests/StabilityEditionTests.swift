import Foundation
import Primitives
import Testing

@testable import AnalyticsService

/// Receipts outlive the numbers that verdicts are reached with.
@Suite struct StabilityEditionTests {
    /// Hardly any test is flaky.
    private var other: StabilityModel {
        var model = StabilityModel.current
        model.edition = 99
        model.flaky = 1e-30
        return model
    }

    private func lines(_ history: String) -> [TestLine] {
        var lines = TestLines()
        lines.record(Histories.of(history), branch: "main", environment: "", at: Date(timeIntervalSince1970: 1_790_000_000))
        return lines.ordered()
    }

    @Test("a receipt is replayed by the model that it names, whatever is the current one")
    func named() throws {
        let (lines, models) = (lines("PPFPPFFPFPPP"), StabilityModel.editions + [other])
        let (known, made) = (StabilityReceipt(lines), StabilityReceipt(lines, by: other))
        #expect(known.model == 3 && made.model == 99 && known.inputHash == made.inputHash)
        let replay = try StabilityReplay(known, lines, among: models)
        #expect(replay.agrees && replay.again.kind == .flaky)
        let again = try StabilityReplay(made, lines, among: models)
        #expect(again.agrees && again.again.kind == .stable)
        // Under the number of another model it is not what that one says.
        let mixed = StabilityReceipt(stability: made.stability, model: known.model, inputHash: made.inputHash)
        #expect(try !StabilityReplay(mixed, lines, among: models).agrees)
    }

    @Test("what this release has no model of cannot be replayed", arguments: [0, 1, 4, 99] as [Int32])
    func unknown(edition: Int32) {
        let lines = lines("PPFPPFFPFPPP")
        let receipt = StabilityReceipt(stability: StabilityReceipt(lines).stability, model: edition, inputHash: StabilityReceipt.hash(of: lines))
        let fault = #expect(throws: Fault.self) { try StabilityReplay(receipt, lines) }
        #expect(fault?.code == "stability.not_replayable" && fault?.kind == .precondition)
    }

    @Test("an edition keeps its numbers for good: receipts were reached with them")
    func kept() {
        var expected = StabilityModel(
            edition: 2, flaky: 0.1, rateAlpha: 0.2, rateBeta: 1, breakage: 0.001, bornBroken: 0.05, outage: 0.00002, bornInOutage: 0.0002,
            outageEndsAtOnce: 0.02, outageEndsBetweenAttempts: 0.01, untoldCommit: 0.1, turn: 0.0001, alikeWithinCause: 0.9, alikeAcrossCauses: 0.1,
            alikeWhenFlaky: 0.6, messagePairs: 10, fewestResults: 3, leastConfidence: 0.55, looksElsewhere: false)
        #expect(StabilityModel.of(edition: 2) == expected)
        (expected.edition, expected.looksElsewhere) = (3, true)
        #expect(StabilityModel.of(edition: 3) == expected)
    }

    @Test("of a test with one branch the third edition says what the second said", arguments: 1...40 as ClosedRange<UInt64>)
    func oneBranch(seed: UInt64) {
        var random = SplitMix(seed: seed)
        for _ in 0..<25 {
            let results = Histories.random(
                runs: Int.random(in: 0...200, using: &random), failing: [0, 0.01, 0.05, 0.3, 0.7, 1].randomElement(using: &random) ?? 0,
                commitLength: Int.random(in: 1...20, using: &random), using: &random)
            var lines = TestLines()
            for result in results {
                lines.record([result], branch: "main", environment: "", at: Date(timeIntervalSince1970: Double(result.at) / 1_000))
            }
            let known = lines.ordered()
            let second = StabilityVerdict(known.map(\.state), model: .second)
            #expect(StabilityVerdict(known.map(\.state), model: .third) == second && known.allSatisfy { $0.state.endedElsewhere == 0 })
            // As branches do that have no commit in common, and pass at last.
            var other = TestLine(branch: "other", environment: "")
            other.state = StabilityState(Histories.of("PF|P", commits: false))
            let both = known + [other]
            let verdicts = StabilityModel.editions.map { StabilityVerdict(both.map(\.state), model: $0) }
            #expect(verdicts.allSatisfy { $0 == verdicts[0] })
        }
    }

    @Test("editions are numbered upwards to the current one, and none asks for more messages than are kept")
    func numbered() {
        let numbers = StabilityModel.editions.map(\.edition)
        #expect(numbers == Set(numbers).sorted() && numbers.last == StabilityModel.current.edition)
        #expect(StabilityModel.editions.allSatisfy { $0.messagePairs < FailureMessages.limit })
        #expect(StabilityModel.of(edition: 1) == nil)
    }
}
