import Audit
import Foundation
import Postgres
import Primitives

/// All SQL about quarantines. What is in force is a matter of comparing times, and what one costs a difference of sums that are kept anyway.
struct QuarantineStore: Sendable {
    let database: Database
    var limits = QuarantineLimits()

    /// Who changes what.
    struct Act: Sendable {
        let project: ID<Project>
        let tenant: ID<Tenant>
        let actor: String
        /// The idempotency key.
        var key: String?
        let now: Date
    }

    private static let columns: SQL = """
        q.id, q.project_id, q.test_id, t.suite_name, t.class_name, t.name, q.owner, q.ticket, q.reason, q.expires_at, q.created_by, q.created_at,
        q.lifted_by, q.lifted_at, q.version,
        coalesce(q.executions_after, t.passed + t.failed + t.errored + t.skipped) - q.executions_before as executions,
        coalesce(q.failures_after, t.failed + t.errored) - q.failures_before as failures,
        coalesce(q.duration_us_after, t.duration_us) - q.duration_us_before as duration_us
        """
    private static let source: SQL = "quarantines q join tests t on t.tenant_id = q.tenant_id and t.id = q.test_id"

    /// - Throws: `test.not_found`, `quarantine.exists`, `quarantine.full`.
    func insert(_ draft: Quarantine.Draft, of test: ID<Test>, _ act: Act) async throws -> Quarantine {
        try await database.transaction(.tenant(act.tenant)) { tx in
            try await lock(act, in: tx)
            if let key = act.key, let first = try await find("q.idempotency_key = \(key)", act, in: tx) {
                AuditedCall.changedNothing()
                return first
            }
            let known = try await tx.first(
                "select id from tests where tenant_id = \(act.tenant) and id = \(test) and project_id = \(act.project) for share"
            ) { try $0.value("id", as: ID<Test>.self) }
            guard known != nil else { throw Fault.notFound("test", test) }
            if let standing = try await find("q.test_id = \(test) and q.lifted_at is null", act, in: tx) {
                if standing.state(at: act.now) == .active {
                    guard standing.says(draft) else { throw Fault.quarantineExists(test) }
                    AuditedCall.changedNothing()
                    return standing
                }
                try await end(standing.id, act, in: tx)
            }
            try await requireRoom(act, in: tx)
            let id = ID<Quarantine>.new()
            let expiry = draft.expiresAt ?? limits.usualExpiry(at: act.now)
            try await tx.execute(
                """
                insert into quarantines (
                    tenant_id, id, project_id, test_id, owner, ticket, reason, expires_at, created_by, created_at, executions_before,
                    failures_before, duration_us_before, idempotency_key)
                select tenant_id, \(id), project_id, id, \(draft.owner), \(draft.ticket), \(draft.reason), \(expiry), \(act.actor), \(act.now),
                    passed + failed + errored + skipped, failed + errored, duration_us, \(act.key)
                from tests where tenant_id = \(act.tenant) and id = \(test)
                """)
            guard let made = try await find("q.id = \(id)", act, in: tx) else { throw Fault.notFound("test", test) }
            try await Self.keep([id], as: .created, by: act.actor, at: act.now, tenant: act.tenant, in: tx)
            try await tx.audit(made.id, project: act.project, details: details(made))
            try await tx.execute(RevisionStore.raising(act.project, tenant: act.tenant))
            return made
        }
    }

    /// - Throws: `quarantine.not_found`, `quarantine.full`, `precondition_failed`.
    func update(_ change: Quarantine.Change, of test: ID<Test>, version: Int64, _ act: Act) async throws -> Quarantine {
        try await database.transaction(.tenant(act.tenant)) { tx in
            try await lock(act, in: tx)
            guard let before = try await find("q.test_id = \(test) and q.lifted_at is null", act, in: tx) else { throw Self.none(test) }
            let isRepeated = try await tx.one(
                "select coalesce(change_key = \(act.key), false) as same from quarantines where tenant_id = \(act.tenant) and id = \(before.id)"
            ) { try $0.value("same", as: Bool.self) }
            if isRepeated {
                AuditedCall.changedNothing()
                return before
            }
            if before.state(at: act.now) == .expired, let expiry = change.expiresAt, expiry > act.now { try await requireRoom(act, in: tx) }
            try await Self.keepPast([before.id], tenant: act.tenant, in: tx)
            let changed = try await tx.execute(
                """
                update quarantines
                set owner = coalesce(\(change.owner), owner), ticket = coalesce(\(change.ticket), ticket), reason = coalesce(\(change.reason), reason),
                    expires_at = coalesce(\(change.expiresAt)::timestamptz, expires_at), version = version + 1, change_key = \(act.key)
                where tenant_id = \(act.tenant) and id = \(before.id) and (\(version) = 0 or version = \(version))
                """)
            guard changed > 0, let after = try await find("q.id = \(before.id)", act, in: tx) else { throw Fault.versionStale }
            try await Self.keep([after.id], as: .changed, by: act.actor, at: act.now, tenant: act.tenant, in: tx)
            try await tx.audit(after.id, project: act.project, details: details(after))
            try await tx.execute(RevisionStore.raising(act.project, tenant: act.tenant))
            return after
        }
    }

