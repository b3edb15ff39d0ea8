import Audit
import Foundation
import Postgres
import Primitives

/// Organizations: all SQL on them.
struct OrganizationStore: Sendable {
    let database: Database

    func isEmpty() async throws -> Bool {
        try await database.one(.system, "select not exists (select from organizations) as is_empty") { try $0.value("is_empty", as: Bool.self) }
    }

    /// - Throws: `organization.not_found`.
    func name(of tenant: ID<Tenant>) async throws -> String {
        let name = try await database.first(.tenant(tenant), "select name from organizations where tenant_id = \(tenant)") {
            try $0.value("name", as: String.self)
        }
        guard let name else { throw Fault.notFound("organization", tenant) }
        return name
    }

    // MARK: - Of the people in it

    private static let columns: SQL = """
        o.tenant_id, o.name, o.created_at, o.version, case when u.role = 'custom' then null else u.role end as role, u.role_id, u.is_owner
        """

    /// Those that a person belongs to and can sign in to.
    func list(_ page: PageRequest, person: ID<User>) async throws -> Page<Organization> {
        let after = try page.after(ID<Tenant>.self)
        // Memberships of one person are in many tenants; the person is who asks.
        let rows = try await database.rows(
            .system,
            """
            select \(fragment: Self.columns)
            from users u join organizations o on o.tenant_id = u.tenant_id
            where u.id = \(person) and u.deactivated_at is null and o.deactivated_at is null and (\(after)::uuid is null or o.tenant_id > \(after))
            order by o.tenant_id
            limit \(page.limit + 1)
            """
        ) { try Organization(row: $0) }
        return Page(rows: rows, limit: page.limit) { $0.id.description }
    }

    /// - Parameter person: whose role is told; `nil` for keys.
    /// - Throws: `organization.not_found`.
    func get(_ tenant: ID<Tenant>, for person: ID<User>?) async throws -> Organization {
        let found = try await database.first(
            .tenant(tenant),
            """
            select \(fragment: Self.columns)
            from organizations o left join users u on u.tenant_id = o.tenant_id and u.id = \(person)
            where o.tenant_id = \(tenant) and o.deactivated_at is null
            """
        ) { try Organization(row: $0) }
        guard let found else { throw Fault.notFound("organization", tenant) }
        return found
    }

    /// Makes an organization that the person owns.
    /// - Throws: `organization.email_unverified`, `organization.too_many`.
    func insert(name: String, owner: ID<User>, idempotencyKey: String?) async throws -> ID<Tenant> {
        // An organization that is being made has no members whose scope this could be.
        try await database.transaction(.system) { tx in
            // Of one person's requests one after the other: so many at once do not make more than one is allowed.
            let person = try await tx.first(
                "select name, email_verified_at is not null as is_verified from people where id = \(owner) and disabled_at is null for update"
            ) { (name: try $0.value("name", as: String.self), isVerified: try $0.value("is_verified", as: Bool.self)) }
            guard let person, person.isVerified else { throw Fault.emailUnverified }
            if let idempotencyKey {
                let first = try await tx.first(
                    """
                    select o.tenant_id from organizations o join users u on u.tenant_id = o.tenant_id
                    where u.id = \(owner) and o.idempotency_key = \(idempotencyKey)
                    """
                ) { try $0.value("tenant_id", as: ID<Tenant>.self) }
                if let first {
                    AuditedCall.changedNothing()
                    return first
                }
            }
            let owned = try await tx.one(
                """
                select count(*) as n from users u join organizations o on o.tenant_id = u.tenant_id
                where u.id = \(owner) and u.is_owner and o.deactivated_at is null
                """
            ) { try $0.value("n", as: Int64.self) }
            guard owned < Organization.mostOwned else { throw Fault.tooManyOwned(Organization.mostOwned) }
            let tenant = ID<Tenant>.new()
            try await tx.execute(
                "insert into organizations (tenant_id, name, idempotency_key) values (\(tenant), \(name), \(idempotencyKey))")
            try await tx.execute(
                """
                insert into users (tenant_id, id, name, role, is_owner)
                values (\(tenant), \(owner), \(person.name), \(Role.organizationAdmin.rawValue), true)
                """)
            try await tx.audit(tenant, details: ["name": name], tenant: tenant)
            return tenant
        }
    }

    /// - Parameters:
    ///   - name: `nil` leaves it as it is.
    ///   - version: that the organization must have; 0 for any.
    ///   - key: the idempotency key; the same one again changes nothing.
    /// - Throws: `organization.not_found`, `precondition_failed`.
    func update(_ tenant: ID<Tenant>, name: String?, version: Int64, key: String?) async throws {
        try await database.transaction(.tenant(tenant)) { tx in
            let updated = try await tx.first(
                """
                update organizations set name = coalesce(\(name), name), version = version + 1, change_key = \(key)
                where tenant_id = \(tenant) and deactivated_at is null and (\(version) = 0 or version = \(version))
                  and (\(key)::text is null or change_key is distinct from \(key))
                returning name
                """
            ) { try $0.value("name", as: String.self) }
            if let updated { return try await tx.audit(tenant, details: ["name": updated]) }
            let lastKey = try await tx.first(
                "select change_key from organizations where tenant_id = \(tenant) and deactivated_at is null"
            ) { try $0.value("change_key", as: String?.self) }
            guard let lastKey else { throw Fault.notFound("organization", tenant) }
            guard let key, lastKey == key else { throw Fault.versionStale }
            AuditedCall.changedNothing()
        }
    }

