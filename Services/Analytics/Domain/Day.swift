import Foundation
import Primitives

/// What one project did on one day (UTC).
struct Day: Sendable, Equatable {
    /// `2026-03-01`
    let day: String
    var runs: Int64 = 0
    var runsPassed: Int64 = 0
    var tally = Tally()
    /// Of its failed and errored: put down to incidents that stand.
    var environmental: Int64 = 0
    /// Of a tag: what in the whole project is put down to incidents and counted under no tag, because those of its run were not kept. 0 where `environmental` is
    /// all of it.
    var untagged: Int64 = 0
    var flips: Int64 = 0
    /// Microseconds: the sum over its tests.
    var duration: Int64 = 0
    /// Of all its tests' executions.
    var durations = DurationHistogram()

    mutating func add(_ other: Day) {
        runs += other.runs
        runsPassed += other.runsPassed
        tally.add(other.tally)
        environmental += other.environmental
        untagged += other.untagged
        flips += other.flips
        duration += other.duration
        durations.merge(other.durations)
    }

    /// What says something of the tests.
    var telling: Tally { tally.without(environmental: environmental) }
}

/// How many days a trend shows, ending today.
struct TrendLength: Sendable {
    static let limit = 400
    let days: Int

    /// - Parameter days: 0 means not given.
    /// - Throws: `trends.out_of_range` for more than 400 (T35).
    init(days: Int32) throws(Fault) {
        guard (0...Int32(Self.limit)).contains(days) else {
            let detail = "days must be between 1 and \(Self.limit)."
            throw Fault(.invalid, "trends.out_of_range", detail, fields: [.init("days", "out_of_range", detail)])
        }
        self.days = days == 0 ? 30 : Int(days)
    }
}

extension [Day] {
    /// Days on which nothing ran are days too: without them a chart would lie about time.
    func filled(length: Int, until last: Date) -> [Day] {
        let known = Dictionary(map { ($0.day, $0) }, uniquingKeysWith: { first, _ in first })
        return (0..<length).reversed().map { ago in
            let name = Date(timeIntervalSince1970: last.timeIntervalSince1970 - Double(ago) * 86_400).formatted(.iso8601.year().month().day())
            return known[name] ?? Day(day: name)
        }
    }
}
