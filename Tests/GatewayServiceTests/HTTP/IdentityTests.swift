import Foundation
import HTTPTypes
import HummingbirdCore
import NIOCore
import Postgres
import Primitives
import Synchronization
import TestSupport
import Testing

@testable import GatewayService

@Suite("Keys, sessions and limits over HTTP", .database(GatewayProgram.schema))
struct IdentityTests {
    @Test("a key is taken from each of the headers that clients use")
    func headers() async throws {
        try await GatewayStand.with { stand in
            let nobody = stand.api("")
            for headers in [
                ["Authorization": "Bearer \(stand.key)"], ["Authorization": "bearer  \(stand.key)"], ["X-Api-Key": stand.key],
                ["Authorization": "Token token=\"\(stand.key)\""], ["Authorization": "Token \(stand.key)"],
            ] { #expect(try await nobody.get("/me", headers: headers).status == 200, "\(headers.keys)") }
            for headers in [["Authorization": "Basic \(stand.key)"], ["Authorization": stand.key], ["Authorization": "Bearer"], ["X-Api-Key": "x"]] {
                let answer = try await nobody.get("/me", headers: headers)
                #expect(answer.status == 401 && answer.string("code") == "auth.key_invalid")
                #expect(answer.headers["www-authenticate"] == "Bearer error=\"invalid_token\"")
            }
            let missing = try await nobody.get("/me")
            #expect(missing.status == 401 && missing.string("code") == "auth.key_missing" && missing.headers["www-authenticate"] == "Bearer")
        }
    }

    @Test("a key in a URL is refused even when it is good")
    func keyInQuery() async throws {
        try await GatewayStand.with { stand in
            let answer = try await stand.api.get("/me?api_key=\(stand.key)")
            #expect(answer.status == 400 && answer.string("code") == "key_in_query")
            #expect(!answer.text.contains(stand.key))
        }
    }

    @Test("what a key may do follows from its scopes, and a refusal names the one that is missing")
    func scopes() async throws {
        try await GatewayStand.with { stand in
            let reader = stand.api(try await stand.makeKey([.resultsRead]))
            #expect(try await reader.get("/runs/run_1").status == 200)
            let refused = try await reader.post("/projects", ["name": "x"])
            #expect(refused.status == 403 && refused.string("code") == "auth.scope_missing")
            #expect(refused.string("errors.0.detail") == "projects:admin")
            let ci = stand.api(try await stand.makeKey([.resultsWrite], kind: .ci))
            #expect(try await ci.get("/runs/run_1").status == 403)
            #expect(try await ci.get("/me").status == 200)
        }
    }

    @Test("a key that is bound to projects sees no other, by id or slug")
    func projects() async throws {
        try await GatewayStand.with { stand in
            let inside = stand.api(try await stand.makeKey([.resultsRead], projects: [FakeServices.project.uuid]))
            #expect(try await inside.get("/projects/web/runs").status == 200)
            let outside = stand.api(try await stand.makeKey([.resultsRead], projects: [UUID()]))
            for path in ["/projects/web/runs", "/projects/\(FakeServices.project)/runs", "/projects/web"] {
                let answer = try await outside.get(path)
                #expect(answer.status == 404 && answer.string("code") == "project.not_found")
            }
        }
    }

    @Test("a key is made, shown once, listed without its text, used and revoked within five seconds")
    func lifeOfAKey() async throws {
        try await GatewayStand.with { stand in
            let body: [String: Any] = ["name": "ci", "kind": "SERVICE", "scopes": ["results:read"]]
            let made = try await stand.api.post("/keys", body, headers: ["Idempotency-Key": "make-1"])
            let secret = made.string("secret")
            #expect(made.status == 201 && KeyText(secret)?.kind == .service)
            let again = try await stand.api.post("/keys", body, headers: ["Idempotency-Key": "make-1"])
            #expect(again.headers["idempotent-replayed"] == "true" && again.body == made.body, "\(again.text)")
            let stored = try await TestDatabase.current.administer { database in
                try await database.rows(.system, "select encode(body, 'escape') as body from idempotency_keys") {
                    try $0.value("body", as: String.self)
                }
            }
            #expect(!stored.contains { $0.contains("asy_") })
            let list = try await stand.api.get("/keys?limit=1")
            #expect(list.string("data.0.id") == made.string("key.id") && !list.text.contains(secret))
            #expect(list.string("page.next_cursor").isEmpty == false)
            let user = stand.api(secret)
            #expect(try await user.get("/runs/run_1").status == 200)
            #expect(try await user.get("/me").string("actor") == made.string("key.id"))
            let revoked = try await stand.api.send("DELETE", "/keys/\(made.string("key.id"))", body: nil)
            #expect(revoked.status == 204 && revoked.body.isEmpty)
            try await eventually(within: .seconds(5)) { try await user.get("/runs/run_1").status == 401 }
        }
    }

    @Test(
        "a key gives away nothing that its maker lacks",
        arguments: [
            (["results:read", "org:admin"], 403, "keys.scope_not_held"), (["runs:trigger"], 403, "keys.scope_not_held"),
            (["results:nope"], 422, "request.invalid"),
            ([], 422, "request.invalid"),
        ])
    func giving(scopes: [String], status: Int, code: String) async throws {
        try await GatewayStand.with { stand in
            // No scope but org:admin holds keys.write, so a maker with less is made by the service itself.
            let maker = Set(["keys.write", "projects.read", "suites.read", "runs.read"])
            if status == 403 {
                let scopes = Set(scopes.compactMap(KeyScope.init(rawValue:)))
                let fault = #expect(throws: Fault.self) {
                    try NewKey(name: "x", kind: .service, scopes: scopes, projects: [], expiresAt: nil, maker: maker, makerProjects: nil, now: Date())
                }
                #expect(fault?.code == code)
            } else {
                let answer = try await stand.api.post("/keys", ["name": "x", "kind": "SERVICE", "scopes": scopes])
                #expect(answer.status == status && answer.string("code") == code)
            }
        }
    }

