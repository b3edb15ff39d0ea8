import Audit
import Foundation
import Postgres
import Primitives

/// All SQL about suites.
struct SuiteStore: Sendable {
    let database: Database

    private static let columns: SQL = """
        id, project_id, name, description, variables, created_at,
        (select count(*) from cases c where c.tenant_id = suites.tenant_id and c.suite_id = suites.id) as case_count
        """

    /// - Parameter key: the idempotency key; the same one again gives the first suite.
    /// - Throws: `suites.name_taken`, `project.not_found`.
    func insert(_ draft: Suite.Draft, project: ID<Project>, key: String?, tenant: ID<Tenant>) async throws -> Suite {
        let variables = try JSONText(encoding: draft.variables)
        do {
            return try await database.transaction(.tenant(tenant)) { tx in
                let inserted = try await tx.first(
                    """
                    insert into suites (tenant_id, id, project_id, name, description, variables, idempotency_key)
                    values (\(tenant), \(ID<Suite>.new()), \(project), \(draft.name), \(draft.description), \(variables), \(key))
                    on conflict on constraint suites_tenant_id_idempotency_key_unique do nothing
                    returning \(fragment: Self.columns)
                    """
                ) { try Suite(row: $0) }
                guard let inserted else {
                    AuditedCall.changedNothing()
                    return try await tx.one(
                        "select \(fragment: Self.columns) from suites where tenant_id = \(tenant) and idempotency_key = \(key)"
                    ) { try Suite(row: $0) }
                }
                try await tx.audit(inserted.id, project: project, details: ["name": inserted.name])
                return inserted
            }
        } catch let error as PostgresError where error.constraint == "suites_project_id_name_unique" {
            throw Fault.suiteNameTaken(draft.name)
        } catch let error as PostgresError where error.constraint == "suites_project_id_fkey" {
            throw Fault.notFound("project", project)
        }
    }

    /// - Throws: `suite.not_found`.
    func get(_ id: ID<Suite>, tenant: ID<Tenant>) async throws -> Suite {
        let found = try await database.lookUp(
            .tenant(tenant),
            "select \(fragment: Self.columns) from suites where tenant_id = \(tenant) and id = \(id)"
        ) { try Suite(row: $0) }
        guard let found else { throw Fault.notFound("suite", id) }
        return found
    }

    /// Newest first.
    func list(_ page: PageRequest, project: ID<Project>, tenant: ID<Tenant>) async throws -> Page<Suite> {
        let before = try page.after(ID<Suite>.self)
        let rows = try await database.rows(
            .tenant(tenant),
            """
            select \(fragment: Self.columns) from suites
            where tenant_id = \(tenant) and project_id = \(project) and (\(before)::uuid is null or id < \(before))
            order by id desc
            limit \(page.limit + 1)
            """
        ) { try Suite(row: $0) }
        return Page(rows: rows, limit: page.limit) { $0.id.description }
    }
}

extension Suite {
    fileprivate init(row: Row) throws {
        id = try row.value("id")
        project = try row.value("project_id")
        name = try row.value("name")
        description = try row.value("description")
        variables = try row.value("variables", as: JSONText.self).decode([String: String].self)
        caseCount = try row.value("case_count")
        createdAt = try row.value("created_at")
    }
}
