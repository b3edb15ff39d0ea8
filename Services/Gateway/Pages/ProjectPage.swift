import AnalyticsAPI
import CommonAPI
import ExecutionAPI
import Foundation
import Hummingbird
import ProjectsAPI
import SwiftProtobuf

/// One project: how the last 30 days went, and its runs.
enum ProjectPage {
    static let limit: Int32 = 25

    struct View: Sendable {
        let head: ProjectHead
        let trendPanel: TrendPanel
        let ending: QuarantineEnding?
        let note: String?
        let rows: [RunRow]
        let hasRows: Bool
        let isEmpty: Bool
        let isFiltered: Bool
        let branchFilter: String
        let stateOptions: [StateOption]
        let pager: Pager?
        let exports: ExportLinks?
        let origin: String

        init(
            project: PBProject, runs: Panel<PBListRunsResponse>, trend: Panel<PBTrend>, ending: QuarantineEnding? = nil, filter: Filter,
            pager: Pager?, origin: String, now: Date
        ) {
            self.ending = ending
            head = ProjectHead(project, tab: .runs)
            trendPanel = TrendPanel(trend, title: "Last 30 days")
            note = runs.note
            rows = runs.content.map { $0.data.map { RunRow($0, now: now) } } ?? []
            hasRows = !rows.isEmpty
            isEmpty = rows.isEmpty && runs.note == nil
            isFiltered = filter.isSet
            branchFilter = filter.branch
            stateOptions =
                [StateOption(value: "", label: "All states", isChosen: filter.state == .unspecified)]
                + PBRun.State.all.map { StateOption(value: $0.word, label: Badge($0).label, isChosen: $0 == filter.state) }
            self.pager = pager
            exports = rows.isEmpty ? nil : ExportLinks(PageAddress.path("projects", project.slug, "runs"), filter.query)
            self.origin = origin
        }
    }

    struct StateOption: Sendable {
        let value: String
        let label: String
        let isChosen: Bool
    }

    /// What the list of runs is narrowed to, as the page's address says.
    struct Filter: Sendable {
        let state: PBRun.State
        let branch: String

        /// A state that does not exist means all of them: an old bookmark is no reason for an error page.
        init(state: String?, branch: String?) {
            self.state = PBRun.State.all.first { $0.word == state } ?? .unspecified
            self.branch = (branch ?? "").shortened(to: 200)
        }

        var isSet: Bool { state != .unspecified || !branch.isEmpty }
        var query: [(name: String, value: String)] { [("state", state.word), ("branch", branch)] }
    }

    static func show(_ visit: Visit) async throws -> Response {
        let filter = Filter(state: try visit.context.query("state"), branch: try visit.context.query("branch"))
        let cursor = try visit.cursor(filter: filter.query)
        let view = try await visit.asking {
            let project = try await ProjectHead.project(visit)
            async let trend = Panel.load("Trends") {
                try await PBTrends.Client(wrapping: visit.upstream("analytics")).getTrend(
                    .with {
                        $0.project = project.id
                        $0.days = 30
                    })
            }
            async let runs = Panel.load("Runs") {
                try await PBRuns.Client(wrapping: visit.upstream("execution")).listRuns(
                    .with {
                        $0.project = project.id
                        $0.limit = limit
                        $0.cursor = cursor
                        $0.state = filter.state
                        $0.branch = filter.branch
                    })
            }
            async let ending = QuarantineEnding.find(visit, in: project)
            let listed = await runs
            return View(
                project: project, runs: listed, trend: await trend, ending: await ending, filter: filter,
                pager: try visit.pager(next: listed.content?.page.nextCursor ?? "", filter: filter.query), origin: visit.site.publicURL,
                now: visit.now)
        }
        return visit.page(
            .project, view.head.name, crumbs: [PageFrame.Crumb("Projects", "/"), PageFrame.Crumb(view.head.name)],
            scripts: [visit.site.assets.paths.chart, visit.site.assets.paths.trend].compactMap(\.self), view)
    }
}
