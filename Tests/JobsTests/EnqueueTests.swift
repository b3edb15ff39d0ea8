import Foundation
import Jobs
import Postgres
import Primitives
import TestSupport
import Testing

/// No runner is at work in this suite's database, so jobs stay where they are put.
@Suite(.database(Shop.schema, JobSchema.schema))
struct EnqueueTests {
    private let tenant = ID<Tenant>.new()
    private var current: TestDatabase { .current }

    private func count() async throws -> Int { try await current.jobs(of: tenant).count }

    @Test("a job of a transaction that rolls back is not there, and one of a transaction that commits is there with its fact")
    func transactional() async throws {
        struct Undo: Error {}
        let sell: @Sendable (String, Bool) async throws -> Void = { name, fails in
            try await current.database.transaction(.tenant(tenant)) { tx in
                try await tx.execute("insert into sales (tenant_id, name) values (\(tenant), \(name))")
                try await current.queue.enqueue(Note(text: name), tenant: tenant, in: tx)
                if fails { throw Undo() }
            }
        }
        await #expect(throws: Undo.self) { try await sell("first", true) }
        #expect(try await count() == 0)
        try await sell("first", false)
        #expect(try await count() == 1)
        await #expect(throws: PostgresError.self) { try await sell("first", false) }
        #expect(try await count() == 1)
    }

    @Test("a second job for a key that lives is ignored; other keys, kinds, tenants and jobs without a key are not")
    func keys() async throws {
        struct Letter: JobPayload { static let kind = "letter" }
        for _ in 0..<3 { try await current.queue.enqueue(Note(text: "a"), tenant: tenant, key: "one") }
        #expect(try await count() == 1)
        try await current.queue.enqueue(Note(text: "b"), tenant: tenant, key: "two")
        try await current.queue.enqueue(Letter(), tenant: tenant, key: "one")
        for _ in 0..<2 { try await current.queue.enqueue(Note(text: "c"), tenant: tenant) }
        #expect(try await count() == 5)
        let other = ID<Tenant>.new()
        try await current.queue.enqueue(Note(text: "a"), tenant: other, key: "one")
        #expect(try await current.jobs(of: other).count == 1)
    }

    @Test("a job that is buried does not stand in the way of its key")
    func buriedKeys() async throws {
        try await current.queue.enqueue(Note(text: "a"), tenant: tenant, key: "one")
        try await current.database.execute(.tenant(tenant), "update jobs set state = 'dead' where tenant_id = \(tenant)")
        try await current.queue.enqueue(Note(text: "a"), tenant: tenant, key: "one")
        #expect(try await current.jobs(of: tenant).map(\.state) == ["dead", "waiting"])
    }

    @Test("twenty writers of one key make one job")
    func racingKeys() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<20 { group.addTask { try await current.queue.enqueue(Note(text: "\(number)"), tenant: tenant, key: "same") } }
            try await group.waitForAll()
        }
        #expect(try await count() == 1)
    }

    @Test(
        "how late jobs are: the oldest that waits or runs for the first time, but for so many; none of another tenant, that has failed or is not due")
    func delay() async throws {
        /// Minutes, rounded down.
        func late(but skipped: Int = 0) async throws -> Int64 {
            try await current.queue.delay(of: Note.self, tenant: tenant, but: skipped).components.seconds / 60
        }
        func put(_ name: String, minutes: Int, _ change: SQL) async throws {
            try await current.queue.enqueue(Note(text: name), tenant: tenant, key: name)
            try await current.database.execute(
                .tenant(tenant),
                "update jobs set run_at = now() - \(minutes) * interval '1 minute', \(fragment: change) where tenant_id = \(tenant) and key = \(name)"
            )
        }
        #expect(try await late() == 0)
        try await put("failed", minutes: 9, "attempt = 1")
        try await put("again", minutes: 8, "attempt = 2, state = 'running', lease_until = now()")
        try await put("to come", minutes: -7, "attempt = 0")
        #expect(try await late() == 0)
        try await put("running", minutes: 6, "attempt = 1, state = 'running', lease_until = now()")
        for minutes in 1...4 { try await put("\(minutes)", minutes: minutes, "attempt = 0") }
        #expect(try await late() == 6)
        #expect(try await late(but: 1) == 4)
        #expect(try await late(but: 4) == 1)
        #expect(try await late(but: 5) == 0)
        #expect(try await current.queue.delay(of: Note.self, tenant: .new(), but: 0) == .zero)
    }

    @Test("a job for another tenant than the transaction's is refused")
    func foreignTenant() async throws {
        let error = await #expect(throws: PostgresError.self) {
            try await current.database.transaction(.tenant(tenant)) { tx in
                try await current.queue.enqueue(Note(text: "planted"), tenant: .new(), in: tx)
            }
        }
        #expect(error?.sqlState == "42501")
    }

    @Test("a transaction across tenants may enqueue for each of them")
    func systemScope() async throws {
        try await current.database.transaction(.system) { tx in try await current.queue.enqueue(Note(text: "due"), tenant: tenant, in: tx) }
        #expect(try await count() == 1)
    }

    @Test("a payload beyond the limit is refused")
    func payloadLimit() async throws {
        let large = Note(text: String(repeating: "x", count: JobQueue.maxPayloadBytes))
        let fault = await #expect(throws: Fault.self) { try await current.queue.enqueue(large, tenant: tenant) }
        #expect(fault?.code == "jobs.payload_too_large")
        #expect(try await count() == 0)
    }

    @Test("the jobs table holds row-level security")
    func rowLevelSecurity() async throws {
        let role = try #require(URLComponents(string: current.appURL)?.user)
        try await assertRowLevelSecurity(adminURL: current.adminURL, schema: current.schema, appRole: role)
    }
}
