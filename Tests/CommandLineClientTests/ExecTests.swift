import Foundation
import TestSupport
import Testing

@testable import CommandLineClient

/// `assay exec` as a process: the command must not notice us.
@Suite(.timeLimit(.minutes(2))) struct ExecTests {
    @Test(
        "the exit code is the command's own",
        arguments: [("exit 0", 0), ("exit 1", 1), ("exit 42", 42), ("kill -9 $$", 137), ("kill -TERM $$", 143)] as [(String, Int32)])
    func codes(script: String, code: Int32) async throws {
        let program = try AssayProgram()
        defer { program.remove() }
        #expect(try await program("exec", "--", "sh", "-c", script).status == code)
    }

    @Test("a command that is not there is 127, one that is no program 126")
    func notThere() async throws {
        let program = try AssayProgram()
        defer { program.remove() }
        #expect(try await program("exec", "--", "no-such-command").status == 127)
        try program.write("x", to: "plain")
        #expect(try await program("exec", "--", "./plain").status == 126)
        #expect(try await program("exec", "true").status == 2)
    }

    @Test("input, output, folder and environment are the command's as they were ours")
    func streams() async throws {
        let program = try AssayProgram(environment: ["OWN": "value"])
        defer { program.remove() }
        let answer = try await program("exec", "--", "sh", "-c", "cat; echo \"$OWN\"; pwd; echo problem >&2", input: "from outside\n")
        let folder = try #require(realpath(program.folder.path, nil).map { String(cString: $0) })
        #expect(answer.output == "from outside\nvalue\n\(folder)\n")
        #expect(answer.error.hasPrefix("problem\n"))
    }

    @Test("the command has no signal blocked: what interrupts it interrupts it")
    func mask() async throws {
        let program = try AssayProgram()
        defer { program.remove() }
        let answer = try await program("exec", "--", "grep", "SigBlk", "/proc/self/status")
        #expect(answer.output == "SigBlk:\t0000000000000000\n")
    }

    @Test("output is there when it is written, and a signal that is sent to us reaches the command")
    func signals() async throws {
        let program = try AssayProgram()
        defer { program.remove() }
        let script = "trap 'echo stopped; exit 7' TERM; echo ready; while :; do sleep 0.05; done"
        let running = try program.start("assay", ["exec", "--", "sh", "-c", script])
        try await eventually { running.output() == "ready\n" }
        kill(running.process.processIdentifier, SIGTERM)
        try await eventually { !running.process.isRunning }
        #expect(running.process.terminationStatus == 7 && running.output() == "ready\nstopped\n")
    }

    @Test("reports that the command wrote are sent, older ones are not; its failure stays its own")
    func reports() async throws {
        let stub = try await ServerStub.start()
        defer { stub.server.stop() }
        let program = try AssayProgram(environment: stub.environment)
        defer { program.remove() }
        try program.write("<testsuite/>", to: "target/surefire-reports/TEST-old.xml")
        let old = program.folder.appending(path: "target/surefire-reports/TEST-old.xml").path
        try FileManager.default.setAttributes([.modificationDate: Date(timeIntervalSinceNow: -5)], ofItemAtPath: old)
        let answer = try await program("exec", "--", "sh", "-c", "echo '<testsuite/>' > target/surefire-reports/TEST-new.xml; exit 3")
        #expect(answer.status == 3 && stub.uploads.count == 1, "\(answer.error)")
        let body = String(decoding: try #require(stub.uploads.first).body, as: UTF8.self)
        #expect(body.contains("TEST-new.xml") && !body.contains("TEST-old.xml"))
    }

    @Test("failures that the command kept to itself are failures when the run is finished")
    func hidden() async throws {
        let stub = try await ServerStub.start { request in
            guard request.target.contains("/uploads") else { return nil }
            return .json(#"{"upload_id":"upl_1","run_id":"run_1","accepted":1,"rejected":0,"warnings":[],"run_state":"FAILED"}"#)
        }
        defer { stub.server.stop() }
        let program = try AssayProgram(environment: stub.environment)
        defer { program.remove() }
        #expect(try await program("exec", "--", "sh", "-c", "echo '<testsuite/>' > junit.xml").status == 1)
    }

    @Test("a command that ends badly and leaves no report has its exit code sent, one that ends well has nothing")
    func exitCode() async throws {
        let stub = try await ServerStub.start()
        defer { stub.server.stop() }
        let program = try AssayProgram(environment: stub.environment)
        defer { program.remove() }
        #expect(try await program("exec", "--", "sh", "-c", "exit 0").status == 0 && stub.uploads.isEmpty)
        #expect(try await program("exec", "--", "sh", "-c", "kill -9 $$").status == 137)
        #expect(try await program("exec", "--", "no-such-command", "test", "--token=x").status == 127)
        let bodies = stub.uploads.map { String(decoding: $0.body, as: UTF8.self) }
        #expect(bodies.count == 2 && bodies[0].contains("name=\"exit_code\"\r\n\r\n137\r\n") && bodies[0].contains("\r\n\r\nsh\r\n"))
        #expect(try await program("exec", "--retries", "1", "--", "sh", "-c", "exit 3").status == 3)
        #expect(stub.uploads.count == 3 && stub.server.requests.contains { $0.target.hasSuffix(":finish") })
        #expect(bodies[1].contains("\r\n\r\n127\r\n") && bodies[1].contains("\r\n\r\nno-such-command test\r\n"))
    }

    @Test("a server that knows no exit codes gets the reports without, under a key of their own; with nothing but a code it is refused")
    func olderServer() async throws {
        let stub = try await ServerStub.start { request in
            guard request.target.contains("/uploads"), ServerStub.fields(of: request)["exit_code"] != nil else { return nil }
            return .json(
                #"{"status":400,"code":"request.unknown_parameter","errors":[{"pointer":"/exit_code","code":"unknown","detail":"no"}]}"#, status: 400)
        }
        defer { stub.server.stop() }
        let program = try AssayProgram(environment: stub.environment)
        defer { program.remove() }
        let answer = try await program("exec", "--", "sh", "-c", "echo '<testsuite/>' > junit.xml; exit 3")
        #expect(answer.status == 3 && answer.error.contains("older than this program"), "\(answer.error)")
        try #require(stub.uploads.count == 2)
        let (first, second) = (stub.uploads[0], stub.uploads[1])
        #expect(ServerStub.fields(of: first)["command"] == "sh" && ServerStub.fields(of: second)["command"] == nil)
        let (whole, kept) = (String(decoding: first.body, as: Unicode.ASCII.self), String(decoding: second.body, as: Unicode.ASCII.self))
        let closing = try #require(kept.range(of: "--assay-", options: .backwards)).lowerBound
        #expect(whole.hasPrefix(kept[..<closing]) && kept.hasSuffix("--\r\n") && kept.contains("junit.xml"))
        #expect(whole.hasSuffix(kept[closing...]) && first.header("idempotency-key") != second.header("idempotency-key"))
        #expect(try await program("flush").output == "Nothing waits.\n")

        try FileManager.default.removeItem(atPath: program.folder.path + "/junit.xml")
        let bare = try await program("exec", "--", "sh", "-c", "exit 4")
        #expect(bare.status == 4 && stub.uploads.count == 3 && bare.error.contains("request.unknown_parameter"), "\(bare.error)")
    }

    @Test("trouble with the upload is a warning, and an error only with --strict")
    func trouble() async throws {
        let program = try AssayProgram(environment: [
            "ASSAY_URL": "http://127.0.0.1:\(FreePort.next())", "ASSAY_API_KEY": "k", "ASSAY_PROJECT": "shop",
        ])
        defer { program.remove() }
        let mild = try await program("exec", "--retry-for", "1s", "--", "sh", "-c", "echo '<testsuite/>' > junit.xml")
        #expect(mild.status == 0 && mild.error.contains("warning") && mild.error.contains("assay flush"), "\(mild.error)")
        let strict = try await program("exec", "--strict", "--retry-for", "1s", "--", "sh", "-c", "echo '<testsuite />' > junit.xml")
        #expect(strict.status == 4)
        let failing = try await program("exec", "--strict", "--retry-for", "1s", "--", "sh", "-c", "echo '<testsuite  />' > junit.xml; exit 9")
        #expect(failing.status == 9)
        #expect(try await program("flush", "--list").output.split(separator: "\n").count == 4)
    }
}
