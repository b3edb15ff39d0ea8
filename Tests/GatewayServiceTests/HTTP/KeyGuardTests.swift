import Foundation
import Primitives
import TestSupport
import Testing

@testable import GatewayService

@Suite("Keys that are guarded", .database(GatewayProgram.schema))
struct KeyGuardTests {
    @Test("a key is good only from the networks it was made for, as proxies of ours tell them")
    func networks() async throws {
        try await GatewayStand.with(settings: ["ASSAY_GATEWAY_PROXIES": "127.0.0.0/8,::1/128"]) { stand in
            let made = try await stand.api.post(
                "/keys", ["name": "ci", "kind": "SERVICE", "scopes": ["results:read"], "allowed_cidrs": ["203.0.113.0/24", "2001:db8::/32"]])
            #expect(made.status == 201, "\(made.text)")
            #expect(made["key.allowed_cidrs"] as? [String] == ["203.0.113.0/24", "2001:db8::/32"])
            let api = stand.api(made.string("secret"))
            for (address, status) in [("203.0.113.9", 200), ("2001:db8::7", 200), ("198.51.100.1", 403), ("203.0.113.9, 198.51.100.1", 403)] {
                let answer = try await api.get("/me", headers: ["X-Forwarded-For": address])
                #expect(answer.status == status, "\(address): \(answer.text)")
                if status == 403 { #expect(answer.string("code") == "auth.address_not_allowed") }
            }
            let key = try await stand.api.get("/keys/\(made.string("key.id"))")
            #expect(key.string("last_used_ip") == "203.0.113.9", "\(key.text)")
            for wrong in ["10.0.0.1", "10.0.0.1/8", "here", "10.0.0.0/33"] {
                let refused = try await stand.api.post(
                    "/keys", ["name": "x", "kind": "SERVICE", "scopes": ["results:read"], "allowed_cidrs": ["10.0.0.0/8", wrong]])
                #expect(refused.status == 422 && refused.string("errors.0.pointer") == "/allowed_cidrs/1", "\(refused.text)")
            }
        }
    }

    @Test("after a rotation both secrets work until the old one's time is up; with no overlap it ends at once")
    func rotation() async throws {
        try await GatewayStand.with { stand in
            let made = try await stand.api.post("/keys", ["name": "tool", "kind": "SERVICE", "scopes": ["results:read"]])
            let id = made.string("key.id")
            let first = made.string("secret")
            let rotated = try await stand.api.post("/keys/\(id):rotate", ["overlap_ms": 60_000])
            #expect(rotated.status == 200, "\(rotated.text)")
            let second = rotated.string("secret")
            #expect(second != first && KeyText(second) != nil && !rotated.string("key.previous_valid_until").isEmpty)
            for secret in [first, second] { #expect(try await stand.api(secret).get("/me").status == 200) }
            let third = try await stand.api.post("/keys/\(id):rotate", ["overlap_ms": 0]).string("secret")
            #expect(try await stand.api(third).get("/me").status == 200)
            // Only two secrets are ever good; what was known of the others is forgotten within five seconds.
            try await eventually(within: .seconds(5)) {
                let (one, two) = (try await stand.api(first).get("/me").status, try await stand.api(second).get("/me").status)
                return one == 401 && two == 401
            }
            #expect(try await stand.api.get("/keys/\(id)").string("previous_valid_until") == "")
            let refused = try await stand.api.post("/keys/\(id):rotate", ["overlap_ms": -1])
            #expect(refused.status == 422 && refused.string("errors.0.pointer") == "/overlap_ms")
        }
    }

    @Test("a rotation that is repeated keeps the secret from before it, and answers the same")
    func repeated() async throws {
        try await GatewayStand.with { stand in
            let made = try await stand.api.post("/keys", ["name": "tool", "kind": "SERVICE", "scopes": ["results:read"]])
            let id = made.string("key.id")
            let headers = ["Idempotency-Key": "rotate-1"]
            let one = try await stand.api.post("/keys/\(id):rotate", [:], headers: headers)
            let two = try await stand.api.post("/keys/\(id):rotate", [:], headers: headers)
            #expect(one.body == two.body && two.headers["idempotent-replayed"] == "true")
            // As after a crash between the rotation and its answer: the same request is carried out again.
            let key = try ID<Key>(id)
            var random = SystemRandomNumberGenerator()
            let forwarded = UUID().uuidString
            for _ in 0..<2 {
                _ = try await stand.keys.rotate(
                    key, to: .make(.service, using: &random), try KeyRotation(overlap: nil), tenant: stand.tenant, idempotencyKey: forwarded)
            }
            #expect(try await stand.api(one.string("secret")).get("/me").status == 200)
        }
    }

    @Test("nobody has a key made anew that holds more than they do; a revoked key stays revoked")
    func escalation() async throws {
        try await GatewayStand.with { stand in
            let strong = try await stand.api.post("/keys", ["name": "strong", "kind": "SERVICE", "scopes": ["org:admin"]]).string("key.id")
            let bound = stand.api(try await stand.makeKey([.orgAdmin], projects: [FakeServices.project.uuid]))
            let refused = try await bound.post("/keys/\(strong):rotate")
            #expect(refused.status == 403 && refused.string("code") == "keys.project_not_held", "\(refused.text)")
            #expect(try await stand.api.send("DELETE", "/keys/\(strong)", body: nil).status == 204)
            #expect(try await stand.api.post("/keys/\(strong):rotate").status == 404)
        }
    }
}
