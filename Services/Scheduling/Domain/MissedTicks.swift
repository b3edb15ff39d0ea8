import Foundation

/// What to do with the ticks of a schedule that is due: the latest fires, earlier ones that nobody was there to fire are skipped on the record.
struct MissedTicks: Equatable, Sendable {
    /// More than this many skipped ticks are not recorded one by one: a month away from an every-minute schedule is 43,200 rows.
    static let maxRecorded = 100

    let fire: Date
    let skipped: [Date]
    /// `nil` when the timetable has come to its end.
    let next: Date?

    /// - Parameter due: the schedule's `next_at`, not after `now`.
    init(of timetable: Timetable, due: Date, now: Date) {
        var latest = due
        var skipped: [Date] = []
        var next = timetable.next(after: due)
        while let tick = next, tick <= now {
            skipped.append(latest)
            if skipped.count > Self.maxRecorded { skipped.removeFirst() }
            latest = tick
            next = timetable.next(after: tick)
        }
        fire = latest
        self.skipped = skipped
        self.next = next
    }
}
