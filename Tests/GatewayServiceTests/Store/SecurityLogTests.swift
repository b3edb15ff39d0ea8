import Foundation
import Jobs
import Postgres
import Primitives
import TestSupport
import Testing

@testable import GatewayService

@Suite("The security log", .database(GatewayProgram.schema))
struct SecurityLogTests {
    private let database = TestDatabase.current.database

    private func told(_ tenant: ID<Tenant>, in database: Database) async throws -> [String] {
        try await database.rows(.tenant(tenant), "select payload ->> 'type' as type from jobs where tenant_id = \(tenant) order by id") {
            try $0.value("type", as: String.self)
        }
    }

    @Test("ten thousand refusals from a thousand addresses are twenty jobs, and later one number")
    func flood() async throws {
        let log = SecurityLog(jobs: JobQueue(database: database), logger: .silent)
        let tenant = ID<Tenant>.new()
        let start = Date()
        for number in 0..<10_000 {
            log.record(.permissionRefused("auth.scope_missing", tenant: tenant, actor: "key_1", from: "192.0.2.\(number % 1000)"), now: start)
        }
        try await log.flush(now: start)
        let first = try await told(tenant, in: database)
        #expect(first.count == SecurityDamper.maxPerTenant)
        try await log.flush(now: start + 61)
        let later = try await told(tenant, in: database)
        #expect(later.count == SecurityDamper.maxPerTenant + 1)
        #expect(later.last == "security.events_suppressed")
    }

    @Test("a fact is told with the transaction that makes it true, or not at all")
    func facts() async throws {
        struct Refused: Error {}
        let log = SecurityLog(jobs: JobQueue(database: database), logger: .silent)
        let tenant = ID<Tenant>.new()
        let event = SecurityEvent.keyRevoked(.new(), tenant: tenant, by: "key_1", from: "192.0.2.1")
        await #expect(throws: Refused.self) {
            try await database.transaction(.tenant(tenant)) { tx in
                try await log.record(event, in: tx)
                throw Refused()
            }
        }
        var types = try await told(tenant, in: database)
        #expect(types.isEmpty)
        try await database.transaction(.tenant(tenant)) { tx in try await log.record(event, in: tx) }
        types = try await told(tenant, in: database)
        #expect(types == ["key.revoked"])
    }

    @Test("what the database does not take waits, and is told once it does")
    func outage() async throws {
        let gone = try TestDatabase.current.pool()
        gone.close()
        let log = SecurityLog(jobs: JobQueue(database: gone), logger: .silent)
        let tenant = ID<Tenant>.new()
        log.record(.signInFailed("usr_1", tenant: tenant, from: "192.0.2.1", reason: "password"))
        for _ in 1...3 { await #expect(throws: Fault.self) { try await log.flush() } }
        let waiting = log.waitingReports
        #expect(waiting == 1)
    }

    @Test("an event that is nobody's is counted, and told to nobody")
    func nobodys() async throws {
        let log = SecurityLog(jobs: JobQueue(database: database), logger: .silent)
        log.record(.signInFailed("unknown", tenant: nil, from: "192.0.2.1", reason: "key"))
        try await log.flush()
        #expect(log.waitingReports == 0)
    }
}
