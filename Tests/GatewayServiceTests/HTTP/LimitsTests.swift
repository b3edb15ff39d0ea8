import Contract
import Foundation
import HTTPTypes
import NIOCore
import Primitives
import Testing

@testable import GatewayService

@Suite("Limits")
struct LimitsTests {
    private let limit = RateLimit(perMinute: 600, burst: 10)

    @Test("keys do not take from each other")
    func separate() {
        let buckets = Buckets()
        let one = BucketKey(.key, UUID())
        let other = BucketKey(.key, UUID())
        for _ in 0..<10 { #expect(buckets.take(1, from: one, limit: limit, now: 1).isAllowed) }
        #expect(!buckets.take(1, from: one, limit: limit, now: 1).isAllowed)
        #expect(buckets.take(1, from: other, limit: limit, now: 1).isAllowed)
        #expect(!buckets.peek(1, from: one, limit: limit, now: 1).isAllowed)
    }

    @Test("a million addresses leave no more buckets than the capacity, and the emptiest are kept")
    func bounded() {
        let buckets = Buckets(capacity: 1_600)
        let greedy = BucketKey(kind: .address, high: 0, low: 77)
        for _ in 0..<10 { _ = buckets.take(1, from: greedy, limit: limit, now: 1_000) }
        for address in 1_000..<101_000 {
            _ = buckets.take(1, from: BucketKey(kind: .address, high: 0, low: UInt64(address)), limit: limit, now: 1_000)
        }
        #expect(buckets.count <= 1_600)
        #expect(!buckets.take(1, from: greedy, limit: limit, now: 1_000).isAllowed)
    }

    @Test("takers at the same time get the burst and no more")
    func race() async {
        let buckets = Buckets()
        let key = BucketKey(.tenant, UUID())
        let granted = await withTaskGroup(of: Int.self) { group in
            for _ in 0..<8 {
                group.addTask { (0..<1_000).count { _ in buckets.take(1, from: key, limit: RateLimit(perMinute: 1, burst: 500), now: 5).isAllowed } }
            }
            return await group.reduce(0, +)
        }
        #expect(granted == 500)
    }

    @Test("the cap of a key and of a tenant both hold, and leaving makes room")
    func concurrency() {
        let concurrency = Concurrency(perKey: 2, perTenant: 3)
        let tenant = BucketKey(.tenant, UUID())
        let one = BucketKey(.key, UUID())
        let other = BucketKey(.key, UUID())
        #expect(concurrency.enter(key: one, tenant: tenant) == nil)
        #expect(concurrency.enter(key: one, tenant: tenant) == nil)
        #expect(concurrency.enter(key: one, tenant: tenant) == .key)
        #expect(concurrency.enter(key: other, tenant: tenant) == nil)
        #expect(concurrency.enter(key: other, tenant: tenant) == .tenant)
        concurrency.leave(key: one, tenant: tenant)
        #expect(concurrency.enter(key: other, tenant: tenant) == nil)
    }

    @Test(
        "anonymous callers are counted by IPv4 address and by /64",
        arguments: [
            ("203.0.113.7", "203.0.113.7", true), ("203.0.113.7", "203.0.113.8", false), ("2001:db8::1", "2001:db8::ffff", true),
            ("2001:db8:0:1::1", "2001:db8:0:2::1", false), ("::ffff:203.0.113.7", "203.0.113.7", true),
        ])
    func address(left: String, right: String, same: Bool) throws {
        let one = ClientAddress(try SocketAddress(ipAddress: left, port: 1))
        let other = ClientAddress(try SocketAddress(ipAddress: right, port: 2))
        #expect((one == other) == same)
        #expect((one.bucket == other.bucket) == same)
    }

    @Test(
        "X-Forwarded-For is believed for as long as a proxy of ours wrote it (T19)",
        arguments: [
            ("198.51.100.1", "10.0.0.1", "198.51.100.1"), ("6.6.6.6, 198.51.100.1", "10.0.0.1", "198.51.100.1"),
            ("6.6.6.6, 198.51.100.1,10.0.0.2", "10.0.0.1", "198.51.100.1"), ("198.51.100.1", "203.0.113.9", "203.0.113.9"),
            ("", "10.0.0.1", "10.0.0.1"), ("nonsense", "10.0.0.1", "10.0.0.1"), ("6.6.6.6, nonsense, 10.0.0.2", "10.0.0.1", "10.0.0.2"),
            ("2001:db8::7", "::ffff:10.0.0.1", "2001:db8::7"), ("10.0.0.3, 10.0.0.2", "10.0.0.1", "10.0.0.3"),
        ])
    func forwarded(header: String, peer: String, expected: String) throws {
        let peer = try SocketAddress(ipAddress: peer, port: 1)
        let proxies = try Network.list("10.0.0.0/8")
        #expect(ClientAddress(forwardedFor: header, proxies: proxies, peer: peer).description == expected)
    }

    private static func limiter(key: RateLimit, tenant: RateLimit, classes: [RouteClass: ClassLimit] = [:]) -> Limiter {
        Limiter(
            rates: RateTable(key: key, tenant: tenant, address: RateLimit(perMinute: 60, burst: 60), modes: LimitModes(), classes: classes),
            concurrency: Concurrency(perKey: 1, perTenant: 1))
    }

    private static func principal(of tenant: ID<Tenant> = .new()) -> Principal {
        Principal(Identity(tenant: tenant, actor: .key(.new()), permissions: [], organization: "A"))
    }

    @Test("a refusal says which limit it was, when to come back, and how much there is")
    func headers() async throws {
        let limiter = Self.limiter(key: RateLimit(perMinute: 600, burst: 100), tenant: RateLimit(perMinute: 6_000, burst: 1_000))
        let payer = Payer.principal(Self.principal())
        var fields = HTTPFields()
        try await limiter.charge(payer, cost: 5, now: 1_000_000_000).write(to: &fields, unixTime: 1_700_000_000)
        #expect(fields[.rateLimitPolicy] == #""key";q=100;w=10, "tenant";q=1000;w=10"#)
        #expect(fields[.rateLimit] == #""key";r=95;t=1"#)
        #expect(fields[.xRateLimitLimit] == "100")
        #expect(fields[.xRateLimitRemaining] == "95")
        #expect(fields[.xRateLimitReset] == "1700000001")
        var refused: RateOutcome?
        for _ in 0..<100 { refused = try await limiter.charge(payer, cost: 1, now: 1_000_000_000) }
        #expect(refused?.isAllowed == false)
        let fault = try #require(refused?.fault())
        #expect(fault.code == "rate_limited")
        #expect(try #require(fault.retryAfter) >= .milliseconds(100))
        let anonymous = try await limiter.charge(.address(.unknown), cost: 1, now: 1)
        #expect(anonymous.isAllowed)
    }

    @Test("the headers of a refusal and Retry-After name the same moment, which is not before the request would be allowed")
    func moment() async throws {
        let limiter = Self.limiter(key: RateLimit(perMinute: 6, burst: 1), tenant: RateLimit(perMinute: 6_000, burst: 1_000))
        let payer = Payer.principal(Self.principal())
        _ = try await limiter.charge(payer, cost: 1, now: 1)
        let refused = try await limiter.charge(payer, cost: 1, now: 1)
        var fields = HTTPFields()
        refused.write(to: &fields, unixTime: 100)
        let seconds = try #require(refused.fault().retryAfter).components.seconds
        #expect((10...11).contains(seconds))
        #expect(fields[.rateLimit] == #""key";r=0;t=\#(seconds)"#)
        #expect(fields[.xRateLimitReset] == "\(100 + seconds)")
    }

    @Test("a tenant's limit holds over many keys, and its refusal takes nothing from the key (T30)")
    func tenant() async throws {
        let limiter = Self.limiter(key: RateLimit(perMinute: 1, burst: 3), tenant: RateLimit(perMinute: 1, burst: 4))
        let tenant = ID<Tenant>.new()
        let (one, other) = (Payer.principal(Self.principal(of: tenant)), Payer.principal(Self.principal(of: tenant)))
        for _ in 0..<3 {
            let outcome = try await limiter.charge(one, cost: 1, now: 1)
            #expect(outcome.isAllowed)
        }
        let last = try await limiter.charge(other, cost: 1, now: 1)
        #expect(last.isAllowed && last.name == "tenant")
        for _ in 0..<5 {
            let refused = try await limiter.charge(other, cost: 1, now: 1)
            #expect(!refused.isAllowed && refused.name == "tenant")
        }
        // Two points are left to the key: only what was served was taken.
        let later: Int64 = 120_000_000_001
        let served = try await limiter.charge(other, cost: 1, now: later)
        #expect(served.isAllowed)
        #expect(served.decision.remaining == 1)
    }

    @Test("a class of routes uses up its share and leaves the rest to the others", arguments: [LimitMode.enforce, .shadow, .off])
    func classes(mode: LimitMode) async throws {
        let limiter = Self.limiter(
            key: RateLimit(perMinute: 1, burst: 10), tenant: RateLimit(perMinute: 1, burst: 100),
            classes: [.export: ClassLimit(percent: 20, mode: mode), .read: ClassLimit(percent: 100)])
        let payer = Payer.principal(Self.principal())
        for _ in 0..<2 {
            let outcome = try await limiter.charge(payer, cost: 1, routeClass: .export, now: 1)
            #expect(outcome.isAllowed)
            #expect(outcome.policies.contains(#""key.export";q=2;w=120, "tenant.export";q=20"#) == (mode != .off))
        }
        let third = try await limiter.charge(payer, cost: 1, routeClass: .export, now: 1)
        #expect(third.isAllowed == (mode != .enforce))
        #expect(third.name == (mode == .off ? "key" : "key.export"))
        let read = try await limiter.charge(payer, cost: 1, routeClass: .read, now: 1)
        #expect(read.isAllowed && read.decision.remaining == (mode == .enforce ? 7 : 6))
    }

    @Test("who is one of several gateways goes by its part of every limit, and a bucket fills in the same time")
    func divided() {
        let part = RateLimit(perMinute: 600, burst: 100).divided(by: 4)
        #expect(part.perMinute == 150 && part.burst == 25 && part.window == 10)
        #expect(RateLimit(perMinute: 1, burst: 1).divided(by: 4) == RateLimit(perMinute: 1, burst: 1))
    }

    @Test("what is learned of a bucket from elsewhere never makes it fuller")
    func mirror() {
        let buckets = Buckets()
        let key = BucketKey(.key, UUID())
        buckets.note(1_000_000_001, of: key, now: 1)
        buckets.note(500, of: key, now: 1)
        #expect(!buckets.peek(1, from: key, limit: limit, now: 1).isAllowed)
    }
}
