import Foundation
import Primitives

/// The sums of many tests: what a set of runs did, or a part of it. Sheets add up exactly. Kept by id, as they are stored: they are read, added up and written in
/// one pass, without looking tests up one by one.
struct TestSheet: Sendable, Equatable {
    struct Row: Sendable, Equatable {
        let test: ID<Test>
        var sums: TestSums
    }

    /// By id, each test once.
    private(set) var rows: [Row] = []

    var count: Int { rows.count }

    init() {}

    /// - Parameter rows: in any order, tests more than once.
    private init(unordered rows: [Row]) {
        self.rows.reserveCapacity(rows.count)
        for row in rows.sorted(by: { $0.test < $1.test }) { append(row) }
    }

    init(_ facts: some Sequence<Fact>) {
        self.init(
            unordered: facts.map { fact in
                var sums = TestSums()
                sums.add(fact)
                return Row(test: fact.test, sums: sums)
            })
    }

    subscript(test: ID<Test>) -> TestSums? {
        var places = rows.startIndex..<rows.endIndex
        while let first = places.first {
            let middle = first + places.count / 2
            if rows[middle].test == test { return rows[middle].sums }
            places = rows[middle].test < test ? middle + 1..<places.upperBound : first..<middle
        }
        return nil
    }

    mutating func add(_ other: TestSheet) {
        guard !rows.isEmpty else { return self = other }
        var sum = TestSheet()
        sum.rows.reserveCapacity(max(count, other.count))
        Self.pair(self, other) { test, left, right in
            var sums = left ?? TestSums()
            if let right { sums.add(right) }
            sum.rows.append(Row(test: test, sums: sums))
        }
        self = sum
    }

    /// Tests that are one with others are counted there.
    /// - Parameter aliases: the tests that others stand for, directly.
    func joined(by aliases: [ID<Test>: ID<Test>]) -> TestSheet {
        guard !aliases.isEmpty else { return self }
        return TestSheet(
            unordered: rows.map { row in
                var owner = row.test
                // A rename of a rename; more of them are a circle.
                for _ in 0..<Self.mostRenames { owner = aliases[owner] ?? owner }
                return Row(test: owner, sums: row.sums)
            })
    }

    private static let mostRenames = 8

    /// Every test of two sheets, by id, with what either has of it.
    static func pair(_ left: TestSheet, _ right: TestSheet, _ body: (ID<Test>, TestSums?, TestSums?) -> Void) {
        var (l, r) = (0, 0)
        while l < left.count || r < right.count {
            if r == right.count || l < left.count && left.rows[l].test < right.rows[r].test {
                body(left.rows[l].test, left.rows[l].sums, nil)
                l += 1
            } else if l == left.count || right.rows[r].test < left.rows[l].test {
                body(right.rows[r].test, nil, right.rows[r].sums)
                r += 1
            } else {
                body(left.rows[l].test, left.rows[l].sums, right.rows[r].sums)
                (l, r) = (l + 1, r + 1)
            }
        }
    }

    /// - Parameter row: of the last test, or one behind it.
    private mutating func append(_ row: Row) {
        if let last = rows.indices.last, rows[last].test == row.test { rows[last].sums.add(row.sums) } else { rows.append(row) }
    }
}

extension TestSheet {
    /// All of it: sheets that differ in anything add something else.
    func add(to hash: inout NumberHash) {
        hash.add(UInt64(count))
        for row in rows {
            let (id, sums) = (row.test.words, row.sums)
            hash.add(id.high)
            hash.add(id.low)
            hash.add(sums.passed)
            hash.add(sums.failed)
            hash.add(sums.skipped)
            hash.add(sums.timed)
            hash.add(sums.logs)
            hash.add(sums.squares)
        }
    }
}

extension ID where Subject == Test {
    /// Both halves of it.
    fileprivate var words: (high: UInt64, low: UInt64) {
        withUnsafeBytes(of: uuid.uuid) { bytes in
            (
                UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 0, as: UInt64.self)),
                UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
            )
        }
    }
}

extension TestSheet {
    private static let layout: UInt64 = 1
    /// Bytes that a test takes at least: its id and six numbers.
    private static let fewestBytes = 22
    /// Mostly.
    private static let usualBytes = 32

    /// Some 30 bytes a test, by id.
    var bytes: [UInt8] {
        var writer = CompactWriter()
        writer.reserve(count * Self.usualBytes)
        writer.write(Self.layout)
        writer.write(count)
        for row in rows {
            let (id, sums) = (row.test.uuid.uuid, row.sums)
            withUnsafeBytes(of: id) { bytes in
                writer.write(hash: bytes.loadUnaligned(fromByteOffset: 0, as: UInt64.self))
                writer.write(hash: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
            }
            func write(_ number: Int64) { writer.write(UInt64(max(0, number))) }
            write(sums.passed)
            write(sums.failed)
            write(sums.skipped)
            write(sums.timed)
            write(sums.logs)
            write(sums.squares)
        }
        return writer.bytes
    }

    /// `nil` for what `bytes` did not write.
    init?(bytes: [UInt8]) {
        var reader = CompactReader(bytes)
        guard reader.unsigned() == Self.layout, let size = reader.unsigned(), size <= bytes.count / Self.fewestBytes else { return nil }
        rows.reserveCapacity(Int(size))
        for _ in 0..<size {
            guard let high = reader.hash(), let low = reader.hash() else { return nil }
            var id: uuid_t = (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
            withUnsafeMutableBytes(of: &id) { bytes in
                bytes.storeBytes(of: high, toByteOffset: 0, as: UInt64.self)
                bytes.storeBytes(of: low, toByteOffset: 8, as: UInt64.self)
            }
            func number() -> Int64? { reader.unsigned().flatMap { Int64(exactly: $0) } }
            guard let passed = number(), let failed = number(), let skipped = number(), let timed = number(), let logs = number(),
                let squares = number()
            else { return nil }
            let test = ID<Test>(uuid: UUID(uuid: id))
            guard rows.last.map({ $0.test < test }) ?? true else { return nil }
            rows.append(
                Row(test: test, sums: TestSums(passed: passed, failed: failed, skipped: skipped, timed: timed, logs: logs, squares: squares)))
        }
        guard reader.isAtEnd else { return nil }
    }
}
