import Audit
import Foundation
import Postgres
import Primitives

/// The roles that organizations have made: all SQL on them.
struct RoleStore: Sendable {
    let database: Database

    private static let columns: SQL = """
        id as role_id, name as role_name, permissions as role_permissions, created_at as role_created_at, version as role_version
        """

    /// Oldest first; all there are.
    func list(tenant: ID<Tenant>) async throws -> [CustomRole] {
        try await database.rows(
            .tenant(tenant),
            "select \(fragment: Self.columns) from roles where tenant_id = \(tenant) order by id limit \(CustomRole.most)"
        ) { try CustomRole(row: $0) }
    }

    /// - Throws: `role.not_found`.
    func get(_ id: ID<CustomRole>, tenant: ID<Tenant>) async throws -> CustomRole {
        guard let found = try await database.first(.tenant(tenant), Self.one(id, tenant), { try CustomRole(row: $0) }) else {
            throw Fault.notFound("role", id)
        }
        return found
    }

    /// - Throws: `role.not_found`.
    func get(_ id: ID<CustomRole>, tenant: ID<Tenant>, in tx: Transaction) async throws -> CustomRole {
        // Whoever gives the role away holds it until then: it can be neither changed nor deleted meanwhile.
        let statement: SQL = "\(fragment: Self.one(id, tenant)) for update"
        guard let found = try await tx.first(statement, { try CustomRole(row: $0) }) else { throw Fault.notFound("role", id) }
        return found
    }

    private static func one(_ id: ID<CustomRole>, _ tenant: ID<Tenant>) -> SQL {
        "select \(fragment: columns) from roles where tenant_id = \(tenant) and id = \(id)"
    }

    func find(_ reference: RoleReference, tenant: ID<Tenant>, in tx: Transaction) async throws -> AssignedRole {
        switch reference {
        case .standard(let role): .standard(role)
        case .custom(let id): .custom(try await get(id, tenant: tenant, in: tx))
        }
    }

    /// - Throws: `roles.name_taken`, `roles.too_many`.
    func insert(name: String, permissions: Set<String>, tenant: ID<Tenant>) async throws -> CustomRole {
        try await Self.named {
            try await database.transaction(.tenant(tenant)) { tx in
                _ = try await tx.first("select tenant_id from organizations where tenant_id = \(tenant) for no key update") { _ in true }
                let count = try await tx.one("select count(*) as n from roles where tenant_id = \(tenant)") { try $0.value("n", as: Int64.self) }
                guard count < CustomRole.most else { throw Fault.tooManyRoles(CustomRole.most) }
                let made = try await tx.one(
                    """
                    insert into roles (tenant_id, id, name, permissions)
                    values (\(tenant), \(ID<CustomRole>.new()), \(name), \(permissions.sorted()))
                    returning \(fragment: Self.columns)
                    """
                ) { try CustomRole(row: $0) }
                try await tx.audit(made.id, details: made.auditDetails)
                return made
            }
        }
    }

    /// - Parameters:
    ///   - version: that the role must have; 0 for any.
    ///   - key: the idempotency key; the same one again changes nothing and gives the role as it is.
    ///   - check: decides on the role as it is.
    /// - Throws: `role.not_found`, `roles.name_taken`, `precondition_failed`.
    func update(
        _ id: ID<CustomRole>, name: String?, permissions: Set<String>?, version: Int64, key: String?, tenant: ID<Tenant>,
        check: (CustomRole) throws -> Void
    ) async throws -> CustomRole {
        try await Self.named {
            try await database.transaction(.tenant(tenant)) { tx in
                // Locks the row: what is decided on it stays true.
                let role = try await get(id, tenant: tenant, in: tx)
                if let key {
                    let isRepeated = try await tx.first(
                        "select from roles where tenant_id = \(tenant) and id = \(id) and change_key = \(key)"
                    ) { _ in true }
                    if isRepeated != nil {
                        AuditedCall.changedNothing()
                        return role
                    }
                }
                try check(role)
                try Fault.requireVersion(version, role.version)
                let updated = try await tx.one(
                    """
                    update roles set name = coalesce(\(name), name), permissions = coalesce(\(permissions?.sorted()), permissions),
                        version = version + 1, change_key = \(key)
                    where tenant_id = \(tenant) and id = \(id)
                    returning \(fragment: Self.columns)
                    """
                ) { try CustomRole(row: $0) }
                try await tx.audit(id, details: updated.auditDetails)
                return updated
            }
        }
    }

    /// Invitations that nobody can accept any more do not keep a role; they become those of a viewer.
    /// - Parameter version: that the role must have; 0 for any.
    /// - Throws: `role.not_found`, `roles.in_use`, `precondition_failed`.
    func delete(_ id: ID<CustomRole>, version: Int64, tenant: ID<Tenant>, check: (CustomRole) throws -> Void) async throws {
        do {
            try await database.transaction(.tenant(tenant)) { tx in
                let role = try await get(id, tenant: tenant, in: tx)
                try check(role)
                try Fault.requireVersion(version, role.version)
                try await tx.execute(
                    """
                    update invitations set role = 'viewer', role_id = null
                    where tenant_id = \(tenant) and role_id = \(id) and (accepted_at is not null or revoked_at is not null or expires_at < now())
                    """)
                try await tx.execute("delete from roles where tenant_id = \(tenant) and id = \(id)")
                try await tx.audit(id, details: role.auditDetails)
            }
        } catch let error as PostgresError where error.sqlState == "23503" {
            throw Fault.roleInUse
        }
    }

    private static func named<R>(_ body: () async throws -> R) async throws -> R {
        do {
            return try await body()
        } catch let error as PostgresError where error.constraint == "roles_tenant_id_name_unique" {
            throw Fault.roleNameTaken
        }
    }
}

extension CustomRole {
    /// What the audit log says of it.
    fileprivate var auditDetails: [String: String] { ["name": name, "permissions": permissions.sorted().joined(separator: " ")] }

    init(row: Row) throws {
        self.init(
            id: try row.value("role_id"), name: try row.value("role_name"), permissions: Set(try row.value("role_permissions", as: [String].self)),
            createdAt: try row.value("role_created_at"), version: try row.value("role_version"))
    }
}

extension AssignedRole {
    /// A standard role that this release does not know is shown as the least one.
    init(row: Row) throws {
        let word = try row.value("role", as: String.self)
        self = word == "custom" ? .custom(try CustomRole(row: row)) : .standard(Role(rawValue: word) ?? .viewer)
    }
}

extension Role {
    /// What a stored role grants; nothing for one that this release does not know.
    static func permissions(stored word: String, custom: [String]?) -> Set<String> {
        if word == "custom" { return Set(custom ?? []).intersection(Role.organizationAdmin.permissions) }
        return Role(rawValue: word)?.permissions ?? []
    }
}
