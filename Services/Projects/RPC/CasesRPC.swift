import CommonAPI
import GRPCCore
import Primitives
import ProjectsAPI
import ServiceKit
import SwiftProtobuf

/// `assay.projects.v1.Cases`
struct CasesRPC: PBCases.SimpleServiceProtocol {
    let suites: SuiteStore
    let cases: CaseStore

    func createCase(request: PBCreateCaseRequest, context: ServerContext) async throws -> PBCase {
        let caller = Caller.current
        let suite = try await suite(request.suite)
        let name = try Text.name(request.name, "/name")
        let http = try HTTPCase(request.http)
        return try await PBCase(cases.insert(name, http, suite: suite, key: caller.idempotencyKey, tenant: caller.tenant))
    }

    func getCase(request: PBGetCaseRequest, context: ServerContext) async throws -> PBCase {
        try await PBCase(find(request.case))
    }

    func listCases(request: PBListCasesRequest, context: ServerContext) async throws -> PBListCasesResponse {
        let page = try PageRequest(limit: Int(request.limit), cursor: request.cursor)
        let listed = try await cases.list(page, suite: suite(request.suite), tenant: Caller.current.tenant)
        return .with {
            $0.data = listed.items.map(PBCase.init)
            $0.page = PBPage(listed)
        }
    }

    func deleteCase(request: PBDeleteCaseRequest, context: ServerContext) async throws -> PBEmpty {
        try await cases.delete(find(request.case).id, tenant: Caller.current.tenant)
        return PBEmpty()
    }

    private func suite(_ text: String) async throws -> ID<Suite> {
        let caller = Caller.current
        let suite = try await suites.get(ID(text, field: "suite"), tenant: caller.tenant)
        try caller.require(project: suite.project)
        return suite.id
    }

    private func find(_ text: String) async throws -> Case {
        let caller = Caller.current
        let found = try await cases.get(ID(text, field: "case"), tenant: caller.tenant)
        try caller.require(project: found.project)
        return found
    }
}
