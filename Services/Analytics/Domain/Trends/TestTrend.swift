import Foundation
import Primitives

/// How one test went by periods: the sums of its days.
struct TestTrend: Sendable {
    /// Oldest first, those in which it did not run included.
    let periods: [Day]
    /// There are more executions than were added up.
    let isShortened: Bool
    /// The period of which only a part is counted, if it is among `periods`.
    let partial: String?

    /// Where counting from facts stopped.
    struct Cut: Sendable, Equatable {
        /// Of which only the newest were counted.
        let day: String
        /// Days before it of which nothing was. What is known of others is all there is.
        let unknown: [String]
    }

    /// - Parameters:
    ///   - days: every day that the trend is about, oldest first.
    ///   - cut: periods that it concerns are left out; its own is told as far as it is counted when there is nothing behind it.
    init(_ days: [Day], by period: TrendPeriod, cut: Cut?) {
        let all = days.grouped(by: period)
        isShortened = cut != nil
        let own = cut.map { period.start(of: $0.day) }
        let hasNewer = all.contains { $0.day > own ?? "" && $0.tally.total > 0 }
        partial = hasNewer ? nil : own
        let left = Set(cut.map { ($0.unknown + [$0.day]).map { period.start(of: $0) } } ?? []).subtracting([partial].compactMap(\.self))
        periods = all.filter { !left.contains($0.day) }
    }

    var executions: Int64 { periods.reduce(0) { $0 + $1.tally.total } }
}
