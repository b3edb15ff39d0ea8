import Foundation
import Postgres
import Primitives

/// API keys: all SQL on them.
struct KeyStore: Sendable {
    let database: Database

    private static let columns: SQL = """
        tenant_id, id, name, kind, display, scopes, projects, expires_at, last_used_at, last_used_ip, created_at, revoked_at, allowed_cidrs,
        previous_until
        """

    /// What an identity is made of: the key, its organization, and the person that it belongs to.
    static let identityColumns: SQL = """
        k.tenant_id, k.id, k.kind, k.scopes, k.projects, k.expires_at, k.allowed_cidrs, o.name as organization,
        o.suspended_at is not null as is_suspended, u.role, r.permissions as role_permissions
        """
    static let identitySource: SQL = """
        from api_keys k
        join organizations o on o.tenant_id = k.tenant_id and o.deactivated_at is null
        left join users u on u.tenant_id = k.tenant_id and u.id = k.user_id
        left join roles r on r.tenant_id = u.tenant_id and r.id = u.role_id
        left join people p on p.id = k.user_id
        """
    /// A personal key ends with its person's membership; tools and CI go on.
    static let isGood: SQL = """
        k.revoked_at is null and (k.expires_at is null or k.expires_at > now())
        and (k.kind <> 'pat' or (u.deactivated_at is null and p.disabled_at is null))
        """

    /// Who holds the key with this digest; `nil` when it is unknown, revoked or has expired. Stamps the use, at most once a minute, so that a
    /// busy key does not become a hot row.
    func identity(_ digest: SecretDigest, usedFrom address: String) async throws -> Identity? {
        // Whose key it is only the row says, so this looks across tenants.
        let found = try await database.lookUp(
            .system,
            """
            select \(fragment: Self.identityColumns),
                   coalesce(k.last_used_at < now() - interval '1 minute', true) as is_stale
            \(fragment: Self.identitySource)
            where (k.digest = \(digest.data) or k.previous_digest = \(digest.data) and k.previous_until > now())
              and \(fragment: Self.isGood)
            """
        ) { row in (identity: try Identity(keyRow: row), isStale: try row.value("is_stale", as: Bool.self)) }
        guard let found else { return nil }
        if found.isStale {
            try await database.execute(
                .tenant(found.identity.tenant),
                """
                update api_keys set last_used_at = now(), last_used_ip = \(address)
                where tenant_id = \(found.identity.tenant) and id = \(found.identity.actor.uuid)
                  and coalesce(last_used_at < now() - interval '1 minute', true)
                """)
        }
        return found.identity
    }

    /// Stores a key, for the person that `maker` is or, for a key, belongs to.
    /// `idempotencyKey`: a request that is repeated after a crash finds its row and gives it the new text; nobody has seen the first one.
    func insert(_ key: NewKey, text: KeyText, tenant: ID<Tenant>, maker: String, idempotencyKey: String?) async throws -> APIKey {
        let (makerID, person) = (try? ID<Key>(maker), try? ID<User>(maker))
        return try await database.one(
            .tenant(tenant),
            """
            insert into api_keys (tenant_id, id, user_id, name, kind, digest, display, scopes, projects, expires_at, allowed_cidrs,
                                  idempotency_key)
            values (\(tenant), \(key.id), coalesce(\(person)::uuid, (select user_id from api_keys where tenant_id = \(tenant) and id = \(makerID))),
                    \(key.name), \(key.kind.rawValue), \(SecretDigest(text.secret.reveal()).data), \(text.display), \(key.scopes.map(\.rawValue).sorted()),
                    \(key.projects), \(key.expiresAt), \(key.networks.map(\.description)), \(idempotencyKey))
            on conflict on constraint api_keys_idempotency_key_unique do update set digest = excluded.digest, display = excluded.display
            returning \(fragment: Self.columns)
            """
        ) { try APIKey(row: $0) }
    }

    /// Newest first.
    func list(_ page: PageRequest, tenant: ID<Tenant>) async throws -> Page<APIKey> {
        let after = try page.cursor.map { try ID<Key>($0, field: "cursor") }
        let rows = try await database.rows(
            .tenant(tenant),
            """
            select \(fragment: Self.columns) from api_keys
            where tenant_id = \(tenant) and (\(after)::uuid is null or id < \(after))
            order by id desc
            limit \(page.limit + 1)
            """
        ) { try APIKey(row: $0) }
        return Page(rows: rows, limit: page.limit) { $0.id.description }
    }

