import Foundation
import Postgres
import Primitives

// What people ask about incidents. What they say of them is in `EnvironmentStore+Words.swift`.

extension EnvironmentStore {
    /// Newest first, or by id, for which there is the index of migration 0032.
    /// - Parameter states: `nil` for all.
    func list(
        _ page: PageRequest, states: [EnvironmentIncident.State]?, by order: IncidentOrder = .lastFailure, project: ID<Project>, tenant: ID<Tenant>
    ) async throws -> Page<EnvironmentIncident> {
        let start: SQL =
            switch order {
            case .lastFailure:
                try IncidentCursor(page.cursor).map { before in "and (to_at, id) < (\(before.to), \(before.incident))" } ?? ""
            case .id: try page.after(ID<EnvironmentIncident>.self).map { "and id > \($0)" } ?? ""
            }
        let rows = try await database.rows(
            .tenant(tenant),
            """
            select \(fragment: Self.columns) from environment_incidents
            where tenant_id = \(tenant) and project_id = \(project) \(fragment: start)
              and (\(states?.map(\.rawValue))::text[] is null or state = any(\(states?.map(\.rawValue))))
            order by \(fragment: order == .lastFailure ? "to_at desc, id desc" : "id")
            limit \(page.limit + 1)
            """
        ) { try EnvironmentIncident(row: $0) }
        return Page(rows: rows, limit: page.limit) { last in
            switch order {
            case .lastFailure: IncidentCursor(to: last.to, incident: last.id).description
            case .id: last.id.description
            }
        }
    }

    /// - Throws: `environment_incident.not_found`.
    func get(_ id: ID<EnvironmentIncident>, tenant: ID<Tenant>) async throws -> EnvironmentIncident {
        let found = try await database.lookUp(
            .tenant(tenant), "select \(fragment: Self.columns) from environment_incidents where tenant_id = \(tenant) and id = \(id)"
        ) { try EnvironmentIncident(row: $0) }
        guard let found else { throw Fault.notFound("environment_incident", id) }
        return found
    }

    /// What the newest failures are put down to that count for none of the tests, by test.
    func latest(of tests: [ID<Test>], tenant: ID<Tenant>) async throws -> [ID<Test>: EnvironmentExcuse] {
        guard !tests.isEmpty else { return [:] }
        let rows = try await database.rows(
            .tenant(tenant),
            """
            select u.id as about, i.* from unnest(\(tests)::uuid[]) as u (id)
            left join lateral (
                select f.started_at as said_at from environment_failures f
                where f.tenant_id = \(tenant) and f.test_id = u.id and f.said_environment
                order by f.started_at desc
                limit 1
            ) s on true
            left join lateral (
                select f.started_at as failed_at, i.* from environment_failures f
                join environment_incidents i on i.tenant_id = f.tenant_id and i.id = f.incident_id and i.state = 'standing'
                where f.tenant_id = \(tenant) and f.test_id = u.id and f.incident_id is not null
                order by f.started_at desc
                limit 1
            ) i on s.said_at is null or i.failed_at >= s.said_at
            where s.said_at is not null or i.id is not null
            """
        ) { (try $0.value("about", as: ID<Test>.self), try EnvironmentExcuse(row: $0)) }
        return Dictionary(rows, uniquingKeysWith: { first, _ in first })
    }

    /// What is put down to an incident, in the order of the results' ids, with its tests.
    func failures(
        _ page: PageRequest, of incident: ID<EnvironmentIncident>, tenant: ID<Tenant>
    ) async throws -> Page<(failure: PlacedFailure, suiteName: String, className: String, name: String)> {
        let after = try page.after(ID<Result>.self)
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
        let before = try page.afterNumber()
        let rows = try await database.rows(
            .tenant(tenant),
            """
            select incident_id, version, kind, declared, reason, decided_by, decided_at from environment_verdicts
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
        guard incident.isFound else { throw Fault.incidentNotReplayable("A person declared it: there are no numbers to judge once more.") }
        guard let lookedAt = incident.evidence.lookedAt else { return try EnvironmentReplay(incident, runs: [], failures: [], known: []) }
        let (runs, failures, known) = try await window(of: incident.project, at: lookedAt, until: lookedAt, tenant: tenant)
        var ended: [PlacedExecution] = []
        if let method = EnvironmentMethod.of(edition: incident.evidence.edition) {
            ended = try await executions(of: failures, at: lookedAt, until: lookedAt, for: method, tenant: tenant)
        }
        return try EnvironmentReplay(incident, runs: runs, failures: failures, executions: ended, known: known)
    }
}
