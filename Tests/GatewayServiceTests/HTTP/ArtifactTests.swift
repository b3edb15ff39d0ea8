import ExecutionAPI
import Foundation
import Primitives
import ServiceKit
import SwiftProtobuf
import Synchronization
import TestSupport
import Testing

@testable import GatewayService

@Suite("Artifacts over HTTP", .database(GatewayProgram.schema))
struct ArtifactTests {
    private func words(_ stand: GatewayStand) -> [String] {
        (stand.fake.seen.withLock { $0.artifacts.last } ?? []).map { part in
            switch part.part {
            case .start(let start): "start \(start.run) \(start.storageBytes > 0 && start.storageFiles > 0)"
            case .file(let file): "file \(file.name) \(file.mediaType) \(file.result)"
            case .data: "data"
            case .end: "end"
            case nil: "?"
            }
        }
    }

    private static func part(_ disposition: String, _ content: String, type: String = "") -> String {
        "--XX\r\nContent-Disposition: form-data; \(disposition)\r\n" + (type.isEmpty ? "" : "Content-Type: \(type)\r\n") + "\r\n\(content)\r\n"
    }

    @Test("one file is passed on as it comes, with its type, its name and what the organization may keep")
    func raw() async throws {
        try await GatewayStand.with { stand in
            let body = Data((0..<700_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) })
            let answer = try await stand.api.send(
                "POST", "/runs/run_1/artifacts?name=sp%C3%A4te%2Fa.png&result=res_1", body: body, headers: ["Content-Type": "image/png"])
            #expect(answer.status == 201 && answer.string("data.0.name") == "späte/a.png", "\(answer.text)")
            #expect(answer.text.contains(#""refused":[]"#))
            #expect(words(stand).filter { $0 != "data" } == ["start run_1 true", "file späte/a.png image/png res_1", "end"])
            let sent = stand.fake.seen.withLock { $0.artifacts.last ?? [] }
            #expect(sent.reduce(into: Data()) { $0 += $1.data } == body && sent.allSatisfy { $0.data.count <= 262_144 })
        }
    }

    @Test("a form holds many files, each with its result")
    func multipart() async throws {
        try await GatewayStand.with { stand in
            let long = String(repeating: "n", count: 4_000)
            let body =
                Self.part(#"name="file"; filename="run.log""#, "log", type: "text/plain") + Self.part(#"name="result""#, "res_1")
                + Self.part(#"name="file"; filename="../a\"b.png""#, String(repeating: "p", count: 300_000), type: "image/png")
                + Self.part(#"name="result""#, "res_2") + Self.part("name=\"file\"; filename=\"\(long)\"", "") + "--XX--\r\n"
            let answer = try await stand.api.send(
                "POST", "/runs/run_1/artifacts", body: Data(body.utf8), headers: ["Content-Type": "multipart/form-data; boundary=XX"])
            #expect(answer.status == 201, "\(answer.text)")
            #expect(
                words(stand).filter { $0 != "data" } == [
                    "start run_1 true", "file run.log text/plain ", "end", #"file ../a"b.png image/png res_1"#, "end", "file \(long)  res_2", "end",
                ])
        }
    }

    @Test(
        "what is no upload is refused",
        arguments: [
            ("?name=a", ["Content-Type": "text/plain", "Content-Encoding": "gzip"], "x", 415, "upload.unsupported_encoding"),
            ("?nome=a", ["Content-Type": "text/plain"], "x", 400, "request.unknown_parameter"),
            ("", ["Content-Type": "multipart/form-data"], "x", 400, "upload.malformed_multipart"),
            ("", ["Content-Type": "multipart/form-data; boundary=XX"], "--XX--\r\n", 422, "upload.no_files"),
            ("", ["Content-Type": "multipart/form-data; boundary=XX"], part("name=\"format\"", "x") + "--XX--", 400, "request.unknown_parameter"),
            ("", ["Content-Type": "multipart/form-data; boundary=XX"], part("name=\"file\"; filename=\"a\"", "x"), 400, "upload.malformed_multipart"),
        ] as [(String, [String: String], String, Int, String)])
    func refused(query: String, headers: [String: String], body: String, status: Int, code: String) async throws {
        try await GatewayStand.with { stand in
            let answer = try await stand.api.send("POST", "/runs/run_1/artifacts" + query, body: Data(body.utf8), headers: headers)
            #expect(answer.status == status && answer.string("code") == code, "\(answer.text)")
            #expect(stand.fake.seen.withLock { $0.artifacts.isEmpty })
        }
    }

    @Test("what Execution refuses has its status: 413 for storage that is used up (T91)")
    func quota() async throws {
        try await GatewayStand.with { stand in
            let kind = FaultKind.invalid
            stand.fake.plan.withLock {
                $0.uploadFault = Fault(kind, "quota_exceeded", "No room.", fields: [.init("policy", "violated", "storage_bytes")])
            }
            let answer = try await stand.api.send(
                "POST", "/runs/run_1/artifacts?name=a", body: Data("x".utf8), headers: ["Content-Type": "text/plain"])
            #expect(answer.status == 413 && answer.string("code") == "quota_exceeded", "\(answer.text)")
        }
    }

    @Test("the content is served whole, in part, or not again, and never in a way that runs (T88, T89)")
    func content() async throws {
        try await GatewayStand.with { stand in
            // More than one window, and not a multiple of it.
            let data = Data((0..<2_600_000).map { UInt8(truncatingIfNeeded: $0 &* 131 >> 5) })
            stand.fake.plan.withLock { plan in
                plan.content = data
                plan.artifact = .with {
                    $0.id = "art_1"
                    $0.name = "../shot\u{202E}.png"
                    $0.mediaType = "image/png"
                    $0.bytes = Int64(data.count)
                    $0.sha256 = "abc"
                }
            }
            let path = "/artifacts/art_1/content"
            let whole = try await stand.api.get(path)
            #expect(whole.status == 200 && whole.body == data && whole.headers["content-length"] == "2600000")
            #expect(whole.headers["content-type"] == "image/png" && whole.headers["content-disposition"] == #"inline; filename="shot.png""#)
            #expect(whole.headers["content-security-policy"] == "sandbox; default-src 'none'" && whole.headers["x-content-type-options"] == "nosniff")
            #expect(whole.headers["etag"] == "\"abc\"" && whole.headers["accept-ranges"] == "bytes")
            #expect(whole.headers["cache-control"]?.hasPrefix("private") == true)

            let part = try await stand.api.get(path, headers: ["Range": "bytes=1048570-2097160"])
            #expect(part.status == 206 && part.body == data[1_048_570...2_097_160])
            #expect(part.headers["content-range"] == "bytes 1048570-2097160/2600000")
            let behind = try await stand.api.get(path, headers: ["Range": "bytes=2600000-"])
            #expect(behind.status == 416 && behind.headers["content-range"] == "bytes */2600000")
            #expect(behind.string("code") == "artifact.range_not_satisfiable")
            let several = try await stand.api.get(path, headers: ["Range": "bytes=0-1,3-4"])
            #expect(several.status == 200 && several.body.count == data.count)
            let changed = try await stand.api.get(path, headers: ["Range": "bytes=0-1", "If-Range": "\"old\""])
            #expect(changed.status == 200)

            let known = try await stand.api.get(path, headers: ["If-None-Match": "\"x\", W/\"abc\""])
            #expect(known.status == 304 && known.body.isEmpty && known.headers["etag"] == "\"abc\"")
            let head = try await stand.raw(
                "HEAD /api/v1\(path) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer \(stand.key)\r\n\r\n")
            #expect(head.hasPrefix("HTTP/1.1 200") && head.lowercased().contains("content-length: 2600000") && head.hasSuffix("\r\n\r\n"))

            let reader = stand.fake.seen.withLock { $0.callers.last }
            #expect(reader?.isService == true && reader?.tenant == stand.tenant)
        }
    }

    @Test("who may not read runs gets no content, and what is not there is not")
    func forbidden() async throws {
        try await GatewayStand.with { stand in
            let ci = stand.api(try await stand.makeKey([.resultsWrite], kind: .ci))
            #expect(try await ci.get("/artifacts/art_1/content").status == 403)
            #expect(try await ci.send("DELETE", "/artifacts/art_1", body: nil).status == 403)
            #expect(try await stand.api.get("/artifacts/art_gone/content").status == 404)
            #expect(try await stand.api.get("/artifacts/art_1/content?x=1").status == 400)
            #expect(try await stand.api.send("DELETE", "/artifacts/art_1", body: nil).status == 204)
        }
    }

    @Test("when the content ends too early so does the answer, and no client takes it for the whole")
    func cutOff() async throws {
        try await GatewayStand.with { stand in
            stand.fake.plan.withLock { plan in
                plan.content = Data(count: 1_500_000)
                plan.artifact = .with {
                    $0.id = "art_1"
                    $0.bytes = 2_000_000
                }
            }
            await #expect(throws: (any Error).self) { _ = try await stand.api.get("/artifacts/art_1/content") }
        }
    }
}
