import Foundation
import Postgres
import Primitives
import TestSupport
import Testing

@Suite(.database(Probe.schema))
struct LookUpTests {
    @Test("look-ups of many tenants that share a round trip each see their own rows only")
    func tenants() async throws {
        let database = try TestDatabase.current.pool(size: 1)
        defer { database.close() }
        let tenants = (0..<5).map { _ in ID<Tenant>.new() }
        for tenant in tenants { try await Probe.insert("of \(tenant)", tenant: tenant) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for turn in 0..<2_000 {
                let tenant = tenants[turn % tenants.count]
                group.addTask {
                    // Without a filter of its own: only the scope keeps tenants apart here.
                    let body = try await database.lookUp(.tenant(tenant), "select string_agg(body, '|') as body from notes") {
                        try $0.value("body", as: String.self)
                    }
                    #expect(body == "of \(tenant)")
                }
            }
            try await group.waitForAll()
        }
        let nobody = try await database.lookUp(.tenant(.new()), "select body from notes") { try $0.value("body", as: String.self) }
        #expect(nobody == nil)
    }

    @Test("a look-up that fails takes none of those along that travel with it")
    func failure() async throws {
        let database = try TestDatabase.current.pool(size: 1)
        defer { database.close() }
        let blocker = Task { try await database.execute(.system, "select pg_sleep(0.3)") }
        let outcomes = try await withThrowingTaskGroup(of: Int32?.self) { group in
            for number in 0..<16 {
                group.addTask {
                    do {
                        return try await database.lookUp(.system, "select 10 / \(Int32(number % 4)) as n") { try $0.value("n", as: Int32.self) }
                    } catch let error as PostgresError where error.sqlState == "22012" {
                        return nil
                    }
                }
            }
            return try await group.reduce(into: [Int32?]()) { $0.append($1) }
        }
        _ = try await blocker.value
        #expect(outcomes.count { $0 == nil } == 4)
        #expect(outcomes.compactMap(\.self).sorted() == [3, 3, 3, 3, 5, 5, 5, 5, 10, 10, 10, 10])
    }

    @Test("a cancelled look-up leaves at once; the others on its connection get their answers")
    func cancellation() async throws {
        let database = try TestDatabase.current.pool(size: 1)
        defer { database.close() }
        let blocker = Task { try await database.execute(.system, "select pg_sleep(0.5)") }
        let leaving = Task { try await database.lookUp(.system, "select 1 as n") { try $0.value("n", as: Int32.self) } }
        let staying = Task { try await database.lookUp(.system, "select 2 as n") { try $0.value("n", as: Int32.self) } }
        try await Task.sleep(for: .milliseconds(50))
        leaving.cancel()
        await #expect(throws: CancellationError.self) { try await leaving.value }
        #expect(try await staying.value == 2)
        _ = try await blocker.value
    }

    @Test("a look-up whose prepared statement a migration has outdated is answered all the same")
    func stalePlan() async throws {
        let database = try TestDatabase.current.pool(size: 1)
        defer { database.close() }
        let tenant = ID<Tenant>.new()
        try await Probe.insert("x", tenant: tenant)
        func look() async throws -> String? {
            try await database.lookUp(.tenant(tenant), "select * from notes") { try $0.value("body", as: String.self) }
        }
        #expect(try await look() == "x")
        try await TestDatabase.current.administer { try await $0.executeOutsideTransaction("alter table notes add column extra text") }
        #expect(try await look() == "x")
    }
}
