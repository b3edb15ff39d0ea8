import Foundation
import Postgres
import Primitives

/// All SQL that counts runs by days. What results add up to stands in the rollups; `RollupStore.days` reads both as one.
struct DayStore: Sendable {
    let database: Database

    /// Counts a finished run. A run that is finished again replaces what it counted before; an older message changes nothing.
    func count(run: ID<Run>, project: ID<Project>, passed: Bool, startedAt: Date, finishedAt: Date, tenant: ID<Tenant>) async throws {
        try await database.transaction(.tenant(tenant)) { tx in
            let before = try await tx.first(
                "select passed, finished_at from runs where tenant_id = \(tenant) and run_id = \(run) for update"
            ) { (passed: try $0.value("passed", as: Bool.self), finishedAt: try $0.value("finished_at", as: Date.self)) }
            if let before {
                guard before.finishedAt < finishedAt else { return }
                // The same outcome said later is younger, too, than what is still on its way from in between.
                try await tx.execute(
                    "update runs set passed = \(passed), finished_at = \(finishedAt) where tenant_id = \(tenant) and run_id = \(run)")
                guard before.passed != passed else { return }
                try await tx.execute(
                    """
                    update days set runs_passed = runs_passed + \(passed ? Int64(1) : -1)
                    where tenant_id = \(tenant) and project_id = \(project)
                      and day = (select day from runs where tenant_id = \(tenant) and run_id = \(run))
                    """)
                try await tx.execute(RevisionStore.raising(project, tenant: tenant))
                return
            }
            let isNew = try await tx.execute(
                """
                insert into runs (tenant_id, run_id, project_id, day, passed, finished_at)
                values (\(tenant), \(run), \(project), (\(startedAt) at time zone 'UTC')::date, \(passed), \(finishedAt))
                on conflict on constraint runs_pkey do nothing
                """)
            guard isNew > 0 else { throw Fault.unavailable("runs.busy", "The run is being counted by another delivery.") }
            try await tx.execute(
                """
                insert into days as d (tenant_id, project_id, day, runs, runs_passed)
                values (\(tenant), \(project), (\(startedAt) at time zone 'UTC')::date, 1, \(passed ? Int64(1) : 0))
                on conflict on constraint days_pkey do update set runs = d.runs + 1, runs_passed = d.runs_passed + excluded.runs_passed
                """)
            try await tx.execute(RevisionStore.raising(project, tenant: tenant))
        }
    }
}
