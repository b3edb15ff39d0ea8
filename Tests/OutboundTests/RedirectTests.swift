import Foundation
import Outbound
import TestSupport
import Testing

@Suite struct RedirectTests {
    /// Answers `/n` with a redirect to `/n-1`, `/0` with its own request.
    static func countdown(_ request: LoopbackServer.Request) -> LoopbackServer.Response {
        let number = Int(request.target.dropFirst()) ?? 0
        return number > 0 ? .redirect(to: "/\(number - 1)") : .text("there")
    }

    @Test("up to five redirects are followed and listed")
    func follows() async throws {
        let server = try await LoopbackServer.start(handler: Self.countdown)
        defer { server.stop() }
        let response = try await Open.client().get(server.url + "/5")
        #expect(response.text == "there" && response.url.target == "/0")
        #expect(response.redirects.map(\.url.target) == ["/5", "/4", "/3", "/2", "/1"] && response.redirects.allSatisfy { $0.status == 302 })
    }

    @Test("a sixth redirect is one too many")
    func tooMany() async throws {
        let server = try await LoopbackServer.start(handler: Self.countdown)
        defer { server.stop() }
        #expect(await Open.client().failure(server.url + "/6") == .tooManyRedirects)
        #expect(server.count == 6)
    }

    @Test("webhooks get the redirect itself")
    func webhook() async throws {
        let server = try await LoopbackServer.start(handler: Self.countdown)
        defer { server.stop() }
        let response = try await Open.client().get(server.url + "/3", policy: Open.webhooks)
        #expect(response.status == 302 && response.redirects.isEmpty && server.count == 1)
    }

    @Test(
        "a redirect to a place that is closed is not followed",
        arguments: [
            "http://10.0.0.1/", "http://169.254.169.254/latest/meta-data/", "http://[::ffff:127.0.0.1]/", "http://[fd00::1]/", "//192.168.0.1/",
            "http://2130706433/", "http://0x7f.1/", "file:///etc/passwd", "ftp://127.0.0.1/", "gopher://127.0.0.1:6379/_FLUSHALL",
            "http://127.0.0.1:22/",
            "http://127.0.0.1:6379/", "http://user@127.0.0.1/", "javascript:alert(1)", "http://127.0.0.1:99999/", "dict://127.0.0.1:11211/",
        ])
    func closed(location: String) async throws {
        let server = try await LoopbackServer.start { _ in .redirect(to: location) }
        defer { server.stop() }
        #expect(await Open.client().failure(server.url)?.code == "blocked_target")
        #expect(server.count == 1)
    }

    @Test("a redirect to a name with a private address is blocked")
    func name() async throws {
        let server = try await LoopbackServer.start { _ in .redirect(to: "http://inside.test/") }
        defer { server.stop() }
        let client = Open.client(resolver: .table(["inside.test": [[Open.address("10.1.2.3")]]]))
        #expect(await client.failure(server.url) == .blockedTarget(.address(Open.address("10.1.2.3"), .privateUse)))
    }

    @Test(
        "method and body are rewritten as browsers do",
        arguments: [
            (301, "POST", "GET"), (302, "POST", "GET"), (303, "POST", "GET"), (303, "PUT", "GET"), (307, "POST", "POST"), (308, "POST", "POST"),
            (301, "PUT", "PUT"), (302, "GET", "GET"), (308, "DELETE", "DELETE"),
        ])
    func rewrites(status: Int, method: String, expected: String) async throws {
        let server = try await LoopbackServer.start { $0.target == "/" ? .redirect(to: "/next", status: status) : .text("") }
        defer { server.stop() }
        let body = method == "GET" ? Data() : Data("payload".utf8)
        let request = HTTPRequest(method: method, url: try TargetURL(server.url), headers: [HTTPHeader("Content-Type", "text/x")], body: body)
        _ = try await Open.client().send(request, policy: Open.tests)
        let last = try #require(server.requests.last)
        #expect(last.target == "/next" && last.method == expected)
        #expect(last.body == (expected == method ? body : Data()))
        #expect((last.header("content-type") == nil) == (expected != method))
    }

    @Test("credentials stay with the site they were for")
    func credentials() async throws {
        let other = try await LoopbackServer.start { _ in .text("") }
        let server = try await LoopbackServer.start { $0.target == "/" ? .redirect(to: "/same") : .redirect(to: other.url + "/other") }
        defer {
            server.stop()
            other.stop()
        }
        let headers = [HTTPHeader("Authorization", "Bearer x"), HTTPHeader("Cookie", "a=b"), HTTPHeader("X-Trace", "1")]
        _ = try await Open.client().send(HTTPRequest(url: TargetURL(server.url), headers: headers), policy: Open.tests)
        #expect(server.requests.map { $0.header("authorization") } == ["Bearer x", "Bearer x"])
        let last = try #require(other.requests.first)
        #expect(last.header("authorization") == nil && last.header("cookie") == nil && last.header("x-trace") == "1")
    }

    @Test("what is no redirect is an answer", arguments: [300, 304, 305, 399, 200])
    func notARedirect(status: Int) async throws {
        let server = try await LoopbackServer.start { _ in .redirect(to: "/elsewhere", status: status) }
        defer { server.stop() }
        #expect(try await Open.client().get(server.url).status == status)
    }

    @Test("a redirect without a target is an answer")
    func withoutLocation() async throws {
        let server = try await LoopbackServer.start { _ in .init(status: 302) }
        defer { server.stop() }
        #expect(try await Open.client().get(server.url).status == 302)
    }
}
