import CommonAPI
import Foundation
import GRPCCore
import Hummingbird
import Primitives
import ProjectsAPI
import ServiceKit
import SwiftProtobuf
import ValidationAPI

/// One rule of a project, new or there already: a form, and what its draft would make of the last failures before it is saved.
enum RulePage {
    struct View: Sendable {
        let title: String
        let path: String
        let isNew: Bool
        let canWrite: Bool
        let form: RuleForm
        /// The rule as it is saved: what a person has to know when somebody else was quicker.
        let saved: RulesPage.Row?
        let overruns: String?
        let test: RuleTrial?

        init(
            _ rule: PBProjectRule?, of project: PBProject, form: RuleForm, showsSaved: Bool, test: PBRuleTest?, canWrite: Bool, now: Date
        ) {
            title = rule.map { $0.name.shortened(to: 200) } ?? "New rule"
            path = rule.map { RulesPage.path(project, $0.id) } ?? RulesPage.path(project) + "/new"
            isNew = rule == nil
            self.canWrite = canWrite
            self.form = form
            saved = showsSaved ? rule.map { RulesPage.Row($0, path: nil, now: now) } : nil
            overruns = rule.flatMap { Self.overruns($0) }
            self.test = test.map(RuleTrial.init)
        }

        private static func overruns(_ rule: PBProjectRule) -> String? {
            guard rule.overruns > 0 else { return nil }
            let count = "It ran out of its budget on \(NumberText.counted(rule.overruns, "failure")), which the rules after it judged."
            return rule.enabled
                ? count + " After \(RuleText.mostOverruns) it is switched off."
                : count + " That is why it is switched off: make the pattern simpler, then switch it on again."
        }
    }

    /// What an answer is put together from.
    private struct Draft {
        var draft: PBRuleDraft?
        var version: Int64 = 0
        var test: PBRuleTest?
        var fault: Fault?
    }

    static func create(_ visit: Visit) async throws -> Response { try await page(visit, Draft()) }
    static func show(_ visit: Visit) async throws -> Response { try await page(visit, Draft()) }

    private static func page(_ visit: Visit, _ draft: Draft) async throws -> Response {
        let id = try rule(visit)
        let (project, view) = try await visit.asking {
            let project = try await ProjectHead.project(visit)
            let canWrite = visit.may(RulesPage.permission, in: project)
            var rule: PBProjectRule?
            if let id { rule = try await get(id, of: project, visit) } else if !canWrite { try visit.context.identity?.require(RulesPage.permission) }
            let isStale = draft.fault == .versionStale
            let version = isStale || draft.draft == nil ? rule?.version ?? 0 : draft.version
            let form = RuleForm(
                draft.draft ?? rule.map { RuleForm.draft($0) } ?? RuleForm.blank, version: version,
                refusal: draft.fault.map { FormRefusal($0, fields: RuleForm.fields) })
            let view = View(rule, of: project, form: form, showsSaved: isStale, test: draft.test, canWrite: canWrite, now: visit.now)
            return (project, view)
        }
        let status = draft.fault.map { Problem.status(of: $0) } ?? .ok
        return visit.page(
            .rule, view.title, crumbs: ProjectHead.crumbs(project, ("Rules", RulesPage.path(project)), view.title), status: status, view)
    }

    /// The rule that the path names; `nil` for a new one.
    private static func rule(_ visit: Visit) throws -> String? {
        visit.context.exchange.parameters.contains { $0.name == "rule" } ? try visit.context.parameter("rule") : nil
    }

    private static func get(_ id: String, of project: PBProject, _ visit: Visit) async throws -> PBProjectRule {
        try await rules(visit).getProjectRule(
            .with {
                $0.project = project.id
                $0.rule = id
            })
    }

    private static func rules(_ visit: Visit) -> PBProjectRules.Client<ServiceTransport> {
        PBProjectRules.Client(wrapping: visit.upstream("validation"))
    }

    // MARK: - Writing

    /// Tries the draft, saves it, or deletes the rule, as the button says that was pressed.
    static func submit(_ visit: Visit) async throws -> Response {
        let fields = try await visit.form()
        let id = try rule(visit)
        var answer = Draft(draft: RuleForm.draft(fields), version: Visit.version(fields))
        do {
            let (project, test) = try await visit.asking { [answer] in
                let project = try await ProjectHead.project(visit)
                return (project, try await act(fields["action"], on: id, answer, of: project, visit))
            }
            guard let test else { return visit.redirect(to: RulesPage.path(project)) }
            answer.test = test
        } catch let fault as Fault where fault.isRefusal {
            answer.fault = fault
        }
        return try await page(visit, answer)
    }

    /// - Returns: what came of trying; `nil` when the rule is saved or gone.
    private static func act(_ action: String?, on id: String?, _ wanted: Draft, of project: PBProject, _ visit: Visit) async throws -> PBRuleTest? {
        let draft = wanted.draft ?? PBRuleDraft()
        switch (action, id) {
        case ("save", let id?):
            _ = try await rules(visit).putProjectRule(
                .with {
                    $0.project = project.id
                    $0.rule = id
                    $0.draft = draft
                    $0.version = wanted.version
                })
        case ("save", nil):
            _ = try await rules(visit).createProjectRule(
                .with {
                    $0.project = project.id
                    $0.draft = draft
                })
        case ("delete", let id?):
            _ = try await rules(visit).deleteProjectRule(
                .with {
                    $0.project = project.id
                    $0.rule = id
                    $0.version = wanted.version
                })
        default:
            return try await rules(visit).testProjectRule(
                .with {
                    $0.project = project.id
                    $0.draft = draft
                    $0.rule = id ?? ""
                })
        }
        return nil
    }
}