    /// - Throws: `key.not_found`.
    func get(_ id: ID<Key>, tenant: ID<Tenant>) async throws -> APIKey {
        let found = try await database.lookUp(
            .tenant(tenant), "select \(fragment: Self.columns) from api_keys where tenant_id = \(tenant) and id = \(id)"
        ) { try APIKey(row: $0) }
        guard let found else { throw Fault.notFound("key", id) }
        return found
    }

    /// Gives a key a new text.
    /// `idempotencyKey`: the same one again replaces the new text, which nobody has seen then, and leaves the old one as it was.
    /// - Throws: `key.not_found`, also for a key that is revoked or over: a new secret would not make it good.
    func rotate(_ id: ID<Key>, to text: KeyText, _ rotation: KeyRotation, tenant: ID<Tenant>, idempotencyKey: String?) async throws -> APIKey {
        let overlap = rotation.overlap.components.seconds
        let rotated = try await database.first(
            .tenant(tenant),
            """
            update api_keys
            set digest = \(SecretDigest(text.secret.reveal()).data), display = \(text.display), rotation_key = \(idempotencyKey),
                previous_digest = case when rotation_key = \(idempotencyKey) then previous_digest else digest end,
                previous_until = case when rotation_key = \(idempotencyKey) then previous_until
                                      else now() + \(overlap) * interval '1 second' end
            where tenant_id = \(tenant) and id = \(id) and revoked_at is null and (expires_at is null or expires_at > now())
            returning \(fragment: Self.columns)
            """
        ) { try APIKey(row: $0) }
        guard let rotated else { throw Fault.notFound("key", id) }
        return rotated
    }

    /// Revoking twice is the same as once.
    /// - Throws: `key.not_found`.
    func revoke(_ id: ID<Key>, tenant: ID<Tenant>) async throws {
        let count = try await database.execute(
            .tenant(tenant),
            "update api_keys set revoked_at = coalesce(revoked_at, now()) where tenant_id = \(tenant) and id = \(id)")
        if count == 0 { throw Fault.notFound("key", id) }
    }
}

extension Identity {
    /// Of a key. A scope that this release does not know grants nothing: the row may have been written by a later one. A personal key does not
    /// hold what its person has lost since it was made.
    init(keyRow row: Row) throws {
        let projects = try row.value("projects", as: [UUID].self)
        var permissions = KeyScope.permissions(of: try row.value("scopes", as: [String].self).compactMap(KeyScope.init(rawValue:)))
        if try row.value("kind", as: String.self) == KeyKind.personal.rawValue, let role = try row.value("role", as: String?.self) {
            permissions.formIntersection(Role.permissions(stored: role, custom: try row.value("role_permissions")))
        }
        self.init(
            tenant: try row.value("tenant_id"), actor: .key(try row.value("id")), permissions: permissions,
            projects: projects.isEmpty ? nil : Set(projects), expiresAt: try row.value("expires_at"),
            networks: try row.networks(), organization: try row.value("organization"), isSuspended: try row.value("is_suspended"))
    }
}

extension APIKey {
    init(row: Row) throws {
        self.init(
            id: try row.value("id"), tenant: try row.value("tenant_id"), name: try row.value("name"),
            kind: KeyKind(rawValue: try row.value("kind")) ?? .ci, display: try row.value("display"),
            scopes: Set(try row.value("scopes", as: [String].self).compactMap(KeyScope.init(rawValue:))),
            projects: try row.value("projects"), expiresAt: try row.value("expires_at"), lastUsedAt: try row.value("last_used_at"),
            createdAt: try row.value("created_at"), revokedAt: try row.value("revoked_at"), networks: try row.networks(),
            lastUsedIP: try row.value("last_used_ip", as: String?.self) ?? "", previousUntil: try row.value("previous_until"))
    }
}

extension Row {
    /// They were checked before they were stored; one that cannot be read must not open the key to everybody, so the row is refused.
    fileprivate func networks() throws -> [Network] { try value("allowed_cidrs", as: [String].self).map { try Network($0) } }
}
