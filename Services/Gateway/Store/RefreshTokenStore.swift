import Crypto
import Foundation
import Postgres
import Primitives

/// Refresh tokens: all SQL on them. Those of one session replace each other; only the latest is good, and of it only the digest is known.
struct RefreshTokenStore: Sendable {
    let database: Database
    /// Successors are made with it; shared by all gateways.
    let key: SymmetricKey

    /// Replaced tokens that are remembered for each session. One that is older is unknown, and as useless.
    static let kept = 1_000

    enum Outcome: Sendable {
        case renewed(Renewed)
        /// A copy was used; the session is over.
        case reused(ID<Session>, person: ID<User>, tenant: ID<Tenant>)
        case invalid
    }

    struct Renewed: Sendable {
        let session: ID<Session>
        let person: ID<User>
        let tenant: ID<Tenant>
        let token: RefreshToken
        var sessionEnds: Date
    }

    /// Whose session a token belongs to; `nil` for one that is unknown.
    func owner(of token: RefreshToken) async throws -> (person: ID<User>, use: SessionStore.Use)? {
        try await database.first(
            .system,
            """
            select s.tenant_id, s.person_id, s.created_at, s.seen_at from sessions s
            where (s.tenant_id, s.id) in (
                select tenant_id, session_id from refresh_tokens where digest = \(SecretDigest(token.secret.reveal()).data))
            """
        ) {
            (
                person: try $0.value("person_id"),
                use: SessionStore.Use(
                    tenant: try $0.value("tenant_id"), began: try $0.value("created_at"), seen: try $0.value("seen_at"))
            )
        }
    }

    /// - Parameter client: fingerprint of who shows the token.
    func renew(_ token: RefreshToken, for client: SessionStore.Client, now: Date) async throws -> Outcome {
        let digest = SecretDigest(token.secret.reveal()).data
        let fingerprint = Data(SHA256.hash(data: Data("\(client.address)\n\(client.userAgent)".utf8)))
        return try await database.transaction(.system) { tx in
            // Whoever shows tokens of one session takes turns: what the second one reads is what the first one left.
            let session = try await tx.first(
                """
                select s.tenant_id, s.id, s.person_id, s.expires_at from sessions s
                where (s.tenant_id, s.id) in (select tenant_id, session_id from refresh_tokens where digest = \(digest))
                for update
                """
            ) { row in
                (
                    id: try row.value("id", as: ID<Session>.self), tenant: try row.value("tenant_id", as: ID<Tenant>.self),
                    person: try row.value("person_id", as: ID<User>.self), ends: try row.value("expires_at", as: Date.self)
                )
            }
            guard let session else { return .invalid }
            let row = try await tx.one(
                """
                select r.generation, r.given_at, r.replaced_at, r.replaced_for, n.salt as next_salt, n.replaced_at is null as is_next_newest
                from refresh_tokens r
                left join refresh_tokens n on n.tenant_id = r.tenant_id and n.session_id = r.session_id and n.generation = r.generation + 1
                where r.tenant_id = \(session.tenant) and r.session_id = \(session.id) and r.digest = \(digest)
                """
            ) { row in
                (
                    generation: try row.value("generation", as: Int.self), nextSalt: try row.value("next_salt", as: Data?.self),
                    decision: RefreshDecision(
                        givenAt: try row.value("given_at"), replacedAt: try row.value("replaced_at"), replacedFor: try row.value("replaced_for"),
                        client: fingerprint, isSuccessorNewest: try row.value("is_next_newest"), sessionEnds: session.ends, now: now)
                )
            }
            func renewed(_ salt: Data) -> Renewed {
                Renewed(
                    session: session.id, person: session.person, tenant: session.tenant, token: token.successor(salt: salt, key: key),
                    sessionEnds: session.ends)
            }
            switch (row.decision, row.nextSalt) {
            case (.rotate, _):
                let salt = Data((0..<16).map { _ in UInt8.random(in: .min ... .max) })
                let next = renewed(salt)
                try await tx.pipeline([
                    """
                    update refresh_tokens set replaced_at = \(now), replaced_for = \(fingerprint)
                    where tenant_id = \(session.tenant) and session_id = \(session.id) and generation = \(row.generation)
                    """,
                    """
                    insert into refresh_tokens (tenant_id, session_id, generation, digest, salt, given_at)
                    values (\(session.tenant), \(session.id), \(row.generation + 1), \(SecretDigest(next.token.secret.reveal()).data), \(salt), \(now))
                    """,
                    """
                    update sessions set seen_at = \(now), address = \(client.address), user_agent = \(client.userAgent)
                    where tenant_id = \(session.tenant) and id = \(session.id)
                    """,
                    // Of the others only the fact that they were used is of interest, for as long as the session lives; old ones make the table long.
                    """
                    delete from refresh_tokens
                    where tenant_id = \(session.tenant) and session_id = \(session.id) and generation < \(row.generation - Self.kept)
                    """,
                ])
                return .renewed(next)
            case (.repeatAnswer, let salt?):
                return .renewed(renewed(salt))
            case (.reuse, _), (.repeatAnswer, nil):
                try await tx.execute("delete from sessions where tenant_id = \(session.tenant) and id = \(session.id)")
                return .reused(session.id, person: session.person, tenant: session.tenant)
            case (.expired, _):
                return .invalid
            }
        }
    }

    /// Ends the session that a token belongs to, whether or not it is the latest of it.
    func endSession(_ token: RefreshToken) async throws {
        try await database.execute(
            .system,
            """
            delete from sessions where (tenant_id, id) in (
                select tenant_id, session_id from refresh_tokens where digest = \(SecretDigest(token.secret.reveal()).data))
            """)
    }
}
