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
    let fields: CaseFieldStore

    func createCase(request: PBCreateCaseRequest, context: ServerContext) async throws -> PBCase {
        let caller = Caller.current
        let suite = try await suite(request.suite)
        let name = try Text.name(request.name, "/name")
        let http = try HTTPCase(request.http)
        let fields = try checked(request.fields)
        return try await PBCase(cases.insert(name, http, fields, suite: suite.id, key: caller.idempotencyKey, tenant: caller.tenant))
    }

    func getCase(request: PBGetCaseRequest, context: ServerContext) async throws -> PBCase {
        try await PBCase(find(request.case))
    }

    func listCases(request: PBListCasesRequest, context: ServerContext) async throws -> PBListCasesResponse {
        let page = try PageRequest(limit: Int(request.limit), cursor: request.cursor)
        let suite = try await suite(request.suite)
        let filters = try await filters(request.field, of: suite.project)
        return try await PBListCasesResponse(cases.list(page, filters, suite: suite.id, project: suite.project, tenant: Caller.current.tenant))
    }

    func listProjectCases(request: PBListProjectCasesRequest, context: ServerContext) async throws -> PBListCasesResponse {
        let page = try PageRequest(limit: Int(request.limit), cursor: request.cursor)
        let project = try ID<Project>(request.project, field: "project")
        try Caller.current.require(project: project)
        let filters = try await filters(request.field, of: project)
        guard let first = filters.first else { throw Fault.invalidField("field", "missing", "Say which cases: at least one key:value of a field.") }
        return try await PBListCasesResponse(
            cases.list(page, first, and: Array(filters.dropFirst()), project: project, tenant: Caller.current.tenant))
    }

    func updateCase(request: PBUpdateCaseRequest, context: ServerContext) async throws -> PBCase {
        let caller = Caller.current
        let change = try Case.Change(
            name: request.hasName ? Text.name(request.name, "/name") : nil, http: request.hasHTTP ? HTTPCase(request.http) : nil,
            fields: checked(request.fields))
        let id = try await find(request.case).id
        return try await PBCase(cases.update(id, change, version: request.version, key: caller.idempotencyKey, tenant: caller.tenant))
    }

    func deleteCase(request: PBDeleteCaseRequest, context: ServerContext) async throws -> PBEmpty {
        try await cases.delete(find(request.case).id, version: request.version, tenant: Caller.current.tenant)
        return PBEmpty()
    }

    /// Values are held against their fields where these are read, in the transaction of the change.
    private func checked(_ fields: [String: String]) throws -> [String: String] {
        guard fields.count <= CaseField.most else {
            throw Fault.invalidField("/fields", "too_many", "A case has at most \(CaseField.most) fields.")
        }
        return fields
    }

    private func filters(_ texts: [String], of project: ID<Project>) async throws -> [CaseFieldFilter] {
        guard !texts.isEmpty else { return [] }
        return try await CaseFieldFilter.read(texts, fields.get(project, tenant: Caller.current.tenant).fields)
    }

    private func suite(_ text: String) async throws -> Suite {
        let caller = Caller.current
        let suite = try await suites.get(ID(text, field: "suite"), tenant: caller.tenant)
        try caller.require(project: suite.project)
        return suite
    }

    private func find(_ text: String) async throws -> Case {
        let caller = Caller.current
        let found = try await cases.get(ID(text, field: "case"), tenant: caller.tenant)
        try caller.require(project: found.project)
        return found
    }
}

extension PBListCasesResponse {
    fileprivate init(_ listed: Page<Case>) {
        self.init()
        data = listed.items.map(PBCase.init)
        page = PBPage(listed)
    }
}
