import AnalyticsAPI
import CommonAPI
import Foundation
import Hummingbird
import ProjectsAPI
import SwiftProtobuf

/// How the tests of a project ended in its latest runs: a row a test, a column a run. Arrow keys go from square to square (`grid.js`).
enum GridPage {
    static let limit: Int32 = 25
    static let runs: Int32 = 30

    struct View: Sendable {
        let head: ProjectHead
        let note: String?
        /// What is said where there is no row; absent where there are, or nobody knows.
        let empty: String?
        let branch: String
        let q: String
        let isFiltered: Bool
        let days: [Day]
        let columns: [Column]
        let rows: [Row]
        let hasRows: Bool
        let pager: Pager?
        let exports: ExportLinks?

        init(project: PBProject, grid: Panel<PBTestGrid>, filter: Filter, pager: Pager?, now: Date) {
            head = ProjectHead(project, tab: .grid)
            let content = grid.content ?? PBTestGrid()
            note = grid.note
            // Oldest first, as one reads a history.
            let runs = Array(content.runs.enumerated().reversed())
            columns = runs.map { Column($0.element, now: now) }
            days = Day.all(columns)
            rows = content.data.filter { !$0.cells.isEmpty }.map { row in Row(row, runs: runs, now: now) }
            hasRows = !rows.isEmpty
            empty = note == nil && rows.isEmpty ? filter.noneText : nil
            branch = filter.branch
            q = filter.q
            isFiltered = filter.isSet
            self.pager = pager
            exports = rows.isEmpty ? nil : ExportLinks(PageAddress.path("projects", project.slug, "test-grid"), filter.query)
        }
    }

    /// What the grid is narrowed to: runs of a branch, and tests of which suite, class or name holds a text.
    struct Filter: Sendable {
        let branch: String
        let q: String

        init(branch: String?, q: String?) {
            self.branch = (branch ?? "").trimmed.shortened(to: 200)
            self.q = TestSearchText.of(q)
        }

        var isSet: Bool { !(branch + q).isEmpty }
        var query: [(name: String, value: String)] { [("branch", branch), ("q", q)] }

        /// What an empty grid says.
        fileprivate var noneText: String {
            switch (branch.isEmpty, q.isEmpty) {
            case (true, true): "Results are shown here as soon as they are uploaded."
            case (false, true): "No test ran on this branch lately."
            case (true, false): TestSearchText.none
            case (false, false): "No test that has this in its suite, class or name ran on this branch lately."
            }
        }
    }

    struct Column: Sendable {
        let path: String
        let label: String
        /// Month and day, UTC.
        let day: String
        /// Hour and minute.
        let time: String

        init(_ run: PBGridRun, now: Date) {
            path = PageAddress.run(run.run)
            let when = Moment(run.startedAt, now: now)
            label = GridPage.words("Run", run, when)
            day = String(when.iso.dropFirst(5).prefix(5))
            time = String(when.iso.dropFirst(11).prefix(5))
        }
    }

    /// Neighbouring columns of one day.
    struct Day: Sendable {
        let label: String
        let span: Int

        static func all(_ columns: [Column]) -> [Day] {
            var days: [(day: String, span: Int)] = []
            for column in columns {
                if days.last?.day == column.day { days[days.count - 1].span += 1 } else { days.append((column.day, 1)) }
            }
            // Two squares are the least that month and day fit over.
            return days.map { Day(label: $0.span > 1 ? $0.day : String($0.day.suffix(2)), span: $0.span) }
        }
    }

    struct Row: Sendable {
        let path: String
        let name: String
        let place: String?
        let verdict: StabilityText?
        let cells: [Cell]

        init(_ row: PBGridRow, runs: [(offset: Int, element: PBGridRun)], now: Date) {
            path = PageAddress.test(row.test.id)
            name = row.test.name.shortened(to: 200)
            place = TestPlace.of(suite: row.test.suiteName, className: row.test.className)
            verdict = row.test.hasStability && row.test.stability.kind != .stable ? StabilityText(row.test.stability) : nil
            let known = Dictionary(row.cells.map { (Int($0.run), $0) }) { first, _ in first }
            cells = runs.map { place, run in Cell(known[place], run, now: now) }
        }
    }

    struct Cell: Sendable {
        let isRun: Bool
        let css: String
        let glyph: String
        let path: String
        let label: String

        init(_ cell: PBGridCell?, _ run: PBGridRun, now: Date) {
            isRun = cell != nil
            let badge = cell.map { Badge($0.outcome) } ?? .skipped
            (css, glyph) = (badge.css, badge.glyph)
            path = cell.map { PageAddress.result($0.result) } ?? ""
            label = GridPage.words(badge.label, run, Moment(run.startedAt, now: now))
        }
    }

    fileprivate static func words(_ what: String, _ run: PBGridRun, _ when: Moment) -> String {
        let place = [run.branch, String(run.commitSha.prefix(10))].filter { !$0.isEmpty }.joined(separator: " ")
        return "\(what), \(when.absolute)" + (place.isEmpty ? "" : ", \(place.shortened(to: 100))")
    }

    static func show(_ visit: Visit) async throws -> Response {
        let filter = Filter(branch: try visit.context.query("branch"), q: try visit.context.query("q"))
        let cursor = try visit.cursor(filter: filter.query)
        let (project, view) = try await visit.asking {
            let project = try await ProjectHead.project(visit)
            let grid = await Panel.load("Executions") {
                try await PBTestGrids.Client(wrapping: visit.upstream("analytics")).getTestGrid(
                    .with {
                        $0.project = project.id
                        $0.branch = filter.branch
                        $0.q = filter.q
                        $0.runs = runs
                        $0.limit = limit
                        $0.cursor = cursor
                    })
            }
            let pager = try visit.pager(next: grid.content?.page.nextCursor ?? "", filter: filter.query, label: "More")
            return (project, View(project: project, grid: grid, filter: filter, pager: pager, now: visit.now))
        }
        return visit.page(
            .grid, "History of \(view.head.name)", crumbs: ProjectHead.crumbs(project, "History"), scripts: [visit.site.assets.paths.grid], view)
    }
}
