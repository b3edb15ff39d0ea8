import Foundation
import Postgres
import Primitives
import ServiceKit
import TestSupport
import Testing

@testable import GatewayService

@Suite("Gateway stores", .database(GatewayProgram.schema))
struct StoreTests {
    private let database = TestDatabase.current.database
    private var keys: KeyStore { KeyStore(database: database) }
    private var sessions: SessionStore { SessionStore(database: database) }
    private var requests: IdempotencyStore { IdempotencyStore(database: database) }

    @Test("every table is behind row-level security")
    func rowLevelSecurity() async throws {
        // People belong to no tenant, and neither does how they sign in.
        let shared: Set = ["people", "recovery_codes", "mailed_links", "sign_in_failures", "known_devices", "signing_keys"]
        try await assertRowLevelSecurity(adminURL: TestDatabase.current.adminURL, schema: "gateway", shared: shared)
    }

    @Test("a key is found by its digest until it is revoked, and its use is stamped")
    func key() async throws {
        let tenant = try await GatewayStand.makeTenant(database)
        let project = UUID()
        let text = try await GatewayStand.makeKey(keys, tenant: tenant, scopes: [.resultsRead], projects: [project])
        let identity = try #require(try await keys.identity(SecretDigest(text), usedFrom: "203.0.113.9"))
        #expect(identity.tenant == tenant && identity.permissions == KeyScope.resultsRead.permissions && identity.projects == [project])
        let listed = try await keys.list(PageRequest(limit: 10, cursor: ""), tenant: tenant)
        #expect(listed.items.count == 1)
        let used = try #require(listed.items.first?.lastUsedAt)
        #expect(abs(used.timeIntervalSinceNow) < 30)
        _ = try await keys.identity(SecretDigest(text), usedFrom: "203.0.113.10")
        #expect(try await keys.list(PageRequest(limit: 10, cursor: ""), tenant: tenant).items.first?.lastUsedAt == used)
        let key = try #require(listed.items.first?.id)
        #expect(identity.actor == .key(key))
        try await keys.revoke(key, tenant: tenant)
        try await keys.revoke(key, tenant: tenant)
        #expect(try await keys.identity(SecretDigest(text), usedFrom: "") == nil)
    }

    @Test("a key is that of the person who made it, and one that it made is theirs too; the first of an organization is nobody's")
    func owners() async throws {
        let tenant = try await GatewayStand.makeTenant(database)
        let person = ID<User>.new()
        try await TestDatabase.current.administer { admin in
            try await admin.execute(.system, "insert into people (id, email, name) values (\(person), \("\(person)@example.com"), 'P')")
            try await admin.execute(.system, "insert into users (tenant_id, id, name, role) values (\(tenant), \(person), 'P', 'admin')")
        }
        func make(by maker: String) async throws -> (id: ID<Key>, owner: ID<User>?) {
            var random = SystemRandomNumberGenerator()
            let text = KeyText.make(.service, using: &random)
            let key = try NewKey(
                name: "k", kind: .service, scopes: [.resultsRead], projects: [], expiresAt: nil, maker: KeyScope.orgAdmin.permissions,
                makerProjects: nil, now: Date())
            let made = try await keys.insert(key, text: text, tenant: tenant, maker: maker, idempotencyKey: nil)
            let identity = try #require(try await keys.identity(SecretDigest(text.secret.reveal()), usedFrom: ""))
            #expect(Principal(identity).caller.owner == identity.owner?.description)
            return (made.id, identity.owner)
        }
        let own = try await make(by: person.description)
        #expect(own.owner == person)
        #expect(try await make(by: own.id.description).owner == person)
        #expect(try await make(by: "").owner == nil)
    }

    @Test("an expired key is unknown")
    func expired() async throws {
        let tenant = try await GatewayStand.makeTenant(database)
        let text = try await GatewayStand.makeKey(keys, tenant: tenant, scopes: [.resultsRead], expiresAt: Date() + 60)
        #expect(try await keys.identity(SecretDigest(text), usedFrom: "") != nil)
        try await database.execute(.tenant(tenant), "update api_keys set expires_at = now() - interval '1 second' where tenant_id = \(tenant)")
        #expect(try await keys.identity(SecretDigest(text), usedFrom: "") == nil)
    }

