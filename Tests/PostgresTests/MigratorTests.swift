import Foundation
import Postgres
import Primitives
import TestSupport
import Testing

@Suite(.database(Probe.schema))
struct MigratorTests {
    private static let first = SchemaFile(name: "0001_things.sql", sql: "create table things (tenant_id uuid not null, name text);")
    private static let second = SchemaFile(
        name: "0002_more.sql", sql: "alter table things add size bigint; insert into things values (gen_random_uuid(), 'one', 1);")

    /// A schema that no other test of the suite uses.
    private let name = "s" + UUID().uuidString.replacing("-", with: "").lowercased()

    private func migrate(_ files: [SchemaFile], extras: [Schema] = []) async throws -> [String] {
        let current = TestDatabase.current
        let application = try DatabaseConfiguration(url: current.appURL, searchPath: name)
        return try await Migrator(
            adminURL: current.adminURL, application: application, schema: Schema(name: name, files: files), extras: extras, logger: .silent
        ).migrate()
    }

    private func count() async throws -> Int {
        try await TestDatabase.current.administer { admin in
            try await admin.one(.system, "select count(*) as n from \(identifier: name).things") { try $0.value("n") }
        }
    }

    @Test("files are applied once, in order, and new ones when they come")
    func twice() async throws {
        #expect(try await migrate([Self.first]) == ["\(name)/0001_things.sql"])
        #expect(try await migrate([Self.first]) == [])
        #expect(try await migrate([Self.second, Self.first]) == ["\(name)/0002_more.sql"])
        #expect(try await migrate([Self.first, Self.second]) == [])
        #expect(try await count() == 1)
    }

    @Test("eight processes that migrate at once apply each file once")
    func concurrently() async throws {
        let applied = try await withThrowingTaskGroup(of: [String].self) { group in
            for _ in 0..<8 { group.addTask { try await migrate([Self.first, Self.second]) } }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        #expect(applied.sorted() == ["\(name)/0001_things.sql", "\(name)/0002_more.sql"])
        #expect(try await count() == 1)
    }

    @Test("a file that was changed after it was applied is refused, and nothing else runs")
    func changed() async throws {
        _ = try await migrate([Self.first])
        let changed = SchemaFile(name: Self.first.name, sql: Self.first.sql + " -- better")
        let fault = await #expect(throws: Fault.self) { try await migrate([changed, Self.second]) }
        #expect(fault?.code == "migrations.changed")
        #expect(fault?.detail.contains("0001_things.sql") == true)
        #expect(try await count() == 0)
    }

    @Test("a release older than the database is refused")
    func older() async throws {
        _ = try await migrate([Self.first, Self.second])
        let fault = await #expect(throws: Fault.self) { try await migrate([Self.first]) }
        #expect(fault?.code == "migrations.newer")
    }

    @Test("a file that fails half way leaves nothing, and can be mended")
    func failing() async throws {
        let broken = SchemaFile(name: "0002_more.sql", sql: "insert into things values (gen_random_uuid(), 'half'); select 1 / 0;")
        let error = await #expect(throws: PostgresError.self) { try await migrate([Self.first, broken]) }
        #expect(error?.sqlState == "22012")
        #expect(try await count() == 0)
        #expect(try await migrate([Self.first, Self.second]) == ["\(name)/0002_more.sql"])
    }

    @Test("components' files come first and are recorded under their own name")
    func extras() async throws {
        let component = Schema(name: "parts", files: [SchemaFile(name: "0001_parts.sql", sql: "create table parts (tenant_id uuid not null);")])
        let user = SchemaFile(name: "0001_uses.sql", sql: "create view uses as select * from parts;")
        #expect(try await migrate([user], extras: [component]) == ["parts/0001_parts.sql", "\(name)/0001_uses.sql"])
    }

    @Test(
        "the service's role owns nothing, makes nothing and cannot lift row-level security",
        arguments: [
            "create table mine (a int)", "alter table notes disable row level security", "alter table notes no force row level security",
            "drop policy notes_tenant on notes", "drop table notes", "create policy all_rows on notes using (true)", "create schema mine",
            "delete from schema_migrations", "create role other superuser", "alter role current_user bypassrls",
        ])
    func appRole(_ statement: String) async throws {
        // Written out as text on purpose: these are what somebody with the service's password would type.
        let error = await #expect(throws: PostgresError.self) { try await Probe.database.executeOutsideTransaction(SQL(stringLiteral: statement)) }
        #expect(error?.sqlState == "42501")
    }
}
