import Crypto
import Foundation
import Primitives
import Testing

@testable import ServiceKit

@Suite struct CallerTokenTests {
    static let now = Date(timeIntervalSince1970: 1_800_000_000)
    static let key = SymmetricKey(data: Data(repeating: 7, count: 32))
    static let projects: Set<UUID> = [UUID(), UUID(), UUID()]

    static let identity = CallerIdentity(
        tenant: ID(uuid: UUID()), actor: "key_1", permissions: ["runs.read", "runs.trigger"], projects: projects)

    static func token(expires: TimeInterval = 120, audience: String = "execution") throws -> String {
        try CallerToken(identity, issuer: "gateway", audience: audience, expires: now + expires).signed(with: key)
    }

    @Test("a token says who calls, from where, and what they may do")
    func roundTrip() throws {
        let token = try CallerToken(try Self.token(), audience: "execution", keys: [Self.key], now: Self.now)
        let identity = try token.identity()
        #expect(token.issuer == "gateway")
        #expect(identity.tenant == Self.identity.tenant && identity.actor == "key_1")
        #expect(identity.permissions == ["runs.read", "runs.trigger"] && identity.projects == Self.projects)
    }

    @Test("a token says whose key calls, and who acts in somebody's place: the persons behind it")
    func persons() throws {
        func persons(_ actor: String, owner: String? = nil, impersonator: String? = nil) throws -> Set<String> {
            let identity = CallerIdentity(tenant: Self.identity.tenant, actor: actor, permissions: [], impersonator: impersonator, owner: owner)
            let text = try CallerToken(identity, issuer: "gateway", audience: "execution", expires: Self.now + 60).signed(with: Self.key)
            return Caller(identity: try CallerToken(text, audience: "execution", keys: [Self.key], now: Self.now).identity()).persons
        }
        #expect(try persons("usr_1") == ["usr_1"] && persons("key_1", owner: "usr_1") == ["usr_1"] && persons("key_1") == [])
        #expect(try persons("usr_1", impersonator: "usr_2") == ["usr_1", "usr_2"] && persons("service:execution") == [])
    }

    @Test("no projects at all and all projects are told apart", arguments: [nil, Set<UUID>()])
    func projects(projects: Set<UUID>?) throws {
        let identity = CallerIdentity(tenant: Self.identity.tenant, actor: "usr_1", permissions: [], projects: projects)
        let text = try CallerToken(identity, issuer: "gateway", audience: "projects", expires: Self.now + 60).signed(with: Self.key)
        #expect(try CallerToken(text, audience: "projects", keys: [Self.key], now: Self.now).identity().projects == projects)
    }

    @Test("a token says in which lane its caller is, and one of a lane that nobody knows is not believed", arguments: Lane.allCases)
    func lanes(lane: Lane) throws {
        let identity = CallerIdentity(tenant: Self.identity.tenant, actor: "upt_1", permissions: ["results.write"], lane: lane)
        let text = try CallerToken(identity, issuer: "gateway", audience: "execution", expires: Self.now + 60).signed(with: Self.key)
        let read = try CallerToken(text, audience: "execution", keys: [Self.key], now: Self.now)
        #expect(try read.identity().lane == lane)
        #expect(identity.adding("runs.read", wherever: "results.write").lane == lane)
        let fields = try JSONEncoder().encode(read)
        var object = try #require(try JSONSerialization.jsonObject(with: fields) as? [String: Any])
        object["lan"] = "fast"
        let odd = try JSONDecoder().decode(CallerToken.self, from: JSONSerialization.data(withJSONObject: object))
        #expect(throws: CallerToken.Refusal.malformed) { try odd.identity() }
    }

    /// One way in which a token is not to be believed.
    struct Bad: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let token: @Sendable () throws -> String
        let reason: CallerToken.Refusal

