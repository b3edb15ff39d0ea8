import Foundation
import Synchronization
import TestSupport
import Testing

@testable import CommandLineClient

/// `assay upload` and `assay flush` against a server that misbehaves.
@Suite(.timeLimit(.minutes(2))) struct UploadTests {
    @Test("a busy server is asked again when it said, with the same key and content")
    func retries() async throws {
        let asked = Mutex(0)
        let stub = try await ServerStub.start { request in
            guard request.target.contains("/uploads"),
                asked.withLock({
                    $0 += 1; return $0
                }) <= 2
            else { return nil }
            return LoopbackServer.Response(
                status: 503, headers: [("content-type", "application/problem+json"), ("retry-after", "1")],
                body: Data(#"{"status":503,"code":"upload.busy","detail":"busy"}"#.utf8))
        }
        defer { stub.server.stop() }
        let program = try AssayProgram(environment: stub.environment)
        defer { program.remove() }
        try program.write("<testsuite/>", to: "a.xml")
        let answer = try await program("upload", "--strict", "a.xml")
        #expect(answer.status == 0, "\(answer.error)")
        #expect(
            stub.uploads.count == 3 && Set(stub.uploads.map { $0.header("idempotency-key") }).count == 1 && Set(stub.uploads.map(\.body)).count == 1)
        let waited = stub.uploads[1].receivedAt - stub.uploads[0].receivedAt
        #expect(waited >= .seconds(1))
    }

    @Test("while the server is away uploads are kept, and the next one sends them, each once")
    func outbox() async throws {
        let port = FreePort.next()
        var program = try AssayProgram(environment: ["ASSAY_URL": "http://127.0.0.1:\(port)", "ASSAY_API_KEY": "k", "ASSAY_PROJECT": "shop"])
        defer { program.remove() }
        try program.write("<testsuite/>", to: "a.xml")
        #expect(try await program("upload", "--retry-for", "1s", "a.xml").status == 0)
        #expect(try await program("flush", "--retry-for", "1s").status == 4)
        // What was kept was kept for that server alone.
        let stub = try await ServerStub.start()
        defer { stub.server.stop() }
        program.environment["ASSAY_URL"] = stub.server.url
        try program.write("<testsuite />", to: "b.xml")
        #expect(try await program("upload", "b.xml").status == 0)
        #expect(stub.uploads.count == 1)
        let entry = try #require(
            try FileManager.default.contentsOfDirectory(atPath: program.folder.path + "/home/.local/state/assay/outbox").first {
                $0.hasSuffix(".json")
            })
        let place = "home/.local/state/assay/outbox/\(entry)"
        try program.write(program.read(place).replacing("http://127.0.0.1:\(port)", with: stub.server.url), to: place)
        let flushed = try await program("flush")
        #expect(flushed.status == 0 && flushed.output == "1 sent, 0 waiting, 0 refused.\n", "\(flushed.error)")
        #expect(try await program("flush").output == "Nothing waits.\n")
        #expect(stub.uploads.count == 2)
    }

    @Test("artifacts follow the reports to their run, each by its path and type; what is refused is a warning, and an error with --strict")
    func artifacts() async throws {
        let stub = try await ServerStub.start { request in
            guard request.target.contains("/artifacts") else { return nil }
            return request.target.contains("name=shots%2Fb.txt")
                ? .json(#"{"status":413,"code":"quota_exceeded","detail":"no room"}"#, status: 413) : .json(#"{"data":[]}"#, status: 201)
        }
        defer { stub.server.stop() }
        let program = try AssayProgram(environment: stub.environment)
        defer { program.remove() }
        for (name, text) in [("a.xml", "<testsuite/>"), ("shots/a b.png", "png"), ("shots/b.txt", "log"), ("shots/deep/c.bin", "")] {
            try program.write(text, to: name)
        }
        let answer = try await program("upload", "a.xml", "--artifacts", "shots")
        #expect(answer.status == 0 && answer.error.contains("2 artifacts uploaded") && answer.error.contains("shots/b.txt"), "\(answer.error)")
        let sent = stub.server.requests.filter { $0.target.contains("/artifacts") }
        #expect(
            sent.map(\.target) == ["a%20b.png", "b.txt", "deep%2Fc.bin"].map { "/api/v1/runs/run_1/artifacts?name=shots%2F\($0)" }
                && sent.map { $0.header("content-type") } == ["image/png", "text/plain", "application/octet-stream"]
                && sent.map { String(decoding: $0.body, as: UTF8.self) } == ["png", "log", ""])
        #expect(try await program("upload", "--strict", "a.xml", "--artifacts", "shots/*.txt").status == 2)
        #expect(try await program("upload", "--strict", "a.xml", "--artifacts", "shots/**/*.{png,bin}").status == 0)
    }

    @Test("a key that is refused is told why: a warning for an upload, exit code 3 for all else")
    func refused() async throws {
        let stub = try await ServerStub.start { _ in
            .json(#"{"status":401,"code":"keys.unknown","detail":"This key is not known."}"#, status: 401)
        }
        defer { stub.server.stop() }
        let program = try AssayProgram(environment: stub.environment)
        defer { program.remove() }
        try program.write("<testsuite/>", to: "a.xml")
        let strict = try await program("upload", "--strict", "a.xml")
        #expect(strict.status == 3 && strict.error.contains("This key is not known."))
        #expect(try await program("upload", "a.xml").status == 0)
        #expect(try await program("whoami").status == 3)
        #expect(try await program("flush").output == "Nothing waits.\n")
    }

    @Test(
        "a badge is a line for a README",
        arguments: [
            ([], "[![tests](https://a.example/badges/prj_1/status.svg?token=t)]"),
            (["--metric", "tests", "--format", "url"], "https://a.example/badges/prj_1/tests.svg?token=t"),
            (["--branch", "a&b", "--format", "html"], "src=\"https://a.example/badges/prj_1/status.svg?token=t&amp;branch=a%26b\""),
        ] as [([String], String)])
    func badge(arguments: [String], expected: String) async throws {
        let stub = try await ServerStub.start { request in
            guard request.target == "/api/v1/projects/shop/badge-token" else { return nil }
            return .json(#"{"project":"prj_1","token":"t","url":"https://a.example/badges/prj_1/status.svg?token=t"}"#)
        }
        defer { stub.server.stop() }
        let program = try AssayProgram(environment: stub.environment)
        defer { program.remove() }
        let answer = try await program.shell("assay badge " + arguments.map { "'\($0)'" }.joined(separator: " "))
        #expect(answer.status == 0 && answer.output.contains(expected), "\(answer.output)\(answer.error)")
    }

    @Test("wrong usage is 2, nothing to upload a warning")
    func usage() async throws {
        let program = try AssayProgram()
        defer { program.remove() }
        #expect(try await program("upload").status == 2)
        #expect(try await program("upload", "--tag", "nonsense", "a.xml").status == 2)
        #expect(try await program("nonsense").status == 2)
        let nothing = try await program("upload", "*.xml")
        #expect(nothing.status == 0 && nothing.error.contains("no such file"))
        #expect(try await program("upload", "--strict", "*.xml").status == 2)
        #expect(try await program("status").status == 3)
        #expect(try await program("--help").status == 0)
        for shell in ["bash", "zsh", "fish"] { #expect(try await program("completions", shell).output.contains("assay")) }
    }

    @Test("more files than one request takes are one run that is closed at the end")
    func many() async throws {
        let stub = try await ServerStub.start { request in request.target.hasSuffix(":finish") ? .json(#"{"id":"run_1","state":"PASSED"}"#) : nil }
        defer { stub.server.stop() }
        let program = try AssayProgram(environment: stub.environment)
        defer { program.remove() }
        for index in 0..<901 { try program.write("<testsuite name=\"\(index)\"/>", to: "r/\(index).xml") }
        let answer = try await program("upload", "r/*.xml")
        #expect(answer.status == 0 && stub.uploads.count == 2, "\(answer.error)")
        let keys = Set(stub.uploads.map { ServerStub.fields(of: $0)["run_env[key]"] })
        #expect(keys.count == 1 && keys.first??.hasPrefix("assay-cli-") == true)
        #expect(stub.server.requests.last?.target == "/api/v1/runs/run_1:finish")
    }

    @Test("a watched folder's files are sent when they have been quiet, and again when they have changed")
    func watch() async throws {
        let stub = try await ServerStub.start()
        defer { stub.server.stop() }
        let program = try AssayProgram(environment: stub.environment)
        defer { program.remove() }
        try program.write("<testsuite/>", to: "out/old.xml")
        let running = try program.start("assay", ["upload", "--watch", "out", "--quiet", "1s"])
        defer { running.process.terminate() }
        try await eventually { running.error().contains("watching") }
        try program.write("<testsuite/>", to: "out/new.xml")
        try program.write("no report", to: "out/notes.txt")
        try await eventually(within: .seconds(15)) { stub.uploads.count == 1 }
        try program.write("<testsuite name=\"again\"/>", to: "out/new.xml")
        try await eventually(within: .seconds(15)) { stub.uploads.count == 2 }
        #expect(stub.uploads.allSatisfy { String(decoding: $0.body, as: UTF8.self).contains("new.xml") })
    }
}
