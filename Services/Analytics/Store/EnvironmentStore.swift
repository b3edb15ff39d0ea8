import Foundation
import Postgres
import Primitives

/// All SQL about what failed where of late, and the incidents that it is put down to.
struct EnvironmentStore: Sendable {
    let database: Database
    let stabilities: StabilityStore

    static let columns: SQL = """
        id, project_id, kind, place, state, contrast, tests, groups, compared, there, expected, chance, tried, input_hash, edition, numbers_hash,
        looked_at, failures, from_at, to_at, dismissed_by, dismissal_reason, dismissed_at, declared_by, declared_at, upheld, version
        """

    // MARK: - From facts

    /// Statements that write down where the facts of a batch were carried out, and what failed.
    /// - Parameter rest: the suites that are counted under the rest of their days.
    static func writing(_ part: BatchChanges.Part, rest: Set<RollupKey>, tenant: ID<Tenant>) -> [SQL] {
        let batch = part.batch
        let hosts = part.results.keys.sorted()
        guard !hosts.isEmpty else { return [] }
        var statements: [SQL] = [
            """
            insert into environment_runs as r (tenant_id, project_id, run_id, host, zone, commit_sha, started_at, results, tags)
            select \(tenant), \(batch.project), \(batch.run), u.host, \(batch.zone), \(batch.commit), \(batch.startedAt), u.results,
                \(RollupKey.values(ofTags: batch.tags))::text[]
            from unnest(\(hosts)::text[], \(hosts.map { part.results[$0] ?? 0 })::bigint[]) as u (host, results)
            on conflict on constraint environment_runs_pkey do update set
                started_at = least(r.started_at, excluded.started_at), results = r.results + excluded.results,
                tags = case when r.tags = excluded.tags then r.tags end
            """
        ]
        let failures = part.failures
        if !failures.isEmpty {
            let day = batch.startedAt.day
            statements.append(
                """
                insert into environment_failures (
                    tenant_id, project_id, result_id, test_id, run_id, host, zone, group_hash, branch, environment, commit_sha, started_at, failed_tries,
                    passed, suite_name)
                select \(tenant), \(batch.project), u.result_id, u.test_id, \(batch.run), u.host, \(batch.zone), u.group_hash, \(batch.branch),
                    \(batch.environment), \(batch.commit), \(batch.startedAt), u.failed_tries,
                    u.passed, u.suite_name
                from unnest(
                    \(failures.map(\.fact.result))::uuid[], \(failures.map(\.test))::uuid[], \(failures.map(\.fact.host))::text[],
                    \(failures.map { Int64(bitPattern: $0.fact.groupHash) })::bigint[],
                    \(failures.map { Int16(clamping: $0.fact.triesBeforeLastFailure) })::smallint[],
                    \(failures.map { $0.fact.outcome == .passed })::boolean[], \(failures.map { Self.suite(of: $0.fact, on: day, rest: rest) })::text[]
                ) as u (result_id, test_id, host, group_hash, failed_tries, passed, suite_name)
                on conflict on constraint environment_failures_pkey do nothing
                """)
        }
        return statements
    }

    /// Under which the fact is counted in the rollups.
    private static func suite(of fact: Fact, on day: String, rest: Set<RollupKey>) -> String {
        guard !rest.isEmpty, rest.contains(RollupKey(dimension: .suite, value: fact.suiteName, day: day)) else { return fact.suiteName }
        return RollupKey.rest
    }

    // MARK: - Search

