import Foundation

/// Reads what Analytics keeps in compact bytes, by what is written down of their layout and not by the code that wrote them: LEB128 numbers, signed ones folded.
struct KeptBytes {
    struct Malformed: Error {}

    private let bytes: [UInt8]
    private var place = 0

    init(_ data: Data) { bytes = Array(data) }

    var isAtEnd: Bool { place == bytes.count }

    mutating func number() throws -> Int64 {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 64, by: 7) {
            guard place < bytes.count else { throw Malformed() }
            let byte = bytes[place]
            place += 1
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return Int64(bitPattern: value) }
        }
        throw Malformed()
    }

    mutating func signed() throws -> Int64 {
        let folded = UInt64(bitPattern: try number())
        return Int64(bitPattern: folded >> 1) ^ -Int64(bitPattern: folded & 1)
    }

    mutating func id() throws -> UUID {
        guard bytes.count - place >= 16 else { throw Malformed() }
        defer { place += 16 }
        return bytes[place..<place + 16].withUnsafeBytes { UUID(uuid: $0.loadUnaligned(as: uuid_t.self)) }
    }
}

/// A histogram of durations: how many there are in each bucket, their sum, the shortest and the longest.
struct KeptDurations: Equatable {
    private var buckets: [Int: Int64] = [:]
    private var sum: Int64 = 0
    private var shortest: Int64 = 0
    private var longest: Int64 = 0

    /// Counted anew. Up to 255 µs each value has a bucket, above that each doubling has 128.
    init(_ durations: [Int64]) {
        for duration in durations {
            let value = min(max(0, duration), 1 << 42 - 1)
            let shift = max(0, 63 - value.leadingZeroBitCount - 7)
            buckets[shift << 7 + Int(value >> Int64(shift)), default: 0] += 1
            sum += value
        }
        shortest = durations.min() ?? 0
        longest = durations.max() ?? 0
    }

    init(kept: Data) throws {
        var reader = KeptBytes(kept)
        guard try reader.number() == 1 else { throw KeptBytes.Malformed() }
        var index = 0
        for _ in 0..<(try reader.number()) {
            index += Int(try reader.number())
            buckets[index] = try reader.number()
        }
        sum = try reader.number()
        shortest = try reader.signed()
        longest = try reader.signed()
        guard reader.isAtEnd else { throw KeptBytes.Malformed() }
    }
}

/// What one test did in a set and week: passed, failed or errored, skipped, and of those that passed and were timed how many, the sum of their logarithms and that
/// of the squares.
struct KeptTest: Equatable {
    private(set) var numbers: [Int64] = Array(repeating: 0, count: 6)

    init(_ numbers: [Int64]) { self.numbers = numbers }

    /// The parts of one sheet, added up.
    static func read(_ parts: [Data]) throws -> [UUID: KeptTest] {
        var tests: [UUID: KeptTest] = [:]
        for part in parts {
            var reader = KeptBytes(part)
            guard try reader.number() == 1 else { throw KeptBytes.Malformed() }
            for _ in 0..<(try reader.number()) {
                let id = try reader.id()
                let numbers = try (0..<6).map { _ in try reader.number() }
                tests[id] = KeptTest(zip(numbers, tests[id]?.numbers ?? Array(repeating: 0, count: 6)).map { $0 + $1 })
            }
            guard reader.isAtEnd else { throw KeptBytes.Malformed() }
        }
        return tests
    }
}
