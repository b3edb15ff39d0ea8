import Postgres
import Primitives

extension JobStore {
    /// A job that outlived its lease this often is not tried any more (T115, R11).
    static let maxLeaseLosses = 3
    /// Rows that one statement touches; the next round takes the others.
    private static let batch = 500

    /// A job whose process died or stalled.
    struct Loss: Sendable, Equatable {
        let id: ID<Job>
        let kind: String
        let isQuarantined: Bool
    }

    /// Takes jobs away from processes that did not renew their lease.
    ///
    /// All jobs of a process that dies are lost together, the one that killed it among them. They come back at different moments within a lease, so
    /// that the innocent are seldom in the same process with the guilty three times.
    func reap(lease: Duration) async throws -> [Loss] {
        try await database.rows(
            .system, after: Self.planning,
            """
            update jobs j
            set lease_losses = j.lease_losses + 1,
                state = case when j.lease_losses + 1 >= \(Self.maxLeaseLosses) then 'quarantined' else 'waiting' end,
                lease_until = null,
                run_at = now() + random() * \(lease.milliseconds) * interval '1 millisecond',
                last_error = 'lease lost in attempt ' || j.attempt || ': the process died, stalled, or the job ran over its time limit'
            from (
                select tenant_id, id
                from jobs
                where state = 'running' and lease_until < now()
                order by lease_until
                limit \(Self.batch)
                for update skip locked
            ) lost
            where j.tenant_id = lost.tenant_id and j.id = lost.id
            returning j.id, j.kind, j.state
            """
        ) { row in
            try Loss(id: row.value("id"), kind: row.value("kind"), isQuarantined: row.value("state", as: String.self) == "quarantined")
        }
    }

    /// What waits and what is stuck, by kind.
    struct Depth: Sendable {
        let kind: String
        let waiting: Int
        /// Seconds since the job that is due longest became due; 0 when none is.
        let oldest: Double
        /// Dead and quarantined.
        let buried: Int
    }

    func measure() async throws -> [Depth] {
        try await database.rows(
            .system,
            """
            select kind, count(*) filter (where state = 'waiting') as waiting,
                count(*) filter (where state in ('dead', 'quarantined')) as buried,
                coalesce(greatest(extract(epoch from now() - min(run_at) filter (where state = 'waiting')), 0), 0)::float8 as oldest
            from jobs
            group by kind
            """
        ) { row in
            try Depth(kind: row.value("kind"), waiting: row.value("waiting"), oldest: row.value("oldest"), buried: row.value("buried"))
        }
    }
}
