import Foundation
import Postgres
import Primitives

/// The leases of `run_cases`: who executes what until when.
///
/// A lease is 30 seconds of database time and is renewed every 10. One that ran out makes the case wait again, so a worker that died costs
/// 35 seconds; after the third such loss the case is given up. Every claim has a higher epoch, and what names an older one is refused.
struct CaseQueue: Sendable {
    static let lease = Duration.seconds(30)
    static let heartbeat = Duration.seconds(10)
    static let reaping = Duration.seconds(5)
    static let maxAttempts = 3
    /// Cases of one claim, and of one round of the reaper.
    static let batch = 64
    /// Where a waiting case is announced. A hint: whoever misses it looks again within a second.
    static let channel = "run_cases"

    let database: Database
    /// How long a claim holds.
    var lease = CaseQueue.lease

    /// Leases up to `limit` cases, tenants in turn; at most `tenantCap` of one tenant run at once, over all workers.
    func claim(_ limit: Int, tenantCap: Int, worker: UUID) async throws -> [ClaimedCase] {
        let claimed = try await database.rows(
            .system,
            """
            select * from claim_cases(
                \(Int32(min(limit, Self.batch))), \(Int32(tenantCap)), \(worker), make_interval(secs => \(lease.seconds)))
            """
        ) { try ClaimedCase($0) }
        // They are leased by now: where it cannot be told, each case looks for secrets itself.
        guard !claimed.isEmpty, let runs = try? await runsWithSecrets(among: claimed) else { return claimed }
        return claimed.map { $0.having(secrets: runs.contains($0.run)) }
    }

    /// A statement of its own, behind the claim's: that one sees what there was before it waited for its turn, but the function in it what there is
    /// afterwards. A run that was started meanwhile would go without the secrets that were there before it, and what it stores would show them.
    private func runsWithSecrets(among claimed: [ClaimedCase]) async throws -> Set<ID<Run>> {
        let runs = try await database.rows(
            .system,
            """
            select distinct c.run_id
            from unnest(\(claimed.map(\.tenant)), \(claimed.map(\.project)), \(claimed.map(\.run))) as c (tenant_id, project_id, run_id)
            where exists (select from secrets s where s.tenant_id = c.tenant_id and s.project_id = c.project_id)
            """
        ) { try $0.value("run_id", as: ID<Run>.self) }
        return Set(runs)
    }

    /// Renews the leases that a worker still needs, all in one statement.
    /// - Returns: those that it has; what is missing is recorded, or belongs to somebody else by now.
    func renew(_ fences: Set<Fence>, worker: UUID) async throws -> Set<Fence> {
        let held = Array(fences)
        let renewed = try await database.rows(
            .system,
            """
            update run_cases c set lease_until = now() + make_interval(secs => \(lease.seconds))
            from unnest(\(held.map(\.tenant)), \(held.map(\.run)), \(held.map(\.id)), \(held.map(\.epoch))) as f (tenant_id, run_id, case_id, epoch)
            where c.tenant_id = f.tenant_id and c.run_id = f.run_id and c.case_id = f.case_id and c.epoch = f.epoch
                and c.state = 'running' and c.worker_id = \(worker)
            returning c.tenant_id, c.run_id, c.case_id, c.epoch
            """
        ) { try Fence(tenant: $0.value("tenant_id"), run: $0.value("run_id"), id: $0.value("case_id"), epoch: $0.value("epoch")) }
        return Set(renewed)
    }

    /// Puts cases whose lease has run out back into the queue, but for those that have been lost three times.
    /// - Returns: how many.
    func requeueExpired() async throws -> Int {
        let count = try await database.execute(
            .system,
            """
            update run_cases set state = 'queued', worker_id = null, lease_until = null
            where (tenant_id, run_id, case_id) in (
                select tenant_id, run_id, case_id from run_cases
                where state = 'running' and lease_until < now() and attempt < \(Int32(Self.maxAttempts))
                for update skip locked)
            """)
        if count > 0 { try await announce() }
        return count
    }

    /// Leases the cases that were lost for the third time, so that the caller can record them as given up.
    func claimLost(worker: UUID) async throws -> [ClaimedCase] {
        try await database.rows(
            .system,
            """
            with lost as materialized (
                select tenant_id, run_id, case_id from run_cases
                where state = 'running' and lease_until < now() and attempt >= \(Int32(Self.maxAttempts))
                limit \(Self.batch) for update skip locked
            )
            update run_cases c set epoch = c.epoch + 1, worker_id = \(worker), lease_until = now() + make_interval(secs => \(lease.seconds))
            from lost l join active_runs a using (tenant_id, run_id)
            where c.tenant_id = l.tenant_id and c.run_id = l.run_id and c.case_id = l.case_id
            returning c.tenant_id, c.run_id, c.case_id, a.project_id, a.suite_name, c.name, c.definition, c.attempt, c.epoch, false as is_first
            """
        ) { try ClaimedCase($0) }
    }

    /// Runs whose time is up and that nobody has told so.
    func overdue() async throws -> [(run: ID<Run>, tenant: ID<Tenant>)] {
        try await database.rows(
            .system,
            "select tenant_id, run_id from active_runs where deadline < now() and not cancelled order by deadline limit \(Self.batch)"
        ) { (run: try $0.value("run_id"), tenant: try $0.value("tenant_id")) }
    }

    /// Gives back what a worker holds when it stops in good order; no attempt is counted.
    /// - Returns: how many cases.
    @discardableResult
    func giveBack(worker: UUID) async throws -> Int {
        let count = try await database.execute(
            .system,
            """
            update run_cases set state = 'queued', worker_id = null, lease_until = null, attempt = attempt - 1
            where state = 'running' and worker_id = \(worker)
            """)
        if count > 0 { try await announce() }
        return count
    }

    private func announce() async throws {
        try await database.execute(.system, "select pg_notify(\(Self.channel), '')")
    }
}

extension ClaimedCase {
    init(_ row: Row) throws {
        tenant = try row.value("tenant_id")
        run = try row.value("run_id")
        id = try row.value("case_id")
        project = try row.value("project_id")
        suiteName = try row.value("suite_name")
        name = try row.value("name")
        definition = try row.value("definition", as: JSONText.self).text
        attempt = Int(try row.value("attempt", as: Int32.self))
        epoch = try row.value("epoch")
        isFirst = try row.value("is_first")
        hasSecrets = true
    }
}

extension Duration {
    fileprivate var seconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}
