import CommonAPI
import ExecutionAPI
import Foundation
import Primitives
import Synchronization
import TestSupport
import Testing

@testable import GatewayService

@Suite("Badges over HTTP", .database(GatewayProgram.schema))
struct BadgeHTTPTests {
    private func badge(_ stand: GatewayStand, _ path: String, headers: [String: String] = [:]) async throws -> APIAnswer {
        try await APIClient(url: stand.url, key: "").send("GET", path, body: nil, headers: headers)
    }

    @Test("whoever has the token sees how the newest finished run of the branch ended, without a key")
    func shown() async throws {
        try await GatewayStand.with { stand in
            let made = try await stand.api.get("/projects/web/badge-token")
            let (token, project) = (made.string("token"), FakeServices.project.description)
            #expect(made.status == 200 && made.string("url").hasSuffix("/badges/\(project)/status.svg?token=\(token)"), "\(made.text)")
            let image = try await badge(stand, "/badges/\(project)/tests.svg?token=\(token)&branch=release&label=nightly")
            #expect(image.status == 200 && image.headers["content-type"] == "image/svg+xml; charset=utf-8", "\(image.text)")
            #expect(
                image.headers["cache-control"] == "max-age=60" && image.headers["content-security-policy"]?.hasPrefix("default-src 'none'") == true)
            #expect(image.text.contains("nightly: 7 passed, 1 failed"))
            let asked = stand.fake.seen.withLock { $0.lists.last }
            #expect(asked?.branch == "release" && asked?.lane == .trusted && asked?.project == project)
            let tag = try #require(image.headers["etag"])
            let again = try await badge(
                stand, "/badges/web/tests.svg?token=\(token)&branch=release&label=nightly", headers: ["If-None-Match": tag])
            #expect(again.status == 304)
            let json = try await badge(stand, "/badges/web/status.json?token=\(token)")
            #expect(json.integer("schemaVersion") == 1 && json.string("message") == "failing" && json.string("color") == "red")
            #expect(stand.fake.seen.withLock { $0.lists.last }?.branch == "main")
            #expect(try await badge(stand, "/badges/web/status.json?token=\(token)&branch=empty").string("message") == "no runs")
        }
    }

    @Test("what cannot be shown looks the same, whatever the reason")
    func notFound() async throws {
        try await GatewayStand.with { stand in
            let token = try await stand.api.get("/projects/web/badge-token").string("token")
            let forged = String(token.dropLast()) + (token.hasSuffix("A") ? "B" : "A")
            var bodies: Set<String> = []
            for path in [
                "/badges/web/status.svg", "/badges/web/status.svg?token=x", "/badges/web/status.svg?token=\(forged)",
                "/badges/other/status.svg?token=\(token)",
                "/badges/prj_01jd3v9k2m8q4r6s7t0w1x2y3z/status.svg?token=\(token)", "/badges/web/coverage.svg?token=\(token)",
                "/badges/web/status.png?token=\(token)", "/badges/web/status?token=\(token)", "/badges/prj_x/status.svg?token=\(token)",
            ] {
                let answer = try await badge(stand, path)
                #expect(answer.status == 404 && answer.headers["content-type"] == "image/svg+xml; charset=utf-8", "\(path): \(answer.text)")
                bodies.insert(answer.text)
            }
            #expect(bodies.count == 1)
            // Nothing is asked of anybody for a token that nobody gave out.
            #expect(stand.fake.seen.withLock { $0.lists.isEmpty })
            let json = try await badge(stand, "/badges/web/status.json?token=x")
            #expect(json.status == 404 && json.string("message") == "not found" && json["isError"] as? Bool == true)
            #expect(try await badge(stand, "/badges/web/0.5.json?token=\(token)").string("message") == "not found")

            let rotated = try await stand.api.send(
                "POST", "/projects/web/badge-token", body: Data("{}".utf8), headers: ["Content-Type": "application/json", "Idempotency-Key": "r1"])
            #expect(rotated.status == 200 && rotated.string("token") != token, "\(rotated.text)")
            #expect(try await stand.api.get("/projects/web/badge-token").string("token") == rotated.string("token"))
            #expect(try await badge(stand, "/badges/web/status.svg?token=\(token)").status == 404)
            #expect(try await badge(stand, "/badges/web/status.svg?token=\(rotated.string("token"))").status == 200)
            let reader = stand.api(try await stand.makeKey([.resultsRead]))
            #expect(try await reader.get("/projects/web/badge-token").status == 403)
        }
    }

    @Test("who shows no key pays by address")
    func limited() async throws {
        try await GatewayStand.with(settings: ["ASSAY_GATEWAY_ANONYMOUS_RATE": "1", "ASSAY_GATEWAY_ANONYMOUS_BURST": "5"]) { stand in
            var statuses: [Int] = []
            for _ in 0..<8 { statuses.append(try await badge(stand, "/badges/web/status.svg?token=x").status) }
            #expect(statuses.first == 404 && statuses.last == 429)
        }
    }
}
