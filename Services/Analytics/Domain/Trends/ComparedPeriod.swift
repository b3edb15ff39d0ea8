import Foundation
import Primitives

/// A period of a trend, and what it is held against: sums of the same days that the trend itself is made from.
struct ComparedPeriod: Sendable, Equatable {
    let period: Day
    /// The period before, as far as the period itself has come; `nil` where its days are not kept.
    let previous: Day?
    /// The same a season earlier (`TrendPeriod.season`).
    let earlier: Day?
}

extension TrendPeriod {
    /// How many periods before it one is that can be expected to be alike: the same weekday, the same week, month or quarter of another year.
    var season: Int {
        switch self {
        case .day: 7
        case .week: 52
        case .month: 12
        case .quarter: 4
        }
    }

    /// Days by which a trend has to be read further back for that.
    var seasonDays: Int {
        switch self {
        case .day: 7
        case .week: 364
        case .month, .quarter: 366
        }
    }

    /// The first day of the period so many periods before the one that begins on a day.
    func start(_ count: Int, before day: String) -> String {
        let parts = day.split(separator: "-").compactMap { Int($0) }
        guard parts.count == 3, let number = DayNumber.of(day) else { return day }
        func months(_ back: Int) -> String {
            let month = parts[0] * 12 + parts[1] - 1 - back
            let (year, rest) = (month / 12, month % 12 + 1)
            return "\(year)-\(rest < 10 ? "0" : "")\(rest)-01"
        }
        return switch self {
        case .day: Date(timeIntervalSince1970: Double(number - count) * 86_400).day
        case .week: Date(timeIntervalSince1970: Double(number - count * 7) * 86_400).day
        case .month: months(count)
        case .quarter: months(count * 3)
        }
    }
}

extension [Day] {
    /// Periods with what they are held against.
    /// - Parameters:
    ///   - self: every day from the first that is known up to today, oldest first.
    ///   - length: days that are shown, the last ones.
    func compared(length: Int, by period: TrendPeriod) -> [ComparedPeriod] {
        let first = self.first.flatMap { DayNumber.of($0.day) } ?? 0
        let shown = suffix(length)
        let begun = Dictionary(shown.map { (period.start(of: $0.day), 1) }, uniquingKeysWith: +)
        let periods = Array(shown).grouped(by: period)
        return periods.map { one in
            /// As many days of an earlier period as this one has, if it is under way, else all of it.
            func sum(_ count: Int) -> Day? {
                let start = period.start(count, before: one.day)
                guard let from = DayNumber.of(start), let end = DayNumber.of(period.start(count - 1, before: one.day)), from >= first else {
                    return nil
                }
                let isUnderWay = one.day == periods.last?.day
                let days = isUnderWay ? Swift.min(end - from, begun[one.day] ?? 0) : end - from
                return self[(from - first)..<Swift.min(self.count, from - first + days)].reduce(into: Day(day: start)) { $0.add($1) }
            }
            return ComparedPeriod(period: one, previous: sum(1), earlier: sum(period.season))
        }
    }
}
