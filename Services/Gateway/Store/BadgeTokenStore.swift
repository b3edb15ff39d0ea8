import Audit
import Postgres
import Primitives

/// How often badge tokens were rotated: all SQL on it.
struct BadgeTokenStore: Sendable {
    let database: Database

    /// - Returns: 0 for a project whose token was never rotated; `nil` in an organization that is not there any more, or suspended.
    func generation(of project: ID<Project>, tenant: ID<Tenant>) async throws -> Int32? {
        try await database.lookUp(
            .tenant(tenant),
            """
            select coalesce((select generation from badge_tokens where tenant_id = \(tenant) and project_id = \(project)), 0) as generation
            from organizations where tenant_id = \(tenant) and suspended_at is null
            """
        ) { try $0.value("generation") }
    }

    /// - Parameter key: the idempotency key; the same one again changes nothing.
    /// - Returns: the generation from now on.
    func rotate(_ project: ID<Project>, key: String?, tenant: ID<Tenant>) async throws -> Int32 {
        try await database.transaction(.tenant(tenant)) { tx in
            let rotated: Int32? = try await tx.first(
                """
                insert into badge_tokens as b (tenant_id, project_id, generation, change_key) values (\(tenant), \(project), 1, \(key))
                on conflict on constraint badge_tokens_pkey do update set generation = b.generation + 1, change_key = \(key)
                where \(key)::text is null or b.change_key is distinct from \(key)
                returning generation
                """
            ) { try $0.value("generation") }
            if let rotated {
                try await tx.audit(project, project: project, details: ["generation": "\(rotated)"])
                return rotated
            }
            AuditedCall.changedNothing()
            return try await tx.one("select generation from badge_tokens where tenant_id = \(tenant) and project_id = \(project)") {
                try $0.value("generation")
            }
        }
    }
}
