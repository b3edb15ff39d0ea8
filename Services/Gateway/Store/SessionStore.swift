import Crypto
import Foundation
import Postgres
import Primitives

/// Sessions: all SQL on them. A browser's ends 12 hours after its last use, one of tokens when its refresh token does; both 30 days after their
/// beginning, and with the key or the person that they belong to. That administrators' end sooner `SessionLife` says.
struct SessionStore: Sendable {
    let database: Database

    /// A session that holds, and whose it is.
    enum Holder: Sendable {
        case key(Identity)
        case person(ID<User>, ID<Tenant>)
    }

    struct Found: Sendable {
        let id: ID<Session>
        let holder: Holder
        let use: Use
    }

    /// When a session began and was last used, as far as that was noted: once a minute.
    struct Use: Sendable {
        let tenant: ID<Tenant>
        let began: Date
        let seen: Date
    }

    /// The session of a cookie; `nil` when it is unknown or over.
    func find(_ digest: SecretDigest) async throws -> Found? {
        // Whose session it is only the row says, so this looks across tenants.
        try await database.lookUp(
            .system,
            """
            select s.tenant_id, s.id as session_id, s.person_id, k.id, k.user_id, k.kind, k.scopes, k.projects, k.expires_at, k.allowed_cidrs,
                   o.name as organization, o.suspended_at is not null as is_suspended, u.role, r.permissions as role_permissions,
                   s.created_at as began, s.seen_at
            from sessions s
            left join api_keys k on k.tenant_id = s.tenant_id and k.id = s.key_id
            left join organizations o on o.tenant_id = s.tenant_id
            left join users u on u.tenant_id = k.tenant_id and u.id = k.user_id
            left join roles r on r.tenant_id = u.tenant_id and r.id = u.role_id
            left join people p on p.id = k.user_id
            where s.digest = \(digest.data) and s.expires_at > now() and s.seen_at > now() - interval '12 hours'
              and o.deactivated_at is null and (s.person_id is not null or \(fragment: KeyStore.isGood))
            """
        ) { row in
            let person = try row.value("person_id", as: UUID?.self)
            let tenant = try row.value("tenant_id", as: ID<Tenant>.self)
            let holder: Holder = try person.map { .person(ID<User>(uuid: $0), tenant) } ?? .key(Identity(keyRow: row))
            return Found(
                id: try row.value("session_id"), holder: holder,
                use: Use(tenant: tenant, began: try row.value("began"), seen: try row.value("seen_at")))
        }
    }

    /// The use of a person's session, such as an access token names; `nil` when it is over.
    func use(of id: ID<Session>, person: ID<User>, tenant: ID<Tenant>) async throws -> Use? {
        try await database.lookUp(
            .tenant(tenant),
            """
            select created_at, seen_at from sessions
            where tenant_id = \(tenant) and id = \(id) and person_id = \(person) and expires_at > now()
            """
        ) { Use(tenant: tenant, began: try $0.value("created_at"), seen: try $0.value("seen_at")) }
    }

    /// Stamps the use of a session that goes on, at most once a minute.
    func touch(_ id: ID<Session>, _ use: Use, from address: String, now: Date) async throws {
        guard now.timeIntervalSince(use.seen) > 60 else { return }
        try await database.execute(
            .tenant(use.tenant),
            """
            update sessions set seen_at = now(), address = \(address)
            where tenant_id = \(use.tenant) and id = \(id) and seen_at < now() - interval '1 minute'
            """)
    }

    func insert(_ digest: SecretDigest, key: ID<Key>, tenant: ID<Tenant>) async throws {
        try await database.execute(
            .tenant(tenant),
            """
            insert into sessions (tenant_id, id, digest, key_id, expires_at)
            values (\(tenant), \(ID<Session>.new()), \(digest.data), \(key), now() + interval '30 days')
            """)
    }

    /// Where a person signs in.
    struct Client: Sendable {
        let address: String
        let userAgent: String
    }

    /// Begins a session of a person.
    /// - Parameters:
    ///   - digest: of a browser's cookie; a session of tokens gets `token` as its first one.
    ///   - began: when the person logged in.
    func insert(
        _ id: ID<Session>, person: ID<User>, tenant: ID<Tenant>, from client: Client, digest: SecretDigest? = nil, token: RefreshToken? = nil,
        began: Date = Date()
    ) async throws {
        try await database.transaction(.system) { tx in
            var statements: [SQL] = [
                """
                insert into sessions (tenant_id, id, digest, person_id, address, user_agent, created_at, expires_at)
                values (\(tenant), \(id), \(digest?.data), \(person), \(client.address), \(client.userAgent), \(began),
                        \(began.addingTimeInterval(RefreshDecision.longest)))
                """,
                "update people set last_tenant_id = \(tenant) where id = \(person) and id <> \(tenant)",
            ]
            if let token {
                statements.append(
                    """
                    insert into refresh_tokens (tenant_id, session_id, generation, digest, salt)
                    values (\(tenant), \(id), 1, \(SecretDigest(token.secret.reveal()).data), \(Data()))
                    """)
            }
            try await tx.pipeline(statements)
        }
    }

    /// Goes on with a session under another cookie: whoever has seen the old one has nothing any more.
    func update(_ digest: SecretDigest, to new: SecretDigest) async throws {
        try await database.execute(.system, "update sessions set digest = \(new.data) where digest = \(digest.data)")
    }

    /// Signing out twice is the same as once.
    func delete(_ digest: SecretDigest) async throws {
        try await database.execute(.system, "delete from sessions where digest = \(digest.data)")
    }

    /// - Throws: `session.not_found`, also for another person's.
    func delete(_ id: ID<Session>, of person: ID<User>) async throws {
        let count = try await database.execute(.system, "delete from sessions where id = \(id) and person_id = \(person)")
        if count == 0 { throw Fault.notFound("session", id) }
    }

    func deleteAll(of person: ID<User>) async throws {
        try await database.execute(.system, "delete from sessions where person_id = \(person)")
    }

    /// The one last used first.
    func list(of person: ID<User>) async throws -> [PersonSession] {
        try await database.rows(
            .system,
            """
            select id, tenant_id, digest is not null as is_browser, address, user_agent, created_at, seen_at, expires_at
            from sessions
            where person_id = \(person) and expires_at > now() and (digest is null or seen_at > now() - interval '12 hours')
            order by seen_at desc, id
            limit 200
            """
        ) { try PersonSession(row: $0) }
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

/// A session as its owner sees it.
struct PersonSession: Sendable {
    let id: ID<Session>
    let tenant: ID<Tenant>
    let isBrowser: Bool
    let address: String
    let userAgent: String
    let createdAt: Date
    let seenAt: Date
    var expiresAt: Date
}

extension PersonSession {
    init(row: Row) throws {
        self.init(
            id: try row.value("id"), tenant: try row.value("tenant_id"), isBrowser: try row.value("is_browser"), address: try row.value("address"),
            userAgent: try row.value("user_agent"), createdAt: try row.value("created_at"), seenAt: try row.value("seen_at"),
            expiresAt: try row.value("expires_at"))
    }
}
