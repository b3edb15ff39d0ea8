import CommonAPI
import Foundation
import Hummingbird
import Primitives
import ProjectsAPI
import SwiftProtobuf
import ValidationAPI

/// Judging all failures of a project again by the rules that hold now: how far it is, and how it went before.
enum JudgingsPage {
    static let limit: Int32 = 25

    struct View: Sendable {
        let head: ProjectHead
        let path: String
        let rulesPath: String
        let canStart: Bool
        let isUnderWay: Bool
        let refusal: String?
        let note: String?
        let rows: [Row]
        let hasRows: Bool
        let isEmpty: Bool
        let pager: Pager?
        /// Absent where there is nothing to have.
        let exports: ExportLinks?

        init(
            project: PBProject, judgings: Panel<PBListRecategorisationsResponse>, mayStart: Bool, refusal: String?, pager: Pager?, now: Date
        ) {
            head = ProjectHead(project, tab: .rules)
            path = JudgingsPage.path(project)
            rulesPath = RulesPage.path(project)
            isUnderWay = judgings.content?.data.contains { $0.isUnderWay } ?? false
            canStart = mayStart && !isUnderWay
            self.refusal = refusal
            rows = judgings.content?.data.map { Row($0, now: now) } ?? []
            hasRows = !rows.isEmpty
            note = judgings.note
            isEmpty = note == nil && rows.isEmpty
            self.pager = pager
            exports = rows.isEmpty ? nil : ExportLinks(PageAddress.path("projects", project.slug, "recategorisations"))
        }
    }

    struct Row: Sendable {
        let badge: Badge
        /// Of a hundred; absent until it is known how much there is.
        let percent: Int64?
        let progress: String
        let changed: String
        let withoutTexts: String?
        let editions: String
        let by: String?
        let created: Moment
        let finished: Moment?

        init(_ judging: PBRecategorisation, now: Date) {
            badge = Badge(judging.state)
            percent = judging.hasTotal && judging.isUnderWay ? (judging.total > 0 ? min(100, judging.done * 100 / judging.total) : 100) : nil
            let done = NumberText.grouped(judging.done)
            progress = judging.hasTotal ? "\(done) of \(NumberText.counted(judging.total, "failure"))" : "\(done) so far"
            let patterns = judging.changedLogPatterns > 0 ? " and " + NumberText.counted(judging.changedLogPatterns, "log pattern") : ""
            changed = NumberText.counted(judging.changed, "verdict") + patterns + " changed"
            withoutTexts = judging.withoutTexts > 0 ? "\(NumberText.grouped(judging.withoutTexts)) stay: their texts were not kept" : nil
            let lessons = judging.lessonsEdition > 0 ? ", lessons \(NumberText.grouped(judging.lessonsEdition))" : ""
            editions = "edition \(NumberText.grouped(judging.projectEdition)), general rules \(judging.builtInEdition)\(lessons)"
            by = judging.startedBy.nonEmpty
            created = Moment(judging.createdAt, now: now)
            finished = judging.hasFinishedAt ? Moment(judging.finishedAt, now: now) : nil
        }
    }

    static func path(_ project: PBProject) -> String { PageAddress.path("projects", project.slug, "rules", "judgings") }

    static func show(_ visit: Visit) async throws -> Response { try await page(visit) }

    private static func page(_ visit: Visit, refusal: Fault? = nil) async throws -> Response {
        let cursor = refusal == nil ? try visit.cursor(filter: []) : ""
        let (project, view) = try await visit.asking {
            let project = try await ProjectHead.project(visit)
            let judgings = await Panel.load("What was judged again") {
                try await PBRecategorisations.Client(wrapping: visit.upstream("validation")).listRecategorisations(
                    .with {
                        $0.project = project.id
                        $0.limit = limit
                        $0.cursor = cursor
                    })
            }
            let pager = try visit.pager(next: judgings.content?.page.nextCursor ?? "", filter: [])
            let view = View(
                project: project, judgings: judgings, mayStart: visit.may(RulesPage.permission, in: project), refusal: refusal?.pageDetail,
                pager: pager, now: visit.now)
            return (project, view)
        }
        let crumbs = ProjectHead.crumbs(project, ("Rules", RulesPage.path(project)), "Judging again")
        let status = refusal.map { Problem.status(of: $0) } ?? .ok
        return visit.page(
            .judgings, "Judging failures of \(view.head.name) again", crumbs: crumbs,
            scripts: view.isUnderWay ? [visit.site.assets.paths.progress] : [], status: status, view)
    }

    static func start(_ visit: Visit) async throws -> Response {
        _ = try await visit.form()
        do {
            let project = try await visit.asking {
                let project = try await ProjectHead.project(visit)
                _ = try await PBRecategorisations.Client(wrapping: visit.upstream("validation")).recategoriseFailures(
                    .with { $0.project = project.id })
                return project
            }
            return visit.redirect(to: path(project))
        } catch let fault as Fault where fault.isRefusal {
            return try await page(visit, refusal: fault)
        }
    }
}

extension PBRecategorisation {
    fileprivate var isUnderWay: Bool { state == .waiting || state == .running }
}

extension Badge {
    init(_ state: PBRecategorisation.State) {
        switch state {
        case .waiting: self = Badge(css: "pending", glyph: "○", label: "Waiting")
        case .running: self = Badge(css: "pending", glyph: "▸", label: "Running")
        case .done: self = Badge(css: "passed", glyph: "✓", label: "Done")
        case .abandoned: self = Badge(css: "errored", glyph: "!", label: "Abandoned")
        case .unspecified, .UNRECOGNIZED: self = .unknown
        }
    }
}
