import Foundation
import Jobs
import Primitives
import TestSupport
import Testing

@testable import AnalyticsService

@Suite("the grid of tests by runs", .database(AnalyticsProgram.schema, JobSchema.schema))
struct TestGridTests {
    typealias TestID = ID<AnalyticsService.Test>

    let began = Date(timeIntervalSince1970: 1_790_000_000)

    private func execution(_ run: ID<Run>, _ outcome: Outcome, at minute: Double) -> Execution {
        Execution(result: .new(), run: run, outcome: outcome, duration: 5, branch: "main", commit: "c", executedAt: began + minute * 60)
    }

    @Test("columns are the newest runs of all its tests, newest first; cells name theirs, and a test that was not in a run has none")
    func columns() {
        let (first, second, third): (ID<Run>, ID<Run>, ID<Run>) = (.new(), .new(), .new())
        let (one, other): (TestID, TestID) = (.new(), .new())
        let grid = TestGrid(
            executions: [
                one: [execution(third, .failed, at: 3), execution(first, .passed, at: 1)],
                other: [execution(second, .passed, at: 2), execution(first, .skipped, at: 1)],
            ], runs: 2)
        #expect(grid.columns.map(\.run) == [third, second])
        #expect(grid.cells[one]?.map(\.column) == [0])
        #expect(grid.cells[other]?.map(\.outcome) == [.passed])
    }

    @Test("a test that ran several times in one run is shown by its worst end")
    func worst() {
        let run = ID<Run>.new()
        let test = TestID.new()
        let grid = TestGrid(
            executions: [test: [execution(run, .passed, at: 1), execution(run, .errored, at: 1), execution(run, .failed, at: 1)]], runs: 5)
        #expect(grid.cells[test]?.map(\.outcome) == [.errored])
    }

    @Test("the newest executions of each test are found, on one branch or on all")
    func store() async throws {
        let database = TestDatabase.current.database
        let facts = FactStore(database: database, stabilities: StabilityStore(database: database))
        let tenant = ID<Tenant>.new()
        let (one, other): (TestID, TestID) = (.new(), .new())
        let project = ID<Project>.new()
        for index in 0..<6 {
            try await facts.insert(
                FactBatch(
                    project: project, run: .new(), event: "\(index)", branch: index % 2 == 0 ? "main" : "topic", commit: "c\(index)",
                    startedAt: began + Double(index) * 60,
                    facts: [one, other].map {
                        Fact(result: .new(), test: $0, suiteName: "", className: "", name: "n", outcome: .passed, duration: Int64(index))
                    }), tenant: tenant)
        }
        let all = try await facts.latest(4, of: [one, other], branch: "", tenant: tenant)
        #expect(all[one]?.map(\.commit) == ["c5", "c4", "c3", "c2"])
        #expect(all[other]?.count == 4)
        let main = try await facts.latest(2, of: [one], branch: "main", tenant: tenant)
        #expect(main[one]?.map(\.commit) == ["c4", "c2"])
        let strangers = try await facts.latest(2, of: [one], branch: "", tenant: .new())
        #expect(strangers.isEmpty)
    }
}
