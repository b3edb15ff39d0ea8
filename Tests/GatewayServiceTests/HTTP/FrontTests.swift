import ExecutionAPI
import Foundation
import Postgres
import Primitives
import ProjectsAPI
import ServiceKit
import Synchronization
import TestSupport
import Testing

@testable import GatewayService

@Suite("Gateway over HTTP", .database(GatewayProgram.schema))
struct FrontTests {
    @Test("a run is read: JSON with original names, plain 64-bit numbers, present zeros, request id and limits")
    func read() async throws {
        try await GatewayStand.with { stand in
            let answer = try await stand.api.get(
                "/runs/run_1", headers: ["X-Request-Id": "mine-1", "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"])
            #expect(answer.status == 200)
            #expect(answer.text == #"{"id":"run_1","state":"PASSED","counts":{"total":9007199254740993,"passed":0}}"#)
            #expect(answer.headers["content-type"] == "application/json")
            #expect(answer.headers["x-request-id"] == "mine-1")
            #expect(answer.headers["traceparent"]?.contains("0af7651916cd43dd8448eb211c80319c") == true)
            for name in ["date", "etag", "ratelimit", "ratelimit-policy", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"] {
                #expect(answer.headers[name] != nil, "\(name)")
            }
            let caller = try #require(stand.fake.seen.withLock { $0.callers.last })
            #expect(caller.tenant == stand.tenant && caller.requestID == "mine-1" && caller.actor.hasPrefix("key_"))
            let again = try await stand.api.get("/runs/run_1", headers: ["If-None-Match": answer.headers["etag"] ?? ""])
            #expect(again.status == 304 && again.body.isEmpty)
            let unnamed = try await stand.api.get("/runs/run_1", headers: ["X-Request-Id": "bad id"])
            #expect(unnamed.headers["x-request-id"]?.hasPrefix("req_") == true)
        }
    }

    @Test("faults of services are answered as problems, and inner causes are not told")
    func faults() async throws {
        try await GatewayStand.with { stand in
            for (run, status, code) in [
                ("run_gone", 404, "run.not_found"), ("run_slow", 504, "rpc.deadline_exceeded"), ("run_broken", 500, "internal"),
            ] {
                let answer = try await stand.api.get("/runs/\(run)")
                #expect(answer.status == status)
                #expect(answer.string("code") == code)
                #expect(answer.headers["content-type"] == "application/problem+json")
                #expect(answer.string("instance") == "/api/v1/runs/\(run)")
                #expect(answer.string("request_id") == answer.headers["x-request-id"])
                #expect(!answer.text.contains("secrets"))
            }
        }
    }

