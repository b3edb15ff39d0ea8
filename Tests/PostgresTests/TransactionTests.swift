import Postgres
import Primitives
import TestSupport
import Testing

@Suite(.database(Probe.schema))
struct TransactionTests {
    private struct Undo: Error {}

    @Test("what a transaction did is there together, or not at all")
    func atomicity() async throws {
        let tenant = ID<Tenant>.new()
        let insert: @Sendable (String) -> SQL = { "insert into notes (tenant_id, body) values (\(tenant), \($0))" }
        try await Probe.database.transaction(.tenant(tenant)) { tx in
            try await tx.execute(insert("a"))
            try await tx.execute(insert("b"))
        }
        await #expect(throws: Undo.self) {
            try await Probe.database.transaction(.tenant(tenant)) { tx in
                try await tx.execute(insert("c"))
                throw Undo()
            }
        }
        await #expect(throws: PostgresError.self) {
            try await Probe.database.transaction(.tenant(tenant)) { tx in
                try await tx.execute(insert("d"))
                try await tx.execute(insert("a"))
            }
        }
        #expect(try await Probe.bodies(.tenant(tenant)) == ["a", "b"])
    }

    @Test("a pipeline stops at the first statement that fails, and nothing of the transaction stays")
    func pipeline() async throws {
        let tenant = ID<Tenant>.new()
        let insert: @Sendable (String) -> SQL = { "insert into notes (tenant_id, body) values (\(tenant), \($0))" }
        let counts = try await Probe.database.transaction(.tenant(tenant)) { tx in
            try await tx.pipeline([insert("a"), "update notes set count = 1", "delete from notes where false"])
        }
        #expect(counts == [1, 1, 0])
        let error = await #expect(throws: PostgresError.self) {
            try await Probe.database.transaction(.tenant(tenant)) { tx in try await tx.pipeline([insert("b"), insert("a"), insert("c")]) }
        }
        #expect(error?.constraint == "notes_tenant_id_body_unique")
        #expect(try await Probe.bodies(.tenant(tenant)) == ["a"])
    }

    @Test("a deadlock is tried again, and both writers get through without a partial effect")
    func deadlock() async throws {
        let tenant = ID<Tenant>.new()
        for body in ["a", "b"] { try await Probe.insert(body, tenant: tenant) }
        let attempts = Tally()
        let holding = Tally()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for order in [["a", "b"], ["b", "a"]] {
                group.addTask {
                    try await Probe.database.transaction(.tenant(tenant)) { tx in
                        let attempt = attempts.add()
                        try await tx.execute("update notes set count = count + 1 where body = \(order[0])")
                        if attempt <= 2 {
                            holding.add()
                            try await eventually("both hold their first row") { holding.count == 2 }
                        }
                        try await tx.execute("update notes set count = count + 1 where body = \(order[1])")
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(attempts.count == 3)
        #expect(try await Probe.database.rows(.tenant(tenant), "select count from notes") { try $0.value("count", as: Int.self) } == [2, 2])
    }

    @Test("a transaction is tried three times and no more", arguments: ["40001", "40P01"])
    func bounded(_ state: String) async throws {
        let attempts = Tally()
        let raise: SQL = state == "40001" ? "do $$ begin raise sqlstate '40001'; end $$" : "do $$ begin raise sqlstate '40P01'; end $$"
        let error = await #expect(throws: PostgresError.self) {
            try await Probe.database.transaction(.system) { tx in
                attempts.add()
                try await tx.execute(raise)
            }
        }
        #expect(error?.sqlState == state)
        #expect(attempts.count == 3)
    }

    @Test("other errors are not tried again")
    func unretried() async throws {
        let attempts = Tally()
        await #expect(throws: PostgresError.self) {
            try await Probe.database.transaction(.system) { tx in
                attempts.add()
                try await tx.execute("select 1 / 0")
            }
        }
        #expect(attempts.count == 1)
    }

    @Test("more transactions than connections all get their turn")
    func queueing() async throws {
        let tenant = ID<Tenant>.new()
        try await Probe.insert("counter", tenant: tenant)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<100 {
                group.addTask {
                    try await Probe.database.transaction(.tenant(tenant)) { tx in
                        let count = try await tx.one("select count from notes where tenant_id = \(tenant) for update") {
                            try $0.value("count", as: Int.self)
                        }
                        try await tx.execute("update notes set count = \(count + 1) where tenant_id = \(tenant)")
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(try await Probe.database.one(.tenant(tenant), "select count from notes") { try $0.value("count", as: Int.self) } == 100)
    }
}
