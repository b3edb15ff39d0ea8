import Foundation
import Testing

@testable import AnalyticsService

@Suite struct ChangePointTests {
    /// Log-normal durations, as those of tests are, one in fifty three times as long.
    private static func durations(_ levels: [(count: Int, median: Double)], seed: UInt64) -> [Double] {
        var random = SplitMix(seed: seed)
        return levels.flatMap { level in
            (0..<level.count).map { _ in
                let length = sqrt(-2 * log(Double.random(in: .ulpOfOne..<1, using: &random)))
                let normal = length * cos(2 * .pi * Double.random(in: 0..<1, using: &random))
                return level.median * exp(0.2 * normal) * (Int.random(in: 0..<50, using: &random) == 0 ? 3 : 1)
            }
        }
    }

    private static func rates(_ levels: [(count: Int, rate: Double)], tests: Int, seed: UInt64) -> [(passed: Int, all: Int)] {
        var random = SplitMix(seed: seed)
        return levels.flatMap { level in
            (0..<level.count).map { _ in (passed: (0..<tests).count { _ in Double.random(in: 0..<1, using: &random) < level.rate }, all: tests) }
        }
    }

    @Test("durations that go to another level are found where they do, and named by their medians", arguments: 1...10 as ClosedRange<UInt64>)
    func durations(seed: UInt64) throws {
        let changes = ChangePoints.inDurations(Self.durations([(150, 100), (100, 140), (150, 80)], seed: seed))
        try #require(changes.count == 2)
        #expect(abs(changes[0].index - 150) <= 8 && abs(changes[1].index - 250) <= 5)
        #expect(abs(changes[0].before - 100) < 8 && abs(changes[0].after - 140) < 11 && abs(changes[1].after - 80) < 7)
        #expect(changes.allSatisfy { $0.gain > 0 })
    }

    @Test("durations that scatter about one level have no change, slow runs among them or not, but for one series of 50")
    func steady() {
        let found = (1...50 as ClosedRange<UInt64>).count { !ChangePoints.inDurations(Self.durations([(150, 100)], seed: $0)).isEmpty }
        #expect(found <= 1)
    }

    @Test("a pass rate that falls and rises again is found", arguments: 1...10 as ClosedRange<UInt64>)
    func rates(seed: UInt64) throws {
        let changes = ChangePoints.inPassRates(Self.rates([(40, 0.99), (20, 0.9), (30, 0.99)], tests: 200, seed: seed))
        try #require(changes.count == 2)
        #expect(abs(changes[0].index - 40) <= 1 && abs(changes[1].index - 60) <= 1)
        #expect(changes[0].before > 0.98 && abs(changes[0].after - 0.9) < 0.02)
    }

    @Test("one bad run is no level, and a steady rate has no change, but for one series of 50")
    func steadyRates() {
        let found = (1...50 as ClosedRange<UInt64>).count { seed in
            var rates = Self.rates([(90, 0.97)], tests: 200, seed: seed)
            rates[Int(seed) % 80 + 5] = (passed: 60, all: 200)
            return !ChangePoints.inPassRates(rates).isEmpty
        }
        #expect(found <= 1)
    }

    @Test("short, constant and empty series have none, and of a long one the newest points are looked at")
    func edges() {
        #expect(ChangePoints.inDurations([]).isEmpty)
        #expect(ChangePoints.inDurations([1, 2, 3]).isEmpty)
        #expect(ChangePoints.inDurations([Double](repeating: 5, count: 100)).isEmpty)
        #expect(ChangePoints.inPassRates([]).isEmpty)
        #expect(ChangePoints.inPassRates([(passed: Int, all: Int)](repeating: (0, 0), count: 30)).isEmpty)
        let levels = (0..<10).map { (count: 500, rate: $0 % 2 == 0 ? 0.9 : 0.5) }
        let changes = ChangePoints.inPassRates(Self.rates(levels, tests: 10, seed: 1))
        #expect(changes.count == 8)
        #expect(zip(changes, stride(from: 1000, to: 5000, by: 500)).allSatisfy { abs($0.index - $1) <= 8 })
    }

    @Test("pruning changes nothing: the levels are those of the full search")
    func exact() {
        for seed in 1...20 as ClosedRange<UInt64> {
            let points = Self.durations([(20, 100), (15, 150), (25, 90)], seed: seed)
            let cost = DistributionCost(points)
            let penalty = 3 * log(Double(points.count))
            let search = LevelSearch(count: points.count, penalty: penalty, shortest: 5, cost: cost.of)
            // Every place of the last change, by recursion without pruning.
            var least = [Double](repeating: .infinity, count: points.count + 1)
            least[0] = -penalty
            for end in 5...points.count {
                for begin in [0] + (end >= 10 ? Array(5...(end - 5)) : []) {
                    least[end] = min(least[end], least[begin] + cost.of(begin, end) + penalty)
                }
            }
            let places = [0] + search.changes + [points.count]
            let found = zip(places, places.dropFirst()).reduce(-penalty) { $0 + cost.of($1.0, $1.1) + penalty }
            #expect(abs(found - least[points.count]) < 1e-9)
        }
    }
}
