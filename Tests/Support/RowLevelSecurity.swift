// assay-bench is linked without the test library.
#if canImport(Testing)
import Postgres
import Testing

/// Looks through the catalogue of a service's schema for anything that would let one tenant see another's rows (T69). Every service's tests call it.
///
/// Finds: tables, `schema_migrations` apart, without row-level security that is enabled, forced, and has a policy; tables with no `tenant_id` as
/// first column, unless `shared` names them; unique keys that do not start with the tenant, which tell whether another tenant's row exists; views
/// that run as their owner; functions that do, unless `shared` names them, as it may those that make partitions. And a role that policies would not hold back.
package func assertRowLevelSecurity(
    adminURL: String, schema: String, appRole: String? = nil, shared: Set<String> = [], sourceLocation: SourceLocation = #_sourceLocation
) async throws {
    let holes = try await RowLevelSecurity.holes(adminURL: adminURL, schema: schema, appRole: appRole, shared: shared)
    for hole in holes { Issue.record("\(schema): \(hole)", sourceLocation: sourceLocation) }
}

/// The catalogue queries behind `assertRowLevelSecurity`.
package struct RowLevelSecurity {
    private let database: Database
    private let schema: String
    private let shared: Set<String>

    /// One sentence each.
    package static func holes(adminURL: String, schema: String, appRole: String? = nil, shared: Set<String> = []) async throws -> [String] {
        let database = Database(try DatabaseConfiguration(url: adminURL, poolSize: 1, searchPath: schema), logger: .silent)
        defer { database.close() }
        let catalogue = RowLevelSecurity(database: database, schema: schema, shared: shared)
        var holes = try await catalogue.tables() + catalogue.keys() + catalogue.bypasses()
        if let appRole { holes += try await catalogue.rights(of: appRole) }
        return holes
    }

    private func tables() async throws -> [String] {
        let rows = try await database.rows(
            .system,
            """
            select c.relname::text as name, c.relrowsecurity as enabled, c.relforcerowsecurity as forced,
                exists (select from pg_policy p where p.polrelid = c.oid) as has_policy,
                coalesce((select a.attname = 'tenant_id' and a.attnotnull from pg_attribute a where a.attrelid = c.oid and a.attnum = 1), false) as leads
            from pg_class c
            where c.relnamespace = \(schema)::regnamespace and c.relkind in ('r', 'p') and c.relname <> 'schema_migrations'
            order by c.relname
            """
        ) { row in
            let name: String = try row.value("name")
            var missing: [String] = []
            if try !row.value("enabled", as: Bool.self) { missing.append("`enable row level security`") }
            if try !row.value("forced", as: Bool.self) { missing.append("`force row level security`") }
            if try !row.value("has_policy", as: Bool.self) { missing.append("a policy") }
            if try !row.value("leads", as: Bool.self), !shared.contains(name) { missing.append("`tenant_id uuid not null` as its first column") }
            return missing.isEmpty ? nil : "table \(name) lacks \(missing.joined(separator: ", "))"
        }
        return rows.compactMap { $0 }
    }

    private func keys() async throws -> [String] {
        let rows = try await database.rows(
            .system,
            """
            select t.relname::text as table, i.relname::text as name
            from pg_index x
            join pg_class t on t.oid = x.indrelid
            join pg_class i on i.oid = x.indexrelid
            left join pg_attribute a on a.attrelid = t.oid and a.attnum = x.indkey[0]
            where t.relnamespace = \(schema)::regnamespace and x.indisunique and t.relname <> 'schema_migrations'
                and a.attname is distinct from 'tenant_id'
            order by 1, 2
            """
        ) { try (table: $0.value("table", as: String.self), name: $0.value("name", as: String.self)) }
        return rows.filter { !shared.contains($0.table) }.map { "unique key \($0.name) of table \($0.table) does not start with tenant_id" }
    }

    private func bypasses() async throws -> [String] {
        try await database.rows(
            .system,
            """
            select 'view ' || relname || ' lacks `with (security_invoker = true)`' as hole
            from pg_class
            where relnamespace = \(schema)::regnamespace and relkind = 'v' and not coalesce(reloptions @> '{security_invoker=true}', false)
            union all
            select 'materialized view ' || relname || ' has no row-level security: use a table'
            from pg_class
            where relnamespace = \(schema)::regnamespace and relkind = 'm'
            union all
            select 'function ' || proname || ' is `security definer`'
            from pg_proc
            where pronamespace = \(schema)::regnamespace and prosecdef and not proname = any(\(Array(shared)))
            """
        ) { try $0.value("hole") }
    }

    private func rights(of role: String) async throws -> [String] {
        try await database.rows(
            .system,
            """
            select 'role ' || rolname || ' is a superuser or bypasses row-level security' as hole
            from pg_roles
            where rolname = \(role) and (rolsuper or rolbypassrls)
            union all
            select 'role ' || \(role) || ' does not exist'
            where not exists (select from pg_roles where rolname = \(role))
            union all
            select 'role ' || \(role) || ' owns or inherits from the owner of ' || c.relname
            from pg_class c
            where c.relnamespace = \(schema)::regnamespace and exists (select from pg_roles where rolname = \(role))
                and pg_has_role(\(role)::name, c.relowner, 'member')
            """
        ) { try $0.value("hole") }
    }
}
#endif
