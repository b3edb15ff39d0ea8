import Foundation
import Jobs
import Postgres
import Primitives

/// All SQL about a run as a whole.
struct ValidationStore: Sendable {
    let database: Database
    let jobs: JobQueue

    /// The run is finished and its failures are filed. Saying so twice changes nothing.
    func complete(_ completed: CompletedRun, tenant: ID<Tenant>) async throws {
        try await database.transaction(.tenant(tenant)) { tx in
            try await tx.execute(
                """
                insert into validations as v (
                    tenant_id, run_id, project_id, lane, judged_at, branch, commit_sha, environment, started_at, tests)
                values (\(tenant), \(completed.run), \(completed.project), \(completed.lane.rawValue), now(), \(completed.branch),
                        \(completed.commit), \(completed.environment), \(completed.startedAt), \(completed.tests))
                on conflict on constraint validations_pkey do update set
                    judged_at = coalesce(v.judged_at, excluded.judged_at), started_at = coalesce(v.started_at, excluded.started_at),
                    tests = excluded.tests
                """)
            guard completed.lane == .trusted else { return }
            try await jobs.enqueue(
                KeepGroups.Payload(project: completed.project), tenant: tenant, key: completed.project.description, after: KeepGroups.interval,
                in: tx)
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
