import Crypto
import ExecutionAPI
import Foundation
import Primitives
import Synchronization
import TestSupport
import Testing

@testable import GatewayService

/// Uploads in pieces as a client of the draft sends them.
@Suite("Uploads in pieces over HTTP", .database(GatewayProgram.schema))
struct PartialUploadTests {
    private static let partial = ["Content-Type": "application/partial-upload"]

    private func content(_ stand: GatewayStand) -> Data {
        (stand.fake.seen.withLock { $0.uploads.last } ?? []).reduce(into: Data()) { $0.append($1.data) }
    }

    private func begin(_ stand: GatewayStand, _ headers: [String: String] = [:], body: Data = Data(), query: String = "") async throws -> APIAnswer {
        let standard = ["Content-Type": "application/xml", "Upload-Complete": "?0"]
        return try await stand.api.send("POST", "/projects/web/uploads" + query, body: body, headers: standard.merging(headers) { $1 })
    }

    private func patch(_ stand: GatewayStand, _ path: String, _ body: Data, at offset: Int, last: Bool, key: String? = nil) async throws -> APIAnswer
    {
        try await stand.api(key ?? stand.key).send(
            "PATCH", path, body: body,
            headers: Self.partial.merging(["Upload-Offset": "\(offset)", "Upload-Complete": last ? "?1" : "?0"]) { $1 })
    }

    /// As the client sees it, without what all paths have in front.
    private func place(_ answer: APIAnswer) -> String { String((answer.headers["location"] ?? "").dropFirst("/api/v1".count)) }

