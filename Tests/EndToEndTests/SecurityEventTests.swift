import Foundation
import TestSupport
import Testing

@Suite("Security events on their way to a webhook")
struct SecurityEventTests {
    @Test("a new key is told of, a flood of refusals is one event, and so are ids that are not theirs")
    func events() async throws {
        let hook = try await LoopbackServer.start { _ in .text("ok") }
        defer { hook.stop() }
        try await Stack.with { stack in
            let journey = Journey(stack)
            let made = try await journey.api.post(
                "/channels",
                [
                    "name": "guard", "kind": "WEBHOOK", "url": hook.url,
                    "events": ["key.created", "key.revoked", "security.permission_refused", "security.unknown_object"],
                ])
            try #require(made.status == 201, "\(made.text)")
            let key = try await journey.api.post("/keys", ["name": "reader", "kind": "SERVICE", "scopes": ["results:read"]])
            let reader = APIClient(url: stack.url + "/api/v1", key: key.string("secret"))
            for _ in 0..<100 {
                let refused = try await reader.post("/projects", ["name": "n", "slug": "n"])
                #expect(refused.status == 403)
            }
            for _ in 0..<12 {
                let unknown = try await reader.get("/runs/run_00000000000000000000000001")
                #expect(unknown.status == 404)
            }
            let revoked = try await journey.api.send("DELETE", "/keys/\(key.string("key.id"))", body: nil)
            #expect(revoked.status == 204)

            try await eventually(within: .seconds(30)) {
                let types = Set(Self.events(hook).map(\.type))
                return types == ["key.created", "key.revoked", "security.permission_refused", "security.unknown_object"]
            }
            let events = Self.events(hook)
            #expect(events.count == 4, "\(events.map(\.type))")
            let refusal = try #require(events.first { $0.type == "security.permission_refused" })
            #expect(refusal.data["actor"] as? String == key.string("key.id") && refusal.data["address"] as? String == "127.0.0.1")
            let unknown = try #require(events.first { $0.type == "security.unknown_object" })
            #expect(unknown.data["count"] as? Int == 10)
        }
    }

    private static func events(_ hook: LoopbackServer) -> [(type: String, data: [String: Any])] {
        hook.requests.compactMap { request in
            guard let body = try? JSONSerialization.jsonObject(with: request.body) as? [String: Any] else { return nil }
            return (body["type"] as? String ?? "", body["data"] as? [String: Any] ?? [:])
        }
    }
}
