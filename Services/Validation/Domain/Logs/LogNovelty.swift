import Crypto
import Foundation
import Primitives

/// How it is told which patterns of a run are new, and from what: nothing of an answer is kept, so it says enough to be worked out again.
enum LogNovelty {
    /// Of the way in which it is told (`RunLogPattern.of`); to be raised with it.
    static let edition: Int32 = 1

    /// SHA-256 of all that decides: the runs, which of the patterns they have, and, where they said more than is kept of them, since when the project
    /// knows each of them. A line each, in an order that is always the same.
    static func hash(
        _ lines: [RunLogLine], against runs: [ID<Run>], having compared: [SignatureID: Int64], areWhole: Bool, startedAt: Date
    ) -> Data {
        var hash = SHA256()
        func add(_ line: String) { hash.update(data: Data("\(line)\n".utf8)) }
        for run in runs.sorted() { add("\(run)") }
        add(areWhole ? "whole" : "in part, since \(microseconds(startedAt))")
        let patterns = Dictionary(grouping: lines) { ID<LogPattern>(uuid: $0.pattern.uuid) }
        for (pattern, members) in patterns.sorted(by: { $0.key < $1.key }) {
            let known = areWhole ? nil : members.compactMap(\.firstSeen).min().map(microseconds)
            add("\(pattern) \(compared[members[0].pattern, default: 0]) \(known.map { "\($0)" } ?? "")")
        }
        return Data(hash.finalize())
    }

    /// Since 1970, as PostgreSQL keeps times.
    private static func microseconds(_ time: Date) -> Int64 { Int64((time.timeIntervalSince1970 * 1_000_000).rounded()) }
}
