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
            if request.target == "/api/v1/runs/run_1/status?wait=20" { return .text(state.lowercased() + "\n") }
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
        for key in ["asy_ci_test", "asy_pat_test"] {
            let stub = try await Self.stub(check)
            defer { stub.server.stop() }
            let program = try AssayProgram(environment: stub.environment.merging(["ASSAY_API_KEY": key]) { $1 })
            defer { program.remove() }
            try program.write("<testsuite/>", to: "report.xml")
            let answer = try await program(arguments: arguments)
            #expect(answer.status == status && (says.isEmpty ? !answer.error.contains("quarantin") : answer.error.contains(says)), "\(answer.error)")
        }
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

    // MARK: - In a CI, where the jobs of a build share a run

    private static let excusing = """
        {"failing_tests":2,"passed_again_tests":0,"quarantined_tests":2,"excused":true,"retry_tests":0,"data":[
          {"suite_name":"s","class_name":"a.B","name":"total","retry":false,"reason":"QUARANTINED","detail":"It is quarantined."},
          {"suite_name":"s","name":"voucher","retry":false,"reason":"QUARANTINED","detail":"It is quarantined."}]}
        """
    private static let blaming = """
        {"failing_tests":2,"passed_again_tests":0,"quarantined_tests":1,"excused":false,"retry_tests":1,"data":[
          {"suite_name":"s","name":"new","retry":true,"reason":"NOT_RULED_OUT","detail":"It failed once."},
          {"suite_name":"s","class_name":"a.B","name":"total","retry":false,"reason":"QUARANTINED","detail":"It is quarantined."}]}
        """
    private static let silent = """
        {"failing_tests":0,"passed_again_tests":0,"quarantined_tests":0,"excused":false,"retry_tests":0,"data":[]}
        """
    private static let cut = """
        {"failing_tests":1,"passed_again_tests":0,"quarantined_tests":1,"excused":false,"retry_tests":0,"data":[
          {"suite_name":"s","name":"voucher","retry":false,"reason":"QUARANTINED","detail":"It is quarantined."}]}
        """

    private static func program(_ stub: ServerStub) throws -> AssayProgram {
        try AssayProgram(environment: try CIEnvironment.read("github-push").merging(stub.environment) { $1 })
    }

    private static func exec(_ options: [String], _ script: String) -> [String] {
        ["exec"] + options + ["--", "sh", "-c", "echo '<testsuite/>' > junit.xml; \(script)"]
    }

    @Test(
        "while the run goes on, what a command reported itself excuses it, and is said",
        arguments: [
            (excusing, 2, "exit 1", [], 0, "assay: 2 tests failed, quarantined: a.B › total, s › voucher"),
            (excusing, 2, "exit 125", [], 0, "2 tests failed, quarantined"), (excusing, 2, "exit 126", [], 126, ""),
            (excusing, 2, "kill -9 $$", [], 137, ""), (excusing, 2, "exit 0", [], 0, ""), (excusing, 2, "exit 3", ["--no-quarantine"], 3, ""),
            (blaming, 1, "exit 3", [], 3, "assay: 2 tests failed, 1 of them quarantined: a.B › total"),
            // What another job reported is quarantined, or nothing at all is.
            (silent, 1, "exit 3", [], 3, ""), (silent, 0, "exit 3", [], 3, ""),
            (cut, 1, "exit 3", [], 3, "that excuses nothing"), (nil, 1, "exit 3", [], 3, "what is quarantined could not be found out"),
        ] as [(String?, Int, String, [String], Int32, String)])
    func shared(plan: String?, quarantined: Int, script: String, options: [String], status: Int32, says: String) async throws {
        let stub = try await ServerStub.start { request in
            if request.target == "/api/v1/runs/run_1/quarantined-failures?limit=1" {
                return .json(#"{"failing_tests":5,"quarantined_tests":\#(quarantined),"excused":false}"#)
            }
            guard request.target == "/api/v1/runs/run_1/retry-plan?upload=upl_1" else { return nil }
            return plan.map { .json($0) }
        }
        defer { stub.server.stop() }
        let program = try Self.program(stub)
        defer { program.remove() }
        let answer = try await program(arguments: Self.exec(options, script))
        #expect(answer.status == status && (says.isEmpty ? !answer.error.contains("quarantin") : answer.error.contains(says)), "\(answer.error)")
        // A plan is kept, so it is asked for only where it may excuse.
        if quarantined == 0 { #expect(!stub.server.requests.contains { $0.target.contains("/retry-plan") }) }
    }

    @Test(
        "with --finish the run is finished, so all of it counts; also when another job has finished it before",
        arguments: [
            (excused, "exit 1", false, 0), (partly, "exit 3", false, 3), (partly, "exit 0", false, 1), (excused, "exit 1", true, 0),
            (partly, "exit 0", true, 1),
        ] as [(String, String, Bool, Int32)])
    func finishing(check: String, script: String, isFinished: Bool, status: Int32) async throws {
        let stub = try await ServerStub.start { request in
            switch request.target {
            case "/api/v1/runs/run_1:finish":
                return isFinished
                    ? .json(#"{"status":409,"code":"runs.already_finished","detail":"It is finished."}"#, status: 409)
                    : .json(#"{"id":"run_1","state":"FAILED"}"#)
            case "/api/v1/runs/run_1/status?wait=0": return .text("failed\n")
            case "/api/v1/runs/run_1/quarantined-failures": return .json(check)
            default: return nil
            }
        }
        defer { stub.server.stop() }
        let program = try Self.program(stub)
        defer { program.remove() }
        let answer = try await program(arguments: Self.exec(["--finish"], script))
        #expect(answer.status == status && answer.error.contains("run failed") && answer.error.contains("quarantined"), "\(answer.error)")
        #expect(!stub.server.requests.contains { $0.target.contains("/retry-plan") })
    }
}
