import Foundation
import Postgres
import Primitives

/// Claims on Idempotency-Keys and the answers that were given under them: all SQL on them.
struct IdempotencyStore: Sendable {
    /// How long a claimant may be silent before somebody else carries the request out again, in seconds. It renews its claim three times as often.
    static let lease = 6
    let database: Database
    /// How long answers are kept, in days.
    var days = 7

    /// What a request is claimed under.
    struct Request: Sendable {
        let tenant: ID<Tenant>
        let principal: String
        let route: String
        let key: String
        let fingerprint: Data
    }

    enum Claim: Sendable {
        /// The request is ours to carry out; `forwarded` names it to the service.
        case claimed(epoch: Int64, forwarded: UUID)
        case done(status: Int, body: Data)
    }

    /// - Throws: `idempotency_mismatch` for another payload, `idempotency.running` while somebody else is at it.
    func claim(_ request: Request) async throws -> Claim {
        // A row may vanish between the two statements when its time is over; then the claim is free.
        for _ in 0..<3 {
            if let claim = try await tryClaim(request) { return claim }
            if let found = try await find(request) { return found }
        }
        throw Fault.idempotencyRunning
    }

    /// Takes a key that is free, whose time is over, or whose claimant has gone silent with the same payload. The last keeps `forwarded`: what
    /// the silent one has made upstream is found by it.
    private func tryClaim(_ request: Request) async throws -> Claim? {
        try await database.first(
            .tenant(request.tenant),
            """
            insert into idempotency_keys as known (tenant_id, principal, route, key, fingerprint, forwarded, state, lease_until, expires_at)
            values (\(request.tenant), \(request.principal), \(request.route), \(request.key), \(request.fingerprint), \(UUID()), 'running',
                    now() + \(Self.lease) * interval '1 second', now() + \(days) * interval '1 day')
            on conflict on constraint idempotency_keys_pkey do update
            set epoch = known.epoch + 1, state = 'running', lease_until = excluded.lease_until, fingerprint = excluded.fingerprint,
                forwarded = case when known.expires_at <= now() then excluded.forwarded else known.forwarded end,
                expires_at = case when known.expires_at <= now() then excluded.expires_at else known.expires_at end,
                status = null, body = null
            where known.expires_at <= now()
               or known.state = 'running' and known.lease_until <= now() and known.fingerprint = excluded.fingerprint
            returning epoch, forwarded
            """
        ) { .claimed(epoch: try $0.value("epoch"), forwarded: try $0.value("forwarded")) }
    }

    private func find(_ request: Request) async throws -> Claim? {
        let found = try await database.first(
            .tenant(request.tenant),
            """
            select fingerprint, state, status, body from idempotency_keys
            where tenant_id = \(request.tenant) and principal = \(request.principal) and route = \(request.route) and key = \(request.key)
              and expires_at > now()
            """
        ) { row in
            (
                fingerprint: try row.value("fingerprint", as: Data.self), status: try row.value("status", as: Int16?.self),
                body: try row.value("body", as: Data?.self)
            )
        }
        guard let found else { return nil }
        guard found.fingerprint == request.fingerprint else { throw Fault.idempotencyMismatch }
        guard let status = found.status, let body = found.body else { throw Fault.idempotencyRunning }
        return .done(status: Int(status), body: body)
    }

    /// Says that the claimant is still at it. A claim that was given back or has run out stays so.
    func renew(_ request: Request, epoch: Int64) async throws {
        try await database.execute(
            .tenant(request.tenant),
            """
            update idempotency_keys set lease_until = now() + \(Self.lease) * interval '1 second'
            where tenant_id = \(request.tenant) and principal = \(request.principal) and route = \(request.route) and key = \(request.key)
              and epoch = \(epoch) and state = 'running' and lease_until > now()
            """)
    }

    /// Keeps the answer, unless the claim was lost meanwhile.
    func finish(_ request: Request, epoch: Int64, status: Int, body: Data) async throws {
        try await database.execute(
            .tenant(request.tenant),
            """
            update idempotency_keys set state = 'done', status = \(Int16(status)), body = \(body)
            where tenant_id = \(request.tenant) and principal = \(request.principal) and route = \(request.route) and key = \(request.key)
              and epoch = \(epoch) and state = 'running'
            """)
    }

    /// Gives the claim back after a failure that may pass. The row stays, because the service may have done its part all the same.
    func release(_ request: Request, epoch: Int64) async throws {
        try await database.execute(
            .tenant(request.tenant),
            """
            update idempotency_keys set lease_until = now()
            where tenant_id = \(request.tenant) and principal = \(request.principal) and route = \(request.route) and key = \(request.key)
              and epoch = \(epoch) and state = 'running'
            """)
    }

    /// Forgets what is too old, in portions so that no statement holds many locks. What is left after so many the next sweep takes.
    func sweep(portions: Int = 100) async throws {
        for _ in 0..<portions {
            let forgotten = try await database.execute(
                .system,
                """
                delete from idempotency_keys where (tenant_id, principal, route, key) in (
                    select tenant_id, principal, route, key from idempotency_keys where expires_at < now() order by expires_at
                    limit 1000 for update skip locked)
                """)
            guard forgotten == 1000 else { return }
        }
    }
}