    @Test("another tenant's key is neither listed nor revoked")
    func foreignKey() async throws {
        let tenant = try await GatewayStand.makeTenant(database)
        let other = try await GatewayStand.makeTenant(database)
        let text = try await GatewayStand.makeKey(keys, tenant: tenant, scopes: [.resultsRead])
        let key = try #require(try await keys.list(PageRequest(limit: 1, cursor: ""), tenant: tenant).items.first).id
        await #expect(throws: Fault.notFound("key", key)) { try await keys.revoke(key, tenant: other) }
        #expect(try await keys.list(PageRequest(limit: 10, cursor: ""), tenant: other).items.isEmpty)
        #expect(try await keys.identity(SecretDigest(text), usedFrom: "") != nil)
    }

    @Test("pages of keys follow each other without gaps")
    func pages() async throws {
        let tenant = try await GatewayStand.makeTenant(database)
        for _ in 0..<5 { _ = try await GatewayStand.makeKey(keys, tenant: tenant, scopes: [.resultsRead]) }
        var seen: [ID<Key>] = []
        var cursor = ""
        repeat {
            let page = try await keys.list(PageRequest(limit: 2, cursor: cursor), tenant: tenant)
            seen += page.items.map(\.id)
            cursor = page.next ?? ""
        } while !cursor.isEmpty
        #expect(seen.count == 5 && seen == seen.sorted(by: >))
    }

    @Test("a session speaks for its key, and ends with idleness, age, sign-out and the key")
    func session() async throws {
        let tenant = try await GatewayStand.makeTenant(database)
        _ = try await GatewayStand.makeKey(keys, tenant: tenant, scopes: [.orgAdmin])
        let key = try #require(try await keys.list(PageRequest(limit: 1, cursor: ""), tenant: tenant).items.first).id
        func begin() async throws -> SecretDigest {
            let digest = SecretDigest(SessionCookie.newToken())
            try await sessions.insert(digest, key: key, tenant: tenant)
            #expect(try await actor(digest) == .key(key))
            return digest
        }
        let out = try await begin()
        try await sessions.delete(out)
        #expect(try await actor(out) == nil)
        let idle = try await begin()
        try await database.execute(.tenant(tenant), "update sessions set seen_at = now() - interval '13 hours' where digest = \(idle.data)")
        #expect(try await actor(idle) == nil)
        let old = try await begin()
        try await database.execute(.tenant(tenant), "update sessions set expires_at = now() - interval '1 second' where digest = \(old.data)")
        #expect(try await actor(old) == nil)
        try await sessions.sweep()
        let orphan = try await begin()
        try await keys.revoke(key, tenant: tenant)
        #expect(try await actor(orphan) == nil)
    }

    private func request(_ tenant: ID<Tenant>, fingerprint: UInt8 = 1) -> IdempotencyStore.Request {
        .init(tenant: tenant, principal: "key_1", route: "POST /x", key: "k", fingerprint: Data(repeating: fingerprint, count: 32))
    }

    private func claimed(_ claim: IdempotencyStore.Claim) throws -> (epoch: Int64, forwarded: UUID) {
        guard case .claimed(let epoch, let forwarded) = claim else { throw Fault(.internal, "test", "not claimed") }
        return (epoch, forwarded)
    }

