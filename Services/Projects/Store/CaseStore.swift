import Audit
import Foundation
import Postgres
import Primitives

/// All SQL about cases.
struct CaseStore: Sendable {
    let database: Database

    private static let columns: SQL = """
        id, suite_id, name, definition, created_at,
        (select project_id from suites s where s.tenant_id = cases.tenant_id and s.id = cases.suite_id) as project_id
        """

    /// - Parameter key: the idempotency key; the same one again gives the first case.
    /// - Throws: `cases.name_taken`, `suite.not_found`, `suites.full`.
    func insert(_ name: String, _ http: HTTPCase, suite: ID<Suite>, key: String?, tenant: ID<Tenant>) async throws -> Case {
        let definition = try JSONText(encoding: http)
        do {
            return try await database.transaction(.tenant(tenant)) { tx in
                // The lock makes the count below true until the commit: two writers cannot both take the last place.
                let count = try await tx.first(
                    """
                    select (select count(*) from cases where tenant_id = \(tenant) and suite_id = \(suite)) as count
                    from suites where tenant_id = \(tenant) and id = \(suite)
                    for update
                    """
                ) { try $0.value("count", as: Int64.self) }
                guard let count else { throw Fault.notFound("suite", suite) }
                let inserted = try await tx.first(
                    """
                    insert into cases (tenant_id, id, suite_id, name, definition, idempotency_key)
                    values (\(tenant), \(ID<Case>.new()), \(suite), \(name), \(definition), \(key))
                    on conflict on constraint cases_tenant_id_idempotency_key_unique do nothing
                    returning \(fragment: Self.columns)
                    """
                ) { try Case(row: $0) }
                guard let inserted else {
                    AuditedCall.changedNothing()
                    return try await tx.one(
                        "select \(fragment: Self.columns) from cases where tenant_id = \(tenant) and idempotency_key = \(key)"
                    ) { try Case(row: $0) }
                }
                guard count < Suite.maxCases else { throw Fault.suiteFull() }
                try await tx.audit(inserted.id, project: inserted.project, details: ["name": inserted.name, "suite": suite.description])
                return inserted
            }
        } catch let error as PostgresError where error.constraint == "cases_suite_id_name_unique" {
            throw Fault.caseNameTaken(name)
        }
    }

    /// - Throws: `case.not_found`.
    func get(_ id: ID<Case>, tenant: ID<Tenant>) async throws -> Case {
        let found = try await database.lookUp(
            .tenant(tenant),
            "select \(fragment: Self.columns) from cases where tenant_id = \(tenant) and id = \(id)"
        ) { try Case(row: $0) }
        guard let found else { throw Fault.notFound("case", id) }
        return found
    }

    /// In the order of their making.
    func list(_ page: PageRequest, suite: ID<Suite>, tenant: ID<Tenant>) async throws -> Page<Case> {
        let after = try page.after(ID<Case>.self)
        let rows = try await database.rows(
            .tenant(tenant),
            """
            select \(fragment: Self.columns) from cases
            where tenant_id = \(tenant) and suite_id = \(suite) and (\(after)::uuid is null or id > \(after))
            order by id
            limit \(page.limit + 1)
            """
        ) { try Case(row: $0) }
        return Page(rows: rows, limit: page.limit) { $0.id.description }
    }

    /// All cases of a suite, which has at most `Suite.maxCases`.
    func all(of suite: ID<Suite>, tenant: ID<Tenant>) async throws -> [Case] {
        try await database.rows(
            .tenant(tenant),
            "select \(fragment: Self.columns) from cases where tenant_id = \(tenant) and suite_id = \(suite) order by id limit \(Suite.maxCases)"
        ) { try Case(row: $0) }
    }

    /// - Throws: `case.not_found`.
    func delete(_ id: ID<Case>, tenant: ID<Tenant>) async throws {
        try await database.transaction(.tenant(tenant)) { tx in
            let deleted = try await tx.first(
                "delete from cases where tenant_id = \(tenant) and id = \(id) returning \(fragment: Self.columns)"
            ) { try Case(row: $0) }
            guard let deleted else { throw Fault.notFound("case", id) }
            try await tx.audit(id, project: deleted.project, details: ["name": deleted.name, "suite": deleted.suite.description])
        }
    }
}

extension Case {
    fileprivate init(row: Row) throws {
        id = try row.value("id")
        suite = try row.value("suite_id")
        project = try row.value("project_id")
        name = try row.value("name")
        http = try row.value("definition", as: JSONText.self).decode(HTTPCase.self)
        createdAt = try row.value("created_at")
    }
}
