import Foundation
import Postgres
import Primitives

/// All SQL about what tests did in one run, of which some failed: what it is no evidence for itself.
struct FailureEvidenceStore: Sendable {
    let database: Database

    /// Facts of one upload have the run's beginning as it was known then: another upload may have put it earlier since.
    static let latest: TimeInterval = 6 * 3600

    /// Where a test's history is, for those that are kept under another one's name.
    func aliases(_ tests: [ID<Test>], project: ID<Project>, tenant: ID<Tenant>) async throws -> [ID<Test>: ID<Test>] {
        try await database.transaction(.tenant(tenant)) { tx in
            try await AliasStore.known(tests, project: project, tenant: tenant, in: tx)
        }
    }

    /// What tests did in a run, by test, up to `FailureEvidence.mostResults` of each, failures first; along the primary key of the facts.
    func own(
        of tests: [ID<Test>], in run: ID<Run>, startedAt: Date, tenant: ID<Tenant>
    ) async throws -> [ID<Test>: [FailureEvidence.OwnResult]] {
        let rows = try await database.rows(
            .tenant(tenant),
            """
            select f.* from unnest(\(tests)::uuid[]) as u (id) cross join lateral (
                select result_id, test_id, branch, environment, commit_sha, started_at, outcome, failed_tries from facts
                where tenant_id = \(tenant) and test_id = u.id and started_at between \(startedAt) and \(startedAt + Self.latest)
                  and run_id = \(run) and outcome <> 'skipped'
                order by (outcome = 'passed')
                limit \(FailureEvidence.mostResults)
            ) f
            """
        ) { row in
            FailureEvidence.OwnResult(
                result: try row.value("result_id"), test: try row.value("test_id"), branch: try row.value("branch"),
                environment: try row.value("environment"), commit: try row.value("commit_sha"), startedAt: try row.value("started_at"),
                outcome: try Outcome(stored: row.value("outcome")), failedTries: Int(try row.value("failed_tries", as: Int16.self)))
        }
        return Dictionary(grouping: rows, by: \.test)
    }

    /// Why results count for no test, by result; those that count are not in it.
    func excuses(of results: [ID<Result>], tenant: ID<Tenant>) async throws -> [ID<Result>: EnvironmentExcuse] {
        let rows = try await database.rows(
            .tenant(tenant),
            """
            select f.result_id, i.* from unnest(\(results)::uuid[]) as u (id)
            join environment_failures f on f.tenant_id = \(tenant) and f.result_id = u.id and (f.incident_id is not null or f.said_environment)
            left join environment_incidents i on i.tenant_id = \(tenant) and i.id = f.incident_id and i.state = 'standing'
            where f.said_environment or i.id is not null
            """
        ) { (try $0.value("result_id", as: ID<Result>.self), try EnvironmentExcuse(row: $0)) }
        return Dictionary(rows) { first, _ in first }
    }
}
