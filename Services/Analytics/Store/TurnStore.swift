import Foundation
import Postgres
import Primitives

/// All SQL that finds where tests turned.
struct TurnStore: Sendable {
    let database: Database

    /// In the order of the questions. A failure that is put down to an environment turned nothing. Facts of a test are read newest first along their
    /// primary key, so the effort is bounded by `mostExecutions` each.
    func list(_ questions: [Turn.Question], project: ID<Project>, tenant: ID<Tenant>) async throws -> [Turn] {
        let tests = questions.map(\.test)
        return try await database.rows(
            .tenant(tenant),
            """
            with executions as materialized (
                select g.position, f.* from unnest(
                    \(tests)::uuid[], \(questions.map(\.branch))::text[], \(questions.map(\.environment))::text[],
                    \(questions.map(\.until))::timestamptz[]
                ) with ordinality as g (test_id, branch, environment, until, position)
                left join test_aliases a on a.tenant_id = \(tenant) and a.project_id = \(project) and a.alias_id = g.test_id
                cross join lateral (
                    select run_id, result_id, commit_sha, started_at, outcome, branch, environment, excused from facts f
                    where f.tenant_id = \(tenant) and f.test_id = coalesce(a.test_id, g.test_id) and f.started_at <= g.until
                    order by f.started_at desc, f.result_id desc
                    limit \(Turn.mostExecutions)
                ) f
                where f.branch = g.branch and f.environment = g.environment and f.outcome <> 'skipped' and not f.excused
            ),
            passes as (
                select distinct on (position) * from executions where outcome = 'passed' order by position, started_at desc, result_id desc
            ),
            failures as (
                select distinct on (e.position) e.* from executions e left join passes p on p.position = e.position
                where e.outcome <> 'passed' and (p.position is null or (e.started_at, e.result_id) > (p.started_at, p.result_id))
                order by e.position, e.started_at, e.result_id
            )
            select g.test_id, p.run_id as pass_run, p.commit_sha as pass_commit, p.started_at as pass_at,
                f.run_id as failure_run, f.commit_sha as failure_commit, f.started_at as failure_at
            from unnest(\(tests)::uuid[]) with ordinality as g (test_id, position)
            left join passes p on p.position = g.position
            left join failures f on f.position = g.position
            order by g.position
            """
        ) { try Turn(row: $0) }
    }
}

extension Turn {
    fileprivate init(row: Row) throws {
        test = try row.value("test_id")
        lastPass = try Point(row: row, "pass")
        firstFailure = try Point(row: row, "failure")
    }
}

extension Turn.Point {
    fileprivate init?(row: Row, _ prefix: String) throws {
        guard let run = try row.value("\(prefix)_run", as: ID<Run>?.self) else { return nil }
        self.run = run
        commit = try row.value("\(prefix)_commit")
        at = try row.value("\(prefix)_at")
    }
}
