import Foundation
import Primitives

/// How one test went by periods, added up from its newest executions: what a project keeps by days, it does not keep of each of its tests.
struct TestTrend: Sendable {
    /// Executions that are added up.
    static let mostExecutions = 5_000
    /// Executions that are searched for those on one branch.
    static let mostSearched = 20_000

    /// What is known of one period.
    struct Period: Sendable, Equatable {
        let day: String
        let tally: Tally
        /// Microseconds.
        let duration: Int64
        /// `nil` when no duration is known.
        let percentiles: Percentiles?
    }

    /// Of the durations of executions that were carried out, in microseconds, by nearest rank: exact, since there are few enough of them.
    struct Percentiles: Sendable, Equatable {
        let p50: Int64
        let p90: Int64
        let p95: Int64
        let p99: Int64
        let longest: Int64
        let count: Int64
    }

    /// Oldest first, those in which it did not run included.
    let periods: [Period]
    /// There are more executions than were added up.
    let isShortened: Bool
    /// The first period is counted whole.
    let beginsWhole: Bool

    /// - Parameters:
    ///   - found: the periods in which it ran, oldest first.
    ///   - isShortened: whether older executions were left out. Then the oldest period is not known whole, and the trend begins behind it, unless there is
    ///     nothing behind it.
    ///   - days: the periods that the trend is about, oldest first.
    init(_ found: [Period], isShortened: Bool, of days: [String]) {
        self.isShortened = isShortened
        let isCut = isShortened && found.count > 1
        beginsWhole = !isShortened || isCut
        let known = Dictionary(found.dropFirst(isCut ? 1 : 0).map { ($0.day, $0) }) { first, _ in first }
        let start = isShortened ? found.first?.day ?? "" : ""
        periods = days.filter { isCut ? $0 > start : $0 >= start }
            .map { known[$0] ?? Period(day: $0, tally: Tally(), duration: 0, percentiles: nil) }
    }

    var executions: Int64 { periods.reduce(0) { $0 + $1.tally.total } }
}
