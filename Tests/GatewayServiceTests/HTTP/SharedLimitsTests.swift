import Contract
import Foundation
import HTTPTypes
import HummingbirdCore
import Primitives
import Redis
import ServiceKit
import TestSupport
import Testing

@testable import GatewayService

/// Limits that many gateways share, and what is left of them while the store is away (T33).
@Suite(.database(GatewayProgram.schema), .timeLimit(.minutes(1)))
struct SharedLimitsTests {
    private struct Gateway {
        let limiter: Limiter
        let redis: RedisClient

        /// - Parameter key: its burst; a point comes back in a minute, so that the time a test takes does not matter.
        init(_ url: String, key: Int = 10, tenant: Int = 1_000, instances: Int = 2) throws {
            redis = RedisClient(try RedisConfiguration(url: url), scripts: [SharedBuckets.script], budget: .milliseconds(500), logger: .silent)
            redis.start()
            limiter = Limiter(
                rates: RateTable(
                    key: RateLimit(perMinute: 1, burst: key), tenant: RateLimit(perMinute: 1, burst: tenant),
                    address: RateLimit(perMinute: 1, burst: 10), modes: LimitModes(),
                    classes: ClassLimit.standard.merging([.export: ClassLimit(percent: 100, mode: .shadow)]) { $1 }),
                concurrency: Concurrency(perKey: 1, perTenant: 1), shared: SharedBuckets(redis: redis), instances: instances)
        }

        func isUp() async throws { try await eventually("there is a connection to Redis") { redis.isUp } }

        func charge(_ payer: Payer, cost: Int = 1, _ routeClass: RouteClass = .read) async throws -> RateOutcome {
            try await limiter.charge(payer, cost: cost, routeClass: routeClass, now: Monotonic.now)
        }
    }

    private static func payer(of tenant: ID<Tenant> = .new()) -> Payer {
        .principal(Principal(Identity(tenant: tenant, actor: .key(.new()), permissions: [], organization: "A")))
    }