    @Test("an upload in pieces ends with the answer that one request would have had, and gets it again")
    func whole() async throws {
        try await GatewayStand.with { stand in
            let body = Data((0..<2_500_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) })
            let begun = try await begin(
                stand, ["Upload-Length": "2500000", "Content-Encoding": "gzip"], body: body.prefix(10), query: "?run_env[branch]=main&format=junit")
            #expect(begun.status == 201 && begun.headers["upload-offset"] == "10" && begun.headers["upload-complete"] == "?0")
            #expect(place(begun).hasSuffix(begun.string("id")) && begun.integer("offset") == 10)
            #expect(begun.headers["upload-limit"]?.hasPrefix("max-size=268435456, max-age=") == true)
            let second = try await patch(stand, place(begun), body[10..<1_600_000], at: 10, last: false)
            #expect(second.status == 204 && second.headers["upload-offset"] == "1600000")
            let asked = try await stand.api.send("HEAD", place(begun), body: nil)
            #expect(asked.status == 204 && asked.headers["upload-offset"] == "1600000" && asked.headers["upload-length"] == "2500000")
            #expect(asked.headers["cache-control"] == "no-store")
            let last = try await patch(stand, place(begun), body[1_600_000...], at: 1_600_000, last: true)
            #expect(last.status == 202 && last.string("upload_id") == "upl_1" && last.headers["upload-complete"] == "?1", "\(last.text)")
            #expect(content(stand) == body)
            let start = stand.fake.seen.withLock { $0.uploads.last?.first?.start }
            #expect(start?.branch == "main" && start?.format == "junit")
            let again = try await patch(stand, place(begun), Data(), at: 2_500_000, last: true)
            #expect(again.status == 202 && again.body == last.body && again.headers["idempotent-replayed"] == "true")
            #expect(stand.fake.seen.withLock { $0.uploads.count } == 1)
            let more = try await patch(stand, place(begun), Data("x".utf8), at: 2_500_000, last: true)
            #expect(more.status == 400 && more.string("code") == "upload.already_completed")
            #expect(more.string("type") == "https://iana.org/assignments/http-problem-types#completed-upload")
        }
    }

    @Test("what came before a line broke is kept, and the next one goes on from there", arguments: [1, 70_000, 1_100_000])
    func cut(arrived: Int) async throws {
        try await GatewayStand.with { stand in
            let begun = try await begin(stand)
            let head = """
                PATCH \(begun.headers["location"] ?? "") HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer \(stand.key)\r\n\
                Content-Type: application/partial-upload\r\nUpload-Offset: 0\r\nUpload-Complete: ?1\r\nContent-Length: 2000000\r\n\r\n
                """
            try await RawHTTP.abandon(port: stand.port, Array((head + String(repeating: "a", count: arrived)).utf8))
            try await eventually {
                try await stand.api.send("HEAD", place(begun), body: nil).headers["upload-offset"] == "\(arrived)"
            }
            let rest = Data(repeating: UInt8(ascii: "b"), count: 2_000_000 - arrived)
            let last = try await patch(stand, place(begun), rest, at: arrived, last: true)
            #expect(last.status == 202, "\(last.text)")
            #expect(content(stand) == Data(repeating: UInt8(ascii: "a"), count: arrived) + rest)
        }
    }

    @Test("whoever sends all at once is told before the first byte where it can go on, and gets the same answer in the end")
    func announced() async throws {
        try await GatewayStand.with { stand in
            let head = """
                POST /api/v1/projects/web/uploads HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer \(stand.key)\r\n\
                Content-Type: application/xml\r\nUpload-Complete: ?1\r\nUpload-Draft-Interop-Version: 8\r\nContent-Length: 200000\r\n\r\n
                """
            let interim = try await stand.raw(head + String(repeating: "a", count: 100_000), until: "\r\n\r\n")
            #expect(interim.hasPrefix("HTTP/1.1 104 Upload Resumption Supported\r\n"), "\(interim)")
            let path = try #require(interim.firstMatch(of: /Location: \/api\/v1(\/partial-uploads\/pup_[0-9a-z]+)/)).output.1
            try await eventually {
                try await stand.api.send("HEAD", String(path), body: nil).headers["upload-offset"] == "100000"
            }
            let asked = try await stand.api.send("HEAD", String(path), body: nil)
            let offset = try #require(Int(asked.headers["upload-offset"] ?? ""))
            #expect(asked.headers["upload-length"] == "200000" && asked.headers["upload-complete"] == "?0")
            let last = try await patch(stand, String(path), Data(repeating: UInt8(ascii: "b"), count: 200_000 - offset), at: offset, last: true)
            #expect(last.status == 202 && content(stand).count == 200_000, "\(last.text)")

            let whole = try await stand.api.send(
                "POST", "/projects/web/uploads", body: Data("<a/>".utf8), headers: ["Content-Type": "application/xml", "Upload-Complete": "?1"])
            #expect(whole.status == 202 && whole.headers["upload-complete"] == "?1" && whole.string("upload_id") == "upl_1", "\(whole.text)")
        }
    }

    @Test("a piece that does not follow is refused with where to go on, as the draft's problem")
    func mismatch() async throws {
        try await GatewayStand.with { stand in
            let begun = try await begin(stand, body: Data("12345".utf8))
            let answer = try await patch(stand, place(begun), Data("x".utf8), at: 3, last: false)
            #expect(answer.status == 409 && answer.headers["upload-offset"] == "5" && answer.string("code") == "upload.offset_mismatch")
            #expect(answer.string("type") == "https://iana.org/assignments/http-problem-types#mismatching-upload-offset")
            #expect(answer.integer("expected-offset") == 5 && answer.integer("provided-offset") == 3)
            let other = try await begin(stand, ["Upload-Length": "10"])
            let long = try await stand.api.send(
                "PATCH", place(other), body: Data("x".utf8),
                headers: Self.partial.merging(["Upload-Offset": "0", "Upload-Complete": "?1", "Upload-Length": "10"]) { $1 })
            #expect(long.status == 400 && long.string("type").hasSuffix("#inconsistent-upload-length"))
            let plain = try await stand.api.send("PATCH", place(begun), body: Data("x".utf8), headers: ["Content-Type": "application/xml"])
            #expect(plain.status == 415)
            let lacking = try await stand.api.send("PATCH", place(begun), body: Data("x".utf8), headers: Self.partial)
            #expect(lacking.status == 422)
        }
    }

    @Test("an upload in pieces is for whoever may upload to its project, and to everybody else there is none")
    func strangers() async throws {
        try await GatewayStand.with { stand in
            let begun = try await begin(stand, body: Data("12345".utf8))
            let path = place(begun)
            let keys = [
                try await GatewayStand.makeKey(stand.keys, tenant: GatewayStand.makeTenant(stand.keys.database), scopes: Set(KeyScope.allCases)),
                try await stand.makeKey([.resultsWrite], projects: [UUID()]),
            ]
            for key in keys {
                #expect(try await stand.api(key).send("HEAD", path, body: nil).status == 404)
                let append = try await patch(stand, path, Data("x".utf8), at: 5, last: false, key: key)
                #expect(append.status == 404 && append.string("code") == "partial_upload.not_found")
                #expect(try await stand.api(key).send("DELETE", path, body: nil).status == 404)
            }
            let reader = try await stand.makeKey([.resultsRead])
            #expect(try await patch(stand, path, Data("x".utf8), at: 5, last: false, key: reader).status == 403)
            // A colleague's key goes on.
            let ci = try await stand.makeKey([.resultsWrite], kind: .ci)
            #expect(try await patch(stand, path, Data("6".utf8), at: 5, last: true, key: ci).status == 202)
            let given = try await begin(stand)
            #expect(try await stand.api.send("DELETE", place(given), body: nil).status == 204)
            #expect(try await stand.api.send("HEAD", place(given), body: nil).status == 404)
        }
    }

    @Test("what is not what Repr-Digest said is dropped")
    func digest() async throws {
        try await GatewayStand.with { stand in
            let body = Data("<a/>".utf8)
            let digest = Data(SHA256.hash(data: body)).base64EncodedString()
            let good = try await begin(stand, ["Repr-Digest": "sha-256=:\(digest):"])
            #expect(try await patch(stand, place(good), body, at: 0, last: true).status == 202)
            let bad = try await begin(stand, ["Repr-Digest": "md5=:AAAA:, sha-256=:\(digest):"])
            let answer = try await patch(stand, place(bad), Data("<b/>".utf8), at: 0, last: true)
            #expect(answer.status == 422 && answer.string("code") == "upload.digest_mismatch")
            #expect(try await stand.api.send("HEAD", place(bad), body: nil).status == 404)
            #expect(stand.fake.seen.withLock { $0.uploads.count } == 1)
        }
    }

    @Test("a service that is busy at the end leaves everything where it is, and a refusal is final")
    func troubles() async throws {
        try await GatewayStand.with { stand in
            stand.fake.plan.withLock { $0.uploadFault = .unavailable("upload.busy", "Busy.", retryAfter: .seconds(1)) }
            let begun = try await begin(stand, ["Idempotency-Key": "k1"])
            let busy = try await patch(stand, place(begun), Data("<a/>".utf8), at: 0, last: true)
            #expect(busy.status == 503 && busy.headers["upload-complete"] == nil)
            let found = try await begin(stand, ["Idempotency-Key": "k1"])
            #expect(found.headers["location"] == begun.headers["location"] && found.headers["upload-offset"] == "4")
            stand.fake.plan.withLock { $0.uploadFault = Fault(.invalid, "report.unknown_format", "No report.") }
            let refused = try await patch(stand, place(begun), Data(), at: 4, last: true)
            #expect(refused.status == 422 && refused.headers["upload-complete"] == "?1" && refused.string("code") == "report.unknown_format")
            let replayed = try await patch(stand, place(begun), Data(), at: 4, last: true)
            #expect(replayed.status == 422 && replayed.body == refused.body)
        }
    }

    @Test("headers that are not well formed count as absent")
    func fields() {
        #expect(StructuredField.boolean("?1") == true && StructuredField.boolean(" ?0;a=1") == false && StructuredField.boolean("1") == nil)
        #expect(StructuredField.integer("42") == 42 && StructuredField.integer("-1") == nil && StructuredField.integer("1.0") == nil)
        #expect(StructuredField.integer("9999999999999999") == nil && StructuredField.integer("") == nil)
        #expect(StructuredField.sha256("sha-256=:AAAA:") == nil && StructuredField.sha256("sha-256=AAAA") == nil)
        #expect(StructuredField.sha256("sha-512=:AAAA:, sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:")?.count == 32)
    }
}
