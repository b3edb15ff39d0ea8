import ExecutionAPI
import Foundation
import NIOCore
import Primitives
import SwiftProtobuf
import Synchronization
import TestSupport
import Testing

@testable import GatewayService

@Suite("Uploads over HTTP", .database(GatewayProgram.schema))
struct UploadTests {
    private func words(_ stand: GatewayStand) -> [String] {
        (stand.fake.seen.withLock { $0.uploads.last } ?? []).map { part in
            switch part.part {
            case .start(let start): "start \(start.format) \(start.branch)"
            case .file(let file): "file \(file.name) \(file.contentEncoding)"
            case .data(let data): "data \(data.count)"
            case .end: "end"
            case nil: "?"
            }
        }
    }

    private func content(_ stand: GatewayStand) -> Data {
        (stand.fake.seen.withLock { $0.uploads.last } ?? []).reduce(into: Data()) { $0.append($1.data) }
    }

    @Test(
        "a raw report is passed on as it came",
        arguments: [
            (["Content-Type": "application/xml"], "file report.xml "),
            (["Content-Type": "text/xml; charset=utf-8", "Content-Encoding": "gzip"], "file report.xml.gz gzip"),
            (["Content-Type": "application/gzip"], "file report gzip"), (["Content-Type": "application/zstd"], "file report zstd"),
            (["Content-Type": "application/json"], "file report.json "), (["Content-Type": "application/zip"], "file report.zip "),
            (["Content-Type": "text/plain", "Content-Encoding": "zstd"], "file report.txt.zst zstd"),
        ])
    func raw(headers: [String: String], file: String) async throws {
        try await GatewayStand.with { stand in
            let body = Data((0..<700_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) })
            let answer = try await stand.api.send("POST", "/projects/web/uploads?format=junit&run_env[branch]=main", body: body, headers: headers)
            #expect(answer.status == 202)
            #expect(answer.text.contains(#""upload_id":"upl_1","run_id":"run_1","accepted":2,"rejected":0,"status_url":"/api/v1/uploads/upl_1""#))
            #expect(answer.text.contains(#""warnings":[]"#) && answer.headers["location"] == "/api/v1/uploads/upl_1")
            let words = words(stand)
            #expect(words.first == "start junit main" && words[1] == file && words.last == "end")
            #expect(words.dropFirst(2).dropLast().allSatisfy { Int($0.dropFirst(5)).map { $0 <= 262_144 } ?? false })
            #expect(content(stand) == body)
        }
    }

    @Test("an import says when its run took place, as a field or in the query, and nothing else is taken for a time")
    func past() async throws {
        try await GatewayStand.with { stand in
            let headers = ["Content-Type": "application/xml"]
            let query = "started_at=2025-03-01T10:00:00%2B02:00&finished_at=2025-03-01T08:30:00.5Z"
            let answer = try await stand.api.send("POST", "/projects/web/uploads?\(query)", body: Data("<a/>".utf8), headers: headers)
            #expect(answer.status == 202)
            let start = stand.fake.seen.withLock { $0.uploads.last?.first?.start }
            #expect(start?.startedAt.seconds == 1_740_816_000 && start?.finishedAt.seconds == 1_740_817_800)
            for value in ["yesterday", "2025-03-01", "1740816000", "2025-03-01T10:00:00Z%22", "%22%22", "2025-13-01T10:00:00Z"] {
                let answer = try await stand.api.send("POST", "/projects/web/uploads?started_at=\(value)", body: Data("<a/>".utf8), headers: headers)
                #expect(answer.status == 422 && answer.text.contains("started_at"), "\(value): \(answer.text)")
            }
        }
    }

    @Test("a multipart body may have its fields behind its files, and files beyond memory")
    func multipart() async throws {
        try await GatewayStand.with { stand in
            let big = String(repeating: "0123456789abcdef", count: 200_000)
            func part(_ disposition: String, _ content: String) -> String {
                "--XX\r\nContent-Disposition: form-data; \(disposition)\r\n\r\n\(content)\r\n"
            }
            let body =
                part(#"name="data"; filename="a.xml""#, "<a/>") + part(#"name="file"; filename="b.xml.gz""#, big)
                + part(#"name="file"; filename="c.xml""#, "")
                + part(#"name="format""#, "junit") + part(#"name="run_env[branch]""#, "späte") + "--XX--\r\n"
            let answer = try await stand.api.send(
                "POST", "/projects/web/uploads", body: Data(body.utf8), headers: ["Content-Type": "multipart/form-data; boundary=XX"])
            #expect(answer.status == 202)
            let words = words(stand)
            #expect(
                words.filter { !$0.hasPrefix("data") } == [
                    "start junit späte", "file a.xml ", "end", "file b.xml.gz gzip", "end", "file c.xml ", "end",
                ])
            #expect(content(stand) == Data(("<a/>" + big).utf8))
        }
    }

    @Test("an exit code is an upload without a file, unless it is 0")
    func exitCode() async throws {
        func body(_ code: String) -> Data {
            let fields = [("exit_code", code), ("command", "npm test")]
            let parts = fields.map { "--B\r\nContent-Disposition: form-data; name=\($0.0)\r\n\r\n\($0.1)\r\n" }
            return Data((parts.joined() + "--B--").utf8)
        }
        try await GatewayStand.with { stand in
            let headers = ["Content-Type": "multipart/form-data; boundary=B"]
            let taken = try await stand.api.send("POST", "/projects/web/uploads", body: body("137"), headers: headers)
            #expect(taken.status == 202)
            let start = try #require(stand.fake.seen.withLock { $0.uploads.first?.first?.start })
            #expect(start.hasExitCode && start.exitCode == 137 && start.command == "npm test")
            let well = try await stand.api.send("POST", "/projects/web/uploads", body: body("0"), headers: headers)
            #expect(well.status == 422 && well.string("code") == "upload.no_files")
            for code in ["256", "-9", "9.0", "007", ""] {
                let refused = try await stand.api.send("POST", "/projects/web/uploads", body: body(code), headers: headers)
                #expect(refused.status == 422, "\(code) \(refused.status)")
            }
        }
    }

    @Test(
        "what is no upload is refused",
        arguments: [
            (["Content-Type": "application/pdf"], "{}", 415, "upload.unsupported_media_type"), ([:], "x", 415, "upload.unsupported_media_type"),
            (["Content-Type": "application/xml", "Content-Encoding": "br"], "x", 415, "upload.unsupported_encoding"),
            (["Content-Type": "application/xml", "Content-Encoding": "gzip, gzip"], "x", 415, "upload.unsupported_encoding"),
            (["Content-Type": "application/gzip", "Content-Encoding": "gzip"], "x", 415, "upload.unsupported_encoding"),
            (["Content-Type": "multipart/form-data"], "x", 400, "upload.malformed_multipart"),
            (["Content-Type": "multipart/form-data; boundary=B"], "--B\r\n", 400, "upload.malformed_multipart"),
            (
                ["Content-Type": "multipart/form-data; boundary=B"], "--B\r\nContent-Disposition: form-data; name=format\r\n\r\njunit\r\n--B--", 422,
                "upload.no_files"
            ),
        ] as [([String: String], String, Int, String)])
    func refused(headers: [String: String], body: String, status: Int, code: String) async throws {
        try await GatewayStand.with { stand in
            let answer = try await stand.api.send(
                "POST", "/projects/web/uploads", body: Data(body.utf8), headers: headers.isEmpty ? ["Content-Type": "text/html"] : headers)
            #expect(answer.status == status && answer.string("code") == code)
            #expect(stand.fake.seen.withLock { $0.uploads.isEmpty })
        }
    }

    @Test("an upload over the limit ends with 413, declared or not, and nothing is stored")
    func tooLarge() async throws {
        try await GatewayStand.with(settings: ["ASSAY_GATEWAY_UPLOAD_BYTES": "100000"]) { stand in
            let head =
                "POST /api/v1/projects/web/uploads HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer \(stand.key)\r\nContent-Type: application/xml\r\n"
            let declared = try await stand.raw(head + "Content-Length: 100001\r\n\r\n")
            #expect(declared.hasPrefix("HTTP/1.1 413") && declared.contains("upload.too_large"))
            let chunk = "8000\r\n" + String(repeating: "x", count: 32_768) + "\r\n"
            let crossing = try await stand.raw(head + "Transfer-Encoding: chunked\r\n\r\n" + String(repeating: chunk, count: 5))
            #expect(crossing.hasPrefix("HTTP/1.1 413") && crossing.contains("upload.too_large"))
            #expect(stand.fake.seen.withLock { $0.uploads.isEmpty })
        }
    }

    @Test(
        "an upload whose connection breaks is none, whether its length was declared or not",
        arguments: ["Content-Length: 100000", "Transfer-Encoding: chunked"])
    func brokenOff(framing: String) async throws {
        try await GatewayStand.with { stand in
            let head =
                "POST /api/v1/projects/web/uploads HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer \(stand.key)\r\nContent-Type: application/xml\r\n"
            let half = "<testsuite><testcase name=\"a\"/>"
            let body = framing.hasPrefix("T") ? "\(String(half.utf8.count, radix: 16))\r\n\(half)\r\n" : half
            for _ in 0..<5 { try await RawHTTP.abandon(port: stand.port, Array((head + framing + "\r\n\r\n" + body).utf8)) }
            // What comes afterwards is carried out afterwards.
            let whole = try await stand.api.send(
                "POST", "/projects/web/uploads", body: Data("<a/>".utf8), headers: ["Content-Type": "application/xml"])
            #expect(whole.status == 202)
            #expect(stand.fake.seen.withLock { $0.uploads.count } == 1)
        }
    }

    @Test("a service that refuses in the middle is answered at once")
    func refusedUpstream() async throws {
        try await GatewayStand.with { stand in
            stand.fake.plan.withLock { $0.uploadFault = Fault(.invalid, "upload.compression_ratio", "A bomb.") }
            let answer = try await stand.api.send(
                "POST", "/projects/web/uploads", body: Data(count: 3_000_000), headers: ["Content-Type": "application/gzip"])
            #expect(answer.status == 413 && answer.string("code") == "upload.compression_ratio")
        }
    }

    @Test("a service that refuses while the client still sends is answered at once, and the gateway goes on")
    func refusedWhileSending() async throws {
        try await GatewayStand.with { stand in
            stand.fake.plan.withLock { $0.uploadFault = Fault.unavailable("upload.busy", "Too many.", retryAfter: .seconds(2)) }
            let head =
                "POST /api/v1/projects/web/uploads HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer \(stand.key)\r\nContent-Type: application/xml\r\n"
            let text = try await stand.raw(head + "Content-Length: 100000\r\n\r\n<testsuite>")
            #expect(text.hasPrefix("HTTP/1.1 503") && text.contains("upload.busy"))
            #expect(try await stand.api.get("/limits").status == 200)
        }
    }

    @Test("an upload may take as long as the setting says, however long the service works on it")
    func time() async throws {
        try await GatewayStand.with(settings: ["ASSAY_GATEWAY_UPLOAD_SECONDS": "1"]) { stand in
            stand.fake.plan.withLock { $0.uploadPause = .milliseconds(300) }
            let headers = ["Content-Type": "application/xml"]
            let inTime = try await stand.api.send("POST", "/projects/web/uploads", body: Data("<a/>".utf8), headers: headers)
            #expect(inTime.status == 202, "\(inTime.text)")
            stand.fake.plan.withLock { $0.uploadPause = .seconds(60) }
            let started = ContinuousClock.now
            let tooLong = try await stand.api.send("POST", "/projects/web/uploads", body: Data("<a/>".utf8), headers: headers)
            #expect(tooLong.status == 504 && ContinuousClock.now - started < .seconds(10), "\(tooLong.text)")
            #expect(stand.fake.seen.withLock { $0.uploads.count } == 1)
        }
    }

    @Test("curl's Expect is answered before the body is sent")
    func expect() async throws {
        try await GatewayStand.with { stand in
            let head =
                "POST /api/v1/projects/web/uploads HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer \(stand.key)\r\nContent-Type: application/xml\r\n"
            let text = try await stand.raw(head + "Content-Length: 4\r\nExpect: 100-continue\r\n\r\n", until: "100 Continue")
            #expect(text.hasPrefix("HTTP/1.1 100 Continue"))
        }
    }

    @Test("a CI key may wait for the end of the run it has fed, and a repeated upload replays its receipt")
    func waiting() async throws {
        try await GatewayStand.with { stand in
            let ci = stand.api(try await stand.makeKey([.resultsWrite], kind: .ci))
            let headers = ["Content-Type": "application/xml", "Idempotency-Key": "u1"]
            let first = try await ci.send("POST", "/projects/web/uploads?wait=30", body: Data("<a/>".utf8), headers: headers)
            #expect(first.status == 200 && first.string("run_state") == "PASSED")
            let second = try await ci.send("POST", "/projects/web/uploads?wait=30", body: Data("<a/>".utf8), headers: headers)
            #expect(second.status == 200 && second.body == first.body && second.headers["idempotent-replayed"] == "true")
            #expect(stand.fake.seen.withLock { $0.uploads.count } == 1)
        }
    }
}
