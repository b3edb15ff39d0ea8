import Audit
import AuditChain
import Foundation
import Jobs
import Postgres
import Primitives
import Synchronization
import TestSupport
import Testing

@testable import GatewayService

/// Invariant I6: the chain verifies from its beginning to its head, and says so when it does not.
@Suite("The audit chain", .serialized, .database(GatewayProgram.schema))
struct AuditStoreTests {
    private let database = TestDatabase.current.database
    private let store: AuditStore
    private let verify: VerifyAudit
    private let tenant = ID<Tenant>.new()

    init() throws {
        store = AuditStore(database: database, signer: try AuditSigner(secret: Data(repeating: 1, count: 32)))
        verify = VerifyAudit(store: store, security: SecurityLog(jobs: JobQueue(database: database), logger: .silent), logger: .silent)
    }

    private func notes(_ count: Int) -> [PendingAuditNote] {
        (0..<count).map { number in
            PendingAuditNote(
                tenant: tenant, id: .new(), at: Date(),
                note: AuditNote(
                    action: "project.created", actor: "key_1", subject: "prj_\(number)", project: "prj_\(number)", details: ["name": "n \(number)"],
                    requestID: "req_\(number)", address: "192.0.2.1"))
        }
    }

    private func finding() async throws -> AuditVerifier.Finding? { try await verify.verify(tenant).finding }

    /// As the database's owner, whom no policy and no grant holds back.
    private func tamper(_ statements: SQL...) async throws {
        try await TestDatabase.current.administer { admin in
            try await admin.transaction(.system) { tx in for statement in statements { try await tx.execute(statement) } }
        }
    }

