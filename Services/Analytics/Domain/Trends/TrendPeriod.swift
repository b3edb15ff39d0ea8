import Foundation

/// What a point of a trend adds up.
enum TrendPeriod: Sendable {
    case day
    /// From Monday (ISO 8601).
    case week
    case month, quarter

    /// Days of the longest one.
    static let longest = 92

    /// How many days a trend goes back, so that its first period is whole: one of which only a part were counted would look like a bad one.
    /// - Parameters:
    ///   - days: how many it shows at least.
    ///   - last: in the last of them.
    func reach(_ days: Int, until last: Date) -> Int {
        let first = Date(timeIntervalSince1970: last.timeIntervalSince1970 - Double(days - 1) * 86_400).day
        guard let number = DayNumber.of(first), let start = DayNumber.of(start(of: first)) else { return days }
        return days + number - start
    }

    /// The first day of the period that a day is in.
    /// - Parameter day: `2026-03-01`
    func start(of day: String) -> String {
        let parts = day.split(separator: "-").compactMap { Int($0) }
        guard parts.count == 3, let number = DayNumber.of(day) else { return day }
        switch self {
        case .day: return day
        case .week:
            // The epoch was a Thursday.
            let sinceMonday = ((number + 3) % 7 + 7) % 7
            return Date(timeIntervalSince1970: Double(number - sinceMonday) * 86_400).day
        case .month: return String(day.prefix(8)) + "01"
        case .quarter:
            let month = (parts[1] - 1) / 3 * 3 + 1
            return String(day.prefix(5)) + (month < 10 ? "0" : "") + "\(month)-01"
        }
    }
}

/// Days since the epoch by the civil calendar (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", days_from_civil).
enum DayNumber {
    /// - Parameter day: `2026-03-01`
    static func of(_ day: String) -> Int? {
        let parts = day.split(separator: "-").compactMap { Int($0) }
        return parts.count == 3 ? of(year: parts[0], month: parts[1], day: parts[2]) : nil
    }

    static func of(year: Int, month: Int, day: Int) -> Int {
        let year = month <= 2 ? year - 1 : year
        let era = (year >= 0 ? year : year - 399) / 400
        let yearOfEra = year - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }
}

extension [Day] {
    /// Added up by periods, in their order.
    func grouped(by period: TrendPeriod) -> [Day] {
        var groups: [Day] = []
        for day in self {
            let start = period.start(of: day.day)
            if groups.last?.day != start { groups.append(Day(day: start)) }
            groups[groups.count - 1].add(day)
        }
        return groups
    }
}
