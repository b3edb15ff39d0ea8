import AnalyticsAPI
import CommonAPI
import Foundation
import SwiftProtobuf

/// How one test went by days, weeks or months, how long it takes, and since when it takes longer or shorter.
struct TestTrendPanel: Sendable {
    let lengths: [Choice]
    let panel: TrendPanel
    let note: String?
    let durations: [StatFigure]
    let durationsNote: String?
    let changes: [ChangeRow]
    let changesReceipt: ChangesReceipt?

    struct ChangeRow: Sendable {
        let badge: Badge
        let text: String
        let since: Moment
        let path: String
        let commit: String?

        init(_ change: PBTestDurationChange, now: Date) {
            let mark = ChartMark(change)
            badge = Badge(change: mark)
            text = mark.text
            since = Moment(change.executedAt, now: now)
            path = PageAddress.result(change.result)
            commit = change.commitSha.nonEmpty.map { String($0.prefix(10)) }
        }
    }

    /// What it goes back to, as the page's address says.
    struct Filter: Sendable {
        /// The first is what is shown when nothing is asked for.
        private static let lengths: [(word: String, label: String, days: Int32, period: PBTrendPeriod.Value)] = [
            ("", "30 days", 30, .day), ("WEEK", "Half a year by weeks", 182, .week), ("MONTH", "A year by months", 365, .month),
        ]

        let word: String
        let label: String
        let days: Int32
        let period: PBTrendPeriod.Value

        init(period word: String?) {
            let chosen = Self.lengths.first { $0.word == word } ?? Self.lengths[0]
            (self.word, label, days, period) = chosen
        }

        var query: [(name: String, value: String)] { [("period", word)] }

        func choices(path: String) -> [Choice] {
            Self.lengths.map { Choice(label: $0.label, path: PageAddress.of(path, [("period", $0.word)]), isChosen: $0.word == word, count: nil) }
        }
    }

    init(_ trend: Panel<PBTestTrend>, durations: Panel<PBTestDurationSummary>, of test: String, filter: Filter, now: Date) {
        lengths = filter.choices(path: PageAddress.test(test))
        let known = trend.content
        let days: Panel<PBTrend> =
            switch trend {
            case .content(let trend): .content(.with { $0.data = trend.data })
            case .note(let note): .note(note)
            }
        let found = durations.content?.data ?? []
        panel = TrendPanel(days, title: "Trend", by: filter.period, marks: found.map { ChartMark($0) })
        note =
            known?.shortened == true
            ? "Much of it has just come: \(NumberText.counted(known?.executions ?? 0, "execution")) of it are counted so far." : nil
        let percentiles = durations.content.flatMap { $0.hasDurations ? $0.durations : nil }
        self.durations =
            percentiles.map { known in
                [("Median", known.p50Us), ("p90", known.p90Us), ("p95", known.p95Us), ("p99", known.p99Us), ("Longest", known.maxUs)].map {
                    StatFigure($0.0, DurationText.of(microseconds: $0.1))
                }
            } ?? []
        durationsNote =
            durations.note ?? (percentiles == nil ? "No duration is known." : found.isEmpty ? "Its durations have stayed at their level." : nil)
        changes = found.reversed().map { ChangeRow($0, now: now) }
        changesReceipt = durations.content.flatMap { ChangesReceipt(edition: $0.edition, inputHash: $0.inputHash) }
    }
}

extension ChartMark {
    init(_ change: PBTestDurationChange) {
        let before = DurationText.of(microseconds: change.beforeUs)
        self.init(
            day: String(change.executedAt.date.formatted(.iso8601).prefix(10)),
            text: "Median duration from \(before) to \(DurationText.of(microseconds: change.afterUs))", isWorse: change.afterUs > change.beforeUs)
    }
}
