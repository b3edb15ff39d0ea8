import CommonAPI
import ExecutionAPI
import Foundation
import Hummingbird
import ProjectsAPI
import SwiftProtobuf
import ValidationAPI

/// What the logs of a run say, first of all what those of runs that passed never said.
enum RunLogsPage {
    static let limit: Int32 = 50

    struct View: Sendable {
        let row: RunRow
        let path: String
        let chips: [Choice]
        let levels: [LogPatternText.Option]
        let isFiltered: Bool
        let onlyNew: Bool
        let stats: [StatFigure]
        let hasStats: Bool
        /// What was held against what.
        let compared: String?
        let note: String?
        let rows: [Row]
        let hasRows: Bool
        /// There is no log at all.
        let isEmpty: Bool
        /// There are logs, and nothing in them that was asked for.
        let isNarrow: Bool
        let pager: Pager?
        /// Absent where there is nothing to have.
        let exports: ExportLinks?

        /// - Parameter project: its slug, where that is known.
        init(
            _ run: PBRun, of project: String?, found: Panel<PBListRunLogPatternsResponse>, filter: Filter, pager: Pager?, now: Date
        ) {
            row = RunRow(run, now: now)
            path = RunLogsPage.path(run.id)
            chips = filter.choices(at: path)
            levels = LogPatternText.options(chosen: filter.level)
            isFiltered = filter.isSet
            onlyNew = filter.onlyNew
            note = found.note
            let logs = found.content?.logs
            stats = logs.map(Self.stats) ?? []
            hasStats = logs.map { $0.logs > 0 } ?? false
            compared = logs.flatMap(Self.compared)
            rows = found.content?.data.map { Row($0, in: project ?? run.project) } ?? []
            hasRows = !rows.isEmpty
            isEmpty = note == nil && !hasStats
            isNarrow = note == nil && hasStats && rows.isEmpty
            self.pager = pager
            exports = rows.isEmpty ? nil : ExportLinks(PageAddress.path("runs", run.id, "log-patterns"), filter.exported)
        }

        private static func stats(_ logs: PBRunLogs) -> [StatFigure] {
            var figures = [StatFigure("Logs", NumberText.grouped(logs.logs)), StatFigure("Lines", NumberText.grouped(logs.lines))]
            if logs.otherLines > 0 { figures.append(StatFigure("Other lines", NumberText.grouped(logs.otherLines))) }
            if logs.cutLogs > 0 { figures.append(StatFigure("Read in part", NumberText.grouped(logs.cutLogs))) }
            if logs.unreadableLogs > 0 { figures.append(StatFigure("No text", NumberText.grouped(logs.unreadableLogs))) }
            return figures
        }

        private static func compared(_ logs: PBRunLogs) -> String? {
            guard logs.logs > 0 else { return nil }
            guard logs.comparedRuns > 0 else { return "No earlier run with logs has passed, so nothing can be called new." }
            let runs = NumberText.counted(logs.comparedRuns, "earlier run")
            let branch = logs.comparedBranch.nonEmpty.map { " of \($0.shortened(to: 100))" } ?? ", of any branch"
            let part = logs.comparedInPart ? " They say more than is kept, so only what no run of the project has said before is called new." : ""
            return "New is what no log of the last \(runs)\(branch) says in which everything passed.\(part)"
        }
    }

    struct Row: Sendable {
        /// Absent where the project does not know it: what runs of strangers alone say, what it has no room for and what it has forgotten.
        let patternPath: String?
        let badge: Badge?
        let isNew: Bool
        let category: String?
        let template: String
        let sample: String
        let lines: String
        let seen: String

        init(_ pattern: PBRunLogPattern, in project: String) {
            patternPath = pattern.known ? LogPatternPage.path(project, pattern.id) : nil
            badge = LogPatternText.level(pattern.level)
            isNew = pattern.isNew
            category = LogPatternText.category(pattern.category)
            template = pattern.template.withoutTerminalColours.shortened(to: LogPatternText.template)
            sample = pattern.sample.withoutTerminalColours.shortened(to: LogPatternText.sample)
            lines = NumberText.grouped(pattern.lines)
            seen = pattern.seenInRuns == 0 ? "no other run" : NumberText.counted(pattern.seenInRuns, "other run")
        }
    }

    /// What the list is narrowed to, as the page's address says.
    struct Filter: Sendable {
        let level: String
        let onlyNew: Bool

        var isSet: Bool { !level.isEmpty || onlyNew }
        var query: [(name: String, value: String)] { [("level", level), ("new", onlyNew ? "1" : "")] }
        /// In the words of the API.
        var exported: [(name: String, value: String)] { [("level", level), ("only_new", onlyNew ? "true" : "")] }

        func choices(at path: String) -> [Choice] {
            [
                Choice(label: "All", path: PageAddress.of(path, [("level", level)]), isChosen: !onlyNew, count: nil),
                Choice(label: "New only", path: PageAddress.of(path, [("level", level), ("new", "1")]), isChosen: onlyNew, count: nil),
            ]
        }
    }

    static func path(_ run: String) -> String { PageAddress.path("runs", run, "logs") }

    static func show(_ visit: Visit) async throws -> Response {
        let id = try visit.context.parameter("run")
        let level = LogPatternText.level(named: try visit.context.query("level") ?? "")
        let filter = Filter(level: level == nil ? "" : try visit.context.query("level") ?? "", onlyNew: try visit.context.query("new") == "1")
        let cursor = try visit.cursor(filter: filter.query)
        let (project, view) = try await visit.asking {
            let run = try await PBRuns.Client(wrapping: visit.upstream("execution")).getRun(.with { $0.run = id })
            async let project = Panel.load("Projects") {
                try await PBProjects.Client(wrapping: visit.upstream("projects")).getProject(.with { $0.project = run.project })
            }
            let found = await Panel.load("Log patterns") {
                try await PBLogPatterns.Client(wrapping: visit.upstream("validation")).listRunLogPatterns(
                    .with {
                        $0.run = id
                        $0.limit = limit
                        $0.cursor = cursor
                        $0.level = level.map { [$0] } ?? []
                        $0.onlyNew = filter.onlyNew
                    })
            }
            let pager = try visit.pager(next: found.content?.page.nextCursor ?? "", filter: filter.query, label: "More")
            let known = await project.content
            return (known, View(run, of: known?.slug, found: found, filter: filter, pager: pager, now: visit.now))
        }
        let way = project.map { [PageFrame.Crumb($0.name, PageAddress.project($0.slug))] } ?? []
        let crumbs = [PageFrame.Crumb("Projects", "/")] + way + [PageFrame.Crumb(view.row.title, PageAddress.run(id)), PageFrame.Crumb("Logs")]
        return visit.page(.runLogs, "Logs of \(view.row.title)", crumbs: crumbs, view)
    }
}
