import Audit
import Foundation
import Postgres
import Primitives

// What people ask about incidents, and what they say of them.

extension EnvironmentStore {
    /// Newest first.
    /// - Parameter states: `nil` for all.
    func list(
        _ page: PageRequest, states: [EnvironmentIncident.State]?, project: ID<Project>, tenant: ID<Tenant>
    ) async throws -> Page<EnvironmentIncident> {
        let before = try IncidentCursor(page.cursor)
        let rows = try await database.rows(
            .tenant(tenant),
            """
            select \(fragment: Self.columns) from environment_incidents
            where tenant_id = \(tenant) and project_id = \(project)
              and (\(before?.to)::timestamptz is null or (to_at, id) < (\(before?.to), \(before?.incident)))
              and (\(states?.map(\.rawValue))::text[] is null or state = any(\(states?.map(\.rawValue))))
            order by to_at desc, id desc
            limit \(page.limit + 1)
            """
        ) { try EnvironmentIncident(row: $0) }
        return Page(rows: rows, limit: page.limit) { IncidentCursor(to: $0.to, incident: $0.id).description }
    }

    /// - Throws: `environment_incident.not_found`.
    func get(_ id: ID<EnvironmentIncident>, tenant: ID<Tenant>) async throws -> EnvironmentIncident {
        let found = try await database.lookUp(
            .tenant(tenant), "select \(fragment: Self.columns) from environment_incidents where tenant_id = \(tenant) and id = \(id)"
        ) { try EnvironmentIncident(row: $0) }
        guard let found else { throw Fault.notFound("environment_incident", id) }
        return found
    }

    /// The newest incidents to which failures of tests are put down, by test.
    func latest(of tests: [ID<Test>], tenant: ID<Tenant>) async throws -> [ID<Test>: EnvironmentIncident] {
        guard !tests.isEmpty else { return [:] }
        let rows = try await database.rows(
            .tenant(tenant),
            """
            select u.id as about, i.* from unnest(\(tests)::uuid[]) as u (id) cross join lateral (
                select i.* from environment_failures f
                join environment_incidents i on i.tenant_id = f.tenant_id and i.id = f.incident_id and i.state = 'standing'
                where f.tenant_id = \(tenant) and f.test_id = u.id and f.incident_id is not null
                order by f.started_at desc
                limit 1
            ) i
            """
        ) { (try $0.value("about", as: ID<Test>.self), try EnvironmentIncident(row: $0)) }
        return Dictionary(rows, uniquingKeysWith: { first, _ in first })
    }

    /// What is put down to an incident, in the order of the results' ids, with its tests.
    func failures(
        _ page: PageRequest, of incident: ID<EnvironmentIncident>, tenant: ID<Tenant>
    ) async throws -> Page<(failure: PlacedFailure, suiteName: String, className: String, name: String)> {
        let after = try page.cursor.map { text throws(Fault) in
            guard let id = try? ID<Result>(text) else { throw Fault.invalidCursor }
            return id
        }
        let rows = try await database.rows(
            .tenant(tenant),
            """
            with page as materialized (
                select \(fragment: Self.failureColumns) from environment_failures
                where tenant_id = \(tenant) and incident_id = \(incident) and (\(after)::uuid is null or result_id > \(after))
                order by result_id
                limit \(page.limit + 1)
            )
            select p.*, coalesce(t.suite_name, '') as suite_name, coalesce(t.class_name, '') as class_name, coalesce(t.name, '') as name from page p
            left join tests t on t.tenant_id = \(tenant) and t.id = p.test_id
            order by p.result_id
            """
        ) { row in
            (
                failure: try PlacedFailure(row: row), suiteName: try row.value("suite_name", as: String.self),
                className: try row.value("class_name", as: String.self), name: try row.value("name", as: String.self)
            )
        }
        return Page(rows: rows, limit: page.limit) { $0.failure.result.description }
    }

