import CommonAPI
import GRPCCore
import Primitives
import ServiceKit
import SwiftProtobuf
import ValidationAPI

/// `assay.validation.v1.ProjectRules`
struct ProjectRulesRPC: PBProjectRules.SimpleServiceProtocol {
    let rules: RuleStore
    let failures: FailureStore

    func listProjectRules(request: PBListProjectRulesRequest, context: ServerContext) async throws -> PBListProjectRulesResponse {
        let project = try project(request.project)
        return try await listed(project, edition: rules.edition(of: project, tenant: Caller.current.tenant))
    }

    func createProjectRule(request: PBCreateProjectRuleRequest, context: ServerContext) async throws -> PBProjectRule {
        let caller = Caller.current
        let project = try project(request.project)
        let draft = try ProjectRule.Draft(request.draft)
        let rule = try await rules.insert(draft, of: project, by: caller.actor, key: caller.idempotencyKey, tenant: caller.tenant)
        return PBProjectRule(rule, of: project)
    }

    func getProjectRule(request: PBGetProjectRuleRequest, context: ServerContext) async throws -> PBProjectRule {
        let project = try project(request.project)
        return try await PBProjectRule(rules.get(ID(request.rule, field: "rule"), of: project, tenant: Caller.current.tenant), of: project)
    }

    func putProjectRule(request: PBPutProjectRuleRequest, context: ServerContext) async throws -> PBProjectRule {
        let caller = Caller.current
        let project = try project(request.project)
        let id = try ID<ProjectRule>(request.rule, field: "rule")
        let draft = try ProjectRule.Draft(request.draft)
        let rule = try await rules.update(id, to: draft, version: request.version, of: project, by: caller.actor, tenant: caller.tenant)
        return PBProjectRule(rule, of: project)
    }

    func deleteProjectRule(request: PBDeleteProjectRuleRequest, context: ServerContext) async throws -> PBEmpty {
        let caller = Caller.current
        try await rules.delete(
            ID(request.rule, field: "rule"), version: request.version, of: project(request.project), by: caller.actor, tenant: caller.tenant)
        return PBEmpty()
    }

    func listRuleEditions(request: PBListRuleEditionsRequest, context: ServerContext) async throws -> PBListRuleEditionsResponse {
        let page = try PageRequest(limit: Int(request.limit), cursor: request.cursor)
        let listed = try await rules.editions(page, of: project(request.project), tenant: Caller.current.tenant)
        return .with {
            $0.data = listed.items.map(PBRuleEdition.init)
            $0.page = PBPage(listed)
        }
    }

    func getRuleEdition(request: PBGetRuleEditionRequest, context: ServerContext) async throws -> PBListProjectRulesResponse {
        let project = try project(request.project)
        guard let edition = Int64(request.edition), edition >= 0 else {
            throw Fault.invalidField("edition", "invalid", "An edition is a number.")
        }
        guard try await edition <= rules.edition(of: project, tenant: Caller.current.tenant) else { throw Fault.notFound("rule_edition", edition) }
        return try await listed(project, edition: edition)
    }

    func testProjectRule(request: PBTestProjectRuleRequest, context: ServerContext) async throws -> PBRuleTest {
        let tenant = Caller.current.tenant
        let project = try project(request.project)
        let draft = try ProjectRule.Draft(request.draft)
        var replaced: ProjectRule?
        if !request.rule.isEmpty { replaced = try await rules.get(ID(request.rule, field: "/rule"), of: project, tenant: tenant) }
        let book = try await rules.book(of: project, tenant: tenant)
        let step = try await rules.lessons.step(for: book, of: project, tenant: tenant)
        let last = try await failures.last(RuleTest.failures, of: project, tenant: tenant)
        // Away from the thread of the connection: it may take two seconds.
        return await Task.detached { [replaced] in PBRuleTest(RuleTest(draft, replacing: replaced, in: book, then: step, on: last)) }.value
    }

    private func listed(_ project: ID<Project>, edition: Int64) async throws -> PBListProjectRulesResponse {
        let tenant = Caller.current.tenant
        let found = try await rules.rules(of: project, edition: edition, tenant: tenant)
        let isLearning = try await rules.isLearning(project, edition: edition, tenant: tenant)
        return .with {
            $0.data = found.map { PBProjectRule($0, of: project) }
            $0.edition = edition
            $0.learning = isLearning
        }
    }

    private func project(_ text: String) throws -> ID<Project> {
        let project = try ID<Project>(text, field: "project")
        try Caller.current.require(project: project)
        return project
    }
}
