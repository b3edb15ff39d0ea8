import CommonAPI
import Foundation
import Hummingbird
import ProjectsAPI
import SwiftProtobuf
import ValidationAPI

/// What the logs of a project say, the latest first.
enum LogPatternsPage {
    static let limit: Int32 = 50

    struct View: Sendable {
        let head: ProjectHead
        let listPath: String
        let levels: [LogPatternText.Option]
        let text: String
        let isByLines: Bool
        let isFiltered: Bool
        let note: String?
        let isEmpty: Bool
        let rows: [Row]
        let hasRows: Bool
        let pager: Pager?
        /// Absent where there is nothing to have.
        let exports: ExportLinks?

        init(project: PBProject, found: Panel<PBListLogPatternsResponse>, filter: Filter, pager: Pager?, now: Date) {
            head = ProjectHead(project, tab: .logs)
            listPath = LogPatternsPage.path(project.slug)
            levels = LogPatternText.options(chosen: filter.level)
            text = filter.text
            isByLines = filter.isByLines
            isFiltered = filter.isSet
            note = found.note
            rows = found.content?.data.map { Row($0, project: project.slug, now: now) } ?? []
            hasRows = !rows.isEmpty
            isEmpty = note == nil && rows.isEmpty
            self.pager = pager
            exports = rows.isEmpty ? nil : ExportLinks(PageAddress.path("projects", project.slug, "log-patterns"), filter.exported)
        }
    }

    struct Row: Sendable {
        let path: String
        let badge: Badge?
        let category: String?
        let template: String
        let sample: String
        let lines: String
        let runs: String
        let lastSeen: Moment
        let firstSeen: Moment
        /// The logs of the run that it was seen in last.
        let runPath: String

        init(_ pattern: PBLogPattern, project: String, now: Date) {
            path = LogPatternPage.path(project, pattern.id)
            badge = LogPatternText.level(pattern.level)
            category = LogPatternText.category(pattern.category)
            template = pattern.template.withoutTerminalColours.shortened(to: LogPatternText.template)
            sample = pattern.sample.withoutTerminalColours.shortened(to: LogPatternText.sample)
            lines = NumberText.counted(pattern.lines, "line")
            runs = NumberText.counted(pattern.runs, "run")
            lastSeen = Moment(pattern.lastSeenAt, now: now)
            firstSeen = Moment(pattern.firstSeenAt, now: now)
            runPath = RunLogsPage.path(pattern.lastRun)
        }
    }

    /// What the list is narrowed to, as the page's address says.
    struct Filter: Sendable {
        let level: String
        let text: String
        let isByLines: Bool

        var isSet: Bool { !level.isEmpty || !text.isEmpty || isByLines }
        var query: [(name: String, value: String)] { [("level", level), ("q", text), ("sort", isByLines ? "LINES" : "")] }
        /// In the words of the API.
        var exported: [(name: String, value: String)] { [("level", level), ("text", text), ("sort", isByLines ? "LINES" : "")] }
    }

    static func path(_ slug: String) -> String { PageAddress.path("projects", slug, "logs") }

    static func show(_ visit: Visit) async throws -> Response {
        let named = try visit.context.query("level") ?? ""
        let level = LogPatternText.level(named: named)
        let filter = Filter(
            level: level == nil ? "" : named, text: String((try visit.context.query("q") ?? "").prefix(200)),
            isByLines: try visit.context.query("sort") == "LINES")
        let cursor = try visit.cursor(filter: filter.query)
        let (project, view) = try await visit.asking {
            let project = try await ProjectHead.project(visit)
            let found = await Panel.load("Log patterns") {
                try await PBLogPatterns.Client(wrapping: visit.upstream("validation")).listLogPatterns(
                    .with {
                        $0.project = project.id
                        $0.limit = limit
                        $0.cursor = cursor
                        $0.level = level.map { [$0] } ?? []
                        $0.text = filter.text
                        $0.sort = filter.isByLines ? .lines : .lastSeen
                    })
            }
            let pager = try visit.pager(next: found.content?.page.nextCursor ?? "", filter: filter.query, label: "More")
            return (project, View(project: project, found: found, filter: filter, pager: pager, now: visit.now))
        }
        return visit.page(
            .logPatterns, "Logs of \(view.head.name)", crumbs: ProjectHead.crumbs(project, "Logs"), scripts: [visit.site.assets.paths.triage], view)
    }
}
