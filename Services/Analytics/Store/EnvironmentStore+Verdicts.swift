import Foundation
import Postgres
import Primitives

// What people say of single failures in Validation, carried into what is remembered of their tests.

extension EnvironmentStore {
    /// Takes failures from their tests that a person said were the environment's, and gives those back of which the latest word is another. What is put
    /// down to an incident that stands stays so, and the word is kept for when it is given back.
    /// - Returns: those of which no failure is kept.
    func hear(_ verdicts: [FailureVerdict], of project: ID<Project>, tenant: ID<Tenant>) async throws -> [FailureVerdict] {
        guard !verdicts.isEmpty else { return [] }
        return try await database.transaction(.tenant(tenant)) { tx in
            try await tx.pipeline([FactStore.planning, "select pg_advisory_xact_lock(\(fragment: AliasStore.lock(project)))"])
            // Result by result: a plan that was made while there were few of them may read all of a project's.
            let known = try await tx.rows(
                """
                select \(fragment: Self.failureColumns), said_version, exists (
                    select 1 from environment_incidents i where i.tenant_id = f.tenant_id and i.id = f.incident_id and i.state = 'standing'
                ) as is_put_down
                from unnest(\(Set(verdicts.map(\.result)).sorted())::uuid[]) as u (id) cross join lateral (
                    select * from environment_failures where tenant_id = \(tenant) and result_id = u.id
                    offset 0
                ) f
                where f.project_id = \(project)
                """
            ) { row in
                FailureVerdictChanges.Known(
                    failure: try PlacedFailure(row: row), version: try row.value("said_version"), isPutDown: try row.value("is_put_down"))
            }
            let changes = FailureVerdictChanges(verdicts, known: known)
            guard !changes.heard.isEmpty else { return changes.unknown }
            try await tx.execute(
                """
                update environment_failures f set said_environment = u.environment, said_version = u.version
                from unnest(
                    \(changes.heard.map(\.result))::uuid[], \(changes.heard.map(\.isEnvironment))::boolean[],
                    \(changes.heard.map(\.version))::bigint[]
                ) as u (result_id, environment, version)
                where f.tenant_id = \(tenant) and f.result_id = u.result_id
                """)
            try await stabilities.change(
                excusing: changes.excused, readmitting: changes.readmitted, project: project, tenant: tenant, in: tx)
            // Why a failure counts for no test may change although it counts for none before and after.
            try await tx.execute(RevisionStore.raising(project, tenant: tenant))
            return changes.unknown
        }
    }
}
