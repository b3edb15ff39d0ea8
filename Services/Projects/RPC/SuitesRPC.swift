import CommonAPI
import GRPCCore
import Primitives
import ProjectsAPI
import ServiceKit
import SwiftProtobuf

/// `assay.projects.v1.Suites`
struct SuitesRPC: PBSuites.SimpleServiceProtocol {
    let suites: SuiteStore
    let cases: CaseStore

    func createSuite(request: PBCreateSuiteRequest, context: ServerContext) async throws -> PBSuite {
        let caller = Caller.current
        let draft = try Suite.Draft(name: request.name, description: request.description_p, variables: request.variables)
        let project = try ID<Project>(request.project, field: "project")
        try caller.require(project: project)
        return try await PBSuite(suites.insert(draft, project: project, key: caller.idempotencyKey, tenant: caller.tenant))
    }

    func getSuite(request: PBGetSuiteRequest, context: ServerContext) async throws -> PBSuite {
        try await PBSuite(suite(request.suite))
    }

    func listSuites(request: PBListSuitesRequest, context: ServerContext) async throws -> PBListSuitesResponse {
        let caller = Caller.current
        let page = try PageRequest(limit: Int(request.limit), cursor: request.cursor)
        let project = try ID<Project>(request.project, field: "project")
        try caller.require(project: project)
        let listed = try await suites.list(page, project: project, tenant: caller.tenant)
        return .with {
            $0.data = listed.items.map(PBSuite.init)
            $0.page = PBPage(listed)
        }
    }

    func getPlan(request: PBGetPlanRequest, context: ServerContext) async throws -> PBPlan {
        let suite = try await suite(request.suite)
        guard suite.project.description == request.project else { throw Fault.notFound("suite", suite.id) }
        let cases = try await cases.all(of: suite.id, tenant: Caller.current.tenant)
        guard !cases.isEmpty else { throw Fault.suiteEmpty(suite.id) }
        return .with {
            $0.suite = PBSuite(suite)
            $0.cases = cases.map(PBCase.init)
        }
    }

    private func suite(_ text: String) async throws -> Suite {
        let caller = Caller.current
        let suite = try await suites.get(ID(text, field: "suite"), tenant: caller.tenant)
        try caller.require(project: suite.project)
        return suite
    }
}
