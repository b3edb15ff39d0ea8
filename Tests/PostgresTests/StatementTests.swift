import Postgres
import Primitives
import TestSupport
import Testing

@Suite(.database(Probe.schema))
struct StatementTests {
    @Test(
        "text stays data",
        arguments: [
            "'; drop table notes; --", "$1", "$2", "\\", "\\'; --", "\"", "'' or 1 = 1", "%_", "\u{FEFF}", "\u{202E}txt",
            "a\nb\r\tc", "/* */", "E'\\x00'",
        ])
    func injection(_ text: String) async throws {
        let tenant = ID<Tenant>.new()
        try await Probe.insert(text, tenant: tenant)
        try await Probe.insert("another", tenant: tenant)
        let found = try await Probe.database.rows(.tenant(tenant), "select body from notes where body = \(text)") {
            try $0.value("body", as: String.self)
        }
        #expect(found == [text])
    }

    @Test("a quoted identifier stays one name", arguments: ["plain", "two words", "qu\"ote", "; drop table notes", "select"])
    func identifiers(_ name: String) async throws {
        let value = try await Probe.database.one(.system, "select 1 as \(identifier: name)") { try $0.value(name, as: Int32.self) }
        #expect(value == 1)
    }

    @Test("a spliced fragment brings its values along, in order")
    func fragments() async throws {
        let condition: SQL = "b = \("two") and c = \("three")"
        let sql: SQL = "select count(*) as n from (values (\("one"), \("two"), \("three"))) v (a, b, c) where a = \("one") and \(fragment: condition)"
        #expect(try await Probe.database.one(.system, sql) { try $0.value("n", as: Int.self) } == 1)
    }

    @Test("text that PostgreSQL cannot hold is refused and leaves the connection in order")
    func nul() async throws {
        let tenant = ID<Tenant>.new()
        let error = await #expect(throws: PostgresError.self) { try await Probe.insert("a\0b", tenant: tenant) }
        #expect(error?.sqlState == "22021")
        #expect(try await Probe.bodies(.tenant(tenant)) == [])
    }

    @Test("a violated constraint is named")
    func constraints() async throws {
        let tenant = ID<Tenant>.new()
        try await Probe.insert("same", tenant: tenant)
        let error = await #expect(throws: PostgresError.self) { try await Probe.insert("same", tenant: tenant) }
        #expect(error?.sqlState == "23505")
        #expect(error?.constraint == "notes_tenant_id_body_unique")
        #expect(error?.table == "notes")
    }

    @Test("a statement that fails to prepare can be corrected and sent again")
    func failedPreparation() async throws {
        let database = try TestDatabase.current.pool(size: 1)
        defer { database.close() }
        for _ in 1...3 {
            let error = await #expect(throws: PostgresError.self) { try await database.execute(.system, "select nothing from nowhere") }
            #expect(error?.sqlState == "42P01")
        }
        #expect(try await database.one(.system, "select 1 as one") { try $0.value("one", as: Int32.self) } == 1)
    }

    @Test("a statement whose table changed its shape is prepared anew")
    func stalePlans() async throws {
        let database = try TestDatabase.current.pool(size: 1)
        defer { database.close() }
        try await TestDatabase.current.administer { try await $0.executeOutsideTransaction("create table shapes as select 1 as a") }
        let columns: () async throws -> Int = {
            try await database.one(.system, "select * from shapes") { row in (try? row.value("b", as: Int32.self)) == nil ? 1 : 2 }
        }
        #expect(try await columns() == 1)
        try await TestDatabase.current.administer { try await $0.executeOutsideTransaction("alter table shapes add b int not null default 2") }
        #expect(try await columns() == 2)
    }

    @Test("more distinct statements than a connection keeps prepared all work")
    func manyStatements() async throws {
        let database = try TestDatabase.current.pool(size: 1)
        defer { database.close() }
        for number in 0..<600 {
            let value = try await database.one(.system, "select 1 as \(identifier: "n\(number)")") { try $0.value("n\(number)", as: Int32.self) }
            #expect(value == 1)
        }
        let kept = try await database.one(.system, "select count(*) as n from pg_prepared_statements") { try $0.value("n", as: Int.self) }
        #expect(kept <= 300)
    }

    @Test("rows affected are told for insert, update and delete")
    func affected() async throws {
        let tenant = ID<Tenant>.new()
        let scope = Scope.tenant(tenant)
        #expect(try await Probe.database.execute(scope, "insert into notes (tenant_id, body) values (\(tenant), 'a'), (\(tenant), 'b')") == 2)
        #expect(try await Probe.database.execute(scope, "update notes set count = 1 where tenant_id = \(tenant) and body = 'a'") == 1)
        #expect(try await Probe.database.execute(scope, "delete from notes where tenant_id = \(tenant)") == 2)
        #expect(try await Probe.database.first(scope, "select id from notes where tenant_id = \(tenant)") { _ in true } == nil)
        await #expect(throws: DecodingFault.self) { try await Probe.database.one(scope, "select id from notes where false") { _ in true } }
    }
}
