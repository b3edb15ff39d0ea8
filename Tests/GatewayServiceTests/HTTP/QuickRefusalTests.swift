import Foundation
import TestSupport
import Testing

@testable import GatewayService

/// Whoever is over a limit is told so before anything is done for the request, in the same words.
@Suite(.database(GatewayProgram.schema), .timeLimit(.minutes(1)))
struct QuickRefusalTests {
    private static let settings = [
        "ASSAY_GATEWAY_KEY_RATE": "1", "ASSAY_GATEWAY_KEY_BURST": "2", "ASSAY_GATEWAY_ANONYMOUS_RATE": "1", "ASSAY_GATEWAY_ANONYMOUS_BURST": "3",
    ]

    private static func request(_ stand: GatewayStand, _ path: String = "/api/v1/runs/run_1", _ headers: String = "", close: Bool = true) -> String {
        "GET \(path) HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer \(stand.key)\r\n\(headers)\(close ? "Connection: close\r\n" : "")\r\n"
    }

    /// Names of the headers and the body, without what differs from request to request.
    private static func shape(_ answer: String) -> (headers: Set<String>, body: String) {
        let parts = answer.components(separatedBy: "\r\n\r\n")
        let headers = parts[0].components(separatedBy: "\r\n").dropFirst().map { $0.prefix { $0 != ":" }.lowercased() }
        return (Set(headers).subtracting(["connection"]), parts.dropFirst().joined())
    }

    @Test("the quick refusal is the one that the long way gives, for a key and for an address")
    func same() async throws {
        try await GatewayStand.with(settings: Self.settings) { stand in
            for _ in 0..<2 { #expect(try await stand.api.get("/runs/run_1").status == 200) }
            // A connection that is to be closed goes the long way.
            let long = try await stand.raw(Self.request(stand, "/api/v1/runs/run_1", "X-Request-Id: same\r\n"))
            let quick = try await stand.raw(Self.request(stand, "/api/v1/runs/run_1?limit=1", "X-Request-Id: same\r\n", close: false), until: "}")
            #expect(long.hasPrefix("HTTP/1.1 429 ") && quick.hasPrefix("HTTP/1.1 429 "))
            #expect(Self.shape(long) == Self.shape(quick), "\(long)\n\n\(quick)")
            #expect(quick.contains("RateLimit-Policy: \"key\";q=2;w=120, \"tenant\""))
            #expect(quick.contains("X-Request-Id: same\r\n") && quick.contains(#""instance":"/api/v1/runs/run_1""#))
            let length = quick.components(separatedBy: "Content-Length: ").last.map { $0.prefix(while: \.isNumber) }
            #expect(length.flatMap { Int($0) } == Self.shape(quick).body.utf8.count)

            let anonymous = "GET /api/v1/me HTTP/1.1\r\nHost: localhost\r\n"
            for _ in 0..<3 { #expect(try await stand.raw(anonymous + "Connection: close\r\n\r\n").hasPrefix("HTTP/1.1 401 ")) }
            let longer = try await stand.raw(anonymous + "X-Request-Id: same\r\nConnection: close\r\n\r\n")
            let quicker = try await stand.raw(anonymous + "X-Request-Id: same\r\n\r\n", until: "}")
            #expect(Self.shape(longer) == Self.shape(quicker), "\(longer)\n\n\(quicker)")
            #expect(quicker.contains(#""violated-policies":["address"]"#))
        }
    }

    @Test("answers keep the order of pipelined requests, and what is free stays free")
    func order() async throws {
        try await GatewayStand.with(settings: Self.settings) { stand in
            #expect(try await stand.api.get("/runs/run_1").status == 200)
            let one = Self.request(stand, "/api/v1/runs/run_7", "", close: false)
            let other = Self.request(stand, "/api/v1/runs/run_8", "", close: false)
            let last = "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
            let answers = try await stand.raw(one + other + other + last)
            let statuses = answers.components(separatedBy: "HTTP/1.1 ").dropFirst().map { String($0.prefix(3)) }
            #expect(statuses == ["200", "429", "429", "200"], "\(answers)")
        }
    }

    @Test("a connection lives through a hundred refusals; a body that nobody wants ends it behind the answer, as ever")
    func life() async throws {
        try await GatewayStand.with(settings: Self.settings) { stand in
            for _ in 0..<2 { #expect(try await stand.api.get("/runs/run_1").status == 200) }
            let post =
                "POST /api/v1/projects/web/runs HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer \(stand.key)\r\n"
                + "Content-Type: application/json\r\nContent-Length: 17\r\n\r\n{\"suite\":\"ste_1\"}"
            let flood = String(repeating: Self.request(stand, close: false), count: 100)
            let answers = try await stand.raw(flood + post)
            let statuses = answers.components(separatedBy: "HTTP/1.1 ").dropFirst().map { String($0.prefix(3)) }
            #expect(statuses == Array(repeating: "429", count: 101), "\(statuses)")
        }
    }
}
