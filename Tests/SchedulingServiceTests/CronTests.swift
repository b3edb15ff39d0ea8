import Foundation
import Primitives
import Testing

@testable import SchedulingService

@Suite struct CronTests {
    @Test(
        "the next tick is the first one after the given instant",
        arguments: [
            ("*/15 * * * *", "UTC", "2026-03-01T10:07:00Z", "2026-03-01T10:15:00Z"),
            ("*/15 * * * *", "UTC", "2026-03-01T10:15:00Z", "2026-03-01T10:30:00Z"),
            ("0 9 * * 1", "UTC", "2026-03-01T10:00:00Z", "2026-03-02T09:00:00Z"),
            ("0 9 * * mon", "Europe/Berlin", "2026-03-01T10:00:00Z", "2026-03-02T08:00:00Z"),
            ("30 23 31 12 *", "UTC", "2026-12-31T23:30:00Z", "2027-12-31T23:30:00Z"),
            ("0 0 29 2 *", "UTC", "2026-03-01T00:00:00Z", "2028-02-29T00:00:00Z"),
            ("0 0 13 * 5", "UTC", "2026-03-01T00:00:00Z", "2026-03-06T00:00:00Z"),
            ("0 0 * * 7", "UTC", "2026-03-02T00:00:00Z", "2026-03-08T00:00:00Z"),
            ("5-10/5,59 3 * jan,jul *", "UTC", "2026-03-01T00:00:00Z", "2026-07-01T03:05:00Z"),
            ("@hourly", "UTC", "2026-03-01T00:00:30Z", "2026-03-01T01:00:00Z"),
            ("@yearly", "Asia/Kathmandu", "2026-03-01T00:00:00Z", "2026-12-31T18:15:00Z"),
            ("0 12 * * *", "America/St_Johns", "2026-01-15T00:00:00Z", "2026-01-15T15:30:00Z"),
        ])
    func next(cron: String, zone: String, after: String, expected: String) throws {
        #expect(try Timetable(cron: cron, timeZone: zone).next(after: date(after)) == date(expected))
    }

    @Test(
        "a tick in a daylight-saving gap fires once after it, one in a fold fires once",
        arguments: [
            // Berlin, 29 March 2026: 02:00 becomes 03:00.
            ("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", ["2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]),
            ("*/30 * 29 3 *", "Europe/Berlin", "2026-03-29T00:20:00Z", ["2026-03-29T00:30:00Z", "2026-03-29T01:00:00Z", "2026-03-29T01:30:00Z"]),
            // Berlin, 25 October 2026: 03:00 becomes 02:00.
            ("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]),
            ("0 * 25 10 *", "Europe/Berlin", "2026-10-24T23:30:00Z", ["2026-10-25T00:00:00Z", "2026-10-25T02:00:00Z"]),
            // New York, 8 March 2026.
            ("15 2 8 3 *", "America/New_York", "2026-03-01T00:00:00Z", ["2026-03-08T07:00:00Z"]),
            // Lord Howe shifts by half an hour: 4 October 2026, 02:00 becomes 02:30.
            ("10 2 4 10 *", "Australia/Lord_Howe", "2026-10-01T00:00:00Z", ["2026-10-03T15:30:00Z"]),
        ])
    func daylightSaving(cron: String, zone: String, after: String, expected: [String]) throws {
        let ticks = try Timetable(cron: cron, timeZone: zone).upcoming(expected.count, after: date(after))
        #expect(ticks == expected.map(date))
    }

    @Test("ticks only ever go forward, in every zone, through a whole year", arguments: TimeZone.knownTimeZoneIdentifiers.filter { $0.contains("/") })
    func everyZone(zone: String) throws {
        let timetable = try Timetable(cron: "30 0,1,2,3 * * 0", timeZone: zone)
        let ticks = timetable.upcoming(4 * 52, after: date("2026-01-01T00:00:00Z"))
        #expect(ticks.count == 4 * 52)
        #expect(zip(ticks, ticks.dropFirst()).allSatisfy { $0 < $1 })
    }

    @Test(
        "an expression that is none is refused",
        arguments: [
            "", "* * * *", "* * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * 32 * *", "* * * 13 *", "* * * * 8", "*/0 * * * *",
            "5-1 * * * *",
            "a * * * *", "1,,2 * * * *", "-1 * * * *", "1-2-3 * * * *", "*/5/5 * * * *", "@reboot", "+1 * * * *",
            String(repeating: "1,", count: 200) + "1 * * * *",
        ])
    func refused(cron: String) {
        #expect { try Cron(cron) } throws: { ($0 as? Fault)?.code == "schedules.invalid_cron" }
    }

    @Test("a time zone must be an IANA name", arguments: ["Mars/Olympus", "PST", "+02:00", "../../etc/passwd", ""])
    func zone(name: String) {
        #expect { try Timetable(cron: "* * * * *", timeZone: name) } throws: { ($0 as? Fault)?.code == "schedules.invalid_time_zone" }
    }

    @Test("an expression that never comes true is refused", arguments: ["0 0 30 2 *", "0 0 31 4,6,9,11 *"])
    func never(cron: String) throws {
        let timetable = try Timetable(cron: cron, timeZone: "UTC")
        #expect { try timetable.firstTick(after: date("2026-01-01T00:00:00Z")) } throws: { ($0 as? Fault)?.code == "schedules.never" }
    }

    @Test("of ticks that were missed the latest fires and the others are skipped")
    func missed() throws {
        let timetable = try Timetable(cron: "0 * * * *", timeZone: "UTC")
        let ticks = MissedTicks(of: timetable, due: date("2026-03-01T10:00:00Z"), now: date("2026-03-01T13:30:00Z"))
        #expect(ticks.fire == date("2026-03-01T13:00:00Z"))
        #expect(ticks.skipped == ["2026-03-01T10:00:00Z", "2026-03-01T11:00:00Z", "2026-03-01T12:00:00Z"].map(date))
        #expect(ticks.next == date("2026-03-01T14:00:00Z"))
    }

    @Test("skipped ticks are recorded up to a bound")
    func missedBound() throws {
        let timetable = try Timetable(cron: "* * * * *", timeZone: "UTC")
        let ticks = MissedTicks(of: timetable, due: date("2026-03-01T00:00:00Z"), now: date("2026-03-02T00:00:00Z"))
        #expect(ticks.fire == date("2026-03-02T00:00:00Z") && ticks.skipped.count == MissedTicks.maxRecorded)
    }
}

private func date(_ text: String) -> Date {
    try! Date(text, strategy: .iso8601)
}
