import AnalyticsAPI
import CommonAPI

/// The last period of a trend beside the one before and the same of another week or year, as far as they are kept: the sums that the trend itself is made of.
struct PeriodComparison: Sendable {
    struct Row: Sendable {
        let label: String
        let day: String
        /// Runs that passed, of all; only of a whole project.
        let runs: String?
        let results: String
        let failures: String
        let rate: String
        let time: String
    }

    let rows: [Row]
    let hasRuns: Bool

    /// `nil` where there is nothing to hold the last period against.
    init?(_ trend: PBTrend?, by period: PBTrendPeriod.Value) {
        guard let last = trend?.data.last, last.hasPrevious || last.hasEarlier else { return nil }
        let words = Self.words(of: period)
        let now = Row(
            label: last.hasComplete && !last.complete ? "\(words.now), so far" : words.now, day: last.day,
            runs: last.hasRuns ? Self.runs(last.runsPassed, of: last.runs) : nil, counts: last.counts,
            rate: last.hasPassRate ? last.passRate : nil, milliseconds: last.testDurationMs)
        func row(_ label: String, _ sums: PBTrendSums) -> Row {
            Row(
                label: label, day: sums.day, runs: sums.hasRuns ? Self.runs(sums.runsPassed, of: sums.runs) : nil, counts: sums.counts,
                rate: sums.hasPassRate ? sums.passRate : nil, milliseconds: sums.testDurationMs)
        }
        rows = [now] + (last.hasPrevious ? [row(words.before, last.previous)] : []) + (last.hasEarlier ? [row(words.earlier, last.earlier)] : [])
        hasRuns = last.hasRuns
    }

    private static func runs(_ passed: Int64, of all: Int64) -> String { "\(NumberText.grouped(passed)) of \(NumberText.grouped(all))" }

    private static func words(of period: PBTrendPeriod.Value) -> (now: String, before: String, earlier: String) {
        switch period {
        case .week: ("This week", "The week before", "52 weeks before")
        case .month: ("This month", "The month before", "A year before")
        case .quarter: ("This quarter", "The quarter before", "A year before")
        case .day, .periodUnspecified, .UNRECOGNIZED: ("Today", "The day before", "A week before")
        }
    }
}

extension PeriodComparison.Row {
    fileprivate init(label: String, day: String, runs: String?, counts: PBCounts, rate: Double?, milliseconds: Int64) {
        self.init(
            label: label, day: day, runs: runs, results: NumberText.grouped(counts.total - counts.pending),
            failures: NumberText.grouped(counts.failed + counts.errored), rate: rate.map { NumberText.percent($0) } ?? "–",
            time: milliseconds > 0 ? DurationText.of(milliseconds: milliseconds) : "–")
    }
}
