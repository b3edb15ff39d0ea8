import Foundation
import Primitives

/// What one test did on one day (UTC), altogether and on each branch: counted from its facts, never added to. Durations are those of executions that were
/// carried out; what was skipped took no time, whatever the report says.
struct TestDay: Sendable, Equatable {
    /// Branches of a day that are told apart: with more of them, what the test did on one is counted from its facts.
    static let mostBranches = 1_000

    private(set) var total = Rollup()
    /// By name; that of runs which named none is not kept, since nobody can ask for it.
    private(set) var branches: [String: Rollup] = [:]

    mutating func add(_ part: Rollup, on branch: String) {
        total.add(part)
        if !branch.isEmpty { branches[branch, default: Rollup()].add(part) }
    }
}

extension TestDay {
    private static let layout: UInt64 = 1

    /// Some 40 bytes a branch; `nil` when there are too many.
    var branchBytes: [UInt8]? {
        guard branches.count <= Self.mostBranches else { return nil }
        var writer = CompactWriter()
        writer.write(Self.layout)
        writer.write(branches.count)
        for (name, part) in branches.sorted(by: { $0.key < $1.key }) {
            writer.write(bytes: Array(name.utf8))
            for count in [part.tally.passed, part.tally.failed, part.tally.errored, part.tally.skipped, part.duration] { writer.write(count) }
            writer.write(bytes: part.durations.bytes)
        }
        return writer.bytes
    }

    /// What `branchBytes` wrote.
    /// - Throws: `trends.unknown_test_day`, which means that a newer release wrote them.
    static func branches(bytes: [UInt8]) throws(Fault) -> [String: Rollup] {
        var reader = CompactReader(bytes)
        guard reader.unsigned() == layout, let size = reader.unsigned(), size <= mostBranches else { throw .unknownTestDay }
        var branches: [String: Rollup] = [:]
        for _ in 0..<size {
            guard let name = reader.sequence(), let passed = reader.signed(), let failed = reader.signed(), let errored = reader.signed(),
                let skipped = reader.signed(), let duration = reader.signed(), let stored = reader.sequence(),
                let durations = DurationHistogram(bytes: stored)
            else { throw .unknownTestDay }
            branches[String(decoding: name, as: UTF8.self)] = Rollup(
                tally: Tally(passed: passed, failed: failed, errored: errored, skipped: skipped), duration: duration, durations: durations)
        }
        guard reader.isAtEnd else { throw .unknownTestDay }
        return branches
    }
}
