import Foundation
import Postgres
import Primitives

extension EnvironmentStore {
    /// How the tests of failures ended in the window's runs: the newest executions of each, by ranges of the facts' primary key, and so few of each
    /// where many tests failed that they are at most `EnvironmentWindow.executionLimit` together.
    /// - Parameters:
    ///   - end: later ones are left out.
    ///   - method: nothing is read for one that looks at none.
    ///   - count: tests of one statement, which has to end in time.
    func executions(
        of failures: [PlacedFailure], at now: Date, until end: Date = .distantFuture, for method: EnvironmentMethod = .current,
        page count: Int = 1_000, tenant: ID<Tenant>
    ) async throws -> [PlacedExecution] {
        let tests = method.looksAtExecutions ? Set(failures.map(\.test)).sorted() : []
        let most = Int32(EnvironmentWindow.executions(among: tests.count))
        var all: [PlacedExecution] = []
        for first in stride(from: 0, to: tests.count, by: count) {
            let page = Array(tests[first..<min(first + count, tests.count)])
            all += try await executions(of: page, most: most, from: now - EnvironmentFindings.window, to: end, tenant: tenant)
        }
        return all
    }

    /// - Parameter most: of each test.
    private func executions(
        of tests: [ID<Test>], most: Int32, from start: Date, to end: Date, tenant: ID<Tenant>
    ) async throws -> [PlacedExecution] {
        try await database.rows(
            .tenant(tenant), after: FactStore.planning,
            """
            select u.id as test_id, f.result_id, f.run_id, f.branch, f.environment, f.commit_sha, f.started_at, f.passed
            from unnest(\(tests)::uuid[]) as u (id)
            cross join lateral (
                select result_id, run_id, branch, environment, commit_sha, started_at, outcome = 'passed' and failed_tries = 0 as passed from facts
                where tenant_id = \(tenant) and test_id = u.id and started_at >= \(start) and started_at <= \(end)
                  and outcome <> 'skipped'
                order by started_at desc, result_id desc
                limit \(most)
            ) f
            """
        ) { row in
            PlacedExecution(
                result: try row.value("result_id"), test: try row.value("test_id"), run: try row.value("run_id"), branch: try row.value("branch"),
                environment: try row.value("environment"), commit: try row.value("commit_sha"), startedAt: try row.value("started_at"),
                passed: try row.value("passed"))
        }
    }
}
