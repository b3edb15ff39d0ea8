import Audit
import Foundation
import Postgres
import Primitives

/// All SQL about projects.
struct ProjectStore: Sendable {
    let database: Database

    private static let columns: SQL = "id, slug, name, description, default_branch, created_at, updated_at, version"

    /// - Parameter key: the idempotency key; the same one again gives the first project.
    /// - Throws: `projects.slug_taken`.
    func insert(_ draft: Project.Draft, key: String?, tenant: ID<Tenant>) async throws -> Project {
        do {
            return try await database.transaction(.tenant(tenant)) { tx in
                let inserted = try await tx.first(
                    """
                    insert into projects (tenant_id, id, slug, name, description, default_branch, idempotency_key)
                    values (\(tenant), \(ID<Project>.new()), \(draft.slug.description), \(draft.name), \(draft.description), \(draft.defaultBranch),
                            \(key))
                    on conflict on constraint projects_tenant_id_idempotency_key_unique do nothing
                    returning \(fragment: Self.columns)
                    """
                ) { try Project(row: $0) }
                guard let inserted else {
                    AuditedCall.changedNothing()
                    return try await tx.one(
                        "select \(fragment: Self.columns) from projects where tenant_id = \(tenant) and idempotency_key = \(key)"
                    ) { try Project(row: $0) }
                }
                try await tx.audit(inserted.id, project: inserted.id, details: ["name": inserted.name, "slug": inserted.slug.description])
                return inserted
            }
        } catch let error as PostgresError where error.constraint == "projects_tenant_id_slug_unique" {
            throw Fault.slugTaken(draft.slug)
        }
    }

    /// - Throws: `project.not_found`.
    func get(_ id: ID<Project>, tenant: ID<Tenant>) async throws -> Project {
        let found = try await database.lookUp(
            .tenant(tenant),
            "select \(fragment: Self.columns) from projects where tenant_id = \(tenant) and id = \(id)"
        ) { try Project(row: $0) }
        guard let found else { throw Fault.notFound("project", id) }
        return found
    }

    /// - Throws: `project.not_found`.
    func get(_ slug: Slug, tenant: ID<Tenant>) async throws -> Project {
        let found = try await database.lookUp(
            .tenant(tenant),
            "select \(fragment: Self.columns) from projects where tenant_id = \(tenant) and slug = \(slug.description)"
        ) { try Project(row: $0) }
        guard let found else { throw Fault.notFound("project", slug) }
        return found
    }

    /// Newest first.
    /// - Parameter only: the projects that the caller may see; `nil` for all.
    func list(_ page: PageRequest, only: [UUID]?, tenant: ID<Tenant>) async throws -> Page<Project> {
        let before = try page.after(ID<Project>.self)
        let rows = try await database.rows(
            .tenant(tenant),
            """
            select \(fragment: Self.columns) from projects
            where tenant_id = \(tenant) and (\(before)::uuid is null or id < \(before)) and (\(only)::uuid[] is null or id = any(\(only)))
            order by id desc
            limit \(page.limit + 1)
            """
        ) { try Project(row: $0) }
        return Page(rows: rows, limit: page.limit) { $0.id.description }
    }

    /// - Parameters:
    ///   - version: that the project must have; 0 for any.
    ///   - key: the idempotency key; the same one again changes nothing and gives the project as it is.
    /// - Throws: `project.not_found`, `precondition_failed`.
    func update(_ id: ID<Project>, _ change: Project.Change, version: Int64, key: String?, tenant: ID<Tenant>) async throws -> Project {
        try await database.transaction(.tenant(tenant)) { tx in
            let updated = try await tx.first(
                """
                update projects
                set name = coalesce(\(change.name), name), description = coalesce(\(change.description), description),
                    default_branch = coalesce(\(change.defaultBranch), default_branch), updated_at = now(), version = version + 1,
                    change_key = \(key)
                where tenant_id = \(tenant) and id = \(id) and (\(version) = 0 or version = \(version))
                  and (\(key)::text is null or change_key is distinct from \(key))
                returning \(fragment: Self.columns)
                """
            ) { try Project(row: $0) }
            if let updated {
                try await tx.audit(id, project: id, details: ["name": updated.name, "default_branch": updated.defaultBranch])
                return updated
            }
            let found = try await tx.first(
                "select \(fragment: Self.columns), change_key from projects where tenant_id = \(tenant) and id = \(id)"
            ) { (project: try Project(row: $0), key: try $0.value("change_key", as: String?.self)) }
            guard let found else { throw Fault.notFound("project", id) }
            guard let key, found.key == key else { throw Fault.versionStale }
            AuditedCall.changedNothing()
            return found.project
        }
    }
}

extension Project {
    fileprivate init(row: Row) throws {
        id = try row.value("id")
        slug = try Slug(row.value("slug"))
        name = try row.value("name")
        description = try row.value("description")
        defaultBranch = try row.value("default_branch")
        createdAt = try row.value("created_at")
        updatedAt = try row.value("updated_at")
        version = try row.value("version")
    }
}
