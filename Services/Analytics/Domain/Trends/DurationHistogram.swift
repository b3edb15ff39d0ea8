/// How long something took, over many executions, in buckets that are the same everywhere: histograms of two days, or of two replicas, added up are exactly
/// the histogram of both. Values are microseconds; of a percentile at most 1 in 128 is lost, however long the durations are.
///
/// Log-linear buckets as of HdrHistogram (Gil Tene, hdrhistogram.org): up to 255 each value has its own, above that each doubling has 128. Only
/// buckets that hold something are kept, mostly some dozens.
package struct DurationHistogram: Sendable, Equatable {
    /// 2^42 µs are 51 days; what is longer counts as that, what is negative as 0.
    package static let longest: Int64 = 1 << 42 - 1
    /// Sub-buckets of a doubling, as a power of two.
    private static let precision = 7
    /// Buckets there are at all: what `bytes` may hold.
    static let bucketLimit = bucket(of: longest) + 1

    struct Bucket: Sendable, Equatable {
        let index: Int
        var count: UInt64
    }

    /// By index.
    private(set) var buckets: [Bucket] = []
    package private(set) var count: UInt64 = 0
    /// Exact, as `minimum` and `maximum` are.
    package private(set) var sum: UInt64 = 0
    package private(set) var minimum: Int64?
    package private(set) var maximum: Int64?

    package init() {}

    package var mean: Double? { count == 0 ? nil : Double(sum) / Double(count) }

    package mutating func record(_ microseconds: Int64) {
        let value = min(max(0, microseconds), Self.longest)
        add(1, to: Self.bucket(of: value))
        count += 1
        sum &+= UInt64(value)
        minimum = min(minimum ?? value, value)
        maximum = max(maximum ?? value, value)
    }

    /// Several that share a bucket.
    /// - Parameters:
    ///   - times: 1 at least.
    ///   - shortest: of them, as `longest`, from 0 to the longest there is.
    mutating func record(_ times: UInt64, from shortest: Int64, to longest: Int64, sum more: UInt64) {
        add(times, to: Self.bucket(of: shortest))
        count += times
        sum &+= more
        minimum = min(minimum ?? shortest, shortest)
        maximum = max(maximum ?? longest, longest)
    }

    /// The shortest duration of each doubling that is divided into buckets: how many of them a duration reaches is by how many bits its bucket is wide.
    static let doublings = (precision + 1...41).map { Int64(1) << Int64($0) }

    /// Both together, in any order and grouping.
    package mutating func merge(_ other: DurationHistogram) {
        var merged: [Bucket] = []
        merged.reserveCapacity(buckets.count + other.buckets.count)
        var (left, right) = (buckets[...], other.buckets[...])
        while let one = left.first, let two = right.first {
            if one.index <= two.index { left.removeFirst() }
            if two.index <= one.index { right.removeFirst() }
            merged.append(
                one.index == two.index ? Bucket(index: one.index, count: one.count + two.count) : one.index < two.index ? one : two)
        }
        buckets = merged + left + right
        count += other.count
        sum &+= other.sum
        minimum = [minimum, other.minimum].compactMap(\.self).min()
        maximum = [maximum, other.maximum].compactMap(\.self).max()
    }

    /// Takes back what was recorded. What is not there is left out. Shortest and longest are then known as exactly as a bucket is wide.
    package mutating func subtract(_ other: DurationHistogram) {
        let taken = Dictionary(uniqueKeysWithValues: other.buckets.map { ($0.index, $0.count) })
        buckets = buckets.compactMap { bucket in
            let rest = bucket.count - min(bucket.count, taken[bucket.index] ?? 0)
            return rest == 0 ? nil : Bucket(index: bucket.index, count: rest)
        }
        count = buckets.reduce(0) { $0 + $1.count }
        sum = count == 0 ? 0 : sum - min(sum, other.sum)
        if let shortest = minimum { minimum = buckets.first.map { Self.bucket(of: shortest) == $0.index ? shortest : Self.lowerEnd(of: $0.index) } }
        if let longest = maximum {
            maximum = buckets.last.map { Self.bucket(of: longest) == $0.index ? longest : min(Self.longest, Self.upperEnd(of: $0.index)) }
        }
    }

    /// The value that `percent` of the executions did not exceed (nearest rank): the upper end of its bucket, so that it is never told too short.
    /// - Parameter percent: 0…100; 0 is the shortest. `nil` when nothing was recorded.
    package func percentile(_ percent: Double) -> Int64? {
        guard let minimum, let maximum else { return nil }
        guard percent > 0 else { return minimum }
        let rank = max(1, UInt64((min(percent, 100) / 100 * Double(count)).rounded(.up)))
        var below: UInt64 = 0
        for bucket in buckets {
            below += bucket.count
            if below >= rank { return min(maximum, Self.upperEnd(of: bucket.index)) }
        }
        return maximum
    }

    /// How many took longer than so many microseconds, and more than 1 in 128 so: what shares its bucket did not.
    func count(above microseconds: Int64) -> UInt64 {
        let limit = Self.bucket(of: min(max(0, microseconds), Self.longest))
        return buckets.reduce(0) { $1.index > limit ? $0 + $1.count : $0 }
    }

    private mutating func add(_ more: UInt64, to index: Int) {
        var (low, high) = (0, buckets.count)
        while low < high {
            let middle = (low + high) / 2
            if buckets[middle].index < index { low = middle + 1 } else { high = middle }
        }
        if low < buckets.count, buckets[low].index == index {
            buckets[low].count += more
        } else {
            buckets.insert(Bucket(index: index, count: more), at: low)
        }
    }

    private static func bucket(of value: Int64) -> Int {
        let shift = max(0, 63 - value.leadingZeroBitCount - precision)
        return shift << precision + Int(value >> Int64(shift))
    }

    private static func lowerEnd(of index: Int) -> Int64 { index == 0 ? 0 : upperEnd(of: index - 1) + 1 }

    private static func upperEnd(of index: Int) -> Int64 {
        let shift = max(0, index >> precision - 1)
        return Int64(index - shift << precision + 1) << Int64(shift) - 1
    }
}

