import Foundation
import Postgres
import Primitives

/// Organizations and their people.
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
