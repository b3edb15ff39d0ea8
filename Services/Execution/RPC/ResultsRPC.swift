import CommonAPI
import ExecutionAPI
import GRPCCore
import Primitives
import ServiceKit
import SwiftProtobuf

/// `assay.execution.v1.Results`
struct ResultsRPC: PBResults.SimpleServiceProtocol {
    static let searchLimit = 200

    let runs: RunStore
    let results: ResultStore
    let comparisons: ComparisonStore

    func listResults(request: PBListResultsRequest, context: ServerContext) async throws -> PBListResultsResponse {
        let caller = Caller.current
        let page = try PageRequest(limit: Int(request.limit), cursor: request.cursor)
        let filter = try filter(request)
        let (run, span) = try await runs.span(ID(request.run, field: "run"), tenant: caller.tenant)
        try caller.require(project: run.project.uuid)
        let found = try await results.list(span, filter, page, tenant: caller.tenant)
        return .with {
            $0.data = found.items.map { PBResult($0, project: run.project) }
            $0.page = PBPage(found)
        }
    }

    func getResult(request: PBGetResultRequest, context: ServerContext) async throws -> PBResult {
        let caller = Caller.current
        let result = try await results.get(ID(request.result, field: "result"), tenant: caller.tenant)
        let run = try await runs.get(result.run, tenant: caller.tenant)
        try caller.require(project: run.project.uuid)
        return PBResult(result, project: run.project)
    }

    func compareRuns(request: PBCompareRunsRequest, context: ServerContext) async throws -> PBCompareRunsResponse {
        let caller = Caller.current
        let page = try PageRequest(limit: Int(request.limit), cursor: request.cursor)
        var kinds: [TestDifference.Kind] = []
        for kind in request.kind { kinds.append(try TestDifference.Kind(kind, field: "kind")) }
        let (run, span) = try await runs.span(ID(request.run, field: "run"), tenant: caller.tenant)
        try caller.require(project: run.project.uuid)
        let (base, baseSpan) = try await runs.span(ID(request.base, field: "base"), tenant: caller.tenant)
        try caller.require(project: base.project.uuid)
        guard base.project == run.project else { throw Fault.otherProject(base.id) }
        async let counts = comparisons.counts(span, against: baseSpan, tenant: caller.tenant)
        let found = try await comparisons.list(span, against: baseSpan, kinds: kinds, page, tenant: caller.tenant)
        let summary = PBComparisonSummary(try await counts)
        return .with {
            $0.data = found.items.map(PBTestDifference.init)
            $0.page = PBPage(found)
            $0.summary = summary
        }
    }

    private func filter(_ request: PBListResultsRequest) throws(Fault) -> ResultStore.Filter {
        guard request.search.unicodeScalars.count <= Self.searchLimit, !request.search.utf8.contains(0) else {
            throw .invalidField("search", "too_long", "search may have \(Self.searchLimit) characters.")
        }
        var outcomes: [Outcome] = []
        for outcome in request.outcome { outcomes.append(try Outcome(outcome, field: "outcome")) }
        return ResultStore.Filter(
            outcomes: outcomes, search: request.search, test: request.test.isEmpty ? nil : try ID(request.test, field: "test"))
    }
}
