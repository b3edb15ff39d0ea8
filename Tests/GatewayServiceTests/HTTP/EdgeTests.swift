import Foundation
import NIOCore
import NIOPosix
import TestSupport
import Testing

@testable import GatewayService

/// What a connection gets that is slow, greedy or malformed, before anybody asks whose it is.
@Suite("The edge", .database(GatewayProgram.schema))
struct EdgeTests {
    @Test("headers that drip end the connection; others are served meanwhile (T06)")
    func slowHeaders() async throws {
        try await GatewayStand.with(settings: ["ASSAY_GATEWAY_HEADERS_SECONDS": "1"]) { stand in
            let began = ContinuousClock.now
            async let slow = RawHTTP.drip(port: stand.port, Array("GET /api/v1/me HTTP/1.1\r\nHost: a\r\nX-A: ".utf8), every: .milliseconds(100))
            let other = try await stand.api.get("/me")
            let answer = try await slow
            #expect(other.status == 200 && answer == "")
            #expect(ContinuousClock.now - began < .seconds(5))
        }
    }

    @Test("a body that drips is answered with 408 and the connection closed (T07)")
    func slowBody() async throws {
        try await GatewayStand.with(settings: ["ASSAY_GATEWAY_BODY_SECONDS": "1"]) { stand in
            let head =
                "POST /api/v1/projects HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer \(stand.key)\r\nContent-Type: application/json\r\n"
                + "Content-Length: 1000\r\n\r\n{"
            let answer = try await RawHTTP.drip(port: stand.port, Array(head.utf8), every: .milliseconds(100))
            #expect(answer.hasPrefix("HTTP/1.1 408 "), "\(answer)")
            #expect(answer.contains("request.too_slow") && answer.lowercased().contains("connection: close"))
        }
    }

    @Test("a peer that does not read is let go (T08)")
    func slowReader() async throws {
        try await GatewayStand.with(settings: ["ASSAY_GATEWAY_STALL_SECONDS": "1"]) { stand in
            // More answers than any socket buffer holds, of which none is read until the gateway has given up.
            let requests = String(repeating: "GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n", count: 400)
            let read = try await RawHTTP.exchange(port: stand.port, Array(requests.utf8), readingAfter: .seconds(4))
            let whole = try await APIClient(url: stand.url, key: "").get("/openapi.json").body.count
            #expect(read.utf8.count < 300 * whole)
        }
    }

    @Test(
        "what is too large or not HTTP is refused at the door",
        arguments: [
            ("GET /\(String(repeating: "a", count: 9_000)) HTTP/1.1\r\nHost: a\r\n\r\n", 414),
            ("GET / HTTP/1.1\r\nHost: a\r\nX-A: \(String(repeating: "a", count: 9_000))\r\n\r\n", 431),
            ("GET / HTTP/1.1\r\nHost: a\r\n\(String(repeating: "X-A: \(String(repeating: "a", count: 1_000))\r\n", count: 40))\r\n", 431),
            ("GET / HTTP/1.1\r\nHost: a\r\n\(String(repeating: "X-A: a\r\n", count: 101))\r\n", 431),
            ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
            ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", 400),
            ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\nabc", 400),
            ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3, 3\r\n\r\nabc", 400),
            ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 400),
            ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", 400),
            ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nZ\r\n", 400),
            ("GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400), ("GET / HTTP/1.1\r\nHost: a\r\nX-A: a\r\n b\r\n\r\n", 400),
            ("GET / HTTP/1.1\nHost: a\n\n", 400), ("GET / HTTP/1.1\r\nHost: a\r\nX-A: a\u{0}b\r\n\r\n", 400),
            ("GET / HTTP/9.9\r\nHost: a\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: a\r\nhost: b\r\n\r\n", 400), ("GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n", 421),
            ("\u{16}\u{3}\u{1}garbage\r\n\r\n", 400),
        ])
    func malformed(request: String, status: Int) async throws {
        try await GatewayStand.with { stand in
            let answer = try await stand.raw(request)
            #expect(answer.hasPrefix("HTTP/1.1 \(status) "), "\(answer.prefix(300))")
            #expect(answer.components(separatedBy: "HTTP/1.1 4").count == 2, "one answer, then the end: \(answer.prefix(600))")
        }
    }

    @Test("connections from one address beyond its share are closed at once; those there are go on (T15)")
    func connections() async throws {
        try await GatewayStand.with(settings: ["ASSAY_GATEWAY_CONNECTIONS_PER_ADDRESS": "3"]) { stand in
            try await RawHTTP.holding(3, port: stand.port) {
                let started = ContinuousClock.now
                let answer = try await stand.raw("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
                #expect(answer == "" && started.duration(to: .now) < .seconds(5))
            }
            try await eventually("room again") {
                try await stand.raw("GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").hasPrefix("HTTP/1.1 200 ")
            }
        }
    }
}
