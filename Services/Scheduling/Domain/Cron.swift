import Foundation
import Primitives

/// A five-field cron expression: minute, hour, day of month, month, day of week.
///
/// Lists, ranges, steps, English three-letter names and `@hourly`, `@daily`, `@midnight`, `@weekly`, `@monthly`, `@yearly`, `@annually` are
/// understood; 7 is Sunday too. As in Vixie cron, where both days are restricted a date that fits either one fits. The smallest step is a minute.
struct Cron: Sendable, Equatable {
    let minutes: Set<Int>
    let hours: Set<Int>
    let daysOfMonth: Set<Int>
    let months: Set<Int>
    let daysOfWeek: Set<Int>
    /// Both day fields restrict, so either one suffices.
    let eitherDay: Bool

    /// - Throws: `schedules.invalid_cron` saying what is wrong with which field.
    init(_ text: String) throws(Fault) {
        guard text.utf8.count <= 256 else { throw .invalidCron("A cron expression has at most 256 characters.") }
        let trimmed = text.trimmingCharacters(in: .whitespaces)
        let fields = (Self.shorthands[trimmed.lowercased()] ?? trimmed).split(whereSeparator: \.isWhitespace).map(String.init)
        guard fields.count == 5 else {
            throw .invalidCron("A cron expression has five fields: minute, hour, day of month, month, day of week. This one has \(fields.count).")
        }
        minutes = try CronField.minute.values(fields[0])
        hours = try CronField.hour.values(fields[1])
        daysOfMonth = try CronField.dayOfMonth.values(fields[2])
        months = try CronField.month.values(fields[3])
        daysOfWeek = Set(try CronField.dayOfWeek.values(fields[4]).map { $0 % 7 })
        eitherDay = !fields[2].hasPrefix("*") && !fields[4].hasPrefix("*")
    }

    private static let shorthands = [
        "@hourly": "0 * * * *", "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@weekly": "0 0 * * 0", "@monthly": "0 0 1 * *",
        "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *",
    ]

    func fits(_ date: CivilDate) -> Bool {
        guard months.contains(date.month) else { return false }
        let byMonth = daysOfMonth.contains(date.day)
        let byWeek = daysOfWeek.contains(date.weekday)
        return eitherDay ? byMonth || byWeek : byMonth && byWeek
    }
}