    /// - Throws: `quarantine.not_found`, `precondition_failed`.
    func lift(_ test: ID<Test>, version: Int64, _ act: Act) async throws {
        try await database.transaction(.tenant(act.tenant)) { tx in
            try await lock(act, in: tx)
            guard let standing = try await find("q.test_id = \(test) and q.lifted_at is null", act, in: tx) else { throw Self.none(test) }
            guard version == 0 || version == standing.version else { throw Fault.versionStale }
            try await end(standing.id, act, in: tx)
            try await tx.audit(standing.id, project: act.project, details: details(standing))
            try await tx.execute(RevisionStore.raising(act.project, tenant: act.tenant))
        }
    }

    /// The test that a quarantine is kept under: the one that it was joined to, or itself.
    func lasting(_ test: ID<Test>, project: ID<Project>, tenant: ID<Tenant>) async throws -> ID<Test> {
        try await database.lookUp(
            .tenant(tenant),
            "select test_id from test_aliases where tenant_id = \(tenant) and project_id = \(project) and alias_id = \(test)"
        ) { try $0.value("test_id", as: ID<Test>.self) } ?? test
    }

    /// The one that stands.
    /// - Throws: `quarantine.not_found`.
    func get(_ test: ID<Test>, project: ID<Project>, tenant: ID<Tenant>) async throws -> Quarantine {
        let found = try await database.lookUp(
            .tenant(tenant),
            """
            select \(fragment: Self.columns) from \(fragment: Self.source)
            where q.tenant_id = \(tenant) and q.project_id = \(project) and q.test_id = \(test) and q.lifted_at is null
            """
        ) { try Quarantine(row: $0) }
        guard let found else { throw Self.none(test) }
        return found
    }

    /// What a list is narrowed to.
    struct Filter: Sendable {
        /// Empty for those that stand; of one test, for all.
        var states: Set<Quarantine.State> = []
        var owner = ""
        var test: ID<Test>?
        /// Only those in force that expire until then.
        var expiresBy: Date?
    }

    /// Newest first.
    func list(_ page: PageRequest, _ filter: Filter, project: ID<Project>, at now: Date, tenant: ID<Tenant>) async throws -> Page<Quarantine> {
        let before = try page.after(ID<Quarantine>.self)
        let states = filter.states.isEmpty && filter.test == nil ? [.active, .expired] : filter.states
        // Written down, not bound, so that the index of those that stand is found.
        let standing: SQL = states.isEmpty || states.contains(.lifted) ? "true" : "q.lifted_at is null"
        let ending: SQL =
            if let end = filter.expiresBy {
                "q.lifted_at is null and q.expires_at > \(now) and q.expires_at <= \(end)"
            } else {
                "true"
            }
        let words = states.map(\.rawValue)
        let rows = try await database.rows(
            .tenant(tenant),
            """
            select \(fragment: Self.columns) from \(fragment: Self.source)
            where q.tenant_id = \(tenant) and q.project_id = \(project) and \(fragment: standing) and \(fragment: ending)
              and (cardinality(\(words)::text[]) = 0 or
                case when q.lifted_at is not null then 'lifted' when q.expires_at > \(now) then 'active' else 'expired' end = any(\(words)::text[]))
              and (\(filter.owner) = '' or q.owner = \(filter.owner))
              and (\(filter.test)::uuid is null or q.test_id = \(filter.test))
              and (\(before)::uuid is null or q.id < \(before))
            order by q.id desc
            limit \(page.limit + 1)
            """
        ) { try Quarantine(row: $0) }
        return Page(rows: rows, limit: page.limit) { $0.id.description }
    }

    /// The tests of a project whose quarantine is in force.
    func inForce(project: ID<Project>, at now: Date, tenant: ID<Tenant>) async throws -> [ID<Test>] {
        try await database.rows(
            .tenant(tenant),
            """
            select test_id from quarantines
            where tenant_id = \(tenant) and project_id = \(project) and lifted_at is null and expires_at > \(now)
            order by id desc
            limit \(QuarantineLimits.mostEver)
            """
        ) { try $0.value("test_id", as: ID<Test>.self) }
    }

