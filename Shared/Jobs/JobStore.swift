import Foundation
import Postgres
import Primitives

/// The SQL of a runner: everything across tenants, every write fenced by the epoch of the claim. Times are the database's alone, so clocks of
/// hosts do not matter.
struct JobStore: Sendable {
    let database: Database

    /// A queue is empty one minute and a hundred thousand rows long the next, and the statistics follow later. A plan made for the one reads the
    /// whole table again and again in the other, so plans are made afresh and from indexes only. (Claiming after such a flood: 2 ms, else 2.4 s.)
    static let planning: SQL = """
        select set_config('plan_cache_mode', 'force_custom_plan', true), set_config('enable_seqscan', 'off', true),
            set_config('enable_bitmapscan', 'off', true), set_config('enable_sort', 'off', true),
            set_config('enable_incremental_sort', 'off', true), set_config('jit', 'off', true)
        """

    /// How many jobs of a kind to claim, and the tenant that was served last.
    struct Wanted: Sendable {
        let kind: String
        let slots: Int
        let cursor: ID<Tenant>
    }

    struct Claim: Sendable {
        let job: Job
        let payload: JSONText
    }

    /// Takes due jobs.
    ///
    /// The lease: a claimed job is this process's until `lease_until`, which the heartbeat moves on. The attempt is raised here rather than at the
    /// end, because a try that kills the process never gets to an end and must count all the same. The epoch is raised so that whatever an earlier
    /// holder of the job still sends is refused.
    ///
    /// Fair shares: `queues` hops through the index from tenant to tenant, so that a hundred thousand jobs of one tenant cost what one of them
    /// does. Of each tenant the oldest are candidates, numbered on from what it has running; the lowest numbers of all tenants are taken, and
    /// among equals those behind the tenant that was served last. A tenant has at most `tenantLimit` running; claims that two processes make at
    /// the same instant do not see each other, so it can be passed by one claim for a moment. Rows are found again by their place in the table
    /// (`ctid`), which holds for the length of a statement; whoever changed one meanwhile is noticed when it is locked.
    ///
    /// - Returns: the jobs, and whether another process got ahead on some, in which case claiming again at once is worth it.
    func claim(_ wanted: [Wanted], lease: Duration, tenantLimit: Int) async throws -> (claims: [Claim], raced: Bool) {
        let rows = try await database.rows(
            .system, after: Self.planning,
            """
            with recursive queues as (
                select kind, slots, cursor, '00000000-0000-0000-0000-000000000000'::uuid as tenant_id
                from unnest(\(wanted.map(\.kind)), \(wanted.map(\.slots)), \(wanted.map(\.cursor))) as w (kind, slots, cursor)
                union all
                select q.kind, q.slots, q.cursor, (
                    select tenant_id from jobs where state = 'waiting' and kind = q.kind and tenant_id > q.tenant_id
                    order by tenant_id, run_at
                    limit 1
                )
                from queues q
                where q.tenant_id is not null
            ), due as (
                select q.kind, q.slots, q.cursor, j.row, j.tenant_id, j.id, j.run_at,
                    row_number() over (partition by q.kind, j.tenant_id order by j.run_at, j.id) as place
                from queues q
                cross join lateral (
                    select ctid as row, tenant_id, id, run_at
                    from jobs
                    where state = 'waiting' and kind = q.kind and tenant_id = q.tenant_id and run_at <= now()
                    order by run_at, id
                    limit least(q.slots, \(tenantLimit))
                ) j
            ), running as (
                select tenant_id, count(*) as jobs from jobs where state = 'running' group by tenant_id
            ), numbered as (
                select due.*, coalesce(running.jobs, 0) + row_number() over (partition by due.tenant_id order by place, run_at, id) as load
                from due
                left join running on running.tenant_id = due.tenant_id
            ), chosen as (
                select row, tenant_id
                from (
                    select row, tenant_id, slots, row_number() over (partition by kind order by load, tenant_id <= cursor, tenant_id) as turn
                    from numbered
                    where load <= \(tenantLimit)
                ) numbered
                where turn <= slots
            ), locked as (
                select c.row
                from chosen c
                cross join lateral (
                    select from jobs where ctid = c.row and state = 'waiting' and run_at <= now() for update skip locked
                ) j
            ), claimed as (
                update jobs j
                set state = 'running', lease_until = now() + \(lease.milliseconds) * interval '1 millisecond',
                    lease_epoch = j.lease_epoch + 1, attempt = j.attempt + 1
                from locked l
                where j.ctid = l.row
                returning l.row, j.*
            )
            select claimed.tenant_id, claimed.id, kind, key, payload, attempt, lease_epoch, enqueued_at
            from chosen c
            left join claimed on claimed.row = c.row
            """
        ) { row -> Claim? in
            guard let id = try row.value("id", as: ID<Job>?.self) else { return nil }
            let job = try Job(
                id: id, tenant: row.value("tenant_id"), kind: row.value("kind"), key: row.value("key"), attempt: row.value("attempt"),
                epoch: row.value("lease_epoch"), enqueuedAt: row.value("enqueued_at"))
            return try Claim(job: job, payload: row.value("payload"))
        }
        let claims = rows.compactMap { $0 }
        return (claims, claims.count < rows.count)
    }

