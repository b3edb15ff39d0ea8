import Foundation
import Outbound
import TestSupport
import Testing

@Suite struct RequestTests {
    @Test(
        "a method that is not one word is refused",
        arguments: [
            "", "GET ", "GET\r\nX: y", "GE\u{0}T", "GET /x HTTP/1.1", "GÈT", "GET:", "CONNECT", "TRACE", "trace", String(repeating: "A", count: 33),
        ])
    func method(method: String) async throws {
        let request = HTTPRequest(method: method, url: try TargetURL("http://127.0.0.1:9999/"))
        let error = #expect(throws: OutboundError.self) { try request.check() }
        #expect(error?.code == "invalid_request")
    }

    @Test(
        "a header that could change the message is refused",
        arguments: [
            ("X\r\nY", "z"), ("X Y", "z"), ("X:", "z"), ("", "z"), ("Ü", "z"), ("X\u{0}", "z"), ("X", "a\r\nY: b"), ("X", "a\nb"), ("X", "a\rb"),
            ("X", "a\u{0}b"), ("X", "\u{7F}"), ("X", "\u{1B}[31m"), ("Host", "evil"), ("content-length", "5"), ("Transfer-Encoding", "chunked"),
            ("Connection", "upgrade"), ("Upgrade", "h2c"), ("TE", "trailers"), ("Expect", "100-continue"), ("Proxy-Authorization", "x"),
            ("HTTP2-Settings", "x"),
        ])
    func header(name: String, value: String) throws {
        let request = HTTPRequest(url: try TargetURL("http://127.0.0.1:9999/"), headers: [HTTPHeader(name, value)])
        let error = #expect(throws: OutboundError.self) { try request.check() }
        #expect(error?.code == "invalid_request")
    }

    @Test("more than is good for anybody is refused")
    func sizes() throws {
        let url = try TargetURL("http://127.0.0.1:9999/")
        let many = HTTPRequest(url: url, headers: (0...HTTPRequest.maximumHeaders).map { HTTPHeader("x-\($0)", "y") })
        let long = HTTPRequest(url: url, headers: [HTTPHeader("x", String(repeating: "y", count: 40_000))])
        let fat = HTTPRequest(method: "POST", url: url, body: Data(count: (10 << 20) + 1))
        let head = HTTPRequest(method: "HEAD", url: url, body: Data("x".utf8))
        for request in [many, long, fat, head] {
            #expect(throws: OutboundError.self) { try request.check() }
        }
    }

    @Test("an invalid request is never sent")
    func notSent() async throws {
        let server = try await LoopbackServer.start { _ in .text("") }
        defer { server.stop() }
        let request = HTTPRequest(url: try TargetURL(server.url), headers: [HTTPHeader("x", "a\r\nb: c")])
        await #expect(throws: OutboundError.invalidRequest("The value of header x has a control character.")) {
            try await Open.client().send(request, policy: Open.tests)
        }
        #expect(server.count == 0)
    }

    @Test("method, headers and body arrive as they were given", arguments: ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PURGE"])
    func arrives(method: String) async throws {
        let server = try await LoopbackServer.start { _ in .text("ok") }
        defer { server.stop() }
        let body = method == "OPTIONS" ? Data() : Data([0, 13, 10, 255] + "body".utf8)
        let headers = [HTTPHeader("X-One", "1"), HTTPHeader("X-Two", "a, b; c=\"d\""), HTTPHeader("X-One", "again"), HTTPHeader("X-Empty", "")]
        let request = HTTPRequest(method: method, url: try TargetURL(server.url + "/a/../b?c=%20d"), headers: headers, body: body)
        let response = try await Open.client().send(request, policy: Open.tests)
        let got = try #require(server.requests.first)
        #expect(response.status == 200 && response.text == "ok")
        #expect(got.method == method && got.target == "/a/../b?c=%20d" && got.body == body)
        #expect(got.headers.filter { $0.name.hasPrefix("X-") }.map(\.value) == ["1", "a, b; c=\"d\"", "again", ""])
        #expect(got.header("user-agent") == "Assay/1.0" && got.header("host") == "127.0.0.1:\(server.port)")
        #expect(got.header("expect") == nil && got.header("content-type") == nil)
    }

    @Test("a HEAD answer has headers and no body")
    func head() async throws {
        let server = try await LoopbackServer.start { _ in .text("twelve bytes") }
        defer { server.stop() }
        let response = try await Open.client().send(HTTPRequest(method: "HEAD", url: TargetURL(server.url)), policy: Open.tests)
        #expect(response.body.isEmpty && response.headers.first("Content-Length") == "12")
    }

    @Test("a body of a few mebibytes goes both ways")
    func large() async throws {
        let server = try await LoopbackServer.start { .init(body: $0.body) }
        defer { server.stop() }
        let body = Data((0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 7) })
        let response = try await Open.client().send(HTTPRequest(method: "POST", url: TargetURL(server.url), body: body), policy: Open.tests)
        #expect(response.body == body)
    }
}