    /// Two histories have become one: what was quarantined as `alias` is so as `test`. Of two quarantines that nobody has lifted the one that ends later goes on,
    /// so what has expired ends none that is in force. Called before the sums are joined, which must not look like something that the quarantine has cost.
    func join(_ alias: ID<Test>, to test: ID<Test>, tenant: ID<Tenant>, in tx: Transaction) async throws {
        let standing = try await tx.rows(
            "select id from quarantines where tenant_id = \(tenant) and test_id in (\(alias), \(test)) and lifted_at is null for update"
        ) { try $0.value("id", as: ID<Quarantine>.self) }
        try await Self.keepPast(standing, tenant: tenant, in: tx)
        let ended = try await tx.rows(
            """
            update quarantines q
            set lifted_at = now(), lifted_by = '', version = q.version + 1, executions_after = t.passed + t.failed + t.errored + t.skipped,
                failures_after = t.failed + t.errored, duration_us_after = t.duration_us
            from tests t, quarantines o
            where q.tenant_id = \(tenant) and q.test_id in (\(alias), \(test)) and q.lifted_at is null and t.tenant_id = q.tenant_id and t.id = q.test_id
              and o.tenant_id = q.tenant_id and o.test_id in (\(alias), \(test)) and o.test_id <> q.test_id and o.lifted_at is null
              and (o.expires_at, o.test_id = \(test)) > (q.expires_at, q.test_id = \(test))
            returning q.id, q.lifted_at
            """
        ) { (id: try $0.value("id", as: ID<Quarantine>.self), at: try $0.value("lifted_at", as: Date.self)) }
        for one in ended { try await Self.keep([one.id], as: .lifted, by: nil, at: one.at, tenant: tenant, in: tx) }
        try await tx.execute(
            """
            update quarantines q
            set executions_before = executions_before + o.passed + o.failed + o.errored + o.skipped,
                failures_before = failures_before + o.failed + o.errored, duration_us_before = duration_us_before + o.duration_us
            from tests o
            where q.tenant_id = \(tenant) and q.test_id in (\(alias), \(test)) and q.lifted_at is null
              and o.tenant_id = q.tenant_id and o.id in (\(alias), \(test)) and o.id <> q.test_id
            """)
        try await tx.execute("update quarantines set test_id = \(test) where tenant_id = \(tenant) and test_id = \(alias)")
    }

    // MARK: - Within a change

    /// One change at a time in a project, so that the number of tests in quarantine can be counted.
    private func lock(_ act: Act, in tx: Transaction) async throws {
        try await tx.execute("select pg_advisory_xact_lock(hashtextextended('quarantines/' || \(act.project.description), 0))")
    }

    private func requireRoom(_ act: Act, in tx: Transaction) async throws {
        let count = try await tx.one(
            """
            select count(*) as n from quarantines
            where tenant_id = \(act.tenant) and project_id = \(act.project) and lifted_at is null and expires_at > \(act.now)
            """
        ) { try $0.value("n", as: Int.self) }
        guard count < limits.most else { throw Fault.quarantineFull(limits.most) }
    }

    private func find(_ condition: SQL, _ act: Act, in tx: Transaction) async throws -> Quarantine? {
        try await tx.first(
            """
            select \(fragment: Self.columns) from \(fragment: Self.source)
            where q.tenant_id = \(act.tenant) and q.project_id = \(act.project) and \(fragment: condition)
            """
        ) { try Quarantine(row: $0) }
    }

    private func end(_ id: ID<Quarantine>, _ act: Act, in tx: Transaction) async throws {
        try await Self.keepPast([id], tenant: act.tenant, in: tx)
        try await tx.execute(
            """
            update quarantines q
            set lifted_by = \(act.actor), lifted_at = \(act.now), version = version + 1,
                executions_after = t.passed + t.failed + t.errored + t.skipped, failures_after = t.failed + t.errored,
                duration_us_after = t.duration_us
            from tests t
            where q.tenant_id = \(act.tenant) and q.id = \(id) and t.tenant_id = q.tenant_id and t.id = q.test_id
            """)
        try await Self.keep([id], as: .lifted, by: act.actor, at: act.now, tenant: act.tenant, in: tx)
    }

    private func details(_ quarantine: Quarantine) -> [String: String] {
        [
            "test": quarantine.test.description, "owner": quarantine.owner, "ticket": quarantine.ticket, "reason": quarantine.reason,
            "expires_at": quarantine.expiresAt.formatted(.iso8601),
        ]
    }

    private static func none(_ test: ID<Test>) -> Fault {
        Fault(.notFound, "quarantine.not_found", "Test \(test) is not quarantined.")
    }
}

extension Quarantine {
    fileprivate init(row: Row) throws {
        id = try row.value("id")
        project = try row.value("project_id")
        test = try row.value("test_id")
        suiteName = try row.value("suite_name")
        className = try row.value("class_name")
        name = try row.value("name")
        owner = try row.value("owner")
        ticket = try row.value("ticket")
        reason = try row.value("reason")
        expiresAt = try row.value("expires_at")
        createdBy = try row.value("created_by")
        createdAt = try row.value("created_at")
        liftedBy = try row.value("lifted_by")
        liftedAt = try row.value("lifted_at")
        cost = Cost(executions: try row.value("executions"), failures: try row.value("failures"), duration: try row.value("duration_us"))
        version = try row.value("version")
    }
}
