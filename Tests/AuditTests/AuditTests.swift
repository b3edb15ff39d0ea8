import Audit
import AuditChain
import Foundation
import Postgres
import Primitives
import TestSupport
import Testing

/// A service's acts on their way to the gateway.
@Suite(.database(Ledger.schema)) struct AuditOutboxTests {
    private let outbox = AuditOutbox(database: TestDatabase.current.database)
    private let database = TestDatabase.current.database

    private func call(_ action: String = "account.opened") -> AuditedCall {
        AuditedCall(action: action, actor: "key_1", requestID: "req_1", address: "192.0.2.7")
    }

    private func pending(of tenant: ID<Tenant>) async throws -> [PendingAuditNote] {
        try await outbox.list().filter { $0.tenant == tenant }
    }

    @Test("an entry becomes true with its act, and says who, what, where and for which request")
    func commits() async throws {
        let tenant = ID<Tenant>.new()
        let audited = call()
        try await AuditedCall.$current.withValue(audited) {
            try await database.transaction(.tenant(tenant)) { tx in
                try await tx.audit("acc_1", project: "prj_1", details: ["name": "Savings"])
            }
        }
        #expect(audited.isSettled)
        let notes = try await pending(of: tenant)
        #expect(
            notes.map(\.note) == [
                AuditNote(
                    action: "account.opened", actor: "key_1", subject: "acc_1", project: "prj_1", details: ["name": "Savings"], requestID: "req_1",
                    address: "192.0.2.7")
            ])
        #expect(abs(try #require(notes.first).at.timeIntervalSinceNow) < 60)
    }

    @Test("an act that is rolled back leaves no entry")
    func rollsBack() async throws {
        struct Refused: Error {}
        let tenant = ID<Tenant>.new()
        await #expect(throws: Refused.self) {
            try await AuditedCall.$current.withValue(call()) {
                try await database.transaction(.tenant(tenant)) { tx in
                    try await tx.audit("acc_1")
                    throw Refused()
                }
            }
        }
        let notes = try await pending(of: tenant)
        #expect(notes.isEmpty)
    }

    @Test("outside of an audited call nothing is written: workers use the same stores")
    func workers() async throws {
        let tenant = ID<Tenant>.new()
        try await database.transaction(.tenant(tenant)) { tx in try await tx.audit("acc_1") }
        let notes = try await pending(of: tenant)
        #expect(notes.isEmpty)
    }

    @Test("notes stay until they are acknowledged, and acknowledging twice is the same as once")
    func acknowledging() async throws {
        let tenant = ID<Tenant>.new()
        try await database.transaction(.tenant(tenant)) { tx in
            for number in 1...3 { try await tx.audit(AuditNote(action: "account.opened", actor: "job", subject: "acc_\(number)")) }
        }
        let first = try await pending(of: tenant)
        #expect(first.map(\.note.subject) == ["acc_1", "acc_2", "acc_3"])
        let again = try await pending(of: tenant)
        #expect(again.map(\.id) == first.map(\.id))
        for _ in 1...2 { try await outbox.acknowledge(first.prefix(2).map { ($0.tenant, $0.id) }) }
        let rest = try await pending(of: tenant)
        #expect(rest.map(\.note.subject) == ["acc_3"])
    }

    @Test("the service's role cannot change what was written")
    func immutable() async throws {
        let tenant = ID<Tenant>.new()
        try await database.transaction(.tenant(tenant)) { tx in
            try await tx.audit(AuditNote(action: "account.opened", actor: "job", subject: "acc_1"))
        }
        let error = await #expect(throws: PostgresError.self) {
            try await database.execute(.system, "update audit_outbox set subject = 'acc_2'")
        }
        #expect(error?.sqlState == "42501")
        let deleted = try await database.execute(.tenant(tenant), "delete from audit_outbox")
        #expect(deleted == 0)
    }

    @Test("no request can make an entry large, nor break it")
    func bounds() async throws {
        let tenant = ID<Tenant>.new()
        let details = Dictionary(uniqueKeysWithValues: (0..<100).map { ("key\($0)", String(repeating: "é\0", count: 5000)) })
        try await database.transaction(.tenant(tenant)) { tx in
            try await tx.audit(AuditNote(action: "account.opened", actor: "job", subject: String(repeating: "x", count: 100_000), details: details))
        }
        let note = try #require(try await pending(of: tenant).first).note
        #expect(note.subject.utf8.count == AuditNote.maxText)
        #expect(note.details.count == AuditNote.maxDetails)
        #expect(note.details.values.allSatisfy { $0.utf8.count <= AuditNote.maxText + 3 && !$0.contains("\0") })
    }

    @Test("its table keeps organizations apart")
    func isolation() async throws {
        let current = TestDatabase.current
        try await assertRowLevelSecurity(adminURL: current.adminURL, schema: current.schema)
    }
}

/// A service with nothing but the tables that every service has.
enum Ledger {
    static let schema = Schema(name: "ledger", files: [])
}
