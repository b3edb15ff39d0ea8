import AnalyticsAPI
import CommonAPI
import Foundation
import SwiftProtobuf

/// How one test went by days, weeks or months, how long it takes, and since when it takes longer or shorter.
struct TestTrendPanel: Sendable {
    /// Where a page has its durations.
    static let fragment = "durations"

    let lengths: [Choice]
    let panel: TrendPanel
    let note: String?
    let durations: [StatFigure]
    let durationsNote: String?
    let changes: [ChangeRow]
    /// Why a word was not taken on a change that is not among them any more.
    let changesRefusal: String?
    let changesReceipt: ChangesReceipt?

    struct ChangeRow: Sendable {
        let badge: Badge
        let text: String
        let since: Moment
        let path: String
        let commit: CommitText?
        /// `nil` of what is not kept.
        let receiptPath: String?
        /// A person has said that it is none.
        let isDismissed: Bool
        /// `nil` while nobody's word holds.
        let word: TrendChangeRow.Word?
        /// `nil` for who may only read, and of what is not kept.
        let form: TrendChangeRow.Form?

        init(
            _ change: PBTestDurationChange, of test: String, filter: Filter, canJudge: Bool, attempt: TrendChangeRow.Attempt?, now: Date
        ) {
            let mark = ChartMark(change)
            isDismissed = change.isDismissed
            badge = isDismissed ? .noChange : Badge(change: mark)
            text = mark.text
            since = Moment(change.executedAt, now: now)
            path = PageAddress.result(change.result)
            commit = CommitText(change.commitSha)
            receiptPath = change.levelChange.nonEmpty.map { ReceiptPage.path(levelChange: $0) }
            word = TrendChangeRow.Word(change.verdict, now: now)
            let own = attempt?.change == change.levelChange ? attempt : nil
            let path = PageAddress.path("tests", test, "changes", change.levelChange, "verdict")
            form =
                canJudge && !change.levelChange.isEmpty
                ? TrendChangeRow.Form(path: path, verdict: change.verdict, hidden: filter.query, attempt: own) : nil
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

    /// - Parameters:
    ///   - canJudge: whether changes have forms.
    ///   - attempt: a word on a change that was not taken.
    init(
        _ trend: Panel<PBTestTrend>, durations: Panel<PBTestDurationSummary>, of test: String, filter: Filter, canJudge: Bool = false,
        attempt: TrendChangeRow.Attempt? = nil, now: Date
    ) {
        lengths = filter.choices(path: PageAddress.test(test))
        let known = trend.content
        let days: Panel<PBTrend> =
            switch trend {
            case .content(let trend): .content(.with { $0.data = trend.data })
            case .note(let note): .note(note)
            }
        let found = durations.content?.data ?? []
        panel = TrendPanel(days, title: "Trend", by: filter.period, marks: found.filter { !$0.isDismissed }.map { ChartMark($0) })
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
        changes = found.reversed().map { ChangeRow($0, of: test, filter: filter, canJudge: canJudge, attempt: attempt, now: now) }
        changesRefusal = attempt.flatMap { attempt in found.contains { $0.levelChange == attempt.change } ? nil : attempt.fault.pageDetail }
        changesReceipt = durations.content.flatMap { ChangesReceipt(edition: $0.edition, inputHash: $0.inputHash) }
    }
}

extension PBTestDurationChange {
    /// A person has said that it is none, so no chart marks it.
    fileprivate var isDismissed: Bool { verdict.kind == .dismissed }
}

extension ChartMark {
    init(_ change: PBTestDurationChange) {
        self.init(
            durationsOn: String(change.executedAt.date.formatted(.iso8601).prefix(10)), from: change.beforeUs, to: change.afterUs)
    }

    /// Of how long a test takes, in microseconds.
    init(durationsOn day: String, from before: Int64, to after: Int64) {
        let text = "Median duration from \(DurationText.of(microseconds: before)) to \(DurationText.of(microseconds: after))"
        self.init(day: day, text: text, isWorse: after > before)
    }
}
