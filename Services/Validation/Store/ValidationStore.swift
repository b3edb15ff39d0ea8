import Foundation
import Jobs
import Postgres
import Primitives

/// All SQL about a run as a whole.
struct ValidationStore: Sendable {
    let database: Database
    let jobs: JobQueue

    /// The run is finished and its failures are filed. Saying so twice changes nothing; a run that is finished again replaces what it was.
    func complete(_ run: FinishedRun, tenant: ID<Tenant>) async throws {
        try await database.transaction(.tenant(tenant)) { tx in
            try await tx.execute(
                """
                insert into validations as v (
                    tenant_id, run_id, project_id, lane, judged_at, branch, environment, commit_sha, started_at, passed, failed, errored, skipped,
                    is_whole)
                values (\(tenant), \(run.run), \(run.project), \(run.lane.rawValue), now(), \(run.branch), \(run.environment), \(run.commit),
                    \(run.startedAt), \(run.tally.passed), \(run.tally.failed), \(run.tally.errored), \(run.tally.skipped), \(run.isWhole))
                on conflict on constraint validations_pkey do update set judged_at = coalesce(v.judged_at, excluded.judged_at),
                    branch = excluded.branch, environment = excluded.environment, commit_sha = excluded.commit_sha,
                    started_at = coalesce(v.started_at, excluded.started_at), passed = excluded.passed, failed = excluded.failed,
                    errored = excluded.errored, skipped = excluded.skipped, is_whole = excluded.is_whole
                """)
            // Of untrusted runs too: their logs are forgotten as others are.
            try await jobs.enqueue(
                KeepGroups.Payload(project: run.project), tenant: tenant, key: run.project.description, after: KeepGroups.interval, in: tx)
        }
    }

    /// - Throws: `validation.not_found` for a run that nothing has been heard of yet.
    func get(_ run: ID<Run>, tenant: ID<Tenant>) async throws -> Validation {
        let rows = try await database.rows(
            .tenant(tenant),
            """
            select v.project_id, v.judged_at, f.category, f.count, f.severities
            from validations v
            left join (
                select run_id, category, count(*) as count, array_agg(distinct severity) as severities
                from failures where tenant_id = \(tenant) and run_id = \(run) group by run_id, category
            ) f on f.run_id = v.run_id
            where v.tenant_id = \(tenant) and v.run_id = \(run)
            order by f.count desc, f.category
            """
        ) { row in
            (
                project: try row.value("project_id", as: ID<Project>.self), judgedAt: try row.value("judged_at", as: Date?.self),
                category: try row.value("category", as: String?.self), count: try row.value("count", as: Int64?.self),
                severities: try row.value("severities", as: [String]?.self)
            )
        }
        guard let first = rows.first else { throw Fault.notFound("validation", run) }
        let categories = try rows.compactMap { row -> Validation.CategoryCount? in
            guard let category = row.category, let count = row.count else { return nil }
            let severities: [Severity] = try (row.severities ?? []).map { try stored($0) }
            return .init(category: try stored(category), worst: severities.max() ?? .low, count: count)
        }
        return Validation(run: run, project: first.project, judgedAt: first.judgedAt, categories: categories)
    }
}
