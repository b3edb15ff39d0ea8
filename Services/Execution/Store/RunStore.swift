import Foundation
import Jobs
import Postgres
import Primitives

/// All SQL about runs. `RunStore+Finish.swift` ends them.
///
/// A run changes in one of two ways: `lock`, a pure transition of `Run`, `save`; or `apply`, which only adds to its numbers and needs no lock before.
struct RunStore: Sendable {
    let database: Database
    let jobs: JobQueue

    /// What ListRuns may ask for.
    struct Filter: Sendable {
        var state: Run.State?
        var branch = ""
        var kind: Run.Kind?
        var lane: Lane?
    }

    static let columns: SQL = """
        id, project_id, kind, state, passed, failed, errored, skipped, pending, incomplete, suite_id, name, branch, commit_sha, environment, ci, tags,
        triggered_by, test_us, version, created_at, started_at, finished_at, lane, imported_at
        """

    // MARK: - Reading

    /// - Throws: `run.not_found`.
    func get(_ id: ID<Run>, tenant: ID<Tenant>) async throws -> Run {
        let found = try await database.lookUp(
            .tenant(tenant), "select \(fragment: Self.columns) from runs where tenant_id = \(tenant) and id = \(id)"
        ) { try Run(row: $0) }
        guard let found else { throw Fault.notFound("run", id) }
        return found
    }

    /// The run, and where its results are.
    /// - Throws: `run.not_found`.
    func span(_ id: ID<Run>, tenant: ID<Tenant>) async throws -> (run: Run, span: RunSpan) {
        let found = try await database.lookUp(
            .tenant(tenant), "select \(fragment: Self.columns), updated_at from runs where tenant_id = \(tenant) and id = \(id)"
        ) { row in
            let run = try Run(row: row)
            // Shards that began before the first one to arrive were recorded before the run was made: an hour is more than an upload may take.
            let first = run.importedAt ?? run.createdAt
            return try (run, RunSpan(run: run.id, project: run.project, from: first.addingTimeInterval(-3600), to: row.value("updated_at")))
        }
        guard let found else { throw Fault.notFound("run", id) }
        return found
    }

    /// Newest first.
    func list(_ project: ID<Project>, _ filter: Filter, _ page: PageRequest, tenant: ID<Tenant>) async throws -> Page<Run> {
        let before = try page.cursor.map(RunCursor.init)
        let older: SQL = before.map { "(created_at, id) < (\($0.createdAt), \($0.id))" } ?? "true"
        let branch = filter.branch.isEmpty ? nil : filter.branch
        let rows = try await database.rows(
            .tenant(tenant),
            """
            select \(fragment: Self.columns) from runs
            where tenant_id = \(tenant) and project_id = \(project)
              and \(fragment: older)
              and (\(filter.state?.rawValue)::text is null or state = \(filter.state?.rawValue))
              and (\(branch)::text is null or branch = \(branch))
              and (\(filter.kind?.rawValue)::text is null or kind = \(filter.kind?.rawValue))
              and (\(filter.lane?.rawValue)::text is null or lane = \(filter.lane?.rawValue))
            order by created_at desc, id desc
            limit \(page.limit + 1)
            """
        ) { try Run(row: $0) }
        return Page(rows: rows, limit: page.limit) { RunCursor($0).text }
    }

    /// - Parameter key: the idempotency key of StartRun.
    func find(key: String, project: ID<Project>, tenant: ID<Tenant>, in tx: Transaction) async throws -> Run? {
        try await tx.first(
            "select \(fragment: Self.columns) from runs where tenant_id = \(tenant) and project_id = \(project) and idempotency_key = \(key)"
        ) { try Run(row: $0) }
    }

    func exists(_ id: ID<Run>, tenant: ID<Tenant>, in tx: Transaction) async throws -> Bool {
        try await tx.one("select exists (select from runs where tenant_id = \(tenant) and id = \(id)) as found") { try $0.value("found") }
    }

    // MARK: - Writing

    /// - Returns: `false` when the id is there already, as it is for the second shard of a CI run.
    func insert(_ run: Run, tenant: ID<Tenant>, in tx: Transaction) async throws -> Bool {
        try await tx.execute("\(fragment: Self.insertion(run, key: nil, tenant)) on conflict on constraint runs_pkey do nothing") > 0
    }

    /// A run that workers are to execute.
    /// - Parameter key: the idempotency key; the same one again inserts nothing.
    /// - Returns: `false` when the key is known: `find(key:)` has the first run.
    func insertSuiteRun(_ run: Run, key: String?, tenant: ID<Tenant>, in tx: Transaction) async throws -> Bool {
        try await tx.execute("\(fragment: Self.insertion(run, key: key, tenant)) on conflict on constraint runs_idempotency_key_unique do nothing")
            > 0
    }

