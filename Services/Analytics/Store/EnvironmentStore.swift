import Audit
import Foundation
import Postgres
import Primitives

/// All SQL about what failed where of late, and the incidents that it is put down to.
struct EnvironmentStore: Sendable {
    let database: Database
    let stabilities: StabilityStore

    private static let columns: SQL = """
        id, project_id, kind, place, state, tests, groups, compared, there, expected, chance, input_hash, failures, from_at, to_at, dismissed_by,
        dismissal_reason, dismissed_at
        """

    // MARK: - From facts

    /// Statements that write down where the facts of a batch were carried out, and what failed.
    static func writing(_ part: BatchChanges.Part, tenant: ID<Tenant>) -> [SQL] {
        let batch = part.batch
        let hosts = part.results.keys.sorted()
        guard !hosts.isEmpty else { return [] }
        var statements: [SQL] = [
            """
            insert into environment_runs as r (tenant_id, project_id, run_id, host, zone, commit_sha, started_at, results)
            select \(tenant), \(batch.project), \(batch.run), u.host, \(batch.zone), \(batch.commit), \(batch.startedAt), u.results
            from unnest(\(hosts)::text[], \(hosts.map { part.results[$0] ?? 0 })::bigint[]) as u (host, results)
            on conflict on constraint environment_runs_pkey do update set
                started_at = least(r.started_at, excluded.started_at), results = r.results + excluded.results
            """
        ]
        let failures = part.failures
        if !failures.isEmpty {
            statements.append(
                """
                insert into environment_failures (
                    tenant_id, project_id, result_id, test_id, run_id, host, zone, group_hash, branch, environment, commit_sha, started_at, failed_tries)
                select \(tenant), \(batch.project), u.result_id, u.test_id, \(batch.run), u.host, \(batch.zone), u.group_hash, \(batch.branch),
                    \(batch.environment), \(batch.commit), \(batch.startedAt), u.failed_tries
                from unnest(
                    \(failures.map(\.fact.result))::uuid[], \(failures.map(\.test))::uuid[], \(failures.map(\.fact.host))::text[],
                    \(failures.map { Int64(bitPattern: $0.fact.groupHash) })::bigint[],
                    \(failures.map { Int16(clamping: $0.fact.failedTries) })::smallint[]
                ) as u (result_id, test_id, host, group_hash, failed_tries)
                on conflict on constraint environment_failures_pkey do nothing
                """)
        }
        return statements
    }

    // MARK: - Search

    /// What `EnvironmentFindings` are made from.
    func window(of project: ID<Project>, at now: Date, tenant: ID<Tenant>) async throws -> (
        runs: [PlacedRun], failures: [PlacedFailure], incidents: [EnvironmentIncident]
    ) {
        let from = now - EnvironmentFindings.window
        let runs = try await database.rows(
            .tenant(tenant),
            """
            select run_id, host, zone, commit_sha, started_at, results from environment_runs
            where tenant_id = \(tenant) and project_id = \(project) and started_at >= \(from)
            order by started_at desc
            limit \(EnvironmentWindow.runLimit)
            """
        ) { row in
            PlacedRun(
                place: try PlacedRun.Place(row: row), commit: try row.value("commit_sha"), startedAt: try row.value("started_at"),
                results: try row.value("results"))
        }
        let failures = try await database.rows(
            .tenant(tenant),
            """
            select \(fragment: Self.failureColumns) from environment_failures
            where tenant_id = \(tenant) and project_id = \(project) and started_at >= \(from)
            order by started_at desc, result_id
            limit \(EnvironmentWindow.failureLimit)
            """
        ) { try PlacedFailure(row: $0) }
        let incidents = try await database.rows(
            .tenant(tenant),
            """
            select \(fragment: Self.columns) from environment_incidents
            where tenant_id = \(tenant) and project_id = \(project) and to_at >= \(from)
            """
        ) { try EnvironmentIncident(row: $0) }
        return (runs, failures, incidents)
    }

    /// Writes findings down and carries them into what is remembered of the tests. What has changed since they were made stays as it is, so the same
    /// findings twice change nothing.
    func apply(_ findings: EnvironmentFindings, project: ID<Project>, tenant: ID<Tenant>) async throws {
        guard !findings.incidents.isEmpty || !findings.moves.isEmpty else { return }
        try await database.transaction(.tenant(tenant)) { tx in
            try await tx.pipeline([FactStore.planning, "select pg_advisory_xact_lock(\(fragment: AliasStore.lock(project)))"])
            // A person who dismissed one meanwhile has the last word.
            let dismissed = Set(
                try await tx.rows(
                    """
                    select id from environment_incidents
                    where tenant_id = \(tenant) and id = any(\(findings.incidents.map(\.id))) and state = 'dismissed'
                    """
                ) { try $0.value("id", as: ID<EnvironmentIncident>.self) })
            let incidents = findings.incidents.filter { !dismissed.contains($0.id) }
            let moves = findings.moves.filter { move in move.incident.map { !dismissed.contains($0) } ?? true }
            try await Self.write(incidents, tenant: tenant, in: tx)
            let known = try await failures(moves.map(\.failure.result), tenant: tenant, in: tx)
            var (excused, readmitted): ([PlacedFailure], [PlacedFailure]) = ([], [])
            var moved: [(result: ID<Result>, incident: ID<EnvironmentIncident>?)] = []
            for move in moves {
                guard let failure = known[move.failure.result], failure.incident == move.failure.incident else { continue }
                moved.append((failure.result, move.incident))
                if failure.incident == nil { excused.append(failure) }
                if move.incident == nil { readmitted.append(failure) }
            }
            try await tx.execute(
                """
                update environment_failures f set incident_id = u.incident_id
                from unnest(\(moved.map(\.result))::uuid[], \(moved.map(\.incident))::uuid[]) as u (result_id, incident_id)
                where f.tenant_id = \(tenant) and f.result_id = u.result_id
                """)
            try await stabilities.change(excusing: excused, readmitting: readmitted, project: project, tenant: tenant, in: tx)
        }
    }

