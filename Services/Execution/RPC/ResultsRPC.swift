import CommonAPI
import ExecutionAPI
import GRPCCore
import Primitives
import ServiceKit
import SwiftProtobuf

/// `assay.execution.v1.Results`
struct ResultsRPC: PBResults.SimpleServiceProtocol {
    static let searchLimit = 200
    /// Beside branch and environment.
    static let mostTags = 5

    let runs: RunStore
    let results: ResultStore
    let tags: TagStore
    let suites: RunSuiteStore
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

    func listProjectResults(request: PBListProjectResultsRequest, context: ServerContext) async throws -> PBListResultsResponse {
        let caller = Caller.current
        let page = try PageRequest(limit: Int(request.limit), cursor: request.cursor)
        let project = try ID<Project>(request.project, field: "project")
        try caller.require(project: project.uuid)
        guard request.tag.count <= Self.mostTags else { throw Fault.invalidField("tag", "too_many", "At most \(Self.mostTags) tags are looked for.") }
        var wanted: [Tag] = []
        for tag in request.tag { wanted.append(try Tag(tag, field: "tag")) }
        for (key, value) in [("branch", request.branch), ("environment", request.environment)] where !value.isEmpty {
            // What cannot be a tag no result has.
            guard let tag = Tag(key: key, value: value) else { return .with { $0.page = PBPage() } }
            wanted.append(tag)
        }
        if wanted.isEmpty { wanted = [.everything] }
        let filter = TagStore.Filter(tags: wanted.map { $0.id(in: project) }, outcomes: try outcomes(request.outcome))
        let found = try await tags.results(filter, page, tenant: caller.tenant)
        return .with {
            $0.data = found.items.map { PBResult($0, project: project) }
            $0.page = PBPage(found)
        }
    }

    func listTagKeys(request: PBListTagKeysRequest, context: ServerContext) async throws -> PBListTagKeysResponse {
        let caller = Caller.current
        let page = try PageRequest(limit: Int(request.limit), cursor: request.cursor)
        let project = try ID<Project>(request.project, field: "project")
        try caller.require(project: project.uuid)
        try check(request.search)
        let found = try await tags.keys(from: request.search, page, project: project, tenant: caller.tenant)
        return .with {
            $0.data = found.items
            $0.page = PBPage(found)
        }
    }

    func listTags(request: PBListTagsRequest, context: ServerContext) async throws -> PBListTagsResponse {
        let caller = Caller.current
        let page = try PageRequest(limit: Int(request.limit), cursor: request.cursor)
        let project = try ID<Project>(request.project, field: "project")
        try caller.require(project: project.uuid)
        let key = try Tag(request.key, field: "key").key
        try check(request.search)
        let found = try await tags.values(of: key, from: request.search, page, project: project, tenant: caller.tenant)
        return .with {
            $0.data = found.items.map(PBTag.init)
            $0.page = PBPage(found)
        }
    }

    func listRunSuites(request: PBListRunSuitesRequest, context: ServerContext) async throws -> PBListRunSuitesResponse {
        let caller = Caller.current
        let page = try PageRequest(limit: Int(request.limit), cursor: request.cursor, most: ReportedSuite.mostInPage)
        let run = try await runs.get(ID(request.run, field: "run"), tenant: caller.tenant)
        try caller.require(project: run.project.uuid)
        let found = try await suites.list(run.id, page, tenant: caller.tenant)
        return .with {
            $0.data = found.items.map(PBRunSuite.init)
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
        try check(request.search)
        let outcomes = try outcomes(request.outcome)
        return ResultStore.Filter(
            outcomes: outcomes, search: request.search, test: request.test.isEmpty ? nil : try ID(request.test, field: "test"))
    }

    private func check(_ search: String) throws(Fault) {
        guard search.unicodeScalars.count <= Self.searchLimit, !search.utf8.contains(0) else {
            throw .invalidField("search", "too_long", "search may have \(Self.searchLimit) characters.")
        }
    }

    private func outcomes(_ messages: [PBOutcome.Value]) throws(Fault) -> [Outcome] {
        var outcomes: Set<Outcome> = []
        for outcome in messages { outcomes.insert(try Outcome(outcome, field: "outcome")) }
        return outcomes.sorted { $0.rawValue < $1.rawValue }
    }
}