extension DurationHistogram {
    private static let layout: UInt64 = 1

    /// Some two bytes a bucket.
    package var bytes: [UInt8] {
        var writer = CompactWriter()
        writer.write(Self.layout)
        writer.write(buckets.count)
        var last = 0
        for bucket in buckets {
            writer.write(bucket.index - last)
            writer.write(bucket.count)
            last = bucket.index
        }
        writer.write(sum)
        writer.write(minimum ?? 0)
        writer.write(maximum ?? 0)
        return writer.bytes
    }

    /// `nil` for what `bytes` did not write.
    package init?(bytes: [UInt8]) {
        var reader = CompactReader(bytes)
        guard reader.unsigned() == Self.layout, let size = reader.unsigned(), size <= Self.bucketLimit else { return nil }
        var last = -1
        for position in 0..<size {
            guard let step = reader.unsigned(), let times = reader.unsigned(), times > 0, step <= Self.bucketLimit else { return nil }
            let index = max(0, last) + Int(step)
            let (total, overflow) = count.addingReportingOverflow(times)
            guard position == 0 || step > 0, index < Self.bucketLimit, !overflow else { return nil }
            buckets.append(Bucket(index: index, count: times))
            count = total
            last = index
        }
        guard let sum = reader.unsigned(), let shortest = reader.signed(), let longest = reader.signed(), reader.isAtEnd else { return nil }
        self.sum = sum
        guard let first = buckets.first, let end = buckets.last else { return }
        guard shortest >= 0, longest >= shortest, longest <= Self.longest, Self.bucket(of: shortest) == first.index,
            Self.bucket(of: longest) == end.index
        else { return nil }
        minimum = shortest
        maximum = longest
    }
}