    /// What `EnvironmentFindings` are made from.
    /// - Parameter end: later runs are left out.
    func window(of project: ID<Project>, at now: Date, until end: Date = .distantFuture, tenant: ID<Tenant>) async throws -> (
        runs: [PlacedRun], failures: [PlacedFailure], incidents: [EnvironmentIncident]
    ) {
        let from = now - EnvironmentFindings.window
        let runs = try await database.rows(
            .tenant(tenant),
            """
            select run_id, host, zone, commit_sha, started_at, results from environment_runs
            where tenant_id = \(tenant) and project_id = \(project) and started_at >= \(from) and started_at <= \(end)
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
            where tenant_id = \(tenant) and project_id = \(project) and started_at >= \(from) and started_at <= \(end)
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
    /// - Returns: `false`, and nothing is changed, when a person has said something meanwhile of one of the incidents or has named another for one of the
    ///   failures: they are to be made anew.
    func apply(_ findings: EnvironmentFindings, project: ID<Project>, tenant: ID<Tenant>) async throws -> Bool {
        guard !findings.incidents.isEmpty || !findings.moves.isEmpty else { return true }
        return try await database.transaction(.tenant(tenant)) { tx in
            try await tx.pipeline([FactStore.planning, "select pg_advisory_xact_lock(\(fragment: AliasStore.lock(project)))"])
            let stale = try await tx.first(
                """
                select 1 as stale from unnest(\(findings.incidents.map(\.id))::uuid[], \(findings.incidents.map(\.version))::bigint[]) as u (id, version)
                join environment_incidents i on i.tenant_id = \(tenant) and i.id = u.id and i.version <> u.version
                limit 1
                """
            ) { _ in true }
            guard stale == nil else { return false }
            let moves = findings.moves
            let known = try await failures(moves.map(\.failure.result), tenant: tenant, in: tx)
            let isOvertaken = moves.contains { move in
                known[move.failure.result].map { $0.incident != move.failure.incident && $0.incident != move.incident } ?? false
            }
            guard !isOvertaken else { return false }
            try await Self.write(findings.incidents, tenant: tenant, in: tx)
            var (excused, readmitted): ([PlacedFailure], [PlacedFailure]) = ([], [])
            var moved: [(result: ID<Result>, incident: ID<EnvironmentIncident>?)] = []
            for move in moves {
                guard let failure = known[move.failure.result], failure.incident == move.failure.incident else { continue }
                moved.append((failure.result, move.incident))
                // What a person said of the failure itself holds beside every incident.
                guard !failure.isSaid else { continue }
                if failure.incident == nil { excused.append(failure) }
                if move.incident == nil { readmitted.append(failure) }
            }
            try await tx.execute(
                """
                update environment_failures f set incident_id = u.incident_id
                from unnest(\(moved.map(\.result))::uuid[], \(moved.map(\.incident))::uuid[]) as u (result_id, incident_id)
                where f.tenant_id = \(tenant) and f.result_id = u.result_id
                """)
            let touched = Set(moves.flatMap { [$0.failure.incident, $0.incident] }.compactMap(\.self)).sorted()
            if !touched.isEmpty { try await tx.execute(Self.recounting(touched, tenant: tenant)) }
            try await stabilities.change(excusing: excused, readmitting: readmitted, project: project, tenant: tenant, in: tx)
            // What is told of an incident changes although its failures do not.
            try await tx.execute(RevisionStore.raising(project, tenant: tenant))
            return true
        }
    }

    /// What stands with incidents, as it is: others may have moved some of it since what is written down was worked out. A found one stands with any.
    static func recounting(_ incidents: [ID<EnvironmentIncident>], tenant: ID<Tenant>) -> SQL {
        let (standing, withdrawn) = (EnvironmentIncident.State.standing.rawValue, EnvironmentIncident.State.withdrawn.rawValue)
        return """
            update environment_incidents i set
                failures = n.failures, from_at = coalesce(n.from_at, i.from_at), to_at = coalesce(n.to_at, i.to_at),
                state = case
                    when i.state = \(withdrawn) and n.failures > 0 then \(standing)
                    when i.state = \(standing) and n.failures = 0 and not i.upheld then \(withdrawn)
                    else i.state
                end
            from (
                select u.id, count(f.result_id)::integer as failures, min(f.started_at) as from_at, max(f.started_at) as to_at
                from unnest(\(incidents)::uuid[]) as u (id)
                left join environment_failures f on f.tenant_id = \(tenant) and f.incident_id = u.id
                group by u.id
            ) n
            where i.tenant_id = \(tenant) and i.id = n.id
            """
    }

    /// What was found of known ones; their failures are as they are counted (`recounting`).
    static func write(_ incidents: [EnvironmentIncident], tenant: ID<Tenant>, in tx: Transaction) async throws {
        guard !incidents.isEmpty else { return }
        try await tx.pipeline(
            incidents.map { incident in
                """
                insert into environment_incidents (
                    tenant_id, id, project_id, kind, place, state, contrast, tests, groups, compared, there, expected, chance, tried, input_hash,
                    edition, numbers_hash, looked_at, failures, from_at, to_at)
                values (
                    \(tenant), \(incident.id), \(incident.project), \(incident.kind.rawValue), \(incident.place), \(incident.state.rawValue),
                    \(incident.evidence.contrast.rawValue), \(Int32(clamping: incident.evidence.tests)), \(Int32(clamping: incident.evidence.groups)),
                    \(Int32(clamping: incident.evidence.compared)), \(Int32(clamping: incident.evidence.there)), \(incident.evidence.expected),
                    \(incident.evidence.chance), \(incident.evidence.tried.map { Int64($0) }), \(Int64(bitPattern: incident.evidence.inputHash)),
                    \(incident.evidence.edition), \(incident.evidence.numbersHash.map { Int64(bitPattern: $0) }), \(incident.evidence.lookedAt),
                    \(Int32(clamping: incident.failures)), \(incident.from), \(incident.to))
                on conflict on constraint environment_incidents_pkey do update set
                    contrast = excluded.contrast, tests = excluded.tests, groups = excluded.groups,
                    compared = excluded.compared, there = excluded.there, expected = excluded.expected, chance = excluded.chance,
                    tried = excluded.tried, input_hash = excluded.input_hash, edition = excluded.edition,
                    numbers_hash = excluded.numbers_hash, looked_at = excluded.looked_at
                """
            })
    }

    static let failureColumns: SQL = """
        result_id, test_id, run_id, host, zone, group_hash, branch, environment, commit_sha, started_at, failed_tries, passed, incident_id,
            said_environment
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
}
