import Postgres
import Primitives
import TestSupport
import Testing

@Suite(.database(Probe.schema))
struct TenancyTests {
    @Test("a tenant sees its own rows, and no tenant sees none")
    func reading() async throws {
        let (one, other) = (ID<Tenant>.new(), ID<Tenant>.new())
        try await Probe.insert("mine", tenant: one)
        try await Probe.insert("theirs", tenant: other)
        #expect(try await Probe.bodies(.tenant(one)) == ["mine"])
        #expect(try await Probe.bodies(.tenant(other)) == ["theirs"])
        #expect(try await Probe.bodies(.tenant(.new())) == [])
        #expect(try await Probe.bodies(.system) == [])
    }

    @Test("a row for another tenant is refused, and another tenant's rows are not there to change")
    func writing() async throws {
        let (one, other) = (ID<Tenant>.new(), ID<Tenant>.new())
        try await Probe.insert("theirs", tenant: other)
        for scope in [Scope.tenant(one), .system] {
            let error = await #expect(throws: PostgresError.self) {
                try await Probe.database.execute(scope, "insert into notes (tenant_id, body) values (\(other), 'planted')")
            }
            #expect(error?.sqlState == "42501")
            #expect(try await Probe.database.execute(scope, "update notes set body = 'changed'") == 0)
            #expect(try await Probe.database.execute(scope, "delete from notes") == 0)
        }
        #expect(try await Probe.bodies(.tenant(other)) == ["theirs"])
    }

    @Test("the system scope reaches all tenants, but only in tables whose policy says so")
    func system() async throws {
        let tenants = [ID<Tenant>.new(), .new()]
        for tenant in tenants { try await Probe.database.execute(.system, "insert into tasks (tenant_id) values (\(tenant))") }
        let seen = try await Probe.database.rows(.system, "select tenant_id from tasks") { try $0.value("tenant_id", as: ID<Tenant>.self) }
        #expect(Set(seen).isSuperset(of: tenants))
        let own = try await Probe.database.rows(.tenant(tenants[0]), "select tenant_id from tasks") { try $0.value("tenant_id", as: ID<Tenant>.self) }
        #expect(own == [tenants[0]])
    }

    @Test("ten thousand interleaved transactions of two tenants on two connections never see each other's rows")
    func interleaved() async throws {
        let database = try TestDatabase.current.pool(size: 2)
        defer { database.close() }
        let tenants = [ID<Tenant>.new(), .new()]
        for tenant in tenants { for body in ["a", "b"] { try await Probe.insert("\(tenant) \(body)", tenant: tenant) } }
        let looks = try await withThrowingTaskGroup(of: Int.self) { group in
            for worker in 0..<20 {
                group.addTask {
                    var count = 0
                    for turn in 0..<500 {
                        try await Self.look(turn: turn, tenant: tenants[(worker + turn) % 2], in: database)
                        count += 1
                    }
                    return count
                }
            }
            return try await group.reduce(0, +)
        }
        #expect(looks == 10_000)
    }

    /// Goes through every way in which a connection comes back: one round trip, commit, rollback, failure.
    private static func look(turn: Int, tenant: ID<Tenant>, in database: Database) async throws {
        struct Undo: Error {}
        let sql: SQL = "select tenant_id from notes"
        func check(_ seen: [ID<Tenant>]) { #expect(seen == [tenant, tenant]) }
        switch turn % 5 {
        case 0, 1:
            check(try await database.rows(.tenant(tenant), sql) { try $0.value("tenant_id") })
        case 2:
            check(try await database.transaction(.tenant(tenant)) { tx in try await tx.rows(sql) { try $0.value("tenant_id") } })
        case 3:
            await #expect(throws: Undo.self) {
                try await database.transaction(.tenant(tenant)) { tx in
                    check(try await tx.rows(sql) { try $0.value("tenant_id") })
                    throw Undo()
                }
            }
        default:
            await #expect(throws: PostgresError.self) { try await database.execute(.tenant(tenant), "select 1 / \(0)") }
            #expect(try await database.rows(.system, sql) { _ in true } == [])
        }
    }

    @Test("a connection goes back without a tenant, however its use ended")
    func nothingLeftBehind() async throws {
        let database = try TestDatabase.current.pool(size: 1)
        defer { database.close() }
        let tenant = ID<Tenant>.new()
        for turn in 0..<5 {
            try await Self.expectNoTenant(database)
            _ = try? await database.rows(.tenant(tenant), "select 1") { _ in true }
            try await Self.expectNoTenant(database)
            _ = try? await database.transaction(.tenant(tenant)) { tx in try await tx.execute(turn % 2 == 0 ? "select 1" : "select 1 / 0") }
        }
        try await Self.expectNoTenant(database)
    }

    /// Asks outside of any scope, as no code of a service can.
    private static func expectNoTenant(_ database: Database) async throws {
        try await database.executeOutsideTransaction(
            """
            do $$ begin
                if coalesce(current_setting('assay.tenant', true), '') <> '' then raise exception 'a tenant was left behind'; end if;
            end $$
            """)
    }
}
