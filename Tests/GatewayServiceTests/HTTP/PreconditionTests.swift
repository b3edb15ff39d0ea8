import Contract
import Foundation
import Primitives
import Synchronization
import TestSupport
import Testing

@testable import GatewayService

@Suite("ETag and If-Match", .database(GatewayProgram.schema))
struct PreconditionTests {
    @Test(
        "If-Match names a version, anything, or none that there is",
        arguments: [
            (#""7.abc""#, 7), (#" "7" "#, 7), ("*", 0), (#"W/"7.abc""#, EntityTag.noVersion), (#""abc""#, EntityTag.noVersion),
            (#""""#, EntityTag.noVersion), (#""-3""#, EntityTag.noVersion), (#""0""#, EntityTag.noVersion),
        ] as [(String, Int64)])
    func version(header: String, expected: Int64) throws {
        #expect(try EntityTag.version(ifMatch: header, isRequired: true) == expected)
    }

    @Test("what is no single tag is malformed", arguments: ["7", #""7"#, #"7""#, #""7", "8""#, #""a b""#, "\"", "", "W/", "**"])
    func malformed(header: String) {
        #expect(throws: Fault.ifMatchMalformed) { try EntityTag.version(ifMatch: header, isRequired: false) }
    }

    @Test("a change needs the version that was read: 428 without it, 412 for another, the new tag with the answer (T105)")
    func change() async throws {
        try await GatewayStand.with { stand in
            let read = try await stand.api.get("/projects/web")
            let tag = try #require(read.headers["etag"])
            #expect(tag.hasPrefix("\"7."))
            let unchanged = try await stand.api.get("/projects/web", headers: ["If-None-Match": tag])
            #expect(unchanged.status == 304)

            func patch(_ headers: [String: String]) async throws -> APIAnswer {
                try await stand.api.send(
                    "PATCH", "/projects/web", body: Data(#"{"name":"x"}"#.utf8),
                    headers: headers.merging(["Content-Type": "application/json"]) { a, _ in a })
            }
            let absent = try await patch([:])
            #expect(absent.status == 428 && absent.string("code") == "precondition_required")
            let malformed = try await patch(["If-Match": "7"])
            #expect(malformed.status == 400 && malformed.string("code") == "precondition.malformed")
            let stale = try await patch(["If-Match": #""6.abc""#])
            #expect(stale.status == 412 && stale.string("code") == "precondition_failed")
            let weak = try await patch(["If-Match": "W/" + tag])
            #expect(weak.status == 412)
            let done = try await patch(["If-Match": tag])
            #expect(done.status == 200 && done.headers["etag"]?.hasPrefix("\"8.") == true)
            #expect(try await patch(["If-Match": "*"]).status == 200)
            #expect(stand.fake.seen.withLock { $0.versions } == [6, EntityTag.noVersion, 7, 0])
        }
    }

    @Test("a replayed change has the tag of the first answer")
    func replay() async throws {
        try await GatewayStand.with { stand in
            let headers = ["Content-Type": "application/json", "If-Match": "*", "Idempotency-Key": "k"]
            let body = Data(#"{"name":"x"}"#.utf8)
            let first = try await stand.api.send("PATCH", "/projects/web", body: body, headers: headers)
            let second = try await stand.api.send("PATCH", "/projects/web", body: body, headers: headers)
            #expect(first.headers["etag"] != nil && second.headers["etag"] == first.headers["etag"] && second.body == first.body)
            #expect(second.headers["idempotent-replayed"] == "true")
            #expect(stand.fake.seen.withLock { $0.versions.count } == 1)
        }
    }

    @Test("the version travels in the header alone")
    func notInTheBody() async throws {
        try await GatewayStand.with { stand in
            let answer = try await stand.api.send(
                "PATCH", "/projects/web", body: Data(#"{"version":7}"#.utf8), headers: ["Content-Type": "application/json", "If-Match": "*"])
            #expect(answer.status == 422 && answer.string("code") == "unknown_field" && answer.string("errors.0.pointer") == "/version")
        }
    }

    @Test("every PATCH and PUT of every contract requires If-Match, and every DELETE of what has a version takes it")
    func everywhere() {
        let versioned = Set(GatewayProgram.routes.filter { $0.verb == .get && $0.version != nil }.map(\.path.description))
        for route in GatewayProgram.routes {
            let name = "\(route.verb.rawValue) \(route.path)"
            switch route.verb {
            case .patch, .put:
                #expect(
                    route.precondition?.shape.bounds.isRequired == true,
                    "\(name): give the request `int64 version = … [(assay.field) = { version: true required: true }]`")
                #expect(route.version != nil, "\(name): the answer says which version it is, for the next change")
                #expect(versioned.contains(route.path.description), "\(name): what can be changed can be read, at the same path")
            case .delete where versioned.contains(route.path.description):
                #expect(route.precondition != nil, "\(name): give the request `int64 version = … [(assay.field) = { version: true }]`")
            default: break
            }
        }
    }
}
