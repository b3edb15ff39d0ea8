import Foundation
import Postgres
import Primitives

/// The rows of `active_runs` and `run_cases` in the transactions that change their runs too.
///
/// A run's `pending` count is the number of its rows here; the foreign key makes a mistake in that an error.
struct CaseStore: Sendable {
    /// Bytes of all definitions of one run.
    static let maxPlanBytes = 64 << 20

    /// Queues a run that was inserted in the same transaction, and says so to the workers.
    /// - Throws: `runs.plan_too_large`.
    func insert(
        _ run: Run, _ draft: SuiteRunDraft, suiteName: String, cases: [PlannedCase], tenant: ID<Tenant>, in tx: Transaction
    ) async throws {
        let definitions = try cases.map { try JSONText(encoding: $0.http) }
        guard definitions.reduce(0, { $0 + $1.text.utf8.count }) <= Self.maxPlanBytes else { throw Fault.planTooLarge(Self.maxPlanBytes) }
        try await tx.execute(
            """
            insert into active_runs (tenant_id, run_id, project_id, suite_name, concurrency, deadline)
            values (\(tenant), \(run.id), \(run.project), \(suiteName), \(Int32(draft.concurrency)),
                    now() + \(draft.timeoutMilliseconds) * interval '1 millisecond')
            """)
        try await tx.execute(
            """
            insert into run_cases (tenant_id, run_id, case_id, position, name, definition)
            select \(tenant), \(run.id), c.id, c.position, c.name, c.definition
            from unnest(\(cases.map(\.id)), \(cases.indices.map(Int32.init)), \(cases.map(\.name)), \(definitions))
                as c (id, position, name, definition)
            """)
        try await tx.execute("select pg_notify(\(CaseQueue.channel), '')")
    }

    /// Takes executed cases out of the queue.
    /// - Returns: those whose lease still stands; only their results may be written.
    func settle(_ fences: [Fence], tenant: ID<Tenant>, in tx: Transaction) async throws -> Set<Fence> {
        // The plan is kept with the connection. Made while the table was small it would read all of it when it is large.
        try await tx.execute("set local enable_seqscan = off")
        let settled = try await tx.rows(
            """
            delete from run_cases c
            using unnest(\(fences.map(\.run)), \(fences.map(\.id)), \(fences.map(\.epoch))) as f (run_id, case_id, epoch)
            where c.tenant_id = \(tenant) and c.run_id = f.run_id and c.case_id = f.case_id and c.epoch = f.epoch and c.state = 'running'
            returning c.run_id, c.case_id, c.epoch
            """
        ) { try Fence(tenant: tenant, run: $0.value("run_id"), id: $0.value("case_id"), epoch: $0.value("epoch")) }
        return Set(settled)
    }

    /// Drops what waits of a run. What somebody claims or gives back at this moment counts as under way.
    func drop(_ run: ID<Run>, tenant: ID<Tenant>, in tx: Transaction) async throws -> [DroppedCase] {
        try await tx.rows(
            """
            delete from run_cases where (tenant_id, run_id, case_id) in (
                select tenant_id, run_id, case_id from run_cases
                where tenant_id = \(tenant) and run_id = \(run) and state = 'queued' for update skip locked)
            returning case_id, name, attempt
            """
        ) { try DroppedCase(id: $0.value("case_id"), name: $0.value("name"), attempt: Int($0.value("attempt", as: Int32.self))) }
    }

    /// Marks a run as one that ends before its time.
    /// - Returns: the suite's name; nil when that was said before, or it is no run of a suite, or is finished.
    func end(_ run: ID<Run>, early end: Run.EarlyEnd, tenant: ID<Tenant>, in tx: Transaction) async throws -> String? {
        try await tx.first(
            """
            update active_runs set cancelled = true, timed_out = \(end == .timedOut)
            where tenant_id = \(tenant) and run_id = \(run) and not cancelled
            returning suite_name
            """
        ) { try $0.value("suite_name") }
    }

    /// Ends a run's stay here, when its last case is recorded.
    /// - Returns: why it ended early, if it did.
    func close(_ run: ID<Run>, tenant: ID<Tenant>, in tx: Transaction) async throws -> Run.EarlyEnd? {
        let found = try await tx.first(
            "delete from active_runs where tenant_id = \(tenant) and run_id = \(run) returning cancelled, timed_out"
        ) { (isEarly: try $0.value("cancelled", as: Bool.self), isTimedOut: try $0.value("timed_out", as: Bool.self)) }
        guard let found, found.isEarly else { return nil }
        return found.isTimedOut ? .timedOut : .cancelled
    }
}
