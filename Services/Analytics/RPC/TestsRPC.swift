import AnalyticsAPI
import CommonAPI
import GRPCCore
import Primitives
import ServiceKit
import SwiftProtobuf

/// `assay.analytics.v1.Tests`
struct TestsRPC: PBTests.SimpleServiceProtocol {
    let tests: TestStore
    let facts: FactStore
    let revisions: RevisionStore

    func getTest(request: PBGetTestRequest, context: ServerContext) async throws -> PBTest {
        try await PBTest(find(request.test))
    }

    func listTests(request: PBListTestsRequest, context: ServerContext) async throws -> PBListTestsResponse {
        let caller = Caller.current
        let page = try PageRequest(limit: Int(request.limit), cursor: request.cursor)
        let project = try ID<Project>(request.project, field: "project")
        try caller.require(project: project)
        var kinds: Set<StabilityVerdict.Kind> = []
        for kind in request.kind { kinds.insert(try StabilityVerdict.Kind(known: kind)) }
        let (search, order) = (try TestSearch(request.q), try TestOrder(request.sort))
        let revision = try await revisions.current(project: project, tenant: caller.tenant).number
        guard request.revision != revision else { return .with { $0.revision = revision } }
        let listed = try await tests.list(page, kinds: kinds, matching: search, by: order, project: project, tenant: caller.tenant)
        return .with {
            $0.data = listed.items.map(PBTest.init)
            $0.page = PBPage(listed)
            $0.revision = revision
        }
    }

    func listHistory(request: PBListHistoryRequest, context: ServerContext) async throws -> PBListHistoryResponse {
        let page = try PageRequest(limit: Int(request.limit), cursor: request.cursor)
        let (test, tenant) = (try await find(request.test), Caller.current.tenant)
        let revision = try await revisions.current(project: test.project, tenant: tenant).number
        guard request.revision != revision else { return .with { $0.revision = revision } }
        let listed = try await facts.history(page, test: test.id, tenant: tenant)
        return .with {
            $0.data = listed.items.map(PBTestExecution.init)
            $0.page = PBPage(listed)
            $0.revision = revision
        }
    }

    private func find(_ text: String) async throws -> Test {
        let caller = Caller.current
        let test = try await tests.get(ID(text, field: "test"), tenant: caller.tenant)
        try caller.require(project: test.project)
        return test
    }
}

extension TestOrder {
    /// - Throws: `request.invalid` at `sort`.
    init(_ message: PBTestSort.Value) throws(Fault) {
        switch message {
        case .testSortUnspecified, .rank: self = .rank
        case .id: self = .id
        case .UNRECOGNIZED: throw .invalidField("sort", "unknown", "sort must be RANK or ID.")
        }
    }
}
