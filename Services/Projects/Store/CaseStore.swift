import Audit
import Foundation
import Postgres
import Primitives

/// All SQL about cases.
struct CaseStore: Sendable {
    let database: Database
    let fields: CaseFieldStore

    private static let columns: SQL = """
        id, suite_id, name, definition, fields, created_at, updated_at, version,
        (select project_id from suites s where s.tenant_id = cases.tenant_id and s.id = cases.suite_id) as project_id
        """

    /// - Parameter key: the idempotency key; the same one again gives the first case.
    /// - Throws: `cases.name_taken`, `suite.not_found`, `suites.full`, `request.invalid` for a value that is none of its field's.
    func insert(
        _ name: String, _ http: HTTPCase, _ values: [String: String], suite: ID<Suite>, key: String?, tenant: ID<Tenant>
    ) async throws -> Case {
        let definition = try JSONText(encoding: http)
        do {
            return try await database.transaction(.tenant(tenant)) { tx in
                // The lock makes the count below true until the commit: two writers cannot both take the last place.
                let found = try await tx.first(
                    """
                    select (select count(*) from cases where tenant_id = \(tenant) and suite_id = \(suite)) as count, project_id
                    from suites where tenant_id = \(tenant) and id = \(suite)
                    for update
                    """
                ) { (count: try $0.value("count", as: Int64.self), project: try $0.value("project_id", as: ID<Project>.self)) }
                guard let found else { throw Fault.notFound("suite", suite) }
                let values = try await written(values, to: [:], project: found.project, tenant: tenant, in: tx)
                let inserted = try await tx.first(
                    """
                    insert into cases (tenant_id, id, suite_id, name, definition, fields, idempotency_key)
                    values (\(tenant), \(ID<Case>.new()), \(suite), \(name), \(definition), \(try JSONText(encoding: values)), \(key))
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
                guard found.count < Suite.maxCases else { throw Fault.suiteFull() }
                try await index(inserted, tenant: tenant, in: tx)
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

    /// Cases of a suite, which has at most `Suite.maxCases`, in the order of their making.
    func list(
        _ page: PageRequest, _ filters: [CaseFieldFilter], suite: ID<Suite>, project: ID<Project>, tenant: ID<Tenant>
    ) async throws -> Page<Case> {
        let after = try page.after(ID<Case>.self)
        let rows = try await database.rows(
            .tenant(tenant),
            """
            select \(fragment: Self.columns) from cases
            where tenant_id = \(tenant) and suite_id = \(suite) and (\(after)::uuid is null or id > \(after))
              and \(fragment: Self.matches("cases.id", filters, project, tenant))
            order by id
            limit \(page.limit + 1)
            """
        ) { try Case(row: $0) }
        return Page(rows: rows, limit: page.limit) { $0.id.description }
    }

    /// Cases of a project by their fields, in the order of their making: a walk along the first one's value, looking up the others.
    func list(
        _ page: PageRequest, _ first: CaseFieldFilter, and others: [CaseFieldFilter], project: ID<Project>, tenant: ID<Tenant>
    ) async throws -> Page<Case> {
        // Before the first of all, so that the walk begins where the page does, whichever it is.
        let after = try page.after(ID<Case>.self)?.uuid ?? UUID(uuid: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))
        let rows = try await database.rows(
            .tenant(tenant),
            """
            select \(fragment: Self.columns)
            from case_field_values w join cases on cases.tenant_id = w.tenant_id and cases.id = w.case_id
            where w.tenant_id = \(tenant) and w.project_id = \(project) and w.key = \(first.key) and w.value = \(first.value)
              and w.case_id > \(after) and \(fragment: Self.matches("w.case_id", others, project, tenant))
            order by w.case_id
            limit \(page.limit + 1)
            """
        ) { try Case(row: $0) }
        return Page(rows: rows, limit: page.limit) { $0.id.description }
    }

    /// That a case has all of these values.
    private static func matches(_ id: SQL, _ filters: [CaseFieldFilter], _ project: ID<Project>, _ tenant: ID<Tenant>) -> SQL {
        guard !filters.isEmpty else { return "true" }
        return """
            not exists (
                select from unnest(\(filters.map(\.key)), \(filters.map(\.value))) as f(key, value)
                where not exists (
                    select from case_field_values v
                    where v.tenant_id = \(tenant) and v.project_id = \(project) and v.key = f.key and v.value = f.value and v.case_id = \(fragment: id)))
            """
    }

    /// All cases of a suite, which has at most `Suite.maxCases`.
    func all(of suite: ID<Suite>, tenant: ID<Tenant>) async throws -> [Case] {
        try await database.rows(
            .tenant(tenant),
            "select \(fragment: Self.columns) from cases where tenant_id = \(tenant) and suite_id = \(suite) order by id limit \(Suite.maxCases)"
        ) { try Case(row: $0) }
    }

    /// - Parameters:
    ///   - version: that the case must have; 0 for any.
    ///   - key: the idempotency key; the same one again changes nothing and gives the case as it is.
    /// - Throws: `case.not_found`, `precondition_failed`, `cases.name_taken`, `request.invalid` for a value that is none of its field's.
    func update(_ id: ID<Case>, _ change: Case.Change, version: Int64, key: String?, tenant: ID<Tenant>) async throws -> Case {
        let definition = try change.http.map { try JSONText(encoding: $0) }
        do {
            return try await database.transaction(.tenant(tenant)) { tx in
                let known = try await tx.first(
                    "select \(fragment: Self.columns), change_key from cases where tenant_id = \(tenant) and id = \(id) for update"
                ) { (value: try Case(row: $0), key: try $0.value("change_key", as: String?.self)) }
                guard let known else { throw Fault.notFound("case", id) }
                if let key, known.key == key {
                    AuditedCall.changedNothing()
                    return known.value
                }
                guard version == 0 || version == known.value.version else { throw Fault.versionStale }
                let values = try await written(change.fields, to: known.value.fields, project: known.value.project, tenant: tenant, in: tx)
                let updated = try await tx.one(
                    """
                    update cases
                    set name = coalesce(\(change.name), name), definition = coalesce(\(definition), definition),
                        fields = \(try JSONText(encoding: values)), updated_at = now(), version = version + 1, change_key = \(key)
                    where tenant_id = \(tenant) and id = \(id)
                    returning \(fragment: Self.columns)
                    """
                ) { try Case(row: $0) }
                if !change.fields.isEmpty { try await index(updated, tenant: tenant, in: tx) }
                try await tx.audit(
                    id, project: updated.project, details: ["name": updated.name, "fields": change.fields.keys.sorted().joined(separator: ", ")])
                return updated
            }
        } catch let error as PostgresError where error.constraint == "cases_suite_id_name_unique" {
            throw Fault.caseNameTaken(change.name ?? "")
        }
    }

    /// - Throws: `request.invalid`.
    private func written(
        _ changes: [String: String], to known: [String: String], project: ID<Project>, tenant: ID<Tenant>, in tx: Transaction
    ) async throws -> [String: String] {
        guard !changes.isEmpty else { return known }
        return try await fields.get(project, tenant: tenant, in: tx).fields.applying(changes, to: known)
    }

    /// Has a case found by what it says.
    private func index(_ value: Case, tenant: ID<Tenant>, in tx: Transaction) async throws {
        let (keys, values) = (value.fields.map(\.key), value.fields.map(\.value))
        try await tx.execute("delete from case_field_values where tenant_id = \(tenant) and case_id = \(value.id)")
        guard !keys.isEmpty else { return }
        try await tx.execute(
            """
            insert into case_field_values (tenant_id, project_id, key, value, case_id)
            select \(tenant), \(value.project), f.key, f.value, \(value.id) from unnest(\(keys), \(values)) as f(key, value)
            """)
    }

    /// - Parameter version: that the case must have; 0 for any.
    /// - Throws: `case.not_found`, `precondition_failed`.
    func delete(_ id: ID<Case>, version: Int64 = 0, tenant: ID<Tenant>) async throws {
        try await database.transaction(.tenant(tenant)) { tx in
            let deleted = try await tx.first(
                "delete from cases where tenant_id = \(tenant) and id = \(id) returning \(fragment: Self.columns)"
            ) { try Case(row: $0) }
            guard let deleted else { throw Fault.notFound("case", id) }
            guard version == 0 || version == deleted.version else { throw Fault.versionStale }
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
        fields = try row.value("fields", as: JSONText.self).decode([String: String].self)
        createdAt = try row.value("created_at")
        updatedAt = try row.value("updated_at")
        version = try row.value("version")
    }
}