    /// Holds on to jobs for another lease.
    /// - Returns: those that are still this process's.
    func renew(_ leases: [JobLease], for lease: Duration) async throws -> Set<JobLease> {
        try await written(
            """
            update jobs j
            set lease_until = now() + \(lease.milliseconds) * interval '1 millisecond'
            from \(fragment: Self.rows(leases)) as l (tenant_id, id, epoch)
            where j.tenant_id = l.tenant_id and j.id = l.id and j.lease_epoch = l.epoch and j.state = 'running'
            returning j.tenant_id, j.id, j.lease_epoch
            """)
    }

    /// Deletes jobs that are done: what remains in the table is work.
    /// - Returns: those that were still this process's.
    func finish(_ leases: [JobLease]) async throws -> Set<JobLease> {
        try await written(
            """
            delete from jobs j
            using \(fragment: Self.rows(leases)) as l (tenant_id, id, epoch)
            where j.tenant_id = l.tenant_id and j.id = l.id and j.lease_epoch = l.epoch and j.state = 'running'
            returning j.tenant_id, j.id, j.lease_epoch
            """)
    }

    /// Lets go of jobs that are not done.
    /// - Returns: those that were still this process's.
    func release(_ releases: [(lease: JobLease, outcome: JobOutcome)]) async throws -> Set<JobLease> {
        let rows = releases.map { Release($0.outcome) }
        return try await written(
            """
            update jobs j
            set state = r.state, lease_until = null, run_at = now() + r.delay * interval '1 millisecond', attempt = j.attempt - r.uncounted,
                last_error = coalesce(r.error, j.last_error)
            from unnest(
                \(releases.map(\.lease.tenant)), \(releases.map(\.lease.id)), \(releases.map(\.lease.epoch)),
                \(rows.map(\.state)), \(rows.map(\.delay)), \(rows.map(\.uncounted)), \(rows.map(\.error))
            ) as r (tenant_id, id, epoch, state, delay, uncounted, error)
            where j.tenant_id = r.tenant_id and j.id = r.id and j.lease_epoch = r.epoch and j.state = 'running'
            returning j.tenant_id, j.id, j.lease_epoch
            """)
    }

    private struct Release {
        var state = "waiting"
        var delay: Int64 = 0
        var uncounted: Int32 = 0
        var error: String?

        init(_ outcome: JobOutcome) {
            switch outcome {
            case .done: preconditionFailure("a job that is done is finished, not released")
            case .retry(let delay, let error): (self.delay, self.error) = (max(0, delay.milliseconds), error)
            case .dead(let error): (state, self.error) = ("dead", error)
            case .givenBack: uncounted = 1
            }
        }
    }

    private static func rows(_ leases: [JobLease]) -> SQL {
        "unnest(\(leases.map(\.tenant)), \(leases.map(\.id)), \(leases.map(\.epoch)))"
    }

    private func written(_ sql: SQL) async throws -> Set<JobLease> {
        let leases = try await database.rows(.system, after: Self.planning, sql) { row in
            try JobLease(tenant: row.value("tenant_id"), id: row.value("id"), epoch: row.value("lease_epoch"))
        }
        return Set(leases)
    }
}
