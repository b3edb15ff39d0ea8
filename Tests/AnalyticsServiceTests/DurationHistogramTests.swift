import Foundation
import Testing

@testable import AnalyticsService

@Suite struct DurationHistogramTests {
    private static func values(_ count: Int, seed: UInt64) -> [Int64] {
        var random = SplitMix(seed: seed)
        return (0..<count).map { _ in Int64(exp(Double.random(in: 0...28, using: &random))) - 1 }
    }

    private static func histogram(_ values: [Int64]) -> DurationHistogram {
        values.reduce(into: DurationHistogram()) { $0.record($1) }
    }

    @Test("a percentile is at most 1 in 128 above the true one, and never below", arguments: 1...10 as ClosedRange<UInt64>)
    func percentiles(seed: UInt64) throws {
        let values = Self.values(3000, seed: seed)
        let histogram = Self.histogram(values)
        let sorted = values.sorted()
        for percent in [0, 0.1, 1, 25, 50, 75, 90, 95, 99, 99.9, 100] {
            let truth = sorted[max(1, Int((percent / 100 * 3000).rounded(.up))) - 1]
            let told = try #require(histogram.percentile(percent))
            #expect(told >= truth && Double(told) <= Double(truth) * (1 + 1 / 128) + 1, "\(percent): \(told) for \(truth)")
        }
        #expect(histogram.minimum == sorted.first && histogram.maximum == sorted.last && histogram.count == 3000)
    }

    @Test("parts merge to exactly the whole, in any order and grouping", arguments: 1...10 as ClosedRange<UInt64>)
    func merging(seed: UInt64) {
        var random = SplitMix(seed: seed)
        let values = Self.values(1000, seed: seed)
        let parts = stride(from: 0, to: 1000, by: 90).map { Self.histogram(Array(values[$0..<min($0 + 90, 1000)])) }
        let whole = Self.histogram(values)
        for _ in 0..<5 {
            var (left, right) = (DurationHistogram(), DurationHistogram())
            for part in parts.shuffled(using: &random) { if Bool.random(using: &random) { left.merge(part) } else { right.merge(part) } }
            left.merge(right)
            #expect(left == whole)
        }
    }

    @Test("what is taken back is gone to the bucket, and what was never there is left out", arguments: 1...10 as ClosedRange<UInt64>)
    func subtracting(seed: UInt64) throws {
        let values = Self.values(600, seed: seed)
        let (one, other) = (Self.histogram(Array(values.prefix(400))), Self.histogram(Array(values.suffix(200))))
        var whole = one
        whole.merge(other)
        whole.subtract(other)
        #expect(whole.buckets == one.buckets && whole.count == 400 && whole.sum == one.sum)
        #expect(DurationHistogram(bytes: whole.bytes) == whole)
        let (shortest, longest) = (try #require(whole.minimum), try #require(whole.maximum))
        let (least, most) = (try #require(one.minimum), try #require(one.maximum))
        #expect(shortest <= least && longest >= most && Double(longest) <= Double(most) * (1 + 1 / 128) + 1)
        whole.subtract(Self.histogram([DurationHistogram.longest]))
        #expect(whole.buckets == one.buckets)
        whole.subtract(one)
        #expect(whole == DurationHistogram())
    }

    @Test("what cannot be a duration is counted at the end of the scale")
    func ends() {
        var histogram = DurationHistogram()
        histogram.record(-5)
        histogram.record(.max)
        #expect(histogram.minimum == 0 && histogram.maximum == DurationHistogram.longest)
        #expect(histogram.percentile(100) == DurationHistogram.longest)
        #expect(DurationHistogram().percentile(50) == nil)
    }

    @Test("bytes give the same histogram back, are short, and nothing else is taken for one")
    func bytes() {
        for values in [[], [0], [42, 42, 42], Self.values(2000, seed: 4)] as [[Int64]] {
            let histogram = Self.histogram(values)
            let bytes = histogram.bytes
            #expect(DurationHistogram(bytes: bytes) == histogram)
            for length in 0..<bytes.count { #expect(DurationHistogram(bytes: Array(bytes.prefix(length))) == nil) }
        }
        // A test that takes about 200 ms.
        var random = SplitMix(seed: 1)
        let usual = Self.histogram((0..<10_000).map { _ in Int64.random(in: 150_000...300_000, using: &random) })
        #expect(usual.bytes.count < 500)
    }

    @Test("how many took longer than so many is counted by buckets: exact where each value has its own, and without what shares a bucket above")
    func above() {
        var histogram = DurationHistogram()
        for value in [Int64(0), 5, 5, 100, 255, 10_000, 10_010, 2_000_000] { histogram.record(value) }
        #expect([-1, 0, 4, 5, 100, 255].map { histogram.count(above: $0) } == [7, 7, 7, 5, 4, 3])
        #expect(histogram.count(above: 9_000) == 3 && histogram.count(above: 10_000) == 1 && histogram.count(above: .max) == 0)
    }
}