    /// What people said of an incident, newest first.
    func verdicts(_ page: PageRequest, on incident: ID<EnvironmentIncident>, tenant: ID<Tenant>) async throws -> Page<EnvironmentVerdict> {
        let before = try page.cursor.map { text throws(Fault) in
            guard let number = Int64(text) else { throw Fault.invalidCursor }
            return number
        }
        let rows = try await database.rows(
            .tenant(tenant),
            """
            select incident_id, version, kind, reason, decided_by, decided_at from environment_verdicts
            where tenant_id = \(tenant) and incident_id = \(incident) and (\(before)::bigint is null or version < \(before))
            order by version desc
            limit \(page.limit + 1)
            """
        ) { try EnvironmentVerdict(row: $0) }
        return Page(rows: rows, limit: page.limit) { "\($0.version)" }
    }

    /// What is kept of an incident, and of what it was found in.
    /// - Throws: `environment_incident.not_replayable`.
    func replay(_ incident: EnvironmentIncident, tenant: ID<Tenant>) async throws -> EnvironmentReplay {
        guard let lookedAt = incident.evidence.lookedAt else { return try EnvironmentReplay(incident, runs: [], failures: [], known: []) }
        let (runs, failures, known) = try await window(of: incident.project, at: lookedAt, until: lookedAt, tenant: tenant)
        let ended = try await executions(of: failures, at: lookedAt, until: lookedAt, tenant: tenant)
        return try EnvironmentReplay(incident, runs: runs, failures: failures, executions: ended, known: known)
    }

    /// A person gives the failures of an incident back to their tests, or takes those of one that was dismissed from them again.
    /// - Returns: `false` when that is so already, and nothing was changed.
    /// - Throws: `environment_incident.withdrawn` for one that has no failures to be taken.
    func decide(
        _ kind: EnvironmentVerdict.Kind, on incident: EnvironmentIncident, by actor: String, reason: String, at now: Date, tenant: ID<Tenant>
    ) async throws -> Bool {
        try await database.transaction(.tenant(tenant)) { tx in
            try await tx.pipeline([FactStore.planning, "select pg_advisory_xact_lock(\(fragment: AliasStore.lock(incident.project)))"])
            let known = try await tx.one(
                "select \(fragment: Self.columns) from environment_incidents where tenant_id = \(tenant) and id = \(incident.id)"
            ) { try EnvironmentIncident(row: $0) }
            guard (known.state == .dismissed) == (kind == .reinstated) else {
                guard kind == .dismissed || known.state == .standing else { throw Fault.incidentWithdrawn }
                return false
            }
            guard kind == .dismissed || known.failures > 0 else { throw Fault.incidentWithdrawn }
            let isDismissed = kind == .dismissed
            let placed = try await tx.rows(
                "select \(fragment: Self.failureColumns) from environment_failures where tenant_id = \(tenant) and incident_id = \(incident.id)"
            ) { try PlacedFailure(row: $0) }
            try await tx.pipeline([
                """
                update environment_incidents set
                    state = \(isDismissed ? EnvironmentIncident.State.dismissed.rawValue : EnvironmentIncident.State.standing.rawValue),
                    dismissed_by = \(isDismissed ? actor : ""), dismissal_reason = \(isDismissed ? reason : ""),
                    dismissed_at = \(isDismissed ? now : nil), upheld = \(!isDismissed), version = version + 1
                where tenant_id = \(tenant) and id = \(incident.id)
                """,
                """
                insert into environment_verdicts (tenant_id, incident_id, version, project_id, kind, reason, decided_by, decided_at)
                values (
                    \(tenant), \(incident.id), \(known.version + 1), \(incident.project), \(kind.rawValue), \(reason), \(actor), \(now))
                """,
            ])
            try await stabilities.change(
                excusing: isDismissed ? [] : placed, readmitting: isDismissed ? placed : [], project: incident.project, tenant: tenant, in: tx)
            try await tx.audit(incident.id, project: incident.project, details: ["place": incident.place, "reason": reason])
            return true
        }
    }
}
