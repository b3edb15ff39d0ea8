import Foundation
import Postgres
import Primitives
import TestSupport

/// A small service's schema for these tests.
enum Probe {
    static let schema = Schema(
        name: "probe",
        files: [
            SchemaFile(
                name: "0001_notes.sql",
                sql: """
                    create table notes (
                        tenant_id uuid not null,
                        id uuid not null default gen_random_uuid(),
                        body text not null,
                        count bigint not null default 0,
                        constraint notes_pkey primary key (tenant_id, id),
                        constraint notes_tenant_id_body_unique unique (tenant_id, body)
                    );
                    alter table notes enable row level security;
                    alter table notes force row level security;
                    create policy notes_tenant on notes using (tenant_id = current_tenant()) with check (tenant_id = current_tenant());

                    create table tasks (
                        tenant_id uuid not null,
                        id uuid not null default gen_random_uuid(),
                        constraint tasks_pkey primary key (tenant_id, id)
                    );
                    alter table tasks enable row level security;
                    alter table tasks force row level security;
                    create policy tasks_tenant on tasks
                        using (tenant_id = current_tenant() or system_scope()) with check (tenant_id = current_tenant() or system_scope());
                    """)
        ])

    static var database: Database { TestDatabase.current.database }

    static func insert(_ body: String, tenant: ID<Tenant>) async throws {
        try await database.execute(.tenant(tenant), "insert into notes (tenant_id, body) values (\(tenant), \(body))")
    }

    static func bodies(_ scope: Scope, in database: Database = database) async throws -> [String] {
        try await database.rows(scope, "select body from notes order by body") { try $0.value("body") }
    }
}

extension Database {
    /// Backends of this database that run something whose text contains `marker`.
    func running(_ marker: String) async throws -> Int {
        let pattern = "%\(marker)%"
        return try await one(
            .system,
            """
            select count(*) as n from pg_stat_activity
            where datname = current_database() and state = 'active' and query like \(pattern) and pid <> pg_backend_pid()
            """
        ) { try $0.value("n") }
    }
}
