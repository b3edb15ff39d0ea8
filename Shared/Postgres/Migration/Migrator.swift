import Foundation
import Logging
import Primitives

/// Brings a service's PostgreSQL schema up to date, as the owner of everything in it; the service itself connects as a role that owns nothing.
///
/// Forward only. Each file runs once, in a transaction of its own, under an advisory lock, so that any number of processes may try at the same
/// time (T129). The previous release must go on working with the new schema: expand first, contract a release later.
package struct Migrator: Sendable {
    private let owner: DatabaseConfiguration
    private let application: DatabaseConfiguration
    private let schema: Schema
    private let extras: [Schema]
    private let logger: Logger

    /// - Parameters:
    ///   - adminURL: of a role that may create schemas and roles; it becomes the owner.
    ///   - application: how the service connects; its role is made, or given this password, when it has one.
    ///   - extras: components that keep tables in the service's schema.
    /// - Throws: `config.database_url`.
    package init(adminURL: String, application: DatabaseConfiguration, schema: Schema, extras: [Schema] = [], logger: Logger) throws(Fault) {
        // A migration may rewrite a table, so no statement is timed out.
        owner = try DatabaseConfiguration(
            url: adminURL, poolSize: 1, statementTimeout: 0, applicationName: "assay-migrate", searchPath: schema.name)
        self.application = application
        self.schema = schema
        self.extras = extras
        self.logger = logger
    }

    /// - Returns: what was applied now, `jobs/0001_jobs.sql`, in order.
    /// - Throws: `migrations.changed` when an applied file is not what it was; `migrations.newer` when the database knows files that this
    ///   release does not; `PostgresError` with the file's name logged.
    package func migrate() async throws -> [String] {
        let database = Database(owner, logger: logger)
        defer { database.close() }
        let files = (extras + [schema]).flatMap { schema in schema.files.map { (owner: schema.name, file: $0) } }
        return try await database.submit { connection in
            // A session lock, since each file commits by itself. It goes with the connection.
            _ = try connection.roundTrip(["select pg_advisory_lock(hashtext('assay.migrate'))"])
            defer { _ = try? connection.roundTrip(["select pg_advisory_unlock(hashtext('assay.migrate'))"]) }
            try prepare(connection)
            let applied = try self.applied(connection)
            try check(applied, files)
            var done: [String] = []
            for (owner, file) in files where applied["\(owner)/\(file.name)"] == nil {
                do {
                    try connection.script("begin;\n\(file.sql)\n;\(record(owner, file));commit;")
                } catch {
                    logger.error("migration failed", metadata: ["file": "\(owner)/\(file.name)", "error": "\(error)"])
                    try? connection.script("rollback")
                    throw error
                }
                done.append("\(owner)/\(file.name)")
            }
            return done
        }
    }

    private func applied(_ connection: Connection) throws -> [String: String] {
        let rows = try connection.roundTrip(["select owner, file, checksum from schema_migrations"])[0]
            .map {
                (
                    name: "\(try $0.value("owner", as: String.self))/\(try $0.value("file", as: String.self))",
                    sum: try $0.value("checksum", as: String.self)
                )
            }
        return Dictionary(rows.map { ($0.name, $0.sum) }, uniquingKeysWith: { first, _ in first })
    }

    private func check(_ applied: [String: String], _ files: [(owner: String, file: SchemaFile)]) throws {
        var known: Set<String> = []
        for (owner, file) in files {
            let name = "\(owner)/\(file.name)"
            known.insert(name)
            guard let sum = applied[name], sum != Checksum.of(file.sql) else { continue }
            throw Fault(
                .precondition, "migrations.changed", "\(name) was applied to this database with other content: add a new file instead of changing it."
            )
        }
        if let newer = applied.keys.filter({ !known.contains($0) }).min() {
            throw Fault(.precondition, "migrations.newer", "This database has had \(newer), which this release does not know: run a newer release.")
        }
    }

    /// Roles belong to the whole cluster, the lock to one database: two migrations of different databases may meet at a role, and one of them
    /// is told so.
    private func prepare(_ connection: Connection) throws {
        for attempt in 1... {
            do {
                return try connection.script(preparation)
            } catch let error as PostgresError where ["XX000", "23505", "42710"].contains(error.sqlState) && attempt < 10 {
                try? connection.script("rollback")
                Thread.sleep(forTimeInterval: Double.random(in: 0.01...0.1))
            }
        }
    }

    /// Schema, role, rights, and the two functions that every policy is made of. Runs each time: rights of a role made by hand are mended.
    private var preparation: String {
        let name = quoted(schema.name)
        let role = quoted(application.user)
        let password = literal(application.password.reveal())
        return """
            do $$ begin
                if not exists (select from pg_roles where rolname = \(literal(application.user))) then
                    create role \(role);
                end if;
            end $$;
            alter role \(role) login nosuperuser nobypassrls nocreatedb nocreaterole\(application.password.reveal().isEmpty ? "" : " password \(password)");
            create schema if not exists \(name);
            create table if not exists schema_migrations (
                owner text not null, file text not null, checksum text not null, applied_at timestamptz not null default now(),
                constraint schema_migrations_pkey primary key (owner, file)
            );
            create or replace function current_tenant() returns uuid language sql stable parallel safe
                as $$ select nullif(current_setting('assay.tenant', true), '')::uuid $$;
            create or replace function system_scope() returns boolean language sql stable parallel safe
                as $$ select current_setting('assay.scope', true) = 'system' $$;
            grant usage on schema \(name) to \(role);
            grant select on schema_migrations to \(role);
            grant execute on all functions in schema \(name) to \(role);
            alter default privileges in schema \(name) grant select, insert, update, delete on tables to \(role);
            alter default privileges in schema \(name) grant usage on sequences to \(role);
            alter default privileges in schema \(name) grant execute on functions to \(role);
            """
    }

    private func record(_ owner: String, _ file: SchemaFile) -> String {
        "insert into schema_migrations (owner, file, checksum) values (\(literal(owner)), \(literal(file.name)), \(literal(Checksum.of(file.sql))))"
    }

    private func quoted(_ identifier: String) -> String { "\"" + identifier.replacing("\"", with: "\"\"") + "\"" }

    private func literal(_ text: String) -> String { "'" + text.replacing("'", with: "''") + "'" }
}

/// FNV-1a, 128 bits: tells a changed migration from an unchanged one. It guards against mistakes, not against attackers, who could change the table.
private enum Checksum {
    static func of(_ text: String) -> String {
        var hash: UInt128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d
        for byte in text.utf8 {
            hash ^= UInt128(byte)
            hash = hash &* 0x0000_0000_0100_0000_0000_0000_0000_013b
        }
        return String(hash, radix: 16)
    }
}
