import AnalyticsAPI
import CommonAPI
import Foundation
import Hummingbird
import ProjectsAPI
import SwiftProtobuf

/// How a project goes: its last days, weeks or months, the whole of it or one suite, branch, environment or tag; since when it goes differently; its score.
enum TrendsPage {
    static let valueLimit: Int32 = 50

    struct View: Sendable {
        let head: ProjectHead
        let path: String
        let filter: Filter
        let lengths: [Choice]
        let periods: [Choice]
        let dimensions: [Choice]
        let part: String?
        let wholePath: String
        let trendPanel: TrendPanel
        let comparison: PeriodComparison?
        let durations: [DurationRow]
        let hasDurations: Bool
        let pointsExports: ExportLinks?
        let values: [ValueRow]
        let hasValues: Bool
        let valuesNote: String?
        let valuesExports: ExportLinks?
        let changes: [ChangeRow]
        let changesNote: String?
        let changesReceipt: ChangesReceipt?
        let changesExports: ExportLinks?
        let comparePath: String
        let quality: QualityPanel

        init(
            project: PBProject, filter: Filter, trend: Panel<PBTrend>, values: Panel<PBListTrendValuesResponse>?, changes: Panel<PBTrendChanges>,
            score: Panel<PBQualityScore>, weights: QualityWeights = QualityWeights()
        ) {
            head = ProjectHead(project, tab: .trends)
            let path = PageAddress.path("projects", project.slug, "trends")
            self.path = path
            self.filter = filter
            func choice(_ label: String, _ name: String, _ value: String, isChosen: Bool) -> Choice {
                Choice(label: label, path: PageAddress.of(path, filter.with(name, value)), isChosen: isChosen, count: nil)
            }
            lengths = Filter.lengths.map { choice("\($0) days", "days", "\($0)", isChosen: $0 == filter.days) }
            periods = Filter.periods.map { choice($0.label, "period", $0.word, isChosen: $0.period == filter.period) }
            dimensions = Filter.dimensions.map { choice($0.label, "by", $0.word, isChosen: $0.dimension == filter.dimension) }
            part = filter.value.nonEmpty.map { "\(filter.dimensionLabel) \($0)" }
            wholePath = PageAddress.of(path, filter.with("value", ""))
            let changed = changes.content?.data ?? []
            trendPanel = TrendPanel(trend, title: filter.title, by: filter.period, marks: changed.map { ChartMark($0) })
            comparison = PeriodComparison(trend.content, by: filter.period)
            durations = (trend.content?.data ?? []).filter(\.hasDurations).map(DurationRow.init)
            hasDurations = !durations.isEmpty
            func exports(_ list: String, _ query: [(name: String, value: String)] = []) -> ExportLinks {
                let asked = [("dimension", filter.value.isEmpty ? "" : filter.dimensionWord), ("value", filter.value)]
                return ExportLinks(PageAddress.path("projects", project.slug, list), [("days", "\(filter.days)")] + query + asked)
            }
            let period = Filter.periods.first { $0.period == filter.period }?.word ?? ""
            pointsExports = hasDurations ? exports("trends", [("period", period)]) : nil
            self.values =
                values?.content?.data.map { value in
                    ValueRow(value, path: PageAddress.of(path, filter.with("value", value.value)), isChosen: value.value == filter.value)
                } ?? []
            hasValues = !self.values.isEmpty
            valuesNote = values?.note ?? (values != nil && self.values.isEmpty ? "No result of these days names one." : nil)
            valuesExports =
                hasValues
                ? ExportLinks(
                    PageAddress.path("projects", project.slug, "trend-values"),
                    [("dimension", filter.dimensionWord), ("days", "\(filter.days)")]) : nil
            self.changes = changed.reversed().map(ChangeRow.init)
            changesExports = changed.isEmpty ? nil : exports("trend-changes")
            changesReceipt = changes.content.flatMap { ChangesReceipt(edition: $0.edition, inputHash: $0.inputHash) }
            changesNote = changes.note ?? (self.changes.isEmpty ? "Pass rate and durations have stayed at their level." : nil)
            comparePath = PageAddress.path("projects", project.slug, "compare")
            quality = QualityPanel(score, weights: weights, path: path, filter: filter.with("", ""))
        }
    }

    struct DurationRow: Sendable {
        let day: String
        /// Its period is not over.
        let isPartial: Bool
        let p50: String
        let p90: String
        let p95: String
        let p99: String
        let longest: String

        init(_ point: PBTrendPoint) {
            day = point.day
            isPartial = point.hasComplete && !point.complete
            let durations = point.durations
            p50 = DurationText.of(microseconds: durations.p50Us)
            p90 = DurationText.of(microseconds: durations.p90Us)
            p95 = DurationText.of(microseconds: durations.p95Us)
            p99 = DurationText.of(microseconds: durations.p99Us)
            longest = DurationText.of(microseconds: durations.maxUs)
        }
    }

    struct ValueRow: Sendable {
        let path: String
        let isChosen: Bool
        let value: String
        let counts: CountsBar
        let rate: String

        init(_ value: PBTrendValue, path: String, isChosen: Bool) {
            self.path = path
            self.isChosen = isChosen
            self.value = value.value
            counts = CountsBar(value.counts)
            rate = value.hasPassRate ? NumberText.percent(value.passRate) : "–"
        }
    }

    struct ChangeRow: Sendable {
        let badge: Badge
        let day: String
        let text: String
        let causes: [String]