    @Test("another tenant's key id is not found")
    func foreign() async throws {
        try await GatewayStand.with { stand in
            let stranger = stand.api(
                try await GatewayStand.makeKey(stand.keys, tenant: GatewayStand.makeTenant(TestDatabase.current.database), scopes: [.orgAdmin]))
            let id = try await stand.api.get("/me").string("actor")
            let answer = try await stranger.send("DELETE", "/keys/\(id)", body: nil)
            #expect(answer.status == 404 && answer.string("code") == "key.not_found")
            #expect(try await stand.api.get("/me").status == 200)
        }
    }

    @Test("a key over its rate is told when to come back; a colleague's is not touched")
    func rate() async throws {
        try await GatewayStand.with(settings: ["ASSAY_GATEWAY_KEY_RATE": "6", "ASSAY_GATEWAY_KEY_BURST": "5"]) { stand in
            let colleague = stand.api(try await stand.makeKey([.resultsRead]))
            var last = try await stand.api.get("/runs/run_1")
            for _ in 0..<5 { last = try await stand.api.get("/runs/run_1") }
            #expect(last.status == 429 && last.string("code") == "rate_limited")
            #expect((9...12).contains(Int(last.headers["retry-after"] ?? "") ?? 0))
            #expect(last.headers["ratelimit"]?.hasPrefix("\"key\";r=0;t=") == true)
            #expect(last.headers["x-ratelimit-remaining"] == "0")
            #expect(last["violated-policies.0"] as? String == "key")
            #expect(try await colleague.get("/runs/run_1").headers["x-ratelimit-remaining"] == "4")
        }
    }

    @Test("guessing keys uses up the guesser's address, not the tenant's limit, and then costs no look-up")
    func guessing() async throws {
        try await GatewayStand.with(settings: ["ASSAY_GATEWAY_ANONYMOUS_RATE": "1", "ASSAY_GATEWAY_ANONYMOUS_BURST": "3"]) { stand in
            #expect(try await stand.api.get("/me").status == 200)
            var random = SystemRandomNumberGenerator()
            var statuses: [Int] = []
            for _ in 0..<5 { statuses.append(try await stand.api(KeyText.make(.personal, using: &random).secret.reveal()).get("/me").status) }
            #expect(statuses == [401, 401, 401, 429, 429])
            #expect(try await stand.api("").get("/nothing").status == 429)
            #expect(try await stand.api.get("/me").status == 200)
        }
    }

