import Foundation
import HTTPTypes
import HummingbirdCore
import Primitives
import ServiceKit
import Synchronization
import TestSupport
import Testing

@testable import GatewayService

/// What `GET /limits` prints is what the running gateway does (R30).
@Suite(.database(GatewayProgram.schema))
struct LimitCatalogueTests {
    /// Values by name.
    private static func limits(_ api: APIClient) async throws -> [String: Int] {
        let answer = try await api.get("/limits")
        #expect(answer.status == 200, "\(answer.text)")
        let data = try #require(answer["data"] as? [[String: Any]])
        let pairs = data.compactMap { row in (row["name"] as? String).flatMap { name in (row["value"] as? NSNumber).map { (name, $0.intValue) } } }
        #expect(pairs.count == data.count && Set(pairs.map(\.0)).count == pairs.count)
        #expect(data.allSatisfy { ($0["description"] as? String)?.isEmpty == false && ($0["unit"] as? String)?.isEmpty == false })
        return Dictionary(uniqueKeysWithValues: pairs)
    }

    @Test("the printed lengths of a password are the last that are taken, and the printed number of mails the last that is sent")
    func people() async throws {
        try await GatewayStand.with { stand in
            let limits = try await Self.limits(stand.api)
            func limit(_ name: String) throws -> Int { try #require(limits[name], "\(name) is not printed") }
            let email = "limits.\(UUID().uuidString.prefix(8).lowercased())@example.com"
            func register(_ length: Int) async throws -> Int {
                let marks = Array("bqzkvxwjpm7392#!%")
                let password = String((0..<length).map { marks[$0 * 7 % marks.count] })
                return try await stand.api("").post("/auth/register", ["email": email, "name": "L", "password": password]).status
            }
            #expect(try await register(limit("password.shortest") - 1) == 422)
            #expect(try await register(limit("password.longest") + 1) == 422)
            #expect(try await register(limit("password.shortest")) == 202)
            for _ in try 0..<limit("link.mails") { #expect(try await register(limit("password.longest")) == 202) }
            #expect(try await stand.mails(to: email).count == limit("link.mails"))
            let (person, _) = try await stand.makePerson()
            let tokens = try await stand.login(person)
            #expect(try tokens.integer("expires_in") == limit("token.life"))
        }
    }

    @Test("the printed size of a request is the last that is taken")
    func sizes() async throws {
        try await GatewayStand.with { stand in
            let limits = try await Self.limits(stand.api)
            func limit(_ name: String) throws -> Int { try #require(limits[name], "\(name) is not printed") }
            let page = try limit("page.size")
            #expect(try await stand.api.get("/projects/web/runs?limit=\(page)").status == 200)
            #expect(try await stand.api.get("/projects/web/runs?limit=\(page + 1)").status == 422)
            let parameters = try limit("query.parameters")
            let many = (0...parameters).map { "a\($0)=1" }
            // Too many is another complaint than unknown.
            #expect(try await stand.api.get("/me?" + many.dropLast().joined(separator: "&")).string("code") == "request.unknown_parameter")
            #expect(try await stand.api.get("/me?" + many.joined(separator: "&")).string("code") == "request.too_many_parameters")
            let depth = try limit("json.depth")
            func nested(_ levels: Int) -> Data {
                Data((String(repeating: "{\"a\":", count: levels) + "1" + String(repeating: "}", count: levels)).utf8)
            }
            let json = ["Content-Type": "application/json"]
            #expect(try await stand.api.send("POST", "/projects", body: nested(depth), headers: json).string("code") == "unknown_field")
            #expect(try await stand.api.send("POST", "/projects", body: nested(depth + 1), headers: json).string("code") != "unknown_field")
            let body = try limit("body.size")
            let padded = Data("{\"name\": \"taken\"}".utf8) + Data(repeating: UInt8(ascii: " "), count: body)
            #expect(try await stand.api.send("POST", "/projects", body: padded.prefix(body), headers: json).status == 409)
            #expect(try await stand.api.send("POST", "/projects", body: padded.prefix(body + 1), headers: json).status == 413)
            let networks = try limit("key.networks")
            let cidrs = (0...networks).map { "10.0.\($0).0/24" }
            let request: [String: Any] = ["name": "k", "kind": "SERVICE", "scopes": ["results:read"]]
            #expect(try await stand.api.post("/keys", request.merging(["allowed_cidrs": Array(cidrs.dropLast())]) { $1 }).status == 201)
            #expect(try await stand.api.post("/keys", request.merging(["allowed_cidrs": cidrs]) { $1 }).status == 422)
            let target = try limit("target.size")
            let rest = " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
            #expect(try await stand.raw("GET /\(String(repeating: "a", count: target - 1))\(rest)").hasPrefix("HTTP/1.1 404 "))
            #expect(try await stand.raw("GET /\(String(repeating: "a", count: target))\(rest)").hasPrefix("HTTP/1.1 414 "))
        }
    }

    @Test("the printed burst of a key is what it can spend, and what its headers say")
    func rates() async throws {
        let settings = ["ASSAY_GATEWAY_KEY_RATE": "1", "ASSAY_GATEWAY_KEY_BURST": "7", "ASSAY_GATEWAY_TENANT_RATE": "5000"]
        try await GatewayStand.with(settings: settings) { stand in
            let limits = try await Self.limits(stand.api)
            #expect(limits["key.rate"] == 1 && limits["key.burst"] == 7 && limits["tenant.rate"] == 5000)
            // One point went into reading them.
            for spent in 2...7 {
                let answer = try await stand.api.get("/me")
                #expect(
                    answer.status == 200 && answer.headers["x-ratelimit-limit"] == "7" && answer.headers["x-ratelimit-remaining"] == "\(7 - spent)")
            }
            let refused = try await stand.api.get("/me")
            #expect(refused.status == 429 && refused.string("code") == "rate_limited")
        }
    }

    @Test("the printed share of a class is what it can use up, and the rest is left to the others")
    func classes() async throws {
        let settings = ["ASSAY_GATEWAY_KEY_RATE": "1", "ASSAY_GATEWAY_KEY_BURST": "100", "ASSAY_GATEWAY_CLASS_TRIGGER_PERCENT": "20"]
        try await GatewayStand.with(settings: settings) { stand in
            let limits = try await Self.limits(stand.api)
            let share = try #require(limits["class.trigger"])
            #expect(share == 20 && limits["class.auth"] == 50)
            // Starting a run costs five points.
            for _ in 0..<4 { #expect(try await stand.api.post("/projects/web/runs", ["suite": "ste_1"]).status == 202) }
            let refused = try await stand.api.post("/projects/web/runs", ["suite": "ste_1"])
            #expect(refused.status == 429 && refused["violated-policies.0"] as? String == "key.trigger", "\(refused.text)")
            #expect(refused.headers["ratelimit-policy"]?.contains("\"key.trigger\";q=20;w=1200") == true)
            #expect(refused.headers["retry-after"] != nil && refused.headers["x-ratelimit-limit"] == "20")
            #expect(try await stand.api.get("/me").headers["x-ratelimit-remaining"] == "78")
        }
    }

    @Test("one request too many at the same time is refused at once, and told which cap it was (T32)", arguments: ["KEY", "TENANT"])
    func concurrency(owner: String) async throws {
        try await GatewayStand.with(settings: ["ASSAY_GATEWAY_\(owner)_CONCURRENCY": "1"]) { stand in
            let (gate, opening) = AsyncStream.makeStream(of: Void.self)
            stand.fake.plan.withLock { $0.gate = gate }
            async let first = stand.api.post("/projects/web/runs", ["suite": "ste_1"])
            try await eventually("the first is under way") { stand.fake.seen.withLock { !$0.runs.isEmpty } }
            let started = ContinuousClock.now
            let refused = try await stand.api.get("/me")
            #expect(ContinuousClock.now - started < .seconds(1))
            let name = "\(owner.lowercased()).concurrency"
            #expect(refused.status == 429 && refused.string("code") == "concurrency", "\(refused.text)")
            #expect(refused["violated-policies.0"] as? String == name && refused.headers["retry-after"] != nil)
            #expect(refused.headers["ratelimit-policy"] == "\"\(name)\";q=1;qu=\"concurrent-requests\"")
            opening.finish()
            let answer = try await first
            #expect(answer.status == 202)
            try await eventually("there is room again") { try await stand.api.get("/me").status == 200 }
        }
    }

    @Test("attempts to sign in have a share of what an address may do (T31)")
    func signIn() async throws {
        var pages = PageRoutes()
        pages.post("/sign-in", for: .everybody) { _ in .init(status: .ok) }
        pages.get("/welcome", for: .everybody) { _ in .init(status: .ok) }
        let settings = ["ASSAY_GATEWAY_ANONYMOUS_RATE": "1", "ASSAY_GATEWAY_ANONYMOUS_BURST": "8"]
        try await GatewayStand.with(settings: settings, pages: pages) { stand in
            let site = APIClient(url: stand.url, key: "")
            for _ in 0..<4 { #expect(try await site.send("POST", "/sign-in", body: nil).status == 200) }
            let refused = try await site.send("POST", "/sign-in", body: nil)
            #expect(refused.status == 429 && refused["violated-policies.0"] as? String == "address.auth", "\(refused.text)")
            for _ in 0..<4 { #expect(try await site.get("/welcome").status == 200) }
            #expect(try await site.get("/welcome").string("code") == "rate_limited")
        }
    }

    @Test("a limit in the shadow is reckoned with and refuses nobody; one that is off is not even reckoned with")
    func modes() async throws {
        let settings = ["ASSAY_GATEWAY_KEY_RATE": "1", "ASSAY_GATEWAY_KEY_BURST": "2", "ASSAY_GATEWAY_KEY_CONCURRENCY": "1"]
        for (mode, remaining) in [("shadow", "0"), ("off", "2")] {
            let modes = ["ASSAY_GATEWAY_KEY_MODE": mode, "ASSAY_GATEWAY_CONCURRENCY_MODE": mode]
            try await GatewayStand.with(settings: settings.merging(modes) { $1 }) { stand in
                for _ in 0..<5 { #expect(try await stand.api.get("/me").status == 200) }
                #expect(try await stand.api.get("/me").headers["x-ratelimit-remaining"] == remaining)
                let listed = try await stand.api.get("/limits")
                let own = (listed["data"] as? [[String: Any]] ?? []).first { $0["name"] as? String == "key.burst" }
                #expect(own?["mode"] as? String == mode.uppercased())
                try await withThrowingTaskGroup(of: Int.self) { group in
                    for _ in 0..<10 { group.addTask { try await stand.api.get("/me").status } }
                    for try await status in group { #expect(status == 200) }
                }
            }
        }
    }

    @Test(
        "a key has its share of event streams and gets it back when they end (T37)",
        arguments: [("PER_KEY", 429, "streams.too_many"), ("", 503, "streams.full")])
    func streams(setting: String, status: Int, code: String) async throws {
        let name = "ASSAY_GATEWAY_STREAMS" + (setting.isEmpty ? "" : "_\(setting)")
        try await GatewayStand.with(settings: [name: "2"]) { stand in
            let path = "/api/v1/runs/run_endless/events"
            let request = "GET \(path) HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer \(stand.key)\r\n\r\n"
            try await RawHTTP.holding(2, port: stand.port, sending: request) {
                let refused = try await stand.api.get("/runs/run_1/events")
                #expect(refused.status == status && refused.string("code") == code, "\(refused.text)")
                #expect(refused.headers["retry-after"] != nil)
                #expect(try await stand.api.get("/runs/run_1").status == 200)
            }
            try await eventually("the places are free again") { try await stand.api.get("/runs/run_1/events").status == 200 }
        }
    }

    @Test("a gateway that listens everywhere must be told its name, or it would refuse everybody")
    func unnamed() async throws {
        await #expect(throws: ConfigFault.self) { try await GatewayStand.with(settings: ["ASSAY_GATEWAY_HTTP": "0.0.0.0:0"]) { _ in } }
        try await GatewayStand.with(settings: ["ASSAY_GATEWAY_HTTP": "0.0.0.0:0", "ASSAY_GATEWAY_PUBLIC_URL": "http://localhost"]) { stand in
            let answer = try await stand.api.get("/me")
            #expect(answer.status == 200)
        }
    }

    @Test("a mode that there is not is a problem of the configuration")
    func unknownMode() async throws {
        await #expect(throws: ConfigFault.self) {
            try await GatewayStand.with(settings: ["ASSAY_GATEWAY_TENANT_MODE": "maybe"]) { _ in }
        }
    }
}
