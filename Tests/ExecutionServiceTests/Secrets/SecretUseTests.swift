import Foundation
import Jobs
import Postgres
import Primitives
import Sealing
import TestSupport
import Testing

@testable import ExecutionService

/// Secrets in cases that are carried out: where they go, and what is kept of them (T82, T83). Workers take from all tenants, so each test's may carry
/// out the cases of another; all have the same key, and nothing here depends on whose it was.
@Suite(.database(ExecutionProgram.schema, JobSchema.schema, DataKeySchema.schema))
struct SecretUseTests {
    private static let value = "s3cr3t/of=tests"
    let fixture = CaseFixture()
    let project = ID<Project>.new()

    private func keep(_ name: String = "TOKEN", _ value: String = Self.value, hosts: String...) async throws {
        let draft = try TestSecret.Draft(project: project, name: name, environment: "", value: value, hosts: AllowedHost.list(hosts))
        _ = try await CaseFixture.secrets(fixture.database).insert(draft, by: "me", key: nil, tenant: fixture.tenant)
    }

    private func carriedOut(_ http: HTTPCase) async throws -> TestResult {
        let run = try await fixture.start(1, http: http, project: project)
        let worker = try fixture.worker(ExecuteCasesTests.quick)
        let task = Task { try await worker.run() }
        try await eventually(within: .seconds(120)) { try await fixture.run(run.id).state.isFinal }
        worker.stop()
        try await task.value
        return try #require(try await fixture.details(run.id).first)
    }

    private static func http(
        _ url: String, header: String = "", body: String = "", assertions: [Assertion] = [], follows: Bool = false, variables: [String: String] = [:]
    ) -> HTTPCase {
        HTTPCase(
            method: body.isEmpty ? "GET" : "POST", url: url, headers: header.isEmpty ? [] : [.init(name: "x-token", value: header)], body: body,
            variables: variables, assertions: assertions, timeout: 60_000, followRedirects: follows)
    }

    @Test("a secret reaches its host in header, URL and body, and nothing that is stored shows it")
    func sent() async throws {
        let server = try await LoopbackServer.start { request in
            let token = request.header("x-token") ?? ""
            let basic = Data("user:\(Self.value)".utf8).base64EncodedString()
            return .json(
                #"{"plain": "\#(token)", "basic": "\#(basic)", "url": "\#(request.target)", "body": "\#(String(decoding: request.body, as: UTF8.self))"}"#
            )
        }
        defer { server.stop() }
        try await keep(hosts: server.url)
        let result = try await carriedOut(
            Self.http(
                server.url + "/?t={{secret.TOKEN}}", header: "Bearer {{secret.TOKEN}}", body: "b={{ secret.TOKEN }}",
                assertions: [
                    Assertion(.json, "$.plain", .contains, "Bearer"), Assertion(.body, .notContains, "nothing"), Assertion(.json, "$", .equals, "x"),
                    Assertion(.header, "content-type", .equals, Self.value),
                ]))
        let request = try #require(server.requests.first)
        #expect(request.target == "/?t=\(Self.value)" && request.header("x-token") == "Bearer \(Self.value)")
        #expect(String(decoding: request.body, as: UTF8.self) == "b=\(Self.value)")
        let exchange = try #require(result.exchange)
        #expect(exchange.url == server.url + "/?t=***")
        #expect(exchange.assertions[0].passed && exchange.assertions[0].actual == "\"Bearer ***\"")
        #expect(exchange.bodyExcerpt.contains(#""plain": "Bearer ***""#) && exchange.bodyExcerpt.contains("b=***"), "\(exchange.bodyExcerpt)")
        try await nothingStored()
    }

    @Test("a secret of the project that the case does not use is masked as well")
    func unused() async throws {
        let server = try await LoopbackServer.start { _ in .text("your token is \(Self.value)") }
        defer { server.stop() }
        try await keep(hosts: "api.example.com")
        #expect(try await carriedOut(Self.http(server.url)).exchange?.bodyExcerpt == "your token is ***")
    }

