import Foundation
import Primitives
import Testing

@testable import AnalyticsService

@Suite struct StabilityStateTests {
    @Test("results that come late, up to sixteen newer ones, make the same state as results in order", arguments: 1...30 as ClosedRange<UInt64>)
    func order(seed: UInt64) {
        var random = SplitMix(seed: seed)
        let results = Histories.random(runs: 300, failing: 0.2, commitLength: 6, using: &random)
        // Each may overtake those before it, none by more than fifteen places.
        var late: [TestObservation] = []
        for block in stride(from: 0, to: results.count, by: 15) { late += results[block..<min(block + 15, results.count)].shuffled(using: &random) }
        #expect(StabilityState(late) == StabilityState(results))
    }

    @Test("within one commit of up to sixteen results any order makes the same state", arguments: 1...30 as ClosedRange<UInt64>)
    func withinCommit(seed: UInt64) {
        var random = SplitMix(seed: seed)
        let results = Histories.random(runs: 16, failing: 0.3, commitLength: 16, using: &random)
        #expect(StabilityState(results.shuffled(using: &random)) == StabilityState(results))
    }

    @Test("a result that comes twice counts once")
    func twice() {
        let results = Histories.of("PPFPP|PPP")
        #expect(StabilityState(results.flatMap { [$0, $0] }) == StabilityState(results))
    }

    @Test("untrusted results change nothing")
    func untrusted() {
        var state = StabilityState(Histories.of("PPPP"))
        let before = state
        state.record(TestObservation(at: 1_000_000, order: 99, commit: 1, passed: false, lane: .untrusted))
        #expect(state == before)
    }

    @Test("however late results come, all are counted and the verdict stays", arguments: 1...20 as ClosedRange<UInt64>)
    func anyOrder(seed: UInt64) {
        var random = SplitMix(seed: seed)
        let results = Histories.random(runs: 200, failing: 0.04, commitLength: 200, using: &random)
        let state = StabilityState(results.shuffled(using: &random))
        let stretches = state.allStretches.reduce(0) { $0 + Int($1.count) }
        #expect(stretches + Int(state.past.passes) + Int(state.past.failures) == 200)
        #expect(StabilityVerdict([state]).kind == StabilityVerdict([StabilityState(results)]).kind)
    }

    @Test(
        "a history that is imported behind the results of today gives the verdict that it would have given before them",
        arguments: 1...20 as ClosedRange<UInt64>)
    func imported(seed: UInt64) {
        var random = SplitMix(seed: seed)
        for (rate, commitLength) in [(0.0, 1), (0.02, 1), (0.02, 3), (0.1, 3), (0.3, 10)] {
            let results = Histories.random(runs: 300, failing: rate, commitLength: commitLength, using: &random)
            let inOrder = StabilityVerdict([StabilityState(results)]).kind
            let (past, today) = (results[..<180], results[180...])
            #expect(StabilityVerdict([StabilityState(Array(today + past))]).kind == inOrder)
            let reversed = StabilityState(Array(today) + past.reversed())
            #expect(reversed.allStretches.reduce(0) { $0 + Int($1.count) } + Int(reversed.past.passes) + Int(reversed.past.failures) <= 300)
            #expect(StabilityState(bytes: reversed.bytes, messages: reversed.messages.bytes) == reversed)
        }
        // One failure whose commit may well be the reason is no flake, whenever it becomes known.
        let once = Histories.of((0..<50).map { $0 == 20 ? "F" : "P" }.joined(separator: "|"))
        let since = Histories.of(String(repeating: "P|", count: 70)).dropFirst(50)
        #expect(StabilityVerdict([StabilityState(Array(since) + once)]).kind == StabilityVerdict([StabilityState(once + Array(since))]).kind)
    }

    @Test("an excused failure leaves nothing but its count, whether it is still kept by itself or settled", arguments: [3, 40])
    func excused(newer: Int) {
        let failing = TestObservation(at: 25_000, order: 1000, commit: 1, passed: false)
        let passes = (0..<20 + newer).map { TestObservation(at: Int64($0) * 1000 + 5000, order: UInt32($0), commit: 1, passed: true) }
        var state = StabilityState((passes + [failing]).sorted { ($0.at, $0.order) < ($1.at, $1.order) })
        #expect(state.allStretches.count == 3)
        let isExcused = state.excuse(at: 25_000, order: 1000)
        #expect(isExcused)
        #expect(state.allStretches.count == 1)
        #expect(state.allStretches[0].count == UInt32(passes.count))
        #expect(state.environmentFailures == 1)
        let isExcusedAgain = state.excuse(at: 25_000, order: 1000)
        #expect(!isExcusedAgain)
    }

    @Test("runs of two commits that overlap do not seem to go back and forth")
    func overlap() {
        // The older commit passes and the newer fails, in turns.
        let results = (0..<12).map { (run: Int) -> TestObservation in
            TestObservation(at: Int64(run), order: UInt32(run), commit: UInt64(run % 2 + 1), passed: run % 2 == 0)
        }
        let stretches = StabilityState(results).allStretches
        #expect(stretches.map(\.passed) == [true, false])
        #expect(StabilityVerdict([StabilityState(results)]).kind == .regressed)
    }

    @Test("the state is bounded, whatever happens")
    func bounded() {
        var random = SplitMix(seed: 5)
        var state = StabilityState()
        for run in 0..<20_000 {
            state.record(
                TestObservation(
                    at: Int64(run) * 1_700_000_000, order: UInt32.random(in: 0 ... .max, using: &random), commit: random.next(),
                    passed: Bool.random(using: &random),
                    attempt: UInt8.random(in: 0...255, using: &random), fingerprint: random.next()))
        }
        #expect(state.stretches.count <= StabilityState.stretchLimit)
        #expect(state.loose.count <= StabilityState.looseLimit)
        #expect(state.bytes.count < 2048)
    }

    @Test("bytes give the same state back, and nothing else is taken for one", arguments: 1...20 as ClosedRange<UInt64>)
    func bytes(seed: UInt64) {
        var random = SplitMix(seed: seed)
        let results = Histories.random(runs: Int.random(in: 0...400, using: &random), failing: 0.3, commitLength: 3, using: &random)
        var state = StabilityState(results)
        state.record(TestObservation(at: 7, order: 7, commit: 7, passed: false, isEnvironmental: true))
        state.endedElsewhere = [0, results.last?.commit ?? 0, 1_000_000].randomElement(using: &random) ?? 0
        let bytes = state.bytes
        #expect(StabilityState(bytes: bytes, messages: state.messages.bytes) == state)
        for length in 0..<bytes.count { #expect(StabilityState(bytes: Array(bytes.prefix(length))) == nil) }
        for _ in 0..<200 {
            var damaged = bytes
            damaged[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            _ = StabilityState(bytes: damaged)
        }
    }
}