        init(_ why: String, _ reason: CallerToken.Refusal, _ token: @escaping @Sendable () throws -> String) {
            testDescription = why
            self.reason = reason
            self.token = token
        }
    }

    static let bad: [Bad] = [
        Bad("it is expired", .expired) { try token(expires: -1) },
        Bad("it expires this very moment", .expired) { try token(expires: 0) },
        Bad("it claims to live longer than tokens do", .lifetime) { try token(expires: 151) },
        Bad("it is meant for another service", .audience) { try token(audience: "projects") },
        Bad("its payload was changed", .signature) { try tampered() },
        Bad("its signature was changed", .signature) { try String(token().dropLast(3)) + "AAA" },
        Bad("it has no signature", .malformed) { try String(token().split(separator: ".")[0]) },
        Bad("its signature is empty", .signature) { try String(token().split(separator: ".")[0]) + "." },
        Bad("it has three parts", .malformed) { try token() + ".AAAA" },
        Bad("it is not base64url", .malformed) { "a+b.c/d" },
        Bad("it is empty", .malformed) { "" },
        Bad("it is too long", .tooLong) { String(repeating: "A", count: CallerToken.maxLength + 1) },
        Bad("it was signed with another key", .signature) { try foreign() },
    ]

    @Test("a token is refused when", arguments: bad)
    func refused(bad: Bad) throws {
        let text = try bad.token()
        #expect(throws: bad.reason) { try CallerToken(text, audience: "execution", keys: [Self.key], now: Self.now) }
    }

    private static func tampered() throws -> String {
        let parts = try token().split(separator: ".")
        let payload = String(decoding: try #require(Base64URL.data(parts[0])), as: UTF8.self)
        let forged = payload.replacingOccurrences(of: "runs.read", with: "keys.admin")
        #expect(forged != payload)
        return Base64URL.text(Data(forged.utf8)) + "." + parts[1]
    }

    private static func foreign() throws -> String {
        try CallerToken(identity, issuer: "gateway", audience: "execution", expires: now + 60)
            .signed(with: SymmetricKey(data: Data(repeating: 8, count: 32)))
    }

    @Test("permissions that do not fit into a token are a fault of ours, not a truncated token")
    func tooLarge() {
        let many = CallerIdentity(
            tenant: Self.identity.tenant, actor: "usr_1", permissions: [], projects: Set((0..<1000).map { _ in UUID() }))
        #expect(throws: Fault.tokenUnsignable) {
            try CallerToken(many, issuer: "gateway", audience: "execution", expires: Self.now).signed(with: Self.key)
        }
    }

    @Test("a token is signed once and used until half of its life is over")
    func signedOnce() throws {
        let keys = CallerKeys(service: "gateway", key: Secret(Data(repeating: 7, count: 32)))
        let identity = CallerIdentity(tenant: Self.identity.tenant, actor: "key_2", permissions: [])
        let first = try keys.token(for: identity, audience: "execution", now: Self.now)
        #expect(try keys.token(for: identity, audience: "execution", now: Self.now + 59) == first)
        #expect(try keys.token(for: identity, audience: "projects", now: Self.now) != first)
        #expect(try keys.token(for: identity, audience: "execution", now: Self.now + 61) != first)
    }

    @Test("a verified token is remembered as long as it is valid, not longer")
    func verifiedOnce() throws {
        let keys = CallerKeys(service: "execution", key: Secret(Data(repeating: 7, count: 32)))
        let text = try Self.token()
        let first = try keys.verify(text, now: Self.now)
        #expect(try keys.verify(text, now: Self.now + 119).identity === first.identity)
        #expect(throws: CallerToken.Refusal.expired) { try keys.verify(text, now: Self.now + 120) }
    }

    @Test("during a rotation tokens under the previous key are accepted, none are made")
    func rotation() throws {
        let old = Secret(Data(repeating: 7, count: 32))
        let new = Secret(Data(repeating: 9, count: 32))
        let rotating = CallerKeys(service: "execution", key: new, previous: old)
        #expect(try rotating.verify(Self.token(), now: Self.now).issuer == "gateway")
        let text = try rotating.token(for: Self.identity, audience: "projects", now: Self.now)
        let behind = CallerKeys(service: "projects", key: old)
        #expect(throws: CallerToken.Refusal.signature) { try behind.verify(text, now: Self.now) }
    }

    @Test("a cache holds at most two generations and keeps what is used")
    func recent() {
        let cache = RecentCache<Int, Int>(capacity: 10)
        for key in 0..<1000 {
            cache.insert(key, for: key)
            #expect(cache[0] == 0)
            #expect(cache.count <= 20)
        }
        #expect(cache[1] == nil && cache[999] == 999)
    }
}
