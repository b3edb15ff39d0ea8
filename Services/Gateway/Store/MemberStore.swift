import Foundation
import Postgres
import Primitives

/// Who belongs to an organization, and what they may do there: all SQL on it.
///
/// Whatever changes a membership locks the organization's row first, so that of two owners who leave at the same moment one is the last.
struct MemberStore: Sendable {
    let database: Database
    /// E-mail addresses, in lower case, of those who look after the installation.
    var superAdmins: Set<String> = []

    // MARK: - What somebody may do

    /// What a person may do in an organization at this moment; `nil` for whoever does not belong to it (any more), or may sign in nowhere.
    func identity(of person: ID<User>, in tenant: ID<Tenant>) async throws -> Identity? {
        // People belong to no tenant, so this looks across tenants.
        try await database.lookUp(
            .system,
            """
            select u.tenant_id, u.id, u.role, r.permissions as role_permissions, o.name as organization,
                   o.suspended_at is not null as is_suspended, case when p.email_verified_at is not null then p.email end as verified_email,
                   g.projects, g.roles, g.permissions
            from users u
            join organizations o on o.tenant_id = u.tenant_id and o.deactivated_at is null
            join people p on p.id = u.id
            left join roles r on r.tenant_id = u.tenant_id and r.id = u.role_id
            left join lateral (
                select array_agg(pg.project_id) as projects, array_agg(pg.role) as roles,
                       array_agg(coalesce(array_to_string(gr.permissions, ' '), '')) as permissions
                from project_grants pg
                left join roles gr on gr.tenant_id = pg.tenant_id and gr.id = pg.role_id
                where pg.tenant_id = u.tenant_id and pg.user_id = u.id
            ) g on true
            where u.tenant_id = \(tenant) and u.id = \(person) and u.deactivated_at is null and p.disabled_at is null
            """
        ) { try Identity(memberRow: $0, superAdmins: superAdmins) }
    }

    /// What whoever asks brings along. A personal key is as good as its person.
    func authority(actor: String, permissions: Set<String>, isImpersonated: Bool, tenant: ID<Tenant>, in tx: Transaction) async throws -> Authority {
        let (person, key) = (try? ID<User>(actor), try? ID<Key>(actor))
        let found = try await tx.first(
            """
            select u.id, u.is_owner from users u
            where u.tenant_id = \(tenant) and u.deactivated_at is null
              and (u.id = \(person) or u.id = (select user_id from api_keys where tenant_id = \(tenant) and id = \(key) and kind = 'pat'))
            """
        ) { (id: try $0.value("id", as: ID<User>.self), isOwner: try $0.value("is_owner", as: Bool.self)) }
        return Authority(person: found?.id, permissions: permissions, isOwner: !isImpersonated && found?.isOwner ?? false)
    }

    // MARK: - Reading

    static let columns: SQL = """
        u.id, coalesce(p.name, u.name) as name, p.email, u.role, u.is_owner, u.created_at, u.deactivated_at, u.version, u.change_key,
        r.id as role_id, r.name as role_name, r.permissions as role_permissions, r.created_at as role_created_at, r.version as role_version,
        (select max(s.seen_at) from sessions s where s.tenant_id = u.tenant_id and s.person_id = u.id) as last_active_at
        """
    static let source: SQL = """
        from users u
        left join people p on p.id = u.id
        left join roles r on r.tenant_id = u.tenant_id and r.id = u.role_id
        """

    /// - Parameter search: part of a name or an address; empty for all.
    func list(_ page: PageRequest, search: String, tenant: ID<Tenant>) async throws -> Page<Member> {
        let after = try page.after(ID<User>.self)
        let rows = try await database.rows(
            .tenant(tenant),
            """
            select \(fragment: Self.columns) \(fragment: Self.source)
            where u.tenant_id = \(tenant) and u.removed_at is null and (\(after)::uuid is null or u.id > \(after))
              and (\(search) = '' or strpos(lower(coalesce(p.name, u.name)), lower(\(search))) > 0 or strpos(p.email, lower(\(search))) > 0)
            order by u.id
            limit \(page.limit + 1)
            """
        ) { try Member(row: $0) }
        return Page(rows: rows, limit: page.limit) { $0.id.description }
    }

    /// - Throws: `member.not_found`.
    func get(_ id: ID<User>, tenant: ID<Tenant>) async throws -> Member {
        let found = try await database.first(.tenant(tenant), Self.one(id, tenant)) { try Member(row: $0) }
        guard let found else { throw Fault.notFound("member", id) }
        return found
    }

