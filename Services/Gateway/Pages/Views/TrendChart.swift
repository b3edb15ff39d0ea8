import AnalyticsAPI
import CommonAPI
import Foundation

/// A trend as figures, a drawing and a table; the script in the browser draws the table anew with Chart.js.
struct TrendChart: Sendable {
    let summary: String
    /// What the table's rows are called, and what begins on their day.
    let tableLabel: String
    let dayLabel: String
    let stats: [StatFigure]
    let days: [Day]
    /// Width of the drawing: ten units a day.
    let width: Int
    /// Path of the pass rate.
    let rateLine: String

    struct Day: Sendable {
        let day: String
        /// Month and day.
        let short: String
        let runs: String
        let passed: Int64
        let failed: Int64
        let flips: String
        /// 0–100, empty when nothing ran.
        let rate: String
        let rateText: String
        /// Milliseconds, empty when no duration is known.
        let p95: String
        let p95Text: String
        /// It is not over, or not counted whole.
        let isPartial: Bool
        /// What changed in it, all of it in a sentence each.
        let change: String?
        let isWorse: Bool
        let x: Int
        /// Where a change is drawn.
        let middle: Int
        let passedY: Double
        let passedHeight: Double
        let failedY: Double
        let failedHeight: Double
    }

    init(_ points: [PBTrendPoint], by period: PBTrendPeriod.Value = .day, marks: [ChartMark] = []) {
        let unit = Self.unit(period)
        tableLabel = "\(unit.many.capitalized) as a table"
        dayLabel = period == .day ? "Day (UTC)" : "\(unit.one.capitalized) from (UTC)"
        let most = Double(max(1, points.map { $0.counts.passed + $0.counts.bad }.max() ?? 1))
        // Each belongs to the period that its day is in.
        let changes = Dictionary(grouping: marks) { mark in points.last { $0.day <= mark.day }?.day ?? "" }
        days = points.enumerated().map { index, point in
            let passedHeight = NumberText.coordinate(Double(point.counts.passed) / most * 96)
            let failedHeight = NumberText.coordinate(Double(point.counts.bad) / most * 96)
            let own = changes[point.day] ?? []
            return Day(
                day: point.day, short: String(point.day.dropFirst(5)), runs: NumberText.grouped(point.runs), passed: point.counts.passed,
                failed: point.counts.bad, flips: NumberText.grouped(point.flips),
                rate: point.hasPassRate ? "\(NumberText.coordinate(point.passRate * 100))" : "",
                rateText: point.hasPassRate ? NumberText.percent(point.passRate) : "–",
                p95: point.hasDurations ? "\(NumberText.coordinate(Double(point.durations.p95Us) / 1000))" : "",
                p95Text: point.hasDurations ? DurationText.of(microseconds: point.durations.p95Us) : "–",
                isPartial: point.hasComplete && !point.complete, change: own.map(\.text).joined(separator: "; ").nonEmpty,
                isWorse: own.contains(where: \.isWorse), x: index * 10 + 1, middle: index * 10 + 5,
                passedY: NumberText.coordinate(100 - passedHeight), passedHeight: passedHeight,
                failedY: NumberText.coordinate(100 - passedHeight - failedHeight), failedHeight: failedHeight)
        }
        width = max(1, points.count) * 10
        rateLine = Self.line(points, step: 10, height: 100, offset: 5)
        let passed = points.reduce(0) { $0 + $1.counts.passed }
        let bad = points.reduce(0) { $0 + $1.counts.bad }
        let runs = points.reduce(0) { $0 + $1.runs }
        let green = points.reduce(0) { $0 + $1.runsPassed }
        let rate = passed + bad == 0 ? "–" : NumberText.percent(Double(passed) / Double(passed + bad))
        // Of a part of a project neither is counted.
        let isWhole = points.contains(where: \.hasRuns)
        let runFigure = StatFigure("Runs", NumberText.grouped(runs), unit: runs == 0 ? nil : "\(NumberText.grouped(green)) passed")
        let flips = StatFigure("Flips", NumberText.grouped(points.reduce(0) { $0 + $1.flips }))
        stats =
            [StatFigure("Pass rate of tests", rate)] + (isWhole ? [runFigure] : []) + [StatFigure("Tests executed", NumberText.grouped(passed + bad))]
            + (isWhole ? [flips] : [])
            + [StatFigure("Time in tests", DurationText.of(milliseconds: points.reduce(0) { $0 + $1.testDurationMs }))]
        let count = points.count == 1 ? "one \(unit.one)" : "each of \(points.count) \(unit.many)"
        summary = "Passed and failed tests of \(count), and their pass rate: \(rate) over all."
    }

    private static func unit(_ period: PBTrendPeriod.Value) -> (one: String, many: String) {
        switch period {
        case .week: ("week", "weeks")
        case .month: ("month", "months")
        case .quarter: ("quarter", "quarters")
        case .day, .periodUnspecified, .UNRECOGNIZED: ("day", "days")
        }
    }

    /// Days on which nothing ran are passed over.
    static func line(_ points: [PBTrendPoint], step: Double, height: Double, offset: Double = 0, floor: Double = 0) -> String {
        points.enumerated().filter(\.element.hasPassRate).enumerated().map { position, point in
            let y = NumberText.coordinate((1 - point.element.passRate) / (1 - floor) * height)
            return "\(position == 0 ? "M" : "L")\(NumberText.coordinate(Double(point.offset) * step + offset)) \(y)"
        }.joined()
    }
}

/// A day since when something is different, in a chart.
struct ChartMark: Sendable {
    /// `2026-03-01`
    let day: String
    let text: String
    let isWorse: Bool
}

/// The pass rate of some days, small enough for a row.
struct Sparkline: Sendable {
    let label: String
    let path: String

    /// `nil` when there is no line to draw.
    init?(_ trend: PBTrend) {
        let rates = trend.data.filter(\.hasPassRate)
        guard rates.count > 1, let last = rates.last else { return nil }
        label = "Pass rate, lately \(NumberText.percent(last.passRate))"
        // From the ten below the lowest day, as in the large chart: 98 % and 99 % are far apart for whoever looks after a project.
        let lowest = rates.map(\.passRate).min() ?? 0
        let floor = max(0, ((lowest - 0.01) * 10).rounded(.down) / 10)
        path = TrendChart.line(trend.data, step: 100 / Double(max(1, trend.data.count - 1)), height: 24, floor: floor)
    }
}

extension PBCounts {
    /// Neither passed nor skipped.
    var bad: Int64 { failed + errored }
}

/// The days of a project, or of a part of it, or a note in their place.
struct TrendPanel: Sendable {
    let title: String
    let trendNote: String?
    let trend: TrendChart?

    init(_ panel: Panel<PBTrend>, title: String, by period: PBTrendPeriod.Value = .day, marks: [ChartMark] = []) {
        self.title = title
        let ran = panel.content?.data.contains { $0.runs > 0 || $0.hasPassRate }
        trendNote = panel.note ?? (ran == false ? "Nothing ran in these days." : nil)
        trend = trendNote == nil ? panel.content.map { TrendChart($0.data, by: period, marks: marks) } : nil
    }
}
