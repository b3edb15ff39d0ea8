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

    func getTest(request: PBGetTestRequest, context: ServerContext) async throws -> PBTest {
        try await PBTest(find(request.test))
    }

    func listTests(request: PBListTestsRequest, context: ServerContext) async throws -> PBListTestsResponse {
        let caller = Caller.current
        let page = try PageRequest(limit: Int(request.limit), cursor: request.cursor)
        let project = try ID<Project>(request.project, field: "project")
        try caller.require(project: project)
        let listed = try await tests.list(page, project: project, tenant: caller.tenant)
        return .with {
            $0.data = listed.items.map(PBTest.init)
            $0.page = PBPage(listed)
        }
    }

    func listHistory(request: PBListHistoryRequest, context: ServerContext) async throws -> PBListHistoryResponse {
        let page = try PageRequest(limit: Int(request.limit), cursor: request.cursor)
        let listed = try await facts.history(page, test: find(request.test).id, tenant: Caller.current.tenant)
        return .with {
            $0.data = listed.items.map(PBTestExecution.init)
            $0.page = PBPage(listed)
        }
    }

    private func find(_ text: String) async throws -> Test {
        let caller = Caller.current
        let test = try await tests.get(ID(text, field: "test"), tenant: caller.tenant)
        try caller.require(project: test.project)
        return test
    }
}
