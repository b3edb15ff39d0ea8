import AnalyticsAPI
import CommonAPI
import Foundation
import Hummingbird
import Primitives
import ProjectsAPI
import SwiftProtobuf

/// How a project goes: its last days, weeks or months, the whole of it or one suite, branch, environment or tag; since when it goes differently; its score.
enum TrendsPage {
    static let valueLimit: Int32 = 50
    /// Changes of single tests that are shown.
    static let testLimit: Int32 = 10

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
        let changes: [TrendChangeRow]
        let changesNote: String?
        /// Why a word was not taken on a change that is not on this page any more.
        let changesRefusal: String?
        let changesReceipt: ChangesReceipt?
        let changesExports: ExportLinks?
        /// Where those are that were found before, those that are gone among them.
        let foundPath: String
        let testChanges: [TestChangeRow]
        let hasTestChanges: Bool
        /// Why there are none where they could not be had.
        let testChangesNote: String?
        let testChangesExports: ExportLinks?
        let comparePath: String
        let quality: QualityPanel

        init(
            project: PBProject, filter: Filter, trend: Panel<PBTrend>, values: Panel<PBListTrendValuesResponse>?, changes: Panel<PBTrendChanges>,
            tests: Panel<PBListLevelChangesResponse>? = nil, score: Panel<PBQualityScore>, weights: QualityWeights = QualityWeights(),
            canJudge: Bool = false, attempt: TrendChangeRow.Attempt? = nil, now: Date
        ) {
            head = ProjectHead(project, tab: .trends)
            let path = TrendsPage.path(project)
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
            trendPanel = TrendPanel(trend, title: filter.title, by: filter.period, marks: changed.filter { !$0.isDismissed }.map { ChartMark($0) })
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
            self.changes = changed.reversed().map {
                TrendChangeRow($0, of: project.slug, filter: filter, canJudge: canJudge, attempt: attempt, now: now)
            }
            changesRefusal = attempt.flatMap { attempt in changed.contains { $0.levelChange == attempt.change } ? nil : attempt.fault.pageDetail }
            foundPath = LevelChangesPage.path(
                project, LevelChangesPage.Filter(by: filter.value.isEmpty ? nil : filter.dimensionWord, value: filter.value))
            changesExports = changed.isEmpty ? nil : exports("trend-changes")
            changesReceipt = changes.content.flatMap { ChangesReceipt(edition: $0.edition, inputHash: $0.inputHash) }
            changesNote = changes.note ?? (self.changes.isEmpty ? "Pass rate and durations have stayed at their level." : nil)
            testChanges = tests?.content?.data.map { TestChangeRow($0) } ?? []
            hasTestChanges = !testChanges.isEmpty
            testChangesNote = tests?.note
            let testList = PageAddress.path("projects", project.slug, "level-changes")
            testChangesExports = hasTestChanges ? ExportLinks(testList, [("dimension", "TEST")]) : nil
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

    static func path(_ project: PBProject) -> String { PageAddress.path("projects", project.slug, "trends") }

    static func show(_ visit: Visit) async throws -> Response {
        let filter = Filter(
            days: try visit.context.query("days"), period: try visit.context.query("period"), by: try visit.context.query("by"),
            value: try visit.context.query("value"))
        return try await page(visit, filter, weights: QualityWeights(try QualityWeights.names.map { ($0, try visit.context.query($0)) }))
    }

    /// - Parameter attempt: a word on a change that was not taken.
    private static func page(
        _ visit: Visit, _ filter: Filter, weights: QualityWeights = QualityWeights(), attempt: TrendChangeRow.Attempt? = nil
    ) async throws -> Response {
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
            async let tests = testChanges(of: project, filter, visit)
            async let score = Panel.load("The quality score") {
                try await PBQualityScores.Client(wrapping: visit.upstream("analytics")).getQualityScore(
                    .with {
                        $0.project = project.id
                        $0.days = filter.days
                        weights.fill(&$0)
                    })
            }
            let view = View(
                project: project, filter: filter, trend: await trend, values: await values, changes: await changes, tests: await tests,
                score: await score, weights: weights, canJudge: visit.may(TriagePage.permission, in: project), attempt: attempt, now: visit.now)
            return (project, view)
        }
        return visit.page(
            .trends, "Trends of \(view.head.name)", crumbs: ProjectHead.crumbs(project, "Trends"),
            scripts: [visit.site.assets.paths.chart, visit.site.assets.paths.trend].compactMap(\.self),
            status: attempt.map { Problem.status(of: $0.fault) } ?? .ok, view)
    }

    /// Of single tests, the newest that stand; `nil` where the page is about a part of the project.
    private static func testChanges(of project: PBProject, _ filter: Filter, _ visit: Visit) async -> Panel<PBListLevelChangesResponse>? {
        guard filter.value.isEmpty else { return nil }
        return await Panel.load("Changes of tests") {
            try await PBLevelChanges.Client(wrapping: visit.upstream("analytics")).listLevelChanges(
                .with {
                    $0.project = project.id
                    $0.dimension = .test
                    $0.limit = testLimit
                })
        }
    }

    /// Dismisses a change or confirms it, or takes back what was said last.
    static func decide(_ visit: Visit) async throws -> Response {
        let fields = try await visit.form()
        let change = try visit.context.parameter("change")
        let filter = Filter(days: fields["days"], period: fields["period"], by: fields["by"], value: fields["value"])
        do {
            let project = try await visit.asking {
                let project = try await ProjectHead.project(visit)
                try await TrendChangeRow.say(fields, of: change, visit)
                return project
            }
            return visit.redirect(to: PageAddress.of(path(project), filter.with("", ""), fragment: "changes"))
        } catch let fault as Fault where fault.isRefusal {
            return try await page(visit, filter, attempt: TrendChangeRow.Attempt(change: change, fields: fields, fault: fault))
        }
    }
}
