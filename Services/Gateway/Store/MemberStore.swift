import Postgres
import Primitives

/// Who belongs to an organization, and what they may do there: all SQL on it.
struct MemberStore: Sendable {
    let database: Database

    /// What a person may do in an organization at this moment; `nil` for whoever does not belong to it (any more), or may sign in nowhere.
    func identity(of person: ID<User>, in tenant: ID<Tenant>) async throws -> Identity? {
        // People belong to no tenant, so this looks across tenants.
        try await database.lookUp(
            .system,
            """
            select u.tenant_id, u.id, u.role, o.name as organization
            from users u
            join organizations o on o.tenant_id = u.tenant_id
            join people p on p.id = u.id
            where u.tenant_id = \(tenant) and u.id = \(person) and u.deactivated_at is null and p.disabled_at is null
            """
        ) { try Identity(memberRow: $0) }
    }
}

extension Identity {
    /// Of a person. A role that this release does not know grants nothing: the row may have been written by a later one.
    init(memberRow row: Row) throws {
        self.init(
            tenant: try row.value("tenant_id"), actor: .person(try row.value("id")),
            permissions: Role(rawValue: try row.value("role"))?.permissions ?? [], organization: try row.value("organization"))
    }
}