    /// Ends the organization: nobody gets in any more, what it holds stays where it is.
    /// - Parameter version: that it must have; 0 for any.
    /// - Throws: `precondition_failed`.
    func deactivate(_ tenant: ID<Tenant>, version: Int64, in tx: Transaction) async throws {
        let count = try await tx.execute(
            """
            update organizations set deactivated_at = coalesce(deactivated_at, now()), version = version + 1, change_key = null
            where tenant_id = \(tenant) and (\(version) = 0 or version = \(version))
            """)
        if count == 0 { throw Fault.versionStale }
        try await tx.pipeline([
            "update api_keys set revoked_at = coalesce(revoked_at, now()) where tenant_id = \(tenant)",
            "delete from sessions where tenant_id = \(tenant)",
            "update invitations set revoked_at = now() where tenant_id = \(tenant) and accepted_at is null and revoked_at is null",
            "update impersonations set ended_at = now() where tenant_id = \(tenant) and ended_at is null",
        ])
    }

    func stats(_ tenant: ID<Tenant>) async throws -> OrganizationStats {
        let byRole = try await database.rows(
            .tenant(tenant),
            """
            select role, role_id, count(*) as n from users
            where tenant_id = \(tenant) and deactivated_at is null
            group by role, role_id
            """
        ) {
            (try $0.value("role_id", as: ID<CustomRole>?.self)?.description ?? $0.value("role", as: String.self), try $0.value("n", as: Int64.self))
        }
        return try await database.one(
            .tenant(tenant),
            """
            select (select count(*) from users where tenant_id = \(tenant) and deactivated_at is null) as active,
                   (select count(*) from users where tenant_id = \(tenant) and deactivated_at is not null and removed_at is null) as deactivated,
                   (select count(*) from users where tenant_id = \(tenant) and is_owner and deactivated_at is null) as owners,
                   (select count(*) from invitations where tenant_id = \(tenant) and accepted_at is null and revoked_at is null
                                                       and expires_at > now()) as invitations,
                   (select count(*) from api_keys where tenant_id = \(tenant) and revoked_at is null
                                                    and (expires_at is null or expires_at > now())) as keys,
                   (select count(*) from roles where tenant_id = \(tenant)) as roles
            """
        ) {
            OrganizationStats(
                active: try $0.value("active"), deactivated: try $0.value("deactivated"), owners: try $0.value("owners"),
                byRole: Dictionary(byRole) { first, _ in first }, invitations: try $0.value("invitations"), keys: try $0.value("keys"),
                customRoles: try $0.value("roles"))
        }
    }

    // MARK: - The first one

    /// Makes the first organization, its owner and a key with every scope, unless there is an organization already.
    ///
    /// `deliver`: hands the key to its owner, before anything is committed: a key that nobody has got must not lock the door.
    /// - Returns: whether this call made it.
    func makeFirst(name: String, key: NewKey, text: KeyText, deliver: @Sendable () throws -> Void) async throws -> Bool {
        try await database.transaction(.system) { tx in
            // Gateways that start at the same moment take turns here, and all but one find the work done.
            _ = try await tx.first("select pg_advisory_xact_lock(hashtext('assay.gateway.bootstrap'))") { _ in true }
            let isEmpty = try await tx.one("select not exists (select from organizations) as is_empty") { try $0.value("is_empty", as: Bool.self) }
            guard isEmpty else { return false }
            let tenant = ID<Tenant>.new()
            let owner = ID<User>.new()
            try await tx.execute("insert into organizations (tenant_id, name) values (\(tenant), \(name))")
            try await tx.execute(
                """
                insert into users (tenant_id, id, name, role, is_owner)
                values (\(tenant), \(owner), \("Owner"), \(Role.organizationAdmin.rawValue), true)
                """)
            try await tx.execute(
                """
                insert into api_keys (tenant_id, id, user_id, name, kind, digest, display, scopes, projects)
                values (\(tenant), \(key.id), \(owner), \(key.name), \(key.kind.rawValue), \(SecretDigest(text.secret.reveal()).data),
                        \(text.display), \(key.scopes.map(\.rawValue).sorted()), \([UUID]()))
                """)
            try deliver()
            return true
        }
    }
}

extension Organization {
    init(row: Row) throws {
        let custom = try row.value("role_id", as: ID<CustomRole>?.self)
        self.init(
            id: try row.value("tenant_id"), name: try row.value("name"), createdAt: try row.value("created_at"),
            version: try row.value("version"), role: try custom?.description ?? row.value("role", as: String?.self),
            isOwner: try row.value("is_owner", as: Bool?.self) ?? false)
    }
}