    @Test("of fifty claims at once one wins")
    func claims() async throws {
        let tenant = ID<Tenant>.new()
        let won = try await withThrowingTaskGroup(of: Bool.self) { group in
            for _ in 0..<50 {
                group.addTask {
                    do {
                        _ = try await requests.claim(request(tenant))
                        return true
                    } catch let fault as Fault {
                        #expect(fault.code == "idempotency.running")
                        return false
                    }
                }
            }
            return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(won == 1)
    }

    @Test("a finished request is answered again, another payload is refused, another tenant has keys of its own")
    func replay() async throws {
        let tenant = ID<Tenant>.new()
        let first = try claimed(try await requests.claim(request(tenant)))
        try await requests.finish(request(tenant), epoch: first.epoch, status: 201, body: Data("x".utf8))
        guard case .done(201, let body) = try await requests.claim(request(tenant)) else {
            Issue.record("not replayed")
            return
        }
        #expect(body == Data("x".utf8))
        await #expect(throws: Fault.idempotencyMismatch) { try await requests.claim(request(tenant, fingerprint: 2)) }
        _ = try claimed(try await requests.claim(request(.new())))
    }

    @Test("a claim whose owner went silent is taken over with the same forwarded key, and the late owner stores nothing")
    func takeOver() async throws {
        let tenant = ID<Tenant>.new()
        let first = try claimed(try await requests.claim(request(tenant)))
        try await database.execute(
            .tenant(tenant), "update idempotency_keys set lease_until = now() - interval '1 second' where tenant_id = \(tenant)")
        let second = try claimed(try await requests.claim(request(tenant)))
        #expect(second.forwarded == first.forwarded && second.epoch > first.epoch)
        try await requests.finish(request(tenant), epoch: first.epoch, status: 500, body: Data())
        await #expect(throws: Fault.idempotencyRunning) { try await requests.claim(request(tenant)) }
        try await requests.release(request(tenant), epoch: second.epoch)
        #expect(try claimed(try await requests.claim(request(tenant))).forwarded == first.forwarded)
    }

    @Test("answers are kept for seven days, or as many as are set", arguments: [nil, 2])
    func kept(days: Int?) async throws {
        let tenant = ID<Tenant>.new()
        let store = days.map { IdempotencyStore(database: database, days: $0) } ?? requests
        _ = try await store.claim(request(tenant))
        let left = try await database.one(
            .tenant(tenant), "select extract(epoch from expires_at - now())::bigint as left from idempotency_keys where tenant_id = \(tenant)"
        ) { try $0.value("left", as: Int64.self) }
        #expect((Int64(days ?? 7) * 86_400 - 60...Int64(days ?? 7) * 86_400).contains(left))
    }

    @Test("one sweep forgets more than one statement may")
    func bigSweep() async throws {
        let tenant = ID<Tenant>.new()
        try await database.execute(
            .tenant(tenant),
            """
            insert into idempotency_keys (tenant_id, principal, route, key, fingerprint, forwarded, state, lease_until, expires_at)
            select \(tenant), 'key_1', 'POST /x', n::text, '', gen_random_uuid(), 'done', now(), now() - interval '1 minute'
            from generate_series(1, 2500) n
            """)
        try await requests.sweep()
        let left = try await database.one(.tenant(tenant), "select count(*) as left from idempotency_keys where tenant_id = \(tenant)") {
            try $0.value("left", as: Int64.self)
        }
        #expect(left == 0)
    }

    @Test("after its time a key is new again, and the sweep forgets it")
    func day() async throws {
        let tenant = ID<Tenant>.new()
        let first = try claimed(try await requests.claim(request(tenant)))
        try await requests.finish(request(tenant), epoch: first.epoch, status: 201, body: Data())
        let age: SQL = "update idempotency_keys set expires_at = now() - interval '1 second' where tenant_id = \(tenant)"
        try await database.execute(.tenant(tenant), age)
        #expect(try claimed(try await requests.claim(request(tenant, fingerprint: 9))).forwarded != first.forwarded)
        try await database.execute(.tenant(tenant), age)
        try await requests.sweep()
        #expect(try await database.execute(.tenant(tenant), age) == 0)
    }

    /// Whose session it is, for sessions of keys.
    private func actor(_ digest: SecretDigest) async throws -> Actor? {
        guard case .key(let identity) = try await sessions.find(digest)?.holder else { return nil }
        return identity.actor
    }
}
