import Foundation
import Primitives

/// A cron expression in a time zone: which instants it means.
///
/// A local time that a daylight-saving gap skips means the first instant after the gap; one that a fold repeats means its first occurrence.
/// So a tick is neither lost nor doubled.
struct Timetable: Sendable {
    /// A timetable with no tick in so many days is refused: `0 0 30 2 *`. Eight years would hold every 29 February; five are the promise.
    static let horizonDays = 5 * 366

    let cron: Cron
    let zone: TimeZone

    /// - Throws: `schedules.invalid_cron`, `schedules.invalid_time_zone`.
    init(cron: String, timeZone: String) throws(Fault) {
        self.cron = try Cron(cron)
        // Foundation also takes abbreviations such as PST, which change their meaning with the season.
        guard timeZone == "UTC" || timeZone.contains("/"), let zone = TimeZone(identifier: timeZone) else {
            throw .invalidTimeZone(timeZone)
        }
        self.zone = zone
    }

    /// The first tick after `instant`, `nil` when there is none within the horizon.
    func next(after instant: Date) -> Date? {
        let seconds = Int(instant.timeIntervalSince1970.rounded(.down))
        let wall = seconds + zone.secondsFromGMT(for: instant)
        let today = Int((Double(wall) / 86_400).rounded(.down))
        var minuteOfDay = (wall - today * 86_400) / 60 + 1
        for day in today...(today + Self.horizonDays) {
            defer { minuteOfDay = 0 }
            guard cron.fits(CivilDate(daysSinceEpoch: day)) else { continue }
            for minute in minuteOfDay..<1440 where cron.hours.contains(minute / 60) && cron.minutes.contains(minute % 60) {
                let tick = self.instant(ofWallSeconds: day * 86_400 + minute * 60)
                if tick > instant { return tick }
            }
        }
        return nil
    }

    func upcoming(_ count: Int, after instant: Date) -> [Date] {
        var ticks: [Date] = []
        while ticks.count < count, let tick = next(after: ticks.last ?? instant) { ticks.append(tick) }
        return ticks
    }

    /// - Parameter wall: seconds since the epoch as a clock on the wall shows them.
    private func instant(ofWallSeconds wall: Int) -> Date {
        let dayBefore = offset(wall - 86_400)
        let dayAfter = offset(wall + 86_400)
        // Earlier instant first: it has the larger offset.
        for offset in [max(dayBefore, dayAfter), min(dayBefore, dayAfter)] where self.offset(wall - offset) == offset {
            return Date(timeIntervalSince1970: TimeInterval(wall - offset))
        }
        // In a gap: the instant at which the offset changes, by bisection.
        var low = wall - 86_400 - dayBefore
        var high = wall + 86_400 - dayAfter
        while high - low > 1 {
            let middle = low + (high - low) / 2
            if offset(middle) == dayBefore { low = middle } else { high = middle }
        }
        return Date(timeIntervalSince1970: TimeInterval(high))
    }

    /// Seconds east of Greenwich at a number of seconds since the epoch.
    private func offset(_ seconds: Int) -> Int {
        zone.secondsFromGMT(for: Date(timeIntervalSince1970: TimeInterval(seconds)))
    }
}
