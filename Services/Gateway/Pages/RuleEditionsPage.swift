import CommonAPI
import Foundation
import Hummingbird
import ProjectsAPI
import SwiftProtobuf
import ValidationAPI

/// Every change of a project's rules, newest first.
enum RuleEditionsPage {
    static let limit: Int32 = 50

    struct View: Sendable {
        let head: ProjectHead
        let note: String?
        let rows: [Row]
        let hasRows: Bool
        let isEmpty: Bool
        let pager: Pager?
        /// Absent where there is nothing to have.
        let exports: ExportLinks?

        init(project: PBProject, editions: Panel<PBListRuleEditionsResponse>, pager: Pager?, now: Date) {
            head = ProjectHead(project, tab: .rules)
            rows = editions.content?.data.map { Row($0, of: project, now: now) } ?? []
            hasRows = !rows.isEmpty
            note = editions.note
            isEmpty = note == nil && rows.isEmpty
            self.pager = pager
            exports = rows.isEmpty ? nil : ExportLinks(PageAddress.path("projects", project.slug, "rule-editions"))
        }
    }

    struct Row: Sendable {
        let badge: Badge
        let edition: String
        let path: String
        let rule: String
        let by: String?
        let at: Moment

        init(_ edition: PBRuleEdition, of project: PBProject, now: Date) {
            badge = Badge(edition.change)
            self.edition = NumberText.grouped(edition.edition)
            path = PageAddress.path("projects", project.slug, "rules", "editions", "\(edition.edition)")
            let isLearning = edition.change == .learningOn || edition.change == .learningOff
            rule = isLearning ? "The learned step" : edition.ruleName.shortened(to: 200)
            by = edition.changedBy.nonEmpty
            at = Moment(edition.changedAt, now: now)
        }
    }

    static func show(_ visit: Visit) async throws -> Response {
        let cursor = try visit.cursor(filter: [])
        let (project, view) = try await visit.asking {
            let project = try await ProjectHead.project(visit)
            let editions = await Panel.load("Editions") {
                try await PBProjectRules.Client(wrapping: visit.upstream("validation")).listRuleEditions(
                    .with {
                        $0.project = project.id
                        $0.limit = limit
                        $0.cursor = cursor
                    })
            }
            let pager = try visit.pager(next: editions.content?.page.nextCursor ?? "", filter: [])
            return (project, View(project: project, editions: editions, pager: pager, now: visit.now))
        }
        let crumbs = ProjectHead.crumbs(project, ("Rules", RulesPage.path(project)), "History")
        return visit.page(.ruleEditions, "History of the rules of \(view.head.name)", crumbs: crumbs, view)
    }
}

extension Badge {
    init(_ change: PBRuleEdition.Change) {
        switch change {
        case .created: self = Badge(css: "passed", glyph: "+", label: "Made")
        case .updated: self = Badge(css: "pending", glyph: "~", label: "Changed")
        case .deleted: self = Badge(css: "skipped", glyph: "−", label: "Deleted")
        case .switchedOff: self = Badge(css: "failed", glyph: "!", label: "Switched off")
        case .learningOn: self = Badge(isEnabled: true)
        case .learningOff: self = Badge(isEnabled: false)
        case .unspecified, .UNRECOGNIZED: self = .unknown
        }
    }
}