        init(_ change: PBTrendChange) {
            let mark = ChartMark(change)
            (day, text) = (mark.day, mark.text)
            badge = Badge(change: mark)
            let commits = change.commits.map { String($0.commitSha.prefix(10)) }.joined(separator: ", ")
            let branch = change.commits.first?.branch.nonEmpty.map { " on \($0.shortened(to: 200))" } ?? ""
            let new = commits.isEmpty ? [] : ["New\(branch) that day, oldest first: \(commits)"]
            let parts = change.causes.map { cause in
                let label = Filter.dimensions.first { $0.dimension == cause.dimension }?.label ?? "Part"
                let share = "\(NumberText.percent(min(1, cause.share))) of it"
                return "\(label) \(cause.value.shortened(to: 200)): \(share), with \(NumberText.percent(cause.resultsShare)) of the results"
            }
            causes = new + parts
        }
    }

    /// What the page shows, as its address says.
    struct Filter: Sendable {
        let days: Int32
        let period: PBTrendPeriod.Value
        let dimension: PBTrendDimension.Value
        let value: String

        static let lengths: [Int32] = [30, 90, 180, 400]
        static let periods: [(word: String, label: String, period: PBTrendPeriod.Value)] = [
            ("", "Days", .day), ("WEEK", "Weeks", .week), ("MONTH", "Months", .month), ("QUARTER", "Quarters", .quarter),
        ]
        static let dimensions: [(word: String, label: String, dimension: PBTrendDimension.Value)] = [
            ("", "Suite", .suite), ("BRANCH", "Branch", .branch), ("ENVIRONMENT", "Environment", .environment), ("TAG", "Tag", .tag),
        ]

        init(days: String?, period: String?, by: String?, value: String?) {
            self.days = days.flatMap { Int32($0) }.flatMap { Self.lengths.contains($0) ? $0 : nil } ?? 90
            self.period = Self.periods.first { $0.word == period }?.period ?? .day
            dimension = Self.dimensions.first { $0.word == by }?.dimension ?? .suite
            self.value = (value ?? "").shortened(to: 300)
        }

        /// As the API calls it.
        var dimensionWord: String { Self.dimensions.first { $0.dimension == dimension }?.word.nonEmpty ?? "SUITE" }
        var dimensionLabel: String { Self.dimensions.first { $0.dimension == dimension }?.label ?? "" }

        var title: String {
            let label = Self.periods.first { $0.period == period }?.label ?? ""
            let length = period == .day ? "last \(days) days" : "\(label.lowercased()) of the last \(days) days"
            return value.isEmpty ? length.prefix(1).uppercased() + length.dropFirst() : "\(dimensionLabel) \(value), \(length)"
        }

        /// The query with one parameter changed. A value is one of its dimension, so that goes when the dimension does.
        func with(_ name: String, _ text: String) -> [(name: String, value: String)] {
            let words = [
                ("days", days == 90 ? "" : "\(days)"), ("period", Self.periods.first { $0.period == period }?.word ?? ""),
                ("by", Self.dimensions.first { $0.dimension == dimension }?.word ?? ""), ("value", value),
            ]
            return words.map { ($0.0, $0.0 == name ? text : name == "by" && $0.0 == "value" ? "" : $0.1) }
        }
    }

    static func show(_ visit: Visit) async throws -> Response {
        let filter = Filter(
            days: try visit.context.query("days"), period: try visit.context.query("period"), by: try visit.context.query("by"),
            value: try visit.context.query("value"))
        let weights = QualityWeights(try QualityWeights.names.map { ($0, try visit.context.query($0)) })
        let (project, view) = try await visit.asking {
            let project = try await ProjectHead.project(visit)
            let trends = PBTrends.Client(wrapping: visit.upstream("analytics"))
            async let trend = Panel.load("Trends") {
                try await trends.getTrend(
                    .with {
                        $0.project = project.id
                        $0.days = filter.days
                        $0.period = filter.period
                        if !filter.value.isEmpty {
                            $0.dimension = filter.dimension
                            $0.value = filter.value
                        }
                    })
            }
            async let values = Panel.load("The parts of this project") {
                try await trends.listTrendValues(
                    .with {
                        $0.project = project.id
                        $0.dimension = filter.dimension
                        $0.days = filter.days
                        $0.limit = valueLimit
                    })
            }
            async let changes = Panel.load("Changes") {
                try await trends.getTrendChanges(
                    .with {
                        $0.project = project.id
                        $0.days = filter.days
                        if !filter.value.isEmpty {
                            $0.dimension = filter.dimension
                            $0.value = filter.value
                        }
                    })
            }
            async let score = Panel.load("The quality score") {
                try await PBQualityScores.Client(wrapping: visit.upstream("analytics")).getQualityScore(
                    .with {
                        $0.project = project.id
                        $0.days = filter.days
                        weights.fill(&$0)
                    })
            }
            let view = View(
                project: project, filter: filter, trend: await trend, values: await values, changes: await changes, score: await score,
                weights: weights)
            return (project, view)
        }
        return visit.page(
            .trends, "Trends of \(view.head.name)", crumbs: ProjectHead.crumbs(project, "Trends"),
            scripts: [visit.site.assets.paths.chart, visit.site.assets.paths.trend].compactMap(\.self), view)
    }
}

extension ChartMark {
    init(_ change: PBTrendChange) {
        switch change.figure {
        case .passRate:
            self.init(
                day: change.day, text: "Pass rate from \(NumberText.percent(change.before)) to \(NumberText.percent(change.after))",
                isWorse: change.after < change.before)
        case .duration, .unspecified, .UNRECOGNIZED:
            let before = DurationText.of(microseconds: Int64(change.before))
            self.init(
                day: change.day, text: "Median duration of a test from \(before) to \(DurationText.of(microseconds: Int64(change.after)))",
                isWorse: change.after > change.before)
        }
    }
}

extension Badge {
    init(change: ChartMark) {
        self = change.isWorse ? Badge(css: "failed", glyph: "↘", label: "Worse") : Badge(css: "passed", glyph: "↗", label: "Better")
    }
}
