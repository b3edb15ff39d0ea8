import CommonAPI
import Foundation
import Hummingbird
import Primitives
import ProjectsAPI
import SwiftProtobuf
import ValidationAPI

/// What people taught a project by filing failures, and the switch of the step that judges after it.
enum LessonsPage {
    static let limit: Int32 = 50

    struct View: Sendable {
        let head: ProjectHead
        let path: String
        let rulesPath: String
        let learning: Switch?
        let canSet: Bool
        let refusal: String?
        let note: String?
        let rows: [Row]
        let hasRows: Bool
        let isEmpty: Bool
        let exports: ExportLinks?
        let pager: Pager?

        init(
            project: PBProject, lessons: Panel<PBListLessonsResponse>, learning: PBLearning?, canSet: Bool, refusal: String?, pager: Pager?, now: Date
        ) {
            head = ProjectHead(project, tab: .rules)
            path = LessonsPage.path(project)
            rulesPath = RulesPage.path(project)
            self.learning = learning.map(Switch.init)
            self.canSet = canSet && learning != nil
            self.refusal = refusal
            rows = lessons.content?.data.map { Row($0, now: now) } ?? []
            hasRows = !rows.isEmpty
            note = lessons.note
            isEmpty = note == nil && rows.isEmpty
            exports = rows.isEmpty ? nil : ExportLinks(PageAddress.path("projects", project.slug, "lessons"))
            self.pager = pager
        }
    }

    struct Switch: Sendable {
        let isOn: Bool
        let version: Int64

        init(_ learning: PBLearning) {
            isOn = learning.enabled
            version = learning.version
        }
    }

    struct Row: Sendable {
        let path: String
        let text: String
        let place: String?
        let category: String
        /// Where the person named one.
        let severity: String?
        let severityCSS: String
        let by: String?
        let at: Moment

        init(_ lesson: PBLesson, now: Date) {
            path = PageAddress.result(lesson.result)
            text = GroupText.tidied(lesson.text.withoutTerminalColours).nonEmpty?.shortened(to: 300) ?? "No message"
            place = [lesson.errorType, lesson.location].filter { !$0.isEmpty }.joined(separator: " · ").nonEmpty?.shortened(to: 300)
            category = JudgementText.category(lesson.category)
            let words = JudgementText.severity(lesson.severity)
            severity = lesson.severity == .severityUnspecified ? nil : words.label
            severityCSS = words.css
            by = lesson.decidedBy.nonEmpty
            at = Moment(lesson.decidedAt, now: now)
        }
    }

    static func path(_ project: PBProject) -> String { PageAddress.path("projects", project.slug, "rules", "lessons") }

    static func show(_ visit: Visit) async throws -> Response { try await page(visit) }

    private static func page(_ visit: Visit, refusal: Fault? = nil) async throws -> Response {
        let cursor = refusal == nil ? try visit.cursor(filter: []) : ""
        let (project, view) = try await visit.asking {
            let project = try await ProjectHead.project(visit)
            let client = PBLessons.Client(wrapping: visit.upstream("validation"))
            async let learning = Panel.load("The learned step") { try await client.getLearning(.with { $0.project = project.id }) }
            let lessons = await Panel.load("Lessons") {
                try await client.listLessons(
                    .with {
                        $0.project = project.id
                        $0.limit = limit
                        $0.cursor = cursor
                    })
            }
            let pager = try visit.pager(next: lessons.content?.page.nextCursor ?? "", filter: [])
            let view = View(
                project: project, lessons: lessons, learning: await learning.content, canSet: visit.may(RulesPage.permission, in: project),
                refusal: refusal?.pageDetail, pager: pager, now: visit.now)
            return (project, view)
        }
        let crumbs = ProjectHead.crumbs(project, ("Rules", RulesPage.path(project)), "Lessons")
        let status = refusal.map { Problem.status(of: $0) } ?? .ok
        return visit.page(.lessons, "What \(view.head.name) has learned", crumbs: crumbs, status: status, view)
    }

    static func set(_ visit: Visit) async throws -> Response {
        let fields = try await visit.form()
        do {
            let project = try await visit.asking {
                let project = try await ProjectHead.project(visit)
                _ = try await PBLessons.Client(wrapping: visit.upstream("validation")).putLearning(
                    .with {
                        $0.project = project.id
                        $0.enabled = fields["enabled"] != nil
                        $0.version = Visit.version(fields)
                    })
                return project
            }
            return visit.redirect(to: path(project))
        } catch let fault as Fault where fault.isRefusal {
            return try await page(visit, refusal: fault)
        }
    }
}