    @Test("to any other host, port or name it is not sent, wherever the URL has its host from")
    func denied() async throws {
        let server = try await LoopbackServer.start { _ in .text("thanks") }
        defer { server.stop() }
        try await keep(hosts: "api.example.com", "http://127.0.0.1:1")
        try await keep("HOST", "127.0.0.1", hosts: server.url)
        let port = server.port
        let cases = [
            Self.http(server.url, header: "{{secret.TOKEN}}"), Self.http(server.url + "/{{secret.TOKEN}}"),
            Self.http(server.url, body: "{{secret.TOKEN}}"),
            Self.http("http://{{host}}/", header: "{{secret.TOKEN}}", variables: ["host": "127.0.0.1:\(port)"]),
            // Part of the host, or of what looks like one.
            Self.http("http://{{secret.HOST}}:\(port)/"), Self.http("{{secret.HOST}}"), Self.http("http://127.0.0.1:{{secret.HOST}}/"),
            Self.http("http://x@{{secret.HOST}}:\(port)/"),
        ]
        for http in cases {
            let result = try await carriedOut(http)
            #expect(result.outcome == .errored)
            #expect(["secret_host_denied", "invalid_request"].contains(result.texts.type), "\(http.url): \(result.texts.type)")
        }
        #expect(try await carriedOut(cases[0]).texts.type == "secret_host_denied")
        #expect(try await carriedOut(cases[4]).texts.type == "secret_host_denied")
        #expect(server.count == 0)
        try await nothingStored()
    }

    @Test("a redirect takes a secret no further than its hosts")
    func redirected() async throws {
        let other = try await LoopbackServer.start { _ in .text("thanks") }
        let server = try await LoopbackServer.start { request in
            request.target == "/away"
                ? .redirect(to: other.url + "/?\(Self.value)", status: 307) : request.target == "/near" ? .redirect(to: "/ok") : .text("ok")
        }
        defer {
            server.stop()
            other.stop()
        }
        try await keep(hosts: server.url)
        let away = try await carriedOut(Self.http(server.url + "/away", header: "{{secret.TOKEN}}", body: "x", follows: true))
        #expect(away.texts.type == "secret_host_denied" && away.texts.message.contains(other.url), "\(away.texts.type): \(away.texts.message)")
        #expect(other.count == 0)
        let near = try await carriedOut(Self.http(server.url + "/near", header: "{{secret.TOKEN}}", follows: true))
        #expect(near.outcome == .passed && server.requests.last?.header("x-token") == Self.value)
        // Without a secret it is a redirect like any other.
        #expect(try await carriedOut(Self.http(server.url + "/away", body: "x", follows: true)).outcome == .passed)
        try await nothingStored()
    }

    @Test("one that is not there is named, and no variable can pretend to be one")
    func unknown() async throws {
        let server = try await LoopbackServer.start { _ in .text("ok") }
        defer { server.stop() }
        let result = try await carriedOut(Self.http(server.url, header: "{{secret.NONE}}", variables: ["secret.NONE": "x"]))
        #expect(result.texts.type == "unknown_secret" && result.texts.message.contains("NONE"))
        let fault = #expect(throws: Fault.self) { try Variables.check(["secret.NONE": "x"], at: "/variables") }
        #expect(fault?.fields.first?.code == "reserved_name")
        #expect(server.count == 0)
    }

    @Test("a value that has braces is not looked into")
    func noRecursion() async throws {
        let server = try await LoopbackServer.start { _ in .text("ok") }
        defer { server.stop() }
        try await keep("OUTER", "{{secret.TOKEN}}{{x}}", hosts: server.url)
        try await keep(hosts: "api.example.com")
        let result = try await carriedOut(Self.http(server.url, header: "{{secret.OUTER}}", variables: ["x": "{{secret.TOKEN}}"]))
        #expect(result.outcome == .passed && server.requests.first?.header("x-token") == "{{secret.TOKEN}}{{x}}")
        let sly = try await carriedOut(Self.http(server.url, header: "{{x}}", variables: ["x": "{{secret.TOKEN}}"]))
        #expect(sly.outcome == .passed && server.requests.last?.header("x-token") == "{{secret.TOKEN}}")
    }

    @Test("without the key that opens them nothing is sent, and the case says why")
    func unreadable() async throws {
        let server = try await LoopbackServer.start { _ in .text("ok") }
        defer { server.stop() }
        try await keep(hosts: server.url)
        try await TestDatabase.current.database.execute(.tenant(fixture.tenant), "delete from data_keys where tenant_id = \(fixture.tenant)")
        #expect(try await carriedOut(Self.http(server.url, header: "{{secret.TOKEN}}")).texts.type == "secrets_unreadable")
        #expect(server.count == 0)
    }

    /// In no column of any table of runs, in no form that the test's server answers with.
    private func nothingStored() async throws {
        for table in ["run_cases", "results", "result_details", "runs", "jobs"] {
            let rows = try await fixture.database.rows(
                .tenant(fixture.tenant), "select t::text as row from \(fragment: SQL(stringLiteral: table)) t where tenant_id = \(fixture.tenant)"
            ) { try $0.value("row", as: String.self) }
            for row in rows { #expect(!row.contains("s3cr3t") && !row.contains("czNjcjN0"), "\(table): \(row)") }
        }
    }
}
