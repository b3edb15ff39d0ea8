import Foundation
import NIOCore
import NIOHTTP1
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

    /// What is said on the spot; empty when the request must go the long way.
    private static func quick(_ stand: GatewayStand, _ path: String, _ headers: HTTPHeaders, method: HTTPMethod = .GET) throws -> String {
        let head = HTTPRequestHead(version: .http1_1, method: method, uri: path, headers: headers)
        let address = ClientAddress(try SocketAddress(ipAddress: "127.0.0.1", port: 1))
        return stand.quick.answer(to: head, from: address).map { String(buffer: $0) } ?? ""
    }

    @Test("the quick refusal is the one that the long way gives, for a key and for an address")
    func same() async throws {
        try await GatewayStand.with(settings: Self.settings) { stand in
            let path = "/api/v1/runs/run_1"
            let shown: HTTPHeaders = ["Host": "localhost", "Authorization": "Bearer \(stand.key)", "x-request-id": "same"]
            for _ in 0..<2 {
                #expect(try Self.quick(stand, path, shown).isEmpty)
                #expect(try await stand.api.get("/runs/run_1").status == 200)
            }
            let long = try await stand.raw(Self.request(stand, path, "X-Request-Id: same\r\n"))
            let quick = try Self.quick(stand, path + "?limit=1", shown)
            #expect(long.hasPrefix("HTTP/1.1 429 ") && quick.hasPrefix("HTTP/1.1 429 "))
            #expect(Self.shape(long) == Self.shape(quick), "\(long)\n\n\(quick)")
            #expect(quick.contains("RateLimit-Policy: \"key\";q=2;w=120, \"tenant\""))
            #expect(quick.contains("X-Request-Id: same\r\n") && quick.contains(#""instance":"/api/v1/runs/run_1""#))
            let length = quick.components(separatedBy: "Content-Length: ").last.map { $0.prefix(while: \.isNumber) }
            #expect(length.flatMap { Int($0) } == Self.shape(quick).body.utf8.count)

            let anonymous = "GET /api/v1/me HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: same\r\nConnection: close\r\n\r\n"
            for _ in 0..<3 { #expect(try await stand.raw(anonymous).hasPrefix("HTTP/1.1 401 ")) }
            let longer = try await stand.raw(anonymous)
            let quicker = try Self.quick(stand, "/api/v1/me", ["Host": "localhost", "X-Request-Id": "same"])
            #expect(Self.shape(longer) == Self.shape(quicker), "\(longer)\n\n\(quicker)")
            #expect(quicker.contains(#""violated-policies":["address"]"#))
        }
    }

    @Test("what is not certainly refused, is free, has a body or comes from a browser goes the long way")
    func longWay() async throws {
        try await GatewayStand.with(settings: Self.settings) { stand in
            for _ in 0..<2 { _ = try await stand.api.get("/runs/run_1") }
            let key = ("Authorization", "Bearer \(stand.key)")
            #expect(try !Self.quick(stand, "/api/v1/me", [key.0: key.1]).isEmpty)
            #expect(try Self.quick(stand, "/healthz", [key.0: key.1]).isEmpty)
            #expect(try Self.quick(stand, "/projects", [key.0: key.1]).isEmpty)
            #expect(try Self.quick(stand, "/api/v1/\"", [key.0: key.1]).isEmpty)
            #expect(try Self.quick(stand, "/api/v1/me", [key.0: key.1], method: .HEAD).isEmpty)
            for more in [("Content-Length", "2"), ("Transfer-Encoding", "chunked"), ("Connection", "close"), ("X-Request-Id", "\"")] {
                #expect(try Self.quick(stand, "/api/v1/me", [key.0: key.1, more.0: more.1]).isEmpty, "\(more)")
            }
            #expect(try Self.quick(stand, "/api/v1/me", ["Authorization": "Bearer asy_unknown"]).isEmpty)
            #expect(try Self.quick(stand, "/api/v1/me", ["Cookie": "assay_session=1"]).isEmpty)
        }
    }

    @Test("over one connection the long way and the quick one follow each other")
    func follow() async throws {
        try await GatewayStand.with(settings: Self.settings) { stand in
            for _ in 0..<2 { #expect(try await stand.api.get("/runs/run_1").status == 200) }
            for _ in 0..<20 {
                let refused = try await stand.api.get("/runs/run_1")
                #expect(refused.status == 429 && refused.string("code") == "rate_limited")
                #expect(try await stand.api.get("/nowhere").status == 429)
            }
            #expect(try await APIClient(url: stand.url, key: stand.key).get("/healthz").status == 200)
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
