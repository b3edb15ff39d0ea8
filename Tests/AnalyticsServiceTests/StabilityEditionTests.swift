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
        #expect(known.model == 2 && made.model == 99 && known.inputHash == made.inputHash)
        let replay = try StabilityReplay(known, lines, among: models)
        #expect(replay.agrees && replay.again.kind == .flaky)
        let again = try StabilityReplay(made, lines, among: models)
        #expect(again.agrees && again.again.kind == .stable)
        // Under the number of another model it is not what that one says.
        let mixed = StabilityReceipt(stability: made.stability, model: known.model, inputHash: made.inputHash)
        #expect(try !StabilityReplay(mixed, lines, among: models).agrees)
    }

    @Test("what this release has no model of cannot be replayed", arguments: [0, 1, 3, 99] as [Int32])
    func unknown(edition: Int32) {
        let lines = lines("PPFPPFFPFPPP")
        let receipt = StabilityReceipt(stability: StabilityReceipt(lines).stability, model: edition, inputHash: StabilityReceipt.hash(of: lines))
        let fault = #expect(throws: Fault.self) { try StabilityReplay(receipt, lines) }
        #expect(fault?.code == "stability.not_replayable" && fault?.kind == .precondition)
    }

    @Test("an edition keeps its numbers for good: receipts were reached with them")
    func kept() {
        let second = StabilityModel(
            edition: 2, flaky: 0.1, rateAlpha: 0.2, rateBeta: 1, breakage: 0.001, bornBroken: 0.05, outage: 0.00002, bornInOutage: 0.0002,
            outageEndsAtOnce: 0.02, outageEndsBetweenAttempts: 0.01, untoldCommit: 0.1, turn: 0.0001, alikeWithinCause: 0.9, alikeAcrossCauses: 0.1,
            alikeWhenFlaky: 0.6, messagePairs: 10, fewestResults: 3, leastConfidence: 0.55)
        #expect(StabilityModel.of(edition: 2) == second)
    }

    @Test("editions are numbered upwards to the current one, and none asks for more messages than are kept")
    func numbered() {
        let numbers = StabilityModel.editions.map(\.edition)
        #expect(numbers == Set(numbers).sorted() && numbers.last == StabilityModel.current.edition)
        #expect(StabilityModel.editions.allSatisfy { $0.messagePairs < FailureMessages.limit })
        #expect(StabilityModel.of(edition: 1) == nil)
    }
}
