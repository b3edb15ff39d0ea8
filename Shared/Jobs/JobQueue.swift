import Postgres
import Primitives

/// Where jobs are put: the durable queue of a service, and its outbox. Copies are cheap; all of them are the same queue.
package struct JobQueue: Sendable {
    /// Larger payloads do not belong here: a job names what it is about, the rows hold it.
    package static let maxPayloadBytes = 1 << 20

    private let database: Database

    package init(database: Database) {
        self.database = database
    }

    /// Puts a job into the transaction that makes its reason true: both become visible together, or neither does.
    ///
    /// - Parameters:
    ///   - key: at most one job of this tenant, kind and key waits or runs; another one is ignored. A key therefore names the fact to tell
    ///     (`run_…`, finished), not an object whose every change matters: a change made while the job runs would not be told.
    ///   - delay: earliest start, from now.
    /// - Throws: `jobs.payload_too_large`; what the encoder throws; `PostgresError`, among them 42501 for another tenant than the transaction's.
    package func enqueue<P: JobPayload>(
        _ payload: P, tenant: ID<Tenant>, key: String? = nil, after delay: Duration = .zero, in transaction: Transaction
    ) async throws {
        try await transaction.execute(Self.insert(payload, tenant: tenant, key: key, after: delay))
    }

    /// Puts a job in a transaction of its own; see above.
    package func enqueue<P: JobPayload>(_ payload: P, tenant: ID<Tenant>, key: String? = nil, after delay: Duration = .zero) async throws {
        try await database.execute(.tenant(tenant), Self.insert(payload, tenant: tenant, key: key, after: delay))
    }

    /// How long jobs of a kind and tenant have been due that are not done and have not failed yet: whoever makes them can tell that it is too fast. Of those that
    /// have failed nobody knows when they will be done, so waiting for them would not help.
    ///
    /// - Parameter skipped: so many may take long by themselves: the oldest of the others counts.
    /// - Returns: zero when there are no others.
    package func delay<P: JobPayload>(of kind: P.Type, tenant: ID<Tenant>, but skipped: Int) async throws -> Duration {
        let oldest = try await database.rows(
            .tenant(tenant), after: JobStore.planning,
            """
            select (extract(epoch from clock_timestamp() - run_at) * 1000)::bigint as milliseconds
            from (
                (select run_at from jobs
                where state = 'waiting' and kind = \(P.kind) and tenant_id = \(tenant) and run_at <= now() and attempt = 0
                order by run_at
                limit \(skipped + 1))
                union all
                select run_at from jobs where state = 'running' and kind = \(P.kind) and tenant_id = \(tenant) and attempt = 1
            ) untold
            order by run_at
            offset \(skipped) limit 1
            """
        ) { try $0.value("milliseconds", as: Int64.self) }
        return .milliseconds(oldest.first ?? 0)
    }

    /// The notification leaves with the commit. It names the kind; PostgreSQL sends equal ones of a transaction once. A delayed job needs none.
    private static func insert<P: JobPayload>(_ payload: P, tenant: ID<Tenant>, key: String?, after delay: Duration) throws -> SQL {
        let payload = try JSONText(encoding: payload)
        guard payload.text.utf8.count <= maxPayloadBytes else {
            throw Fault(.invalid, "jobs.payload_too_large", "What a job of kind \(P.kind) carries is limited to \(maxPayloadBytes) bytes.")
        }
        let milliseconds = max(0, delay.milliseconds)
        return """
            with job as (
                insert into jobs (tenant_id, id, kind, key, payload, run_at)
                values (\(tenant), \(ID<Job>.new()), \(P.kind), \(key), \(payload), now() + \(milliseconds) * interval '1 millisecond')
                on conflict (tenant_id, kind, key) where key is not null and state in ('waiting', 'running') do nothing
                returning kind
            )
            select pg_notify(\(Self.channelPrefix) || current_schema(), kind) from job where \(milliseconds) = 0
            """
    }

    private static let channelPrefix = "jobs_"

    /// Services may share a database, so each schema has a channel of its own.
    static func channel(schema: String) -> String { channelPrefix + schema }
}

extension Duration {
    var milliseconds: Int64 { components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000 }
}
