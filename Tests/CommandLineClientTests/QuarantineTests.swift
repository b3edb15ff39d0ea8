import Foundation
import TestSupport
import Testing

@testable import CommandLineClient

/// How quarantine changes the exit code, and what is said of it.
@Suite(.timeLimit(.minutes(2))) struct QuarantineTests {
    private static let excused = """
        {"failing_tests":2,"quarantined_tests":2,"excused":true,
         "data":[{"suite_name":"s","class_name":"a.B","name":"total"},{"suite_name":"s","name":"voucher\\n"}]}
        """
    private static let partly = """
        {"failing_tests":3,"quarantined_tests":2,"excused":false,"data":[{"name":"total"},{"name":"voucher"}]}
        """

    /// A server whose runs have failed, and that says `check` of them.
    private static func stub(_ check: String?, state: String = "FAILED") async throws -> ServerStub {
        try await ServerStub.start { request in
            if request.target.hasSuffix("/quarantined-failures") { return check.map { .json($0) } }
            let run = #"{"id":"run_1","state":"\#(state)","counts":{"total":3,"failed":3}}"#
            if request.target == "/api/v1/runs/run_1/events" {
                return LoopbackServer.Response(
                    headers: [("content-type", "text/event-stream")], body: Data("id: 8\nevent: finished\ndata: {\"id\":8,\"run\":\(run)}\n\n".utf8))
            }
            guard request.target.contains("/uploads") else { return nil }
            return .json(#"{"upload_id":"upl_1","run_id":"run_1","accepted":3,"rejected":0,"warnings":[],"run_state":"\#(state)"}"#)
        }
    }

    @Test(
        "0 when all failures are quarantined, and which; 1 when one is not, or nobody wants to know",
        arguments: [
            (excused, ["wait", "run_1"], 0, "assay: 2 tests failed, quarantined: a.B › total, s › voucher"),
            (partly, ["wait", "run_1"], 1, "assay: 3 tests failed, 2 of them quarantined: total, voucher"),
            (excused, ["wait", "--no-quarantine", "run_1"], 1, ""),
            (excused, ["upload", "--wait", "report.xml"], 0, "2 tests failed, quarantined"),
            (partly, ["upload", "--wait", "report.xml"], 1, "2 of them quarantined"),
            (partly, ["upload", "report.xml"], 0, ""),
        ] as [(String, [String], Int32, String)])
    func codes(check: String, arguments: [String], status: Int32, says: String) async throws {
        let stub = try await Self.stub(check)
        defer { stub.server.stop() }
        let program = try AssayProgram(environment: stub.environment)
        defer { program.remove() }
        try program.write("<testsuite/>", to: "report.xml")
        let answer = try await program(arguments: arguments)
        #expect(answer.status == status && (says.isEmpty ? !answer.error.contains("quarantin") : answer.error.contains(says)), "\(answer.error)")
    }

    @Test(
        "a command that failed by quarantined tests alone is excused; one that was killed is not, nor where another test failed",
        arguments: [
            (excused, "exit 1", [], 0), (excused, "exit 125", [], 0), (excused, "exit 0", [], 0), (excused, "kill -9 $$", [], 137),
            (excused, "exit 130", [], 130), (excused, "exit 3", ["--no-quarantine"], 3), (partly, "exit 3", [], 3), (partly, "exit 0", [], 1),
        ] as [(String, String, [String], Int32)])
    func exec(check: String, script: String, options: [String], status: Int32) async throws {
        let stub = try await Self.stub(check)
        defer { stub.server.stop() }
        let program = try AssayProgram(environment: stub.environment)
        defer { program.remove() }
        let arguments = ["exec"] + options + ["--", "sh", "-c", "echo '<testsuite/>' > junit.xml; \(script)"]
        let answer = try await program(arguments: arguments)
        #expect(answer.status == status, "\(answer.error)")
    }

    @Test("a failure is a failure when it cannot be found out")
    func unknown() async throws {
        let stub = try await Self.stub(nil)
        defer { stub.server.stop() }
        let program = try AssayProgram(environment: stub.environment)
        defer { program.remove() }
        let answer = try await program("wait", "run_1")
        #expect(answer.status == 1 && answer.error.contains("what is quarantined could not be found out"), "\(answer.error)")
    }
}
