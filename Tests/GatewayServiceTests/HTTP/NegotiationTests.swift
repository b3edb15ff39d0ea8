import Primitives
import TestSupport
import Testing

@testable import GatewayService

/// What a request says of the host it is meant for and of the answers it takes.
@Suite(.database(GatewayProgram.schema))
struct NegotiationTests {
    @Test(
        "the gateway answers for its own names only (T20)",
        arguments: [
            ("assay.example.com", true), ("ASSAY.example.com:443", true), ("assay.example.com.", true), ("ci.internal", true), ("evil.com", false),
            ("assay.example.com.evil.com", false), ("127.0.0.1", false), ("localhost", false), ("", false), ("a@assay.example.com", false),
        ])
    func hosts(authority: String, isOurs: Bool) {
        let list = HostList(publicURL: "https://assay.example.com/", others: ["ci.internal"])
        #expect(((try? list.require(authority)) != nil) == isOurs)
    }

    @Test("on loopback every name of loopback will do", arguments: ["127.0.0.1:8080", "localhost:9", "[::1]:8080", "LOCALHOST"])
    func loopback(authority: String) throws {
        try HostList(publicURL: "http://127.0.0.1:8080", others: []).require(authority)
    }

    @Test(
        "an Accept header is read by its most specific range",
        arguments: [
            (nil, true), ("*/*", true), ("application/json", true), ("application/*", true), ("text/html, application/json;q=0.1", true),
            ("text/html", false), ("application/json;q=0, */*", false), ("*/*;q=0", false), ("Application/JSON ; charset=utf-8", true),
            ("application/xml, text/*;q=0.9", false), ("", true),
        ])
    func accept(header: String?, isWelcome: Bool) {
        #expect(MediaRanges.allow("application/json", in: header) == isWelcome)
    }

    @Test("a request for another host gets 421, in either form of target; one without a host 400; one that takes no JSON 406 (T18, T20)")
    func answers() async throws {
        try await GatewayStand.with { stand in
            let rest = "Authorization: Bearer \(stand.key)\r\nConnection: close\r\n\r\n"
            for (head, status) in [
                ("GET /api/v1/me HTTP/1.1\r\nHost: evil.com\r\n", 421), ("GET http://evil.com/api/v1/me HTTP/1.1\r\nHost: localhost\r\n", 421),
                ("GET http://localhost/api/v1/me HTTP/1.1\r\nHost: localhost\r\n", 200), ("GET /api/v1/me HTTP/1.1\r\n", 400),
                ("GET /api/v1/me HTTP/1.1\r\nHost: localhost\r\nAccept: text/html\r\n", 406),
                ("GET /api/v1/runs/run_1/events HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\n", 406),
                ("GET /healthz HTTP/1.1\r\nHost: 10.0.0.7\r\n", 200), ("TRACE /api/v1/me HTTP/1.1\r\nHost: localhost\r\n", 405),
                ("CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n", 404),
                ("GET /api/v1/me HTTP/1.1\r\nHost: localhost\r\nOrigin: https://evil.com\r\n", 200),
            ] {
                let answer = try await stand.raw(head + rest)
                #expect(answer.hasPrefix("HTTP/1.1 \(status) "), "\(head): \(answer.prefix(200))")
                #expect(!answer.lowercased().contains("access-control-allow"), "\(head)")
            }
        }
    }

    @Test("a run's status is one word of plain text")
    func status() async throws {
        try await GatewayStand.with { stand in
            let passed = try await stand.api.get("/runs/run_1/status?wait=1")
            #expect(passed.status == 200 && passed.text == "passed\n" && passed.headers["content-type"] == "text/plain; charset=utf-8")
            #expect(try await stand.api.get("/runs/run_gone/status").status == 404)
            #expect(try await stand.api.get("/runs/run_1/status?wait=61").string("code") == "request.invalid")
            #expect(try await stand.api.get("/runs/run_1/status?watch=1").string("code") == "request.unknown_parameter")
            #expect(try await stand.api.get("/runs/run_1/status", headers: ["Accept": "application/json"]).status == 406)
        }
    }

    @Test("a run's status is for keys that send results, and for those that read them; of the run itself the first learn nothing")
    func statusForBuilds() async throws {
        try await GatewayStand.with { stand in
            let build = stand.api(try await stand.makeKey([.resultsWrite], kind: .ci))
            let known = try await build.get("/runs/run_bad/status")
            #expect(known.status == 200 && known.text == "failed\n", "\(known.text)")
            #expect(try await build.get("/runs/run_bad").status == 403)
            #expect(try await stand.api(stand.makeKey([.resultsRead])).get("/runs/run_bad/status").text == "failed\n")
            let other = try await stand.api(stand.makeKey([.webhooksWrite])).get("/runs/run_bad/status")
            #expect(other.status == 403 && other.string("code") == "auth.scope_missing", "\(other.text)")
            #expect(try await APIClient(url: stand.url + "/api/v1", key: "").get("/runs/run_bad/status").status == 401)
        }
    }
}