    @Test("two gateways grant together what one would")
    func together() async throws {
        try await RedisServer.with { server in
            let gateways = [try Gateway(server.url), try Gateway(server.url)]
            defer { for gateway in gateways { gateway.redis.stop() } }
            for gateway in gateways { try await gateway.isUp() }
            let payer = Self.payer()
            let granted = try await withThrowingTaskGroup(of: Bool.self) { group in
                for index in 0..<60 { group.addTask { try await gateways[index % 2].charge(payer).isAllowed } }
                return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(granted == 10)
            // Whoever was refused is known here now: nobody is asked again.
            #expect(gateways[0].limiter.refusal(of: payer, cost: 1, routeClass: .read, now: Monotonic.now)?.name == "key")
        }
    }

    @Test("a call takes from all limits or from none, and headers say what is left")
    func allOrNone() async throws {
        try await RedisServer.with { server in
            let gateway = try Gateway(server.url, key: 4, tenant: 5)
            defer { gateway.redis.stop() }
            try await gateway.isUp()
            let tenant = ID<Tenant>.new()
            let (one, other) = (Self.payer(of: tenant), Self.payer(of: tenant))
            let first = try await gateway.charge(one, cost: 3)
            #expect(first.isAllowed && first.name == "key" && first.decision.remaining == 1)
            let second = try await gateway.charge(other, cost: 3)
            #expect(!second.isAllowed && second.name == "tenant")
            #expect(second.decision.remaining == 2 && second.seconds >= 59)
            // Nothing of it was taken from the key.
            let third = try await gateway.charge(other, cost: 2)
            #expect(third.isAllowed && third.name == "tenant" && third.decision.remaining == 0)
        }
    }

    @Test("a class of routes has its share in the store too; one in the shadow refuses nobody")
    func classes() async throws {
        try await RedisServer.with { server in
            let gateway = try Gateway(server.url)
            defer { gateway.redis.stop() }
            try await gateway.isUp()
            let payer = Self.payer()
            for _ in 0..<5 {
                let outcome = try await gateway.charge(payer, .trigger)
                #expect(outcome.isAllowed)
            }
            let sixth = try await gateway.charge(payer, .trigger)
            #expect(!sixth.isAllowed && sixth.name == "key.trigger")
            let read = try await gateway.charge(payer)
            #expect(read.isAllowed && read.decision.remaining == 4)
        }
    }

    @Test("while the store is away a gateway goes by its part of the limits, and nobody may sign in")
    func away() async throws {
        try await RedisServer.with { server in
            let gateway = try Gateway(server.url, key: 10, instances: 2)
            defer { gateway.redis.stop() }
            try await gateway.isUp()
            await server.stop()
            try await eventually("the end of the connection is noticed") { !gateway.redis.isUp }
            let payer = Self.payer()
            var granted = 0
            for _ in 0..<20 where try await gateway.charge(payer).isAllowed { granted += 1 }
            #expect(granted == 5)
            do {
                _ = try await gateway.charge(.address(.unknown), .auth)
                Issue.record("an attempt to sign in was let through")
            } catch let fault as Fault {
                #expect(fault.code == "limits.unavailable" && fault.kind == .unavailable)
            }
            try await server.start()
            try await eventually("the store is used again") { gateway.redis.isUp }
            let attempt = try await gateway.charge(.address(.unknown), .auth)
            #expect(attempt.isAllowed)
        }
    }

    @Test("over HTTP: without its store the gateway serves, but refuses attempts to sign in with 503")
    func http() async throws {
        let settings = ["ASSAY_GATEWAY_REDIS_URL": "redis://127.0.0.1:\(FreePort.next())", "ASSAY_GATEWAY_INSTANCES": "2"]
        var pages = PageRoutes()
        pages.post("/sign-in", for: .everybody) { _ in .init(status: .ok) }
        try await GatewayStand.with(settings: settings, pages: pages) { stand in
            let answer = try await stand.api.get("/me")
            #expect(answer.status == 200 && answer.headers["ratelimit"]?.hasPrefix("\"tenant\";r=499;") == true, "\(answer.headers)")
            let site = APIClient(url: stand.url, key: "")
            let attempt = try await site.send("POST", "/sign-in", body: nil)
            #expect(attempt.status == 503 && attempt.string("code") == "limits.unavailable", "\(attempt.text)")
            #expect(attempt.string("type") == "https://iana.org/assignments/http-problem-types#temporary-reduced-capacity")
            #expect(attempt.headers["retry-after"] == "2")
        }
    }

    @Test("over HTTP: two gateways on one store refuse together")
    func twoGateways() async throws {
        try await RedisServer.with { server in
            let settings = ["ASSAY_GATEWAY_REDIS_URL": server.url, "ASSAY_GATEWAY_KEY_RATE": "1", "ASSAY_GATEWAY_KEY_BURST": "6"]
            try await GatewayStand.with(settings: settings) { one in
                try await GatewayStand.with(settings: settings) { other in
                    // The same key at both: they have one database.
                    let elsewhere = APIClient(url: other.api.url, key: one.key)
                    var statuses: [Int] = []
                    for _ in 0..<4 {
                        statuses.append(try await one.api.get("/me").status)
                        statuses.append(try await elsewhere.get("/me").status)
                    }
                    // A connection that is not up yet would let each grant its own.
                    #expect(statuses.count { $0 == 200 } >= 6)
                    #expect(statuses.last == 429)
                }
            }
        }
    }

    @Test("a Redis that there cannot be is a problem of the configuration")
    func configuration() async throws {
        await #expect(throws: ConfigFault.self) {
            try await GatewayStand.with(settings: ["ASSAY_GATEWAY_REDIS_URL": "http://localhost"]) { _ in }
        }
    }
}
