import Audit
import Foundation
import Postgres
import Primitives

/// All organizations and people, for super admins: the one place that reads across tenants for somebody who asks.
struct InstallationStore: Sendable {
    let database: Database

    // MARK: - Organizations

    private static let organizations: SQL = """
        select o.tenant_id, o.name, o.created_at, o.suspended_at, o.suspended_reason, o.deactivated_at is not null as is_deleted,
               (select count(*) from users u where u.tenant_id = o.tenant_id and u.deactivated_at is null) as members,
               (select count(*) from users u where u.tenant_id = o.tenant_id and u.is_owner and u.deactivated_at is null) as owners,
               (select count(*) from api_keys k where k.tenant_id = o.tenant_id and k.revoked_at is null
                                                  and (k.expires_at is null or k.expires_at > now())) as keys,
               (select count(*) from sessions s where s.tenant_id = o.tenant_id and s.expires_at > now()) as sessions,
               greatest((select max(s.seen_at) from sessions s where s.tenant_id = o.tenant_id),
                        (select max(k.last_used_at) from api_keys k where k.tenant_id = o.tenant_id)) as last_active_at
        from organizations o
        """

    /// Newest first.
    /// - Parameters:
    ///   - search: part of a name; empty for all.
    ///   - state: `nil` for all.
    func organizations(_ page: PageRequest, search: String, state: OrganizationReport.State?) async throws -> Page<OrganizationReport> {
        let before = try page.after(ID<Tenant>.self)
        let rows = try await database.rows(
            .system,
            """
            \(fragment: Self.organizations)
            where (\(before)::uuid is null or o.tenant_id < \(before)) and (\(search) = '' or strpos(lower(o.name), lower(\(search))) > 0)
              and (\(state?.rawValue)::text is null or \(state?.rawValue) = case when o.deactivated_at is not null then 'deleted'
                   when o.suspended_at is not null then 'suspended' else 'active' end)
            order by o.tenant_id desc
            limit \(page.limit + 1)
            """
        ) { try OrganizationReport(row: $0) }
        return Page(rows: rows, limit: page.limit) { $0.id.description }
    }

    /// - Throws: `organization.not_found`.
    func organization(_ tenant: ID<Tenant>) async throws -> OrganizationReport {
        let found = try await database.first(.system, "\(fragment: Self.organizations) where o.tenant_id = \(tenant)") {
            try OrganizationReport(row: $0)
        }
        guard let found else { throw Fault.notFound("organization", tenant) }
        return found
    }

    /// Twice is the same as once; the first reason stays.
    func suspend(_ tenant: ID<Tenant>, reason: String) async throws {
        try await database.transaction(.system) { tx in
            let count = try await tx.execute(
                """
                update organizations set suspended_at = now(), suspended_reason = \(reason)
                where tenant_id = \(tenant) and suspended_at is null
                """)
            guard count > 0 else { return AuditedCall.changedNothing() }
            try await tx.audit(tenant, details: ["reason": reason], tenant: tenant)
        }
    }

    func activate(_ tenant: ID<Tenant>) async throws {
        try await database.transaction(.system) { tx in
            let count = try await tx.execute(
                "update organizations set suspended_at = null, suspended_reason = '' where tenant_id = \(tenant) and suspended_at is not null")
            guard count > 0 else { return AuditedCall.changedNothing() }
            try await tx.audit(tenant, tenant: tenant)
        }
    }

    // MARK: - People

    private static let people: SQL = """
        select p.id, p.email, p.name, p.created_at, p.email_verified_at is not null as is_verified, p.disabled_at,
               (select count(*) from users u where u.id = p.id and u.deactivated_at is null) as organizations,
               (select count(*) from sessions s where s.person_id = p.id and s.expires_at > now()) as sessions,
               (select max(s.seen_at) from sessions s where s.person_id = p.id) as last_active_at
        from people p
        """

    /// Newest first.
    /// - Parameter search: part of a name or an address; empty for all.
    func people(_ page: PageRequest, search: String) async throws -> Page<PersonReport> {
        let before = try page.after(ID<User>.self)
        let rows = try await database.rows(
            .system,
            """
            \(fragment: Self.people)
            where (\(before)::uuid is null or p.id < \(before))
              and (\(search) = '' or strpos(lower(p.name), lower(\(search))) > 0 or strpos(p.email, lower(\(search))) > 0)
            order by p.id desc
            limit \(page.limit + 1)
            """
        ) { try PersonReport(row: $0) }
        return Page(rows: rows, limit: page.limit) { $0.id.description }
    }

    /// - Throws: `user.not_found`.
    func person(_ id: ID<User>) async throws -> PersonReport {
        let found = try await database.first(.system, "\(fragment: Self.people) where p.id = \(id)") { try PersonReport(row: $0) }
        guard let found else { throw Fault.notFound("user", id) }
        return found
    }

    func memberships(of id: ID<User>) async throws -> [PersonReport.Membership] {
        try await database.rows(
            .system,
            """
            select u.tenant_id, o.name, u.role, u.role_id, u.is_owner, u.deactivated_at is null as is_active
            from users u join organizations o on o.tenant_id = u.tenant_id
            where u.id = \(id) and u.removed_at is null and o.deactivated_at is null
            order by u.tenant_id
            limit \(PersonReport.Membership.most)
            """
        ) {
            .init(
                tenant: try $0.value("tenant_id"), organization: try $0.value("name"),
                role: try $0.value("role_id", as: ID<CustomRole>?.self)?.description ?? $0.value("role"), isOwner: try $0.value("is_owner"),
                isActive: try $0.value("is_active"))
        }
    }

    /// Twice is the same as once. People belong to no organization, so what is done to them stands in the installation's own chain. Signs the person
    /// out everywhere; personal keys are refused as long as it lasts.
    func disable(_ id: ID<User>) async throws {
        try await database.transaction(.system) { tx in
            let count = try await tx.execute("update people set disabled_at = now() where id = \(id) and disabled_at is null")
            // Also of whoever is disabled already: a login that was under way may have begun a session since.
            try await tx.execute("delete from sessions where person_id = \(id)")
            guard count > 0 else { return AuditedCall.changedNothing() }
            try await tx.audit(id, tenant: .installation)
        }
    }

    func enable(_ id: ID<User>) async throws {
        try await database.transaction(.system) { tx in
            let count = try await tx.execute("update people set disabled_at = null where id = \(id) and disabled_at is not null")
            guard count > 0 else { return AuditedCall.changedNothing() }
            try await tx.audit(id, tenant: .installation)
        }
    }
}

extension OrganizationReport {
    init(row: Row) throws {
        self.init(
            id: try row.value("tenant_id"), name: try row.value("name"), createdAt: try row.value("created_at"),
            suspendedAt: try row.value("suspended_at"), suspendedReason: try row.value("suspended_reason"), isDeleted: try row.value("is_deleted"),
            members: try row.value("members"), owners: try row.value("owners"), keys: try row.value("keys"), sessions: try row.value("sessions"),
            lastActiveAt: try row.value("last_active_at"))
    }
}

extension PersonReport {
    init(row: Row) throws {
        self.init(
            id: try row.value("id"), email: try row.value("email"), name: try row.value("name"), createdAt: try row.value("created_at"),
            isVerified: try row.value("is_verified"), disabledAt: try row.value("disabled_at"), organizations: try row.value("organizations"),
            sessions: try row.value("sessions"), lastActiveAt: try row.value("last_active_at"))
    }
}
