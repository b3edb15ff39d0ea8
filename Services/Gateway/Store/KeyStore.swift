import Audit
import Foundation
import Jobs
import Postgres
import Primitives
import ServiceKit

/// API keys: all SQL on them.
struct KeyStore: Sendable {
    let database: Database

    private static let columns: SQL = """
        tenant_id, id, name, kind, display, scopes, projects, expires_at, last_used_at, last_used_ip, created_at, revoked_at, allowed_cidrs,
        previous_until
        """

    /// What an identity is made of: the key, its organization, and the person that it belongs to.
    static let identityColumns: SQL = """
        k.tenant_id, k.id, k.user_id, k.kind, k.scopes, k.projects, k.expires_at, k.allowed_cidrs, o.name as organization,
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
        return try await database.transaction(.tenant(tenant)) { tx in
            let (stored, isNew) = try await tx.one(
                """
                insert into api_keys (tenant_id, id, user_id, name, kind, digest, display, scopes, projects, expires_at, allowed_cidrs,
                                      idempotency_key)
                values (\(tenant), \(key.id), coalesce(\(person)::uuid, (select user_id from api_keys where tenant_id = \(tenant) and id = \(makerID))),
                        \(key.name), \(key.kind.rawValue), \(SecretDigest(text.secret.reveal()).data), \(text.display),
                        \(key.scopes.map(\.rawValue).sorted()), \(key.projects), \(key.expiresAt), \(key.networks.map(\.description)), \(idempotencyKey))
                on conflict on constraint api_keys_idempotency_key_unique do update set digest = excluded.digest, display = excluded.display
                returning \(fragment: Self.columns), xmax = 0 as is_new
                """
            ) { (try APIKey(row: $0), try $0.value("is_new", as: Bool.self)) }
            guard isNew else {
                AuditedCall.changedNothing()
                return stored
            }
            try await tx.audit(stored.id, details: stored.auditDetails)
            try await tell(in: tx) { .keyCreated(stored.id, name: stored.name, tenant: tenant, by: $0, from: $1) }
            return stored
        }
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
        return try await database.transaction(.tenant(tenant)) { tx in
            let isRepetition = try await tx.first(
                """
                select coalesce(rotation_key = \(idempotencyKey), false) as is_repetition from api_keys
                where tenant_id = \(tenant) and id = \(id) and revoked_at is null and (expires_at is null or expires_at > now())
                for update
                """
            ) { try $0.value("is_repetition", as: Bool.self) }
            guard let isRepetition else { throw Fault.notFound("key", id) }
            let rotated = try await tx.one(
                """
                update api_keys
                set digest = \(SecretDigest(text.secret.reveal()).data), display = \(text.display), rotation_key = \(idempotencyKey),
                    previous_digest = case when \(isRepetition) then previous_digest else digest end,
                    previous_until = case when \(isRepetition) then previous_until else now() + \(overlap) * interval '1 second' end
                where tenant_id = \(tenant) and id = \(id)
                returning \(fragment: Self.columns)
                """
            ) { try APIKey(row: $0) }
            guard !isRepetition else {
                AuditedCall.changedNothing()
                return rotated
            }
            try await tx.audit(id, details: ["name": rotated.name, "overlap_s": "\(overlap)"])
            try await tell(in: tx) { .keyRotated(id, tenant: tenant, by: $0, from: $1) }
            return rotated
        }
    }

    /// Revoking twice is the same as once.
    /// - Throws: `key.not_found`.
    func revoke(_ id: ID<Key>, tenant: ID<Tenant>) async throws {
        try await database.transaction(.tenant(tenant)) { tx in
            let revoked = try await tx.first(
                "update api_keys set revoked_at = now() where tenant_id = \(tenant) and id = \(id) and revoked_at is null returning name"
            ) { try $0.value("name", as: String.self) }
            guard let revoked else {
                let isThere = try await tx.first("select true as found from api_keys where tenant_id = \(tenant) and id = \(id)") { _ in true }
                guard isThere == true else { throw Fault.notFound("key", id) }
                return AuditedCall.changedNothing()
            }
            try await tx.audit(id, details: ["name": revoked])
            try await tell(in: tx) { .keyRevoked(id, tenant: tenant, by: $0, from: $1) }
        }
    }

    /// Tells of keys that end within a week, of each once. Those that were made for less than that tell nobody anything new.
    /// - Returns: how many there were; 500 at most.
    @discardableResult
    func tellExpiring() async throws -> Int {
        try await database.transaction(.system) { tx in
            let expiring = try await tx.rows(
                """
                update api_keys set expiry_told_at = now()
                where (tenant_id, id) in (
                    select tenant_id, id from api_keys
                    where expires_at between now() and now() + interval '7 days' and expires_at - created_at > interval '7 days'
                      and revoked_at is null and expiry_told_at is null
                    order by expires_at
                    limit 500
                    for update skip locked)
                returning tenant_id, id, name, expires_at
                """
            ) { row in
                SecurityEvent.keyExpiring(
                    try row.value("id"), name: try row.value("name"), at: try row.value("expires_at"), tenant: try row.value("tenant_id"))
            }
            for event in expiring { try await SecurityLog.record(event, through: JobQueue(database: database), in: tx) }
            return expiring.count
        }
    }

    /// - Parameter event: gets who did it and from where.
    private func tell(in tx: Transaction, _ event: (String, String) -> SecurityEvent) async throws {
        let call = CallContext.current
        try await SecurityLog.record(event(call?.caller?.actor ?? "", call?.address ?? ""), through: JobQueue(database: database), in: tx)
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
        owner = try row.value("user_id")
    }
}

extension APIKey {
    /// What the audit log says of it.
    fileprivate var auditDetails: [String: String] {
        [
            "name": name, "kind": kind.rawValue, "scopes": scopes.map(\.rawValue).sorted().joined(separator: " "),
            "expires_at": expiresAt.map { $0.formatted(.iso8601) } ?? "never", "allowed_cidrs": networks.map(\.description).joined(separator: " "),
        ]
    }

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