    /// - Throws: `member.not_found`.
    func get(_ id: ID<User>, tenant: ID<Tenant>, in tx: Transaction) async throws -> Member {
        guard let found = try await tx.first(Self.one(id, tenant), { try Member(row: $0) }) else { throw Fault.notFound("member", id) }
        return found
    }

    private static func one(_ id: ID<User>, _ tenant: ID<Tenant>) -> SQL {
        "select \(fragment: columns) \(fragment: source) where u.tenant_id = \(tenant) and u.id = \(id) and u.removed_at is null"
    }

    // MARK: - Changing

    /// Whatever is decided after this about who owns the organization stays true until the transaction ends.
    func lock(_ tenant: ID<Tenant>, in tx: Transaction) async throws {
        _ = try await tx.first("select tenant_id from organizations where tenant_id = \(tenant) for no key update") { _ in true }
    }

    /// People who own the organization and can sign in, `member` left out.
    func otherOwners(than member: ID<User>, tenant: ID<Tenant>, in tx: Transaction) async throws -> Int {
        Int(
            try await tx.one(
                """
                select count(*) as n from users u join people p on p.id = u.id
                where u.tenant_id = \(tenant) and u.is_owner and u.deactivated_at is null and p.disabled_at is null and u.id <> \(member)
                """
            ) { try $0.value("n", as: Int64.self) })
    }

    /// Whoever comes in takes a seat; of many who come at once, no more come in than there are seats, since each has locked the organization.
    /// - Throws: `quota_exceeded`.
    func requireSeat(_ limit: QuotaLimit?, tenant: ID<Tenant>, now: Date, in tx: Transaction) async throws {
        guard let limit else { return }
        let taken = try await tx.one("select count(*) as n from users where tenant_id = \(tenant) and deactivated_at is null") {
            try $0.value("n", as: Int64.self)
        }
        guard taken < limit.hard else { throw Fault.quotaExceeded(.members, limit, resetsAt: nil, now: now) }
    }

    /// Carries out what `MemberChange.check` has allowed.
    /// - Parameter key: the idempotency key of the request.
    func apply(_ change: MemberChange, to member: Member, key: String? = nil, tenant: ID<Tenant>, in tx: Transaction) async throws {
        try await tx.execute(
            "update users set version = version + 1, change_key = \(key) where tenant_id = \(tenant) and id = \(member.id)")
        let role = change.role(after: member)
        switch change {
        case .assign:
            try await tx.execute(
                """
                update users set role = \(role.word), role_id = \(role.customID), is_owner = \(change.isOwner(after: member))
                where tenant_id = \(tenant) and id = \(member.id)
                """)
        case .activate:
            try await tx.execute("update users set deactivated_at = null where tenant_id = \(tenant) and id = \(member.id)")
        case .deactivate:
            try await tx.pipeline([
                "update users set deactivated_at = coalesce(deactivated_at, now()) where tenant_id = \(tenant) and id = \(member.id)",
                "delete from sessions where tenant_id = \(tenant) and person_id = \(member.id)",
                "update impersonations set ended_at = now() where tenant_id = \(tenant) and user_id = \(member.id) and ended_at is null",
            ])
        case .remove, .leave:
            // Back as a viewer, should they ever be invited again: what they were must not come back by itself.
            try await tx.pipeline([
                """
                update users set deactivated_at = coalesce(deactivated_at, now()), removed_at = now(), is_owner = false, role = 'viewer',
                                 role_id = null
                where tenant_id = \(tenant) and id = \(member.id)
                """,
                "delete from sessions where tenant_id = \(tenant) and person_id = \(member.id)",
                "delete from project_grants where tenant_id = \(tenant) and user_id = \(member.id)",
                "update impersonations set ended_at = now() where tenant_id = \(tenant) and user_id = \(member.id) and ended_at is null",
                """
                update api_keys set revoked_at = coalesce(revoked_at, now())
                where tenant_id = \(tenant) and user_id = \(member.id) and kind = 'pat'
                """,
            ])
        }
    }

    // MARK: - Grants

    private static let grantColumns: SQL = """
        select g.project_id, g.role, g.created_at, g.version, r.id as role_id, r.name as role_name, r.permissions as role_permissions,
               r.created_at as role_created_at, r.version as role_version
        from project_grants g left join roles r on r.tenant_id = g.tenant_id and r.id = g.role_id
        """

