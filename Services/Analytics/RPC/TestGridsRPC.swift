import AnalyticsAPI
import CommonAPI
import GRPCCore
import Primitives
import ServiceKit
import SwiftProtobuf

/// `assay.analytics.v1.TestGrids`
struct TestGridsRPC: PBTestGrids.SimpleServiceProtocol {
    static let standardRuns = 30
    static let standardTests = 25

    let tests: TestStore
    let facts: FactStore
    let revisions: RevisionStore

    func getTestGrid(request: PBGetTestGridRequest, context: ServerContext) async throws -> PBTestGrid {
        let caller = Caller.current
        let page = try PageRequest(
            limit: request.limit == 0 ? Self.standardTests : min(Int(request.limit), TestGrid.maxTests), cursor: request.cursor)
        let project = try ID<Project>(request.project, field: "project")
        try caller.require(project: project)
        let (search, order) = (try TestSearch(request.q), try TestOrder(request.sort))
        let revision = try await revisions.current(project: project, tenant: caller.tenant).number
        guard request.revision != revision else { return .with { $0.revision = revision } }
        let listed = try await tests.list(page, matching: search, by: order, project: project, tenant: caller.tenant)
        let runs = request.runs <= 0 ? Self.standardRuns : min(Int(request.runs), TestGrid.maxRuns)
        let executions = try await facts.latest(runs, of: listed.items.map(\.id), branch: request.branch, tenant: caller.tenant)
        let grid = TestGrid(executions: executions, runs: runs)
        return .with {
            $0.runs = grid.columns.map(PBGridRun.init)
            $0.data = listed.items.map { test in
                .with {
                    $0.test = PBTest(test)
                    $0.cells = (grid.cells[test.id] ?? []).map(PBGridCell.init)
                }
            }
            $0.page = PBPage(listed)
            $0.revision = revision
        }
    }
}

extension PBGridRun {
    fileprivate init(_ column: TestGrid.Column) {
        self.init()
        run = column.run.description
        startedAt = .init(milliseconds: column.startedAt)
        branch = column.branch
        commitSha = column.commit
    }
}

extension PBGridCell {
    fileprivate init(_ cell: TestGrid.Cell) {
        self.init()
        run = Int32(cell.column)
        result = cell.result.description
        outcome = cell.outcome.message
        if let duration = cell.duration { durationUs = duration }
    }
}