    @Test("numbers have no gaps, however many append the same notes at once, and nothing is doubled")
    func exactlyOnce() async throws {
        let all = notes(120)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for start in 0..<4 {
                group.addTask {
                    // Overlapping stretches in another order for each, as two gateways and a killed collector would have them.
                    for offset in [0, 40, 80, 20, 60] {
                        let from = (offset + start * 10) % 120
                        try await store.append(Array(all[from..<min(from + 40, 120)]), from: "projects")
                    }
                    try await store.append(all, from: "projects")
                }
            }
            try await group.waitForAll()
        }
        let links = try await store.links(after: 0, limit: 1000, tenant: tenant)
        #expect(links.map(\.entry.number) == Array(1...120))
        #expect(Set(links.map(\.entry.id)).count == 120)
        let (found, number) = try await verify.verify(tenant)
        #expect(found == nil && number == 120)
    }

    @Test("a collector that dies before it acknowledges loses nothing and doubles nothing")
    func killedCollector() async throws {
        struct Killed: Error {}
        let outbox = AuditOutbox(database: database)
        try await database.transaction(.tenant(tenant)) { tx in
            for number in 1...5 { try await tx.audit(AuditNote(action: "key.created", actor: "key_1", subject: "key_\(number)")) }
        }
        let dying = CollectAudit(
            "gateway", list: { [tenant] after in try await outbox.list(after: after).filter { $0.tenant == tenant } },
            acknowledge: { _ in throw Killed() },
            into: store, logger: .silent)
        await #expect(throws: Killed.self) { try await dying.collect() }
        let living = CollectAudit(own: outbox, into: store, logger: .silent)
        for _ in 1...2 { try await living.collect() }
        let links = try await store.links(after: 0, limit: 100, tenant: tenant)
        #expect(links.map(\.entry.subject) == (1...5).map { "key_\($0)" })
        let left = try await outbox.list().filter { $0.tenant == tenant }
        #expect(left.isEmpty)
    }

    @Test("an edit by the database's owner is found at its entry", arguments: ["actor", "subject", "details", "at", "hash"])
    func edit(column: String) async throws {
        try await store.append(notes(30), from: "projects")
        switch column {
        case "actor": try await tamper("update audit_entries set actor = 'key_2' where tenant_id = \(tenant) and number = 17")
        case "subject": try await tamper("update audit_entries set subject = 'prj_x' where tenant_id = \(tenant) and number = 17")
        case "details": try await tamper("update audit_entries set details = '{}' where tenant_id = \(tenant) and number = 17")
        case "at": try await tamper("update audit_entries set at = at - interval '1 hour' where tenant_id = \(tenant) and number = 17")
        default: try await tamper("update audit_entries set hash = decode(repeat('ab', 32), 'hex') where tenant_id = \(tenant) and number = 17")
        }
        let found = try await finding()
        #expect(found?.kind == .edited && found?.number == 17)
    }

    @Test("a deletion is found, with a gap and with the rest moved up")
    func deletion() async throws {
        try await store.append(notes(30), from: "projects")
        try await tamper("delete from audit_entries where tenant_id = \(tenant) and number = 9")
        let gap = try await finding()
        #expect(gap?.kind == .gap && gap?.number == 9)
        try await tamper(
            "update audit_entries set number = -number where tenant_id = \(tenant) and number > 9",
            "update audit_entries set number = -number - 1 where tenant_id = \(tenant) and number < 0",
            "update audit_heads set number = 29 where tenant_id = \(tenant)")
        let moved = try await finding()
        #expect(moved?.kind == .edited && moved?.number == 9)
    }

    @Test("two entries that changed places are found")
    func reordering() async throws {
        try await store.append(notes(30), from: "projects")
        try await tamper(
            "update audit_entries set number = -3 where tenant_id = \(tenant) and number = 3",
            "update audit_entries set number = 3 where tenant_id = \(tenant) and number = 4",
            "update audit_entries set number = 4 where tenant_id = \(tenant) and number = -3")
        let found = try await finding()
        #expect(found?.kind == .edited && found?.number == 3)
    }

    @Test("entries cut off the end are missed, also when the head was set back, because a checkpoint knows more")
    func truncation() async throws {
        try await store.append(notes(1000), from: "projects")
        try await tamper("delete from audit_entries where tenant_id = \(tenant) and number > 900")
        let missed = try await finding()
        #expect(missed?.kind == .truncated && missed?.number == 901)
        try await tamper(
            """
            update audit_heads set number = 900, hash = (select hash from audit_entries where tenant_id = \(tenant) and number = 900)
            where tenant_id = \(tenant)
            """)
        let setBack = try await finding()
        #expect(setBack?.kind == .truncated && setBack?.number == 901)
    }

    @Test("a chain that was computed anew contradicts its checkpoints, and cannot be signed without our key")
    func rewritten() async throws {
        try await store.append(notes(1000), from: "projects")
        let original = try await store.links(after: 0, limit: 1000, tenant: tenant)
        var hash = AuditHash.genesis
        var hashes: [Data] = []
        for link in original {
            var entry = link.entry
            if entry.number == 500 { entry.actor = "key_2" }
            hash = entry.hash(after: hash)
            hashes.append(hash.data)
        }
        try await tamper(
            "update audit_entries set actor = 'key_2' where tenant_id = \(tenant) and number = 500",
            """
            update audit_entries e set hash = n.hash from unnest(\(Array(1...Int64(1000))), \(hashes)) as n (number, hash)
            where e.tenant_id = \(tenant) and e.number = n.number
            """,
            "update audit_heads set hash = \(hash.data) where tenant_id = \(tenant)")
        let contradicted = try await finding()
        #expect(contradicted?.kind == .checkpoint && contradicted?.number == 1000)
        let at = AuditEntry.rounded(Date())
        let forged = try AuditSigner(secret: Data(repeating: 2, count: 32)).checkpoint(
            organization: tenant.description, number: 1000, hash: hash, at: at)
        try await tamper(
            """
            update audit_checkpoints
            set hash = \(hash.data), at = \(at), public_key = \(forged.publicKey), signature = \(forged.signature)
            where tenant_id = \(tenant)
            """)
        let unsigned = try await finding()
        #expect(unsigned?.kind == .signature)
    }

    @Test("a checkpoint is made every thousand entries, every hour, and when the key has changed")
    func checkpoints() async throws {
        try await store.append(notes(999), from: "projects")
        var newest = try await store.newestCheckpoint(of: tenant)
        #expect(newest == nil)
        try await store.append(notes(1), from: "projects")
        newest = try await store.newestCheckpoint(of: tenant)
        #expect(newest?.number == 1000 && newest?.isSigned == true)
        try await store.append(notes(3), from: "projects")
        try await store.signDue()
        newest = try await store.newestCheckpoint(of: tenant)
        #expect(newest?.number == 1000)
        try await tamper("update audit_heads set checkpoint_at = now() - interval '61 minutes' where tenant_id = \(tenant)")
        try await store.signDue()
        newest = try await store.newestCheckpoint(of: tenant)
        #expect(newest?.number == 1003)
        let next = AuditStore(database: database, signer: try AuditSigner(secret: Data(repeating: 3, count: 32)))
        try await next.signDue()
        newest = try await store.newestCheckpoint(of: tenant)
        #expect(newest?.number == 1003 && newest?.publicKey == next.signer.publicKey)
        let events = try await TestDatabase.current.administer { admin in
            try await admin.one(
                .system, "select count(*) as count from jobs where tenant_id = \(tenant) and payload ->> 'type' = 'audit.checkpoint'"
            ) { try $0.value("count", as: Int64.self) }
        }
        #expect(events == 3)
    }

    @Test("the gateway's own role can neither change nor delete what is in the chain")
    func insertOnly() async throws {
        try await store.append(notes(3), from: "projects")
        let statements: [SQL] = [
            "update audit_entries set actor = 'key_2'", "delete from audit_entries", "truncate audit_entries",
            "update audit_checkpoints set number = 1", "delete from audit_checkpoints", "truncate audit_checkpoints",
        ]
        for scope in [Scope.tenant(tenant), .system] {
            for statement in statements {
                let error = await #expect(throws: PostgresError.self) { try await database.execute(scope, statement) }
                #expect(error?.sqlState == "42501")
            }
        }
        let found = try await finding()
        #expect(found == nil)
    }

    @Test("a broken chain is found by the nightly round, and told to whoever guards the organization")
    func nightly() async throws {
        try await store.append(notes(5), from: "projects")
        try await tamper("update audit_entries set actor = 'key_2' where tenant_id = \(tenant) and number = 2")
        let security = SecurityLog(jobs: JobQueue(database: database), logger: .silent)
        try await VerifyAudit(store: store, security: security, logger: .silent).round()
        try await security.flush()
        let (finding, told) = try await TestDatabase.current.administer { admin in
            (
                try await admin.one(.system, "select finding from audit_heads where tenant_id = \(tenant)") {
                    try $0.value("finding", as: String?.self)
                },
                try await admin.one(
                    .system, "select count(*) as count from jobs where tenant_id = \(tenant) and payload ->> 'type' = 'security.audit_broken'"
                ) { try $0.value("count", as: Int64.self) }
            )
        }
        #expect(finding?.hasPrefix("edited at entry 2") == true)
        #expect(told == 1)
        let again = try await store.claimForVerification()
        #expect(!again.contains(tenant))
    }
}