    func grants(of member: ID<User>, tenant: ID<Tenant>) async throws -> [ProjectGrant] {
        try await database.rows(
            .tenant(tenant),
            "\(fragment: Self.grantColumns) where g.tenant_id = \(tenant) and g.user_id = \(member) order by g.project_id limit \(ProjectGrant.most)"
        ) { try ProjectGrant(row: $0) }
    }

    /// - Throws: `grant.not_found`.
    func grant(of member: ID<User>, project: ID<Project>, tenant: ID<Tenant>) async throws -> ProjectGrant {
        let found = try await database.first(.tenant(tenant), Self.oneGrant(member, project.uuid, tenant)) { try ProjectGrant(row: $0) }
        guard let found else { throw Fault.notFound("grant", project) }
        return found
    }

    func grant(of member: ID<User>, project: UUID, tenant: ID<Tenant>, in tx: Transaction) async throws -> ProjectGrant? {
        try await tx.first(Self.oneGrant(member, project, tenant)) { try ProjectGrant(row: $0) }
    }

    private static func oneGrant(_ member: ID<User>, _ project: UUID, _ tenant: ID<Tenant>) -> SQL {
        "\(fragment: grantColumns) where g.tenant_id = \(tenant) and g.user_id = \(member) and g.project_id = \(project)"
    }

    /// - Throws: `grants.too_many`.
    func put(_ role: AssignedRole, for member: ID<User>, project: UUID, tenant: ID<Tenant>, in tx: Transaction) async throws {
        let others = try await tx.one(
            "select count(*) as n from project_grants where tenant_id = \(tenant) and user_id = \(member) and project_id <> \(project)"
        ) { try $0.value("n", as: Int64.self) }
        guard others < ProjectGrant.most else { throw Fault.tooManyGrants(ProjectGrant.most) }
        try await tx.execute(
            """
            insert into project_grants (tenant_id, user_id, project_id, role, role_id)
            values (\(tenant), \(member), \(project), \(role.word), \(role.customID))
            on conflict on constraint project_grants_pkey do update
            set role = excluded.role, role_id = excluded.role_id, version = project_grants.version + 1
            """)
    }

    func deleteGrant(of member: ID<User>, project: UUID, tenant: ID<Tenant>, in tx: Transaction) async throws {
        try await tx.execute("delete from project_grants where tenant_id = \(tenant) and user_id = \(member) and project_id = \(project)")
    }
}

extension Identity {
    /// Of a person. A role that this release does not know grants nothing: the row may have been written by a later one.
    init(memberRow row: Row, superAdmins: Set<String>) throws {
        var permissions = try Role.permissions(stored: row.value("role"), custom: row.value("role_permissions"))
        if let email = try row.value("verified_email", as: String?.self), superAdmins.contains(email) {
            permissions.formUnion(Role.superAdminPermissions)
        }
        let projects = try row.value("projects", as: [UUID]?.self) ?? []
        let roles = try row.value("roles", as: [String]?.self) ?? []
        let custom = try row.value("permissions", as: [String]?.self) ?? []
        var grants: [UUID: Set<String>] = [:]
        for (index, project) in projects.enumerated() where roles.indices.contains(index) && custom.indices.contains(index) {
            let held = Role.permissions(stored: roles[index], custom: custom[index].split(separator: " ").map(String.init))
            grants[project] = held.intersection(AssignedRole.grantable)
        }
        self.init(
            tenant: try row.value("tenant_id"), actor: .person(try row.value("id")), permissions: permissions, grants: grants,
            organization: try row.value("organization"), isSuspended: try row.value("is_suspended"))
    }
}

extension Member {
    init(row: Row) throws {
        self.init(
            id: try row.value("id"), name: try row.value("name"), email: try row.value("email"), role: try AssignedRole(row: row),
            isOwner: try row.value("is_owner"), joinedAt: try row.value("created_at"), deactivatedAt: try row.value("deactivated_at"),
            lastActiveAt: try row.value("last_active_at"), version: try row.value("version"), changeKey: try row.value("change_key"))
    }
}

extension ProjectGrant {
    init(row: Row) throws {
        self.init(
            project: try row.value("project_id"), role: try AssignedRole(row: row), createdAt: try row.value("created_at"),
            version: try row.value("version"))
    }
}