    @Test("more requests at once than the cap are refused at once")
    func concurrency() async throws {
        try await GatewayStand.with(settings: ["ASSAY_GATEWAY_KEY_CONCURRENCY": "2"]) { stand in
            let (gate, open) = AsyncStream<Void>.makeStream()
            stand.fake.plan.withLock { $0.gate = gate }
            let busy = (0..<2).map { _ in Task { try await stand.api.post("/projects/web/runs", ["suite": "s"]).status } }
            try await eventually { stand.fake.seen.withLock { $0.runs.count } == 2 }
            let refused = try await stand.api.get("/runs/run_1")
            #expect(refused.status == 429 && refused.string("code") == "concurrency")
            stand.fake.plan.withLock { $0.gate = nil }
            open.finish()
            for task in busy { #expect(try await task.value == 202) }
            try await eventually { try await stand.api.get("/runs/run_1").status == 200 }
        }
    }

    private func pages() -> PageRoutes {
        var pages = PageRoutes()
        pages.get("/sign-in", for: .everybody) { _ in Response(status: .ok, body: ResponseBody(byteBuffer: ByteBuffer(string: "form"))) }
        pages.post("/sign-in", for: .everybody) { context in
            let fields = try await context.form()
            return try await context.signIn(
                key: fields.first { $0.name == "key" }?.value ?? "", thenTo: fields.first { $0.name == "next" }?.value ?? "/")
        }
        pages.post("/sign-out") { try await $0.signOut(thenTo: "/sign-in") }
        pages.get("/home/{name}") { context in
            let text = "\(try context.parameter("name")) of \(context.identity?.organization ?? "-")"
            return Response(status: .ok, body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
        }
        return pages
    }

    @Test("a browser signs in with a key, comes back to its page, reads the API with its cookie, and signs out")
    func session() async throws {
        try await GatewayStand.with(pages: pages()) { stand in
            func ask(_ method: String, _ path: String, cookie: String = "", body: String = "", extra: String = "") async throws -> String {
                try await stand.raw(
                    "\(method) \(path) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\(cookie.isEmpty ? "" : "Cookie: a=b; \(cookie)\r\n")\(extra)"
                        + (body.isEmpty
                            ? "\r\n" : "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"))
            }
            let stranger = try await ask("GET", "/home/ann?x=1")
            #expect(stranger.hasPrefix("HTTP/1.1 303") && stranger.contains("/sign-in?return_to=%2Fhome%2Fann%3Fx%3D1"), "\(stranger)")
            let wrong = try await ask("POST", "/sign-in", body: "key=asy_pat_wrong&next=/")
            #expect(wrong.hasPrefix("HTTP/1.1 401"))
            let signedIn = try await ask("POST", "/sign-in", body: "key=\(stand.key)&next=//evil.example")
            #expect(signedIn.hasPrefix("HTTP/1.1 303") && signedIn.lowercased().contains("location: /\r\n"))
            let cookie = try #require(signedIn.firstMatch(of: /assay_session=[0-9a-f]{64}/)).output
            #expect(signedIn.contains("HttpOnly; SameSite=Lax") && !signedIn.contains("Secure"))
            #expect(try await ask("GET", "/home/ann", cookie: String(cookie)).contains("ann of Acme"))
            #expect(try await ask("GET", "/api/v1/me", cookie: String(cookie)).hasPrefix("HTTP/1.1 200"))
            let crossSite = try await ask("POST", "/api/v1/runs/run_1:cancel", cookie: String(cookie), extra: "Sec-Fetch-Site: cross-site\r\n")
            #expect(crossSite.hasPrefix("HTTP/1.1 403") && crossSite.contains("auth.cross_site"))
            #expect(
                try await ask("POST", "/api/v1/runs/run_1:cancel", cookie: String(cookie), extra: "Origin: https://evil.example\r\n").hasPrefix(
                    "HTTP/1.1 403"))
            #expect(
                try await ask("POST", "/api/v1/runs/run_1:cancel", cookie: String(cookie), extra: "Sec-Fetch-Site: same-origin\r\n").hasPrefix(
                    "HTTP/1.1 200"))
            #expect(try await ask("POST", "/sign-out", cookie: String(cookie), extra: "Sec-Fetch-Site: same-origin\r\n").contains("Max-Age=0"))
            #expect(try await ask("GET", "/home/ann", cookie: String(cookie)).hasPrefix("HTTP/1.1 303"))
            #expect(try await ask("GET", "/sign-in", cookie: String(cookie)).hasPrefix("HTTP/1.1 200"))
        }
    }

    @Test("behind https the cookie never travels in the clear")
    func secureCookie() {
        let cookie = SessionCookie(isSecure: true)
        #expect(cookie.name == "__Host-assay_session")
        #expect(cookie.header(token: "t").contains("; Path=/; HttpOnly; SameSite=Lax; Secure"))
    }
}
