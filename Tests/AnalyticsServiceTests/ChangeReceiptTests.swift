import Foundation
import Primitives
import Testing

@testable import AnalyticsService

/// Changes are told when somebody asks; whether the same was looked at is told with them.
@Suite struct ChangeReceiptTests {
    /// Four weeks, of which the second half fails more and takes twice as long.
    private static func days(seed: UInt64) -> [Day] {
        var random = SplitMix(seed: seed)
        return (1...28).map { number in
            var durations = DurationHistogram()
            for _ in 0..<20 { durations.record(Int64.random(in: 1_000...1_200, using: &random) * (number > 14 ? 2 : 1)) }
            let failed = Int64.random(in: 0...3, using: &random) + (number > 14 ? 40 : 0)
            return Day(
                day: "2026-02-\(number < 10 ? "0" : "")\(number)", runs: 1, tally: AnalyticsService.Tally(passed: 200 - failed, failed: failed),
                durations: durations)
        }
    }

    @Test("the same days have the same hash and the same changes", arguments: 1...10 as ClosedRange<UInt64>)
    func same(seed: UInt64) {
        let (one, other) = (Self.days(seed: seed), Self.days(seed: seed))
        let changes = TrendChange.all(in: one)
        // Medians of twenty scatter, so theirs may be found some days beside.
        #expect(changes.contains { $0.figure == .passRate && $0.day == "2026-02-15" })
        #expect(changes.contains { $0.figure == .duration && ("2026-02-13"..."2026-02-17").contains($0.day) })
        #expect(TrendChange.all(in: other) == changes && TrendChange.inputHash(of: other) == TrendChange.inputHash(of: one))
    }

    @Test("any one value that is looked at makes another hash, and what is not looked at does not", arguments: 1...10 as ClosedRange<UInt64>)
    func altered(seed: UInt64) {
        var random = SplitMix(seed: seed)
        let days = Self.days(seed: seed)
        let hash = TrendChange.inputHash(of: days)
        let place = Int.random(in: days.indices, using: &random)
        func hashed(_ change: (inout Day) -> Void) -> UInt64 {
            var other = days
            change(&other[place])
            return TrendChange.inputHash(of: other)
        }
        #expect(hashed { $0.tally.passed += 1 } != hash)
        #expect(hashed { ($0.tally.passed, $0.tally.failed) = ($0.tally.passed - 1, $0.tally.failed + 1) } != hash)
        #expect(hashed { ($0.tally.failed, $0.environmental) = ($0.tally.failed + 1, 0) } != hash)
        #expect(hashed { $0.durations.merge($0.durations.shifted) } != hash)
        #expect(hashed { $0 = Day(day: "2026-03-01", tally: $0.tally, durations: $0.durations) } != hash)
        #expect(TrendChange.inputHash(of: Array(days[..<place] + days[(place + 1)...])) != hash)
        // A failure of an ill environment is as if it had not been.
        #expect(hashed { ($0.tally.failed, $0.environmental) = ($0.tally.failed + 1, 1) } == hash)
        #expect(hashed { ($0.runs, $0.flips, $0.duration) = (9, 9, 9) } == hash)
        #expect(TrendChange.inputHash(of: days + [Day(day: "2026-03-01", runs: 1)]) == hash)
        #expect(TrendChange.inputHash(of: []) == 0)
    }

    @Test("the same executions have the same hash and the same changes; another duration, or another execution, has another hash")
    func executions() {
        var random = SplitMix(seed: 1)
        let newest = (0..<60).map { index in
            Execution(
                result: .new(), run: .new(), outcome: .passed, duration: Int64.random(in: 1_000...1_200, using: &random) * (index < 30 ? 2 : 1),
                branch: "main", commit: "c", executedAt: Date(timeIntervalSince1970: 1_790_000_000 - Double(index) * 60))
        }
        func altered(_ place: Int, result: ID<AnalyticsService.Result>, outcome: Outcome = .passed, duration: Int64?) -> [Execution] {
            var other = newest
            other[place] = Execution(
                result: result, run: newest[place].run, outcome: outcome, duration: duration, branch: "main", commit: "c",
                executedAt: newest[place].executedAt)
            return other
        }
        func hash(_ newest: [Execution]) -> UInt64 { TimedExecutions(newest).series.inputHash }
        let timed = TimedExecutions(newest)
        let changes = timed.series.changes()
        #expect(changes.map(\.index) == [30] && timed.histogram.count == 60 && timed.executions.first?.result == newest[59].result)
        #expect(hash(newest) == timed.series.inputHash && TimedExecutions(newest).series.changes() == changes)
        let known = newest[7]
        #expect(hash(altered(7, result: known.result, duration: known.duration.map { $0 + 1 })) != hash(newest))
        #expect(hash(altered(7, result: .new(), duration: known.duration)) != hash(newest))
        // As if they were not there.
        let without = hash(Array(newest[..<7] + newest[8...]))
        #expect(without != hash(newest))
        #expect(hash(altered(7, result: known.result, duration: nil)) == without)
        #expect(hash(altered(7, result: known.result, outcome: .skipped, duration: known.duration)) == without)
    }
}

extension DurationHistogram {
    /// As many times as there are already, and one more, all of a minute: the median is another one.
    fileprivate var shifted: DurationHistogram {
        (0...count).reduce(into: DurationHistogram()) { longer, _ in longer.record(60_000_000) }
    }
}
