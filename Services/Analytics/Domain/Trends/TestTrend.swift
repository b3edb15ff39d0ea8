import Foundation
import Primitives

/// How one test went by periods: the sums of its days.
struct TestTrend: Sendable {
    /// Oldest first, those in which it did not run included.
    let periods: [Day]
    /// There are more executions than were added up.
    let isShortened: Bool
    /// The first period is counted whole.
    let beginsWhole: Bool

    /// - Parameters:
    ///   - days: every day that the trend is about, oldest first.
    ///   - cut: the day of which only a part was counted, and nothing for certain of those before it. Then the trend begins behind its period, unless there is
    ///     nothing behind it.
    init(_ days: [Day], by period: TrendPeriod, cut: String?) {
        let all = days.grouped(by: period)
        isShortened = cut != nil
        let first = cut.map { period.start(of: $0) } ?? ""
        let behind = all.filter { $0.day > first }
        beginsWhole = cut == nil || behind.contains { $0.tally.total > 0 }
        periods = beginsWhole ? behind : all.filter { $0.day >= first }
    }

    var executions: Int64 { periods.reduce(0) { $0 + $1.tally.total } }
}
