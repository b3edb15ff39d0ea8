import Foundation
import Synchronization
import TestSupport
import Testing

@testable import GatewayService

@Suite("Path tricks", .database(GatewayProgram.schema))
struct PathTrickTests {
    private static let tricks = [
        "/api/v1/me", "//api/v1/me", "/api//v1/me", "/api/v1/me/", "/api/v1/./me", "/api/v1/x/../me", "/api/v1/%2e/me", "/api/v1/x/%2e%2e/me",
        "/api/v1/x/%252e%252e/me", "/api/v1/me;x=1", "/api/v1;x=1/me", "/api/v1/%6de", "/API/v1/me", "/api/v1/m%65", "/api/v1/me%00", "/api/v1/me%20",
        "/api/v1/me%2f", "/api/v1/me%5c..", "/api/v1\\me", "/api/v1/me%c0%ae", "/healthz/../api/v1/me", "/assets/../api/v1/me",
        "/assets/%2e%2e/%2e%2e/etc/passwd", "/docs/..%2fapi%2fv1%2fme", "/api/v1/projects/web%2f..%2f..%2fme", "/api/v1/projects/web%2fruns",
        "/api/v1/projects/%2e%2e/runs", "/api/v1/projects/..%2f/runs", "/api/v1/projects/web;v=1/runs", "/api/v1/projects/web/runs%3flimit=1",
    ]

    @Test("whoever decides about a path and whoever answers it read the same one: nothing is served without a key that is not public (T22)")
    func pair() async throws {
        try await GatewayStand.with { stand in
            func status(_ path: String, _ headers: String) async throws -> Int {
                let answer = try await stand.raw("GET \(path) HTTP/1.1\r\nHost: localhost\r\n\(headers)Connection: close\r\n\r\n")
                return Int(answer.split(separator: " ").dropFirst().first ?? "") ?? 0
            }
            for path in Self.tricks {
                let known = try await status(path, "Authorization: Bearer \(stand.key)\r\n")
                let nobody = try await status(path, "")
                #expect(known < 500 && nobody < 500, "\(path): \(known), \(nobody)")
                #expect(nobody != 200, "\(path) is served to anybody")
                if known == 200 { #expect(nobody == 401 && path == "/api/v1/me", "\(path): \(known), \(nobody)") }
            }
            for path in ["/api/v1/projects/web%c0%ae/runs", "/api/v1/runs/%ff", "/api/v1/runs/%ed%a0%80"] {
                #expect(try await status(path, "Authorization: Bearer \(stand.key)\r\n") == 400, "\(path)")
            }
            #expect(stand.fake.seen.withLock { $0.lists.isEmpty })
        }
    }

    @Test("another method in a header is not listened to (T16)", arguments: ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"])
    func override(header: String) async throws {
        try await GatewayStand.with { stand in
            let answer = try await stand.api.send("POST", "/runs/run_1:cancel", body: nil, headers: [header: "GET"])
            #expect(answer.string("state") == "CANCELLED")
            let read = try await stand.api.get("/projects/web?_method=DELETE", headers: [header: "DELETE"])
            #expect(read.status == 400 && read.string("code") == "request.unknown_parameter")
            #expect(try await stand.api.get("/projects/web", headers: [header: "DELETE"]).string("name") == "Web")
        }
    }

    @Test("more elements than a contract allows are refused before anybody is asked (T28)")
    func tooMany() async throws {
        try await GatewayStand.with { stand in
            let tags = Dictionary(uniqueKeysWithValues: (0..<51).map { ("t\($0)", "v") })
            let answer = try await stand.api.post("/projects/web/runs", ["suite": "ste_00000000000000000000000000", "tags": tags])
            #expect(answer.status == 422 && answer.string("errors.0.pointer") == "/tags" && answer.string("errors.0.code") == "too_many")
            #expect(stand.fake.seen.withLock { $0.runs.isEmpty })
        }
    }
}
