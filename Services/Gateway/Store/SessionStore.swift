import Postgres
import Primitives

/// Browser sessions: all SQL on them. A session ends 12 hours after its last use, 30 days after its beginning, and with its key.
struct SessionStore: Sendable {
    let database: Database

    /// Who the session speaks for; `nil` when it is unknown or over.
    func identity(_ digest: SecretDigest) async throws -> Identity? {
        // Whose session it is only the row says, so this looks across tenants.
        let found = try await database.lookUp(
            .system,
            """
            select s.tenant_id, s.id as session_id, k.id, k.scopes, k.projects, k.expires_at, k.allowed_cidrs, o.name as organization,
                   s.seen_at < now() - interval '1 minute' as is_stale
            from sessions s
            join api_keys k on k.tenant_id = s.tenant_id and k.id = s.key_id
            join organizations o on o.tenant_id = s.tenant_id
            where s.digest = \(digest.data) and s.expires_at > now() and s.seen_at > now() - interval '12 hours'
              and k.revoked_at is null and (k.expires_at is null or k.expires_at > now())
            """
        ) { row in
            (
                identity: try Identity(keyRow: row), session: try row.value("session_id", as: ID<Session>.self),
                isStale: try row.value("is_stale", as: Bool.self)
            )
        }
        guard let found else { return nil }
        if found.isStale {
            try await database.execute(
                .tenant(found.identity.tenant),
                "update sessions set seen_at = now() where tenant_id = \(found.identity.tenant) and id = \(found.session)")
        }
        return found.identity
    }

    func insert(_ digest: SecretDigest, key: ID<Key>, tenant: ID<Tenant>) async throws {
        try await database.execute(
            .tenant(tenant),
            """
            insert into sessions (tenant_id, id, digest, key_id, expires_at)
            values (\(tenant), \(ID<Session>.new()), \(digest.data), \(key), now() + interval '30 days')
            """)
    }

    /// Signing out twice is the same as once.
    func delete(_ digest: SecretDigest) async throws {
        try await database.execute(.system, "delete from sessions where digest = \(digest.data)")
    }

    /// Forgets what is over, in portions so that no statement holds many locks.
    func sweep() async throws {
        try await database.execute(
            .system,
            """
            delete from sessions where (tenant_id, id) in (
                select tenant_id, id from sessions where expires_at < now() order by expires_at limit 1000 for update skip locked)
            """)
    }
}
