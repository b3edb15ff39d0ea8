import Foundation
import Primitives

/// The sums of many tests: what a set of runs did, or a part of it. Sheets add up exactly.
struct TestSheet: Sendable, Equatable {
    private(set) var sums: [ID<Test>: TestSums] = [:]

    var count: Int { sums.count }

    mutating func add(_ fact: Fact) { sums[fact.test, default: TestSums()].add(fact) }

    mutating func add(_ other: TestSheet) {
        sums.reserveCapacity(max(sums.count, other.sums.count))
        for (test, more) in other.sums { sums[test, default: TestSums()].add(more) }
    }

    /// Tests that are one with others are counted there.
    /// - Parameter aliases: the tests that others stand for, directly.
    func joined(by aliases: [ID<Test>: ID<Test>]) -> TestSheet {
        guard !aliases.isEmpty else { return self }
        var joined = TestSheet()
        joined.sums.reserveCapacity(sums.count)
        for (test, more) in sums {
            var owner = test
            // A rename of a rename; more of them are a circle.
            for _ in 0..<Self.mostRenames { owner = aliases[owner] ?? owner }
            joined.sums[owner, default: TestSums()].add(more)
        }
        return joined
    }

    private static let mostRenames = 8
}

extension TestSheet {
    private static let layout: UInt64 = 1
    /// Bytes that a test takes at least: its id and six numbers.
    private static let fewestBytes = 22

    /// Some 30 bytes a test, by id.
    var bytes: [UInt8] {
        var writer = CompactWriter()
        writer.write(Self.layout)
        writer.write(sums.count)
        for (test, sums) in sums.sorted(by: { $0.key < $1.key }) {
            let id = test.uuid.uuid
            withUnsafeBytes(of: id) { bytes in
                writer.write(hash: bytes.loadUnaligned(fromByteOffset: 0, as: UInt64.self))
                writer.write(hash: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
            }
            for number in [sums.passed, sums.failed, sums.skipped, sums.timed, sums.logs, sums.squares] { writer.write(UInt64(max(0, number))) }
        }
        return writer.bytes
    }

    /// `nil` for what `bytes` did not write.
    init?(bytes: [UInt8]) {
        var reader = CompactReader(bytes)
        guard reader.unsigned() == Self.layout, let size = reader.unsigned(), size <= bytes.count / Self.fewestBytes else { return nil }
        sums.reserveCapacity(Int(size))
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
            let test = TestSums(passed: passed, failed: failed, skipped: skipped, timed: timed, logs: logs, squares: squares)
            guard sums.updateValue(test, forKey: ID(uuid: UUID(uuid: id))) == nil else { return nil }
        }
        guard reader.isAtEnd else { return nil }
    }
}