    private static func write(_ incidents: [EnvironmentIncident], tenant: ID<Tenant>, in tx: Transaction) async throws {
        guard !incidents.isEmpty else { return }
        try await tx.pipeline(
            incidents.map { incident in
                """
                insert into environment_incidents (
                    tenant_id, id, project_id, kind, place, state, tests, groups, compared, there, expected, chance, input_hash, edition, failures,
                    from_at, to_at)
                values (
                    \(tenant), \(incident.id), \(incident.project), \(incident.kind.rawValue), \(incident.place), \(incident.state.rawValue),
                    \(Int32(clamping: incident.evidence.tests)), \(Int32(clamping: incident.evidence.groups)),
                    \(Int32(clamping: incident.evidence.compared)), \(Int32(clamping: incident.evidence.there)), \(incident.evidence.expected),
                    \(incident.evidence.chance), \(Int64(bitPattern: incident.evidence.inputHash)), \(EnvironmentIncident.edition),
                    \(Int32(clamping: incident.failures)), \(incident.from), \(incident.to))
                on conflict on constraint environment_incidents_pkey do update set
                    state = excluded.state, tests = excluded.tests, groups = excluded.groups, compared = excluded.compared, there = excluded.there,
                    expected = excluded.expected, chance = excluded.chance, input_hash = excluded.input_hash, edition = excluded.edition,
                    failures = excluded.failures, from_at = excluded.from_at, to_at = excluded.to_at
                """
            })
    }

    private static let failureColumns: SQL = """
        result_id, test_id, run_id, host, zone, group_hash, branch, environment, commit_sha, started_at, failed_tries, incident_id
        """

    private func failures(_ results: [ID<Result>], tenant: ID<Tenant>, in tx: Transaction) async throws -> [ID<Result>: PlacedFailure] {
        let found = try await tx.rows(
            """
            select \(fragment: Self.failureColumns) from environment_failures
            where tenant_id = \(tenant) and result_id = any(\(results))
            """
        ) { try PlacedFailure(row: $0) }
        return Dictionary(uniqueKeysWithValues: found.map { ($0.result, $0) })
    }

    // MARK: - People

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

    /// The newest incident to which a failure of the test is put down; `nil` when there is none.
    func latest(of test: ID<Test>, tenant: ID<Tenant>) async throws -> EnvironmentIncident? {
        try await database.lookUp(
            .tenant(tenant),
            """
            select i.* from environment_failures f
            join environment_incidents i on i.tenant_id = f.tenant_id and i.id = f.incident_id and i.state = 'standing'
            where f.tenant_id = \(tenant) and f.test_id = \(test) and f.incident_id is not null
            order by f.started_at desc
            limit 1
            """
        ) { try EnvironmentIncident(row: $0) }
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

    /// Gives the failures of an incident back to their tests, for good. One that is dismissed already stays as it is.
    /// - Returns: `false` when it was.
    func dismiss(_ incident: EnvironmentIncident, by actor: String, reason: String, at now: Date, tenant: ID<Tenant>) async throws -> Bool {
        try await database.transaction(.tenant(tenant)) { tx in
            try await tx.pipeline([FactStore.planning, "select pg_advisory_xact_lock(\(fragment: AliasStore.lock(incident.project)))"])
            let changed = try await tx.execute(
                """
                update environment_incidents set state = 'dismissed', dismissed_by = \(actor), dismissal_reason = \(reason), dismissed_at = \(now)
                where tenant_id = \(tenant) and id = \(incident.id) and state <> 'dismissed'
                """)
            guard changed > 0 else { return false }
            let given = try await tx.rows(
                "select \(fragment: Self.failureColumns) from environment_failures where tenant_id = \(tenant) and incident_id = \(incident.id)"
            ) { try PlacedFailure(row: $0) }
            try await stabilities.change(excusing: [], readmitting: given, project: incident.project, tenant: tenant, in: tx)
            try await tx.audit(incident.id, project: incident.project, details: ["place": incident.place, "reason": reason])
            return true
        }
    }
}