    private static func insertion(_ run: Run, key: String?, _ tenant: ID<Tenant>) throws -> SQL {
        """
        insert into runs (
            tenant_id, id, project_id, kind, state, passed, failed, errored, skipped, pending, incomplete, suite_id, name, branch, commit_sha,
            environment, ci, tags, triggered_by, idempotency_key, test_us, version, created_at, started_at, finished_at,
            lane, imported_at)
        values (
            \(tenant), \(run.id), \(run.project), \(run.kind.rawValue), \(run.state.rawValue), \(run.counts.passed), \(run.counts.failed),
            \(run.counts.errored), \(run.counts.skipped), \(run.counts.pending), \(run.incomplete), \(run.suite), \(run.name), \(run.branch),
            \(run.commit), \(run.environment), \(try run.ci == .init() ? .emptyObject : JSONText(encoding: run.ci)),
            \(try JSONText(encoding: run.tags)), \(run.triggeredBy), \(key),
            \(run.testMicroseconds), \(run.version), \(run.createdAt), \(run.startedAt), \(run.finishedAt), \(run.lane.rawValue),
            \(run.importedAt))
        """
    }

    /// When the transaction began, which is what everything written in it says.
    func now(in tx: Transaction) async throws -> Date {
        try await tx.one("select now() as now") { try $0.value("now") }
    }

    /// The run as nobody else can change it until the transaction ends, and the time of the database.
    /// - Throws: `run.not_found`.
    func lock(_ id: ID<Run>, tenant: ID<Tenant>, in tx: Transaction) async throws -> (run: Run, now: Date) {
        let found = try await tx.first(
            "select \(fragment: Self.columns), clock_timestamp() as now from runs where tenant_id = \(tenant) and id = \(id) for update"
        ) { (run: try Run(row: $0), now: try $0.value("now", as: Date.self)) }
        guard let found else { throw Fault.notFound("run", id) }
        return found
    }

    /// Writes what transitions of a locked run change.
    func save(_ run: Run, tenant: ID<Tenant>, in tx: Transaction) async throws {
        try await tx.execute(
            """
            update runs
            set state = \(run.state.rawValue), passed = \(run.counts.passed), failed = \(run.counts.failed), errored = \(run.counts.errored),
                skipped = \(run.counts.skipped), pending = \(run.counts.pending), incomplete = \(run.incomplete), test_us = \(run.testMicroseconds),
                version = \(run.version), started_at = \(run.startedAt), finished_at = \(run.finishedAt), updated_at = clock_timestamp()
            where tenant_id = \(tenant) and id = \(run.id)
            """)
    }

    /// Adds to a run's numbers; its state stays.
    /// - Throws: `run.not_found`.
    func apply(_ delta: RunDelta, to id: ID<Run>, tenant: ID<Tenant>, in tx: Transaction) async throws -> Run {
        let changed = try await tx.first(
            """
            update runs
            set passed = passed + \(delta.counts.passed), failed = failed + \(delta.counts.failed), errored = errored + \(delta.counts.errored),
                skipped = skipped + \(delta.counts.skipped), pending = pending + \(delta.counts.pending), test_us = test_us + \(delta.testMicroseconds),
                incomplete = incomplete or \(delta.incomplete), started_at = least(started_at, \(delta.startedAt)), version = version + 1,
                updated_at = clock_timestamp()
            where tenant_id = \(tenant) and id = \(id)
            returning \(fragment: Self.columns)
            """
        ) { try Run(row: $0) }
        guard let changed else { throw Fault.notFound("run", id) }
        return changed
    }
}

extension Run {
    init(row: Row) throws {
        id = try row.value("id")
        project = try row.value("project_id")
        let kind = try row.value("kind", as: String.self)
        let state = try row.value("state", as: String.self)
        guard let kind = Kind(rawValue: kind), let state = State(rawValue: state) else {
            throw Fault(.internal, "internal", "A run is stored with the kind \(kind) and the state \(state).")
        }
        self.kind = kind
        self.state = state
        counts = try Counts(
            passed: row.value("passed"), failed: row.value("failed"), errored: row.value("errored"), skipped: row.value("skipped"),
            pending: row.value("pending"))
        incomplete = try row.value("incomplete")
        suite = try row.value("suite_id")
        name = try row.value("name")
        branch = try row.value("branch")
        commit = try row.value("commit_sha")
        environment = try row.value("environment")
        // Most often there is nothing in them, and decoding takes longer than all the rest of a row.
        let ci = try row.value("ci", as: JSONText.self)
        self.ci = try ci == .emptyObject ? CI() : ci.decode(CI.self)
        let tags = try row.value("tags", as: JSONText.self)
        self.tags = try tags == .emptyObject ? [:] : tags.decode([String: String].self)
        triggeredBy = try row.value("triggered_by")
        testMicroseconds = try row.value("test_us")
        version = try row.value("version")
        createdAt = try row.value("created_at")
        startedAt = try row.value("started_at")
        finishedAt = try row.value("finished_at")
        // A word of a later release is not taken for the one that counts.
        lane = try Lane(rawValue: row.value("lane")) ?? .untrusted
        importedAt = try row.value("imported_at")
    }
}