    @Test(
        "what cannot be read is refused with the place",
        arguments: [
            ("GET", "/nothing", "", 404, "request.route_not_found"), ("DELETE", "/projects", "", 405, "request.method_not_allowed"),
            ("GET", "/runs/run_1?nope=1", "", 400, "request.unknown_parameter"),
            ("GET", "/runs/run_1?wait=1&wait=2", "", 400, "request.duplicate_parameter"),
            ("GET", "/runs/run_1?wait=soon", "", 422, "request.invalid"), ("GET", "/runs/run_1?wait=%00", "", 400, "request.malformed_query"),
            ("GET", "/runs/run%00", "", 400, "request.malformed_path"), ("GET", "/projects/web/runs?limit=201", "", 422, "page.limit_out_of_range"),
            ("GET", "/projects/web/runs?limit=0", "", 422, "page.limit_out_of_range"),
            ("GET", "/projects/web/runs?state=NOPE", "", 422, "request.invalid"),
            ("GET", "/projects/web/runs?cursor=forged", "", 400, "page.invalid_cursor"), ("GET", "/projects/none/runs", "", 404, "project.not_found"),
            ("POST", "/projects", "{", 400, "request.malformed_json"), ("POST", "/projects", "[]", 400, "request.malformed_json"),
            ("POST", "/projects", #"{"name":"a","name":"b"}"#, 400, "request.duplicate_key"),
            ("POST", "/projects", #"{"nmae":"a"}"#, 422, "unknown_field"),
            ("POST", "/projects", #"{"defaultBranch":"a"}"#, 422, "unknown_field"), ("POST", "/projects", #"{"name":7}"#, 422, "request.invalid"),
            ("POST", "/projects", #"{"name":"a\u0000"}"#, 422, "request.nul"),
            ("POST", "/projects/web/runs", #"{"project":"prj_other"}"#, 422, "unknown_field"),
            ("POST", "/projects?name=a", "{}", 400, "request.unknown_parameter"),
            ("POST", "/projects", #"{"name":"taken"}"#, 409, "projects.slug_taken"),
        ])
    func refused(method: String, path: String, body: String, status: Int, code: String) async throws {
        try await GatewayStand.with { stand in
            let headers = body.isEmpty ? [:] : ["Content-Type": "application/json"]
            let answer = try await stand.api.send(method, path, body: body.isEmpty ? nil : Data(body.utf8), headers: headers)
            #expect(answer.status == status)
            #expect(answer.string("code") == code)
            #expect(answer.headers["ratelimit"] != nil)
            if status == 405 { #expect(answer.headers["allow"] == "POST, GET, HEAD" || answer.headers["allow"] == "GET, HEAD, POST") }
        }
    }

    @Test("the pointer names the field that is wrong")
    func pointer() async throws {
        try await GatewayStand.with { stand in
            let answer = try await stand.api.post("/projects", ["name": "fine", "description": 7])
            #expect(answer.status == 422)
            #expect(answer.string("errors.0.pointer") == "/description")
        }
    }

    @Test("a body must be JSON and say so, and may be 1 MiB")
    func bodies() async throws {
        try await GatewayStand.with { stand in
            let text = try await stand.api.send("POST", "/projects", body: Data("{}".utf8), headers: ["Content-Type": "text/plain"])
            #expect(text.status == 415)
            let charset = try await stand.api.send(
                "POST", "/projects", body: Data(#"{"name":"n"}"#.utf8), headers: ["Content-Type": "application/json; charset=utf-8"])
            #expect(charset.status == 201)
            let head = "POST /api/v1/projects HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer \(stand.key)\r\nContent-Type: application/json\r\n"
            let declared = try await stand.raw(head + "Content-Length: 1048577\r\n\r\n")
            #expect(declared.hasPrefix("HTTP/1.1 413"))
            #expect(declared.contains("request.too_large") && declared.lowercased().contains("connection: close"))
            let chunk = "10000\r\n" + String(repeating: " ", count: 65_536) + "\r\n"
            let crossing = try await stand.raw(head + "Transfer-Encoding: chunked\r\n\r\n" + String(repeating: chunk, count: 17))
            #expect(crossing.hasPrefix("HTTP/1.1 413"))
            #expect(stand.fake.seen.withLock { $0.made } == 1)
        }
    }

    @Test("what is made has a Location, what is deleted no body, empty lists are there")
    func successes() async throws {
        try await GatewayStand.with { stand in
            let made = try await stand.api.post("/projects", ["name": "New"])
            #expect(made.status == 201)
            #expect(made.headers["location"] == "/api/v1/projects/\(made.string("id"))")
            let started = try await stand.api.post("/projects/web/runs", ["suite": "ste_1", "variables": ["a": "b"]])
            #expect(started.status == 202 && started.headers["location"] == "/api/v1/runs/run_1")
            let run = try #require(stand.fake.seen.withLock { $0.runs.last })
            #expect(run.project == FakeServices.project.description && run.suite == "ste_1" && run.variables == ["a": "b"])
            let list = try await stand.api.get("/projects")
            #expect(list.text == #"{"data":[],"page":{"has_more":false}}"#)
            let cancelled = try await stand.api.send("POST", "/runs/run_1:cancel", body: nil)
            #expect(cancelled.status == 200 && cancelled.string("state") == "CANCELLED")
            let changed = try await stand.api.send(
                "PATCH", "/projects/web", body: Data(#"{"name":"x"}"#.utf8), headers: ["Content-Type": "application/json", "If-Match": "*"])
            #expect(changed.status == 200 && changed.string("name") == "x")
        }
    }

    @Test("a slug is looked up once, in the gateway's own name")
    func slugs() async throws {
        try await GatewayStand.with { stand in
            for _ in 0..<3 { _ = try await stand.api.get("/projects/web/runs") }
            let seen = stand.fake.seen.withLock { $0 }
            #expect(seen.resolved == ["web"])
            #expect(seen.callers.first?.actor == "service:gateway")
            #expect(seen.lists.last?.project == FakeServices.project.description)
        }
    }

    @Test("a cursor is signed, works for its own list and filter only, and is linked")
    func cursors() async throws {
        try await GatewayStand.with { stand in
            let first = try await stand.api.get("/projects/web/runs?state=PASSED&limit=10")
            let cursor = first.string("page.next_cursor")
            #expect(!cursor.isEmpty && !cursor.contains("run_"))
            #expect(first.headers["link"] == "</api/v1/projects/\(FakeServices.project)/runs?state=PASSED&limit=10&cursor=\(cursor)>; rel=\"next\"")
            let second = try await stand.api.get("/projects/\(FakeServices.project)/runs?limit=5&cursor=\(cursor)&state=PASSED")
            #expect(second.status == 200)
            #expect(stand.fake.seen.withLock { $0.lists.last?.cursor } == #"run_"1"#)
            #expect(second.headers["link"] == nil)
            #expect(try await stand.api.get("/projects/web/runs?cursor=\(cursor)").status == 400)
            #expect(try await stand.api.get("/projects/web/runs?state=FAILED&cursor=\(cursor)").status == 400)
            let stranger = try await GatewayStand.makeKey(
                stand.keys, tenant: GatewayStand.makeTenant(TestDatabase.current.database), scopes: [.orgAdmin])
            #expect(try await stand.api(stranger).get("/projects/web/runs?state=PASSED&cursor=\(cursor)").string("code") == "page.invalid_cursor")
        }
    }

    @Test("events are sent with id, type and one line of data, from where the client left off")
    func events() async throws {
        try await GatewayStand.with { stand in
            let all = try await stand.api.get("/runs/run_1/events")
            #expect(all.status == 200 && all.headers["content-type"] == "text/event-stream")
            #expect(all.text.hasPrefix("retry: "))
            #expect(all.text.contains("id: 1\nevent: updated\ndata: {\"type\":\"UPDATED\",\"id\":1,\"run\":{\"id\":\"run_1\"}}\n\n"))
            #expect(all.text.contains("id: 3\nevent: finished\n"))
            let rest = try await stand.api.get("/runs/run_1/events", headers: ["Last-Event-ID": "2"])
            #expect(!rest.text.contains("id: 2\n") && rest.text.contains("id: 3\n"))
            let same = try await stand.api.get("/runs/run_1/events?last_event_id=2")
            #expect(!same.text.contains("id: 2\n"))
            let gone = try await stand.api.get("/runs/run_gone/events")
            #expect(gone.status == 404 && gone.string("code") == "run.not_found")
            #expect(try await stand.api.get("/runs/run_1/events", headers: ["Last-Event-ID": "x"]).status == 422)
            #expect(try await stand.api.get("/runs/run_1/events?last_event_id=x", headers: ["Last-Event-ID": "2"]).status == 422)
        }
    }

    @Test("HEAD is GET without a body, and a connection serves one request after the other")
    func connections() async throws {
        try await GatewayStand.with { stand in
            let request = "HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer \(stand.key)\r\n\r\n"
            let text = try await stand.raw(
                "HEAD /api/v1/runs/run_1 \(request)GET /api/v1/runs/run_2 \(request)GET /api/v1/runs/run_3 \(request)", until: "run_3")
            #expect(text.components(separatedBy: "HTTP/1.1 200 OK").count == 4)
            #expect(!text.contains("\"run_1\"") && text.contains("\"run_2\""))
            let huge = try await stand.raw("GET / HTTP/1.1\r\nX: \(String(repeating: "x", count: 40_000))\r\n\r\n")
            #expect(huge.hasPrefix("HTTP/1.1 431 "), "\(huge.prefix(200))")
        }
    }

    @Test("anybody may ask whether the gateway lives and how its API looks")
    func system() async throws {
        try await GatewayStand.with { stand in
            let nobody = APIClient(url: stand.url, key: "")
            #expect(try await nobody.get("/healthz").status == 200)
            #expect(try await nobody.get("/readyz").status == 200)
            let document = try await nobody.get("/openapi.json")
            #expect(document.string("openapi").hasPrefix("3.1"))
            #expect(document["paths./api/v1/runs/{run}.get"] != nil)
        }
    }
}
