import CommonAPI
import Foundation
import Hummingbird
import Primitives
import ProjectsAPI
import SwiftProtobuf
import ValidationAPI

/// The rules with which a project judges its failures, in the order in which they are asked; as they are, and as they were in each edition.
enum RulesPage {
    /// Who may write rules.
    static let permission = "projects.write"

    struct View: Sendable {
        let head: ProjectHead
        /// The edition whose rules these were; `nil` for those that hold.
        let past: String?
        let rulesPath: String
        let newPath: String?
        let editionsPath: String
        let judgingsPath: String
        let lessonsPath: String
        let rows: [Row]
        let hasRows: Bool
        let isEmpty: Bool
        let note: String?
        let builtIn: [BuiltInRow]
        let builtInCount: String?
        let exports: ExportLinks?

        init(
            project: PBProject, rules: Panel<PBListProjectRulesResponse>, builtIn: Panel<[PBRule]>, past: Int64? = nil, canWrite: Bool, now: Date
        ) {
            head = ProjectHead(project, tab: .rules)
            self.past = past.map(NumberText.grouped)
            rulesPath = RulesPage.path(project)
            newPath = canWrite && past == nil ? rulesPath + "/new" : nil
            editionsPath = rulesPath + "/editions"
            judgingsPath = rulesPath + "/judgings"
            lessonsPath = LessonsPage.path(project)
            let isPast = past != nil
            rows = rules.content?.data.map { Row($0, path: isPast ? nil : RulesPage.path(project, $0.id), now: now) } ?? []
            hasRows = !rows.isEmpty
            note = rules.note
            isEmpty = note == nil && rows.isEmpty
            self.builtIn = isPast ? [] : (builtIn.content ?? []).sorted { $0.order < $1.order }.map(BuiltInRow.init)
            exports =
                rows.isEmpty
                ? nil
                : ExportLinks(
                    past.map { PageAddress.path("projects", project.slug, "rule-editions", "\($0)") }
                        ?? PageAddress.path("projects", project.slug, "rules"))
            builtInCount = self.builtIn.isEmpty ? nil : NumberText.counted(Int64(self.builtIn.count), "rule")
        }
    }

    struct Row: Sendable {
        let badge: Badge
        let order: String
        let name: String
        let path: String?
        let pattern: String
        let places: String
        let category: String
        let severity: String
        let severityCSS: String
        let edition: String
        let overruns: String?
        let lastOverrun: Moment?

        init(_ rule: PBProjectRule, path: String?, now: Date) {
            badge = Badge(rule)
            order = "\(rule.order)"
            name = rule.name.shortened(to: 200)
            self.path = path
            pattern = rule.pattern.shortened(to: 300)
            places = RuleText.places(rule.places)
            category = JudgementText.category(rule.category)
            (severity, severityCSS) = JudgementText.severity(rule.severity)
            edition = NumberText.grouped(rule.version)
            overruns = rule.overruns > 0 ? NumberText.counted(rule.overruns, "failure") : nil
            lastOverrun = rule.overruns > 0 && rule.hasLastOverrunAt ? Moment(rule.lastOverrunAt, now: now) : nil
        }
    }

    struct BuiltInRow: Sendable {
        let id: String
        let text: String
        let category: String
        let severity: String
        let severityCSS: String

        init(_ rule: PBRule) {
            id = rule.id
            text = rule.description_p
            category = JudgementText.category(rule.category)
            (severity, severityCSS) = JudgementText.severity(rule.severity)
        }
    }

    static func path(_ project: PBProject) -> String { PageAddress.path("projects", project.slug, "rules") }
    static func path(_ project: PBProject, _ rule: String) -> String { PageAddress.path("projects", project.slug, "rules", rule) }

    static func show(_ visit: Visit) async throws -> Response {
        let (project, view) = try await visit.asking {
            let project = try await ProjectHead.project(visit)
            async let builtIn = Panel.load("Rules") {
                try await PBFailures.Client(wrapping: visit.upstream("validation")).listRules(PBListRulesRequest()).data
            }
            let rules = await Panel.load("Rules") {
                try await PBProjectRules.Client(wrapping: visit.upstream("validation")).listProjectRules(.with { $0.project = project.id })
            }
            let canWrite = visit.may(permission, in: project)
            return (project, View(project: project, rules: rules, builtIn: await builtIn, canWrite: canWrite, now: visit.now))
        }
        return visit.page(.rules, "Rules of \(view.head.name)", crumbs: ProjectHead.crumbs(project, "Rules"), view)
    }

    /// The rules of one edition.
    static func showEdition(_ visit: Visit) async throws -> Response {
        let edition = try visit.context.parameter("edition")
        guard let number = Int64(edition), number > 0 else { throw Fault.routeNotFound }
        let (project, view) = try await visit.asking {
            let project = try await ProjectHead.project(visit)
            let rules = try await PBProjectRules.Client(wrapping: visit.upstream("validation")).getRuleEdition(
                .with {
                    $0.project = project.id
                    $0.edition = "\(number)"
                })
            return (project, View(project: project, rules: .content(rules), builtIn: .content([]), past: number, canWrite: false, now: visit.now))
        }
        let crumbs = ProjectHead.crumbs(project, ("Rules", path(project)), "Edition \(number)")
        return visit.page(.rules, "Rules of \(view.head.name), edition \(number)", crumbs: crumbs, view)
    }
}

/// Words about rules.
enum RuleText {
    /// Failures on which a rule runs out of its budget before Assay switches it off.
    static let mostOverruns: Int64 = 20

    static let allPlaces: [(place: PBProjectRule.Place, name: String, label: String)] = [
        (.message, "message", "message"), (.type, "type", "type"), (.trace, "trace", "trace"), (.systemErr, "system_err", "standard error"),
    ]

    /// The page of the rule that judged a failure; those that everybody has have none.
    static func path(_ failure: PBFailure) -> String? { path(failure.rule, in: failure.project) }

    /// The page of a rule of the project; those that everybody has have none.
    static func path(_ rule: String, in project: String) -> String? {
        rule.hasPrefix("rul_") ? PageAddress.path("projects", project, "rules", rule) : nil
    }

    static func places(_ places: [PBProjectRule.Place]) -> String {
        places.count == allPlaces.count
            ? "anywhere" : places.map { place in allPlaces.first { $0.place == place }?.label ?? "?" }.joined(separator: ", ")
    }
}

extension Badge {
    init(_ rule: PBProjectRule) {
        // Whatever a person changes begins to count anew, so that many of them say who switched it off.
        let isAssays = !rule.enabled && rule.overruns >= RuleText.mostOverruns
        self = isAssays ? Badge(css: "failed", glyph: "!", label: "Switched off") : Badge(isEnabled: rule.enabled)
    }
}
