import ArgumentParser
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import CommandLineClient

/// `assay exec --retries`: what is executed again, what is sent, and how it ends.
@Suite(.timeLimit(.minutes(2))) struct RetryTests {
    private static let again = #"""
        {"failing_tests":14,"passed_again_tests":0,"quarantined_tests":0,"excused":false,"retry_tests":1,"left_out_tests":12,"data":[
          {"suite_name":"s","class_name":"a.B","name":"it's $HOME","file":"f.py","retry":true,"detail":"It is known to be flaky."},
          {"suite_name":"s","class_name":"a.B","name":"gone","retry":false,"detail":"It failed twice in the same way."}]}
        """#
    private static let passed = """
        {"failing_tests":0,"passed_again_tests":2,"quarantined_tests":0,"excused":true,"retry_tests":0,"data":[]}
        """
    private static let failing = """
        {"failing_tests":1,"passed_again_tests":1,"quarantined_tests":0,"excused":false,"retry_tests":0,"data":[]}
        """
    private static let quarantined = """
        {"failing_tests":1,"passed_again_tests":1,"quarantined_tests":1,"excused":true,"retry_tests":0,"data":[]}
        """

    private static let good = """
        {"failing_tests":0,"passed_again_tests":0,"quarantined_tests":0,"excused":false,"retry_tests":0,"data":[]}
        """

    /// A server that says one plan after the other, the last for ever.
    private static func stub(_ plans: [String]) async throws -> ServerStub {
        let asked = Mutex(0)
        let uploads = Mutex(0)
        return try await ServerStub.start { request in
            if request.target.contains("/retry-plan") {
                let index = asked.withLock { count in
                    count += 1
                    return count - 1
                }
                return .json(plans[min(index, plans.count - 1)])
            }
            if request.target.hasSuffix(":finish") { return .json(#"{"id":"run_1","state":"FAILED"}"#) }
            guard request.target.contains("/uploads") else { return nil }
            let number = uploads.withLock { count in
                count += 1
                return count
            }
            return .json(#"{"upload_id":"upl_\#(number)","run_id":"run_1","accepted":1,"rejected":0,"warnings":[]}"#, status: 202)
        }
    }

    private static let command = ["--", "sh", "-c", "echo \"<testsuite n='$$'/>\" > junit.xml; echo run >> log; exit 1"]

    @Test("what is worth it is tried again by the retry command, its report follows the first, and the run is finished")
    func whole() async throws {
        let stub = try await Self.stub([Self.again, Self.passed])
        defer { stub.server.stop() }
        let program = try AssayProgram(environment: stub.environment)
        defer { program.remove() }
        let retry =
            "printf '%s|' {tests} > words; cat \"$ASSAY_RETRY_TESTS\" > list; echo $ASSAY_RETRY_ATTEMPT >> list; echo '<testsuite/>' > junit.xml"
        let answer = try await program(
            arguments: ["exec", "--retries", "3", "--retry-command", retry, "--retry-test", "{class}::{name}{"] + Self.command)
        #expect(answer.status == 0, "\(answer.error)")
        #expect(program.read("words") == "a.B::it's $HOME{|" && program.read("list") == "a.B::it's $HOME{\n2\n" && program.read("log") == "run\n")
        #expect(answer.error.contains("1 of 14 failing tests are tried again (try 2): a.B › it's $HOME"))
        #expect(answer.error.contains("not tried again: a.B › gone: It failed twice in the same way."))
        #expect(answer.error.contains("and 12 more are not"))
        #expect(answer.error.contains("2 tests failed and passed when tried again; none fails still"))
        try #require(stub.uploads.count == 2)
        let (first, second) = (ServerStub.fields(of: stub.uploads[0]), ServerStub.fields(of: stub.uploads[1]))
        #expect(first["retry_of"] == nil && second["retry_of"] == "upl_1")
        let key = try #require(first["run_env[key]"])
        #expect(key.hasPrefix("assay-exec-") && second["run_env[key]"] == key)
        let targets = stub.server.requests.map { "\($0.method) \($0.target)" }.filter { !$0.contains("/uploads") && !$0.contains("code-owners") }
        #expect(
            targets == [
                "GET /api/v1/runs/run_1/retry-plan?upload=upl_1", "GET /api/v1/runs/run_1/retry-plan?upload=upl_1&upload=upl_2",
                "POST /api/v1/runs/run_1:finish",
            ])
    }

    @Test(
        "the exit code is 0 when all that failed passed again or is quarantined, else the command's own",
        arguments: [
            ([again, passed], [], 0), ([again, failing], [], 1), ([again, quarantined], [], 0), ([again, quarantined], ["--no-quarantine"], 1),
            ([failing], [], 1),
        ] as [([String], [String], Int32)])
    func codes(plans: [String], options: [String], status: Int32) async throws {
        let stub = try await Self.stub(plans)
        defer { stub.server.stop() }
        let program = try AssayProgram(environment: stub.environment)
        defer { program.remove() }
        let answer = try await program(arguments: ["exec", "--retries", "2", "--key", "build", "--strict"] + options + Self.command)
        #expect(answer.status == status, "\(answer.error)")
        // Without a retry command the command itself is executed again; a run that others may join is theirs to finish.
        #expect(program.read("log") == String(repeating: "run\n", count: plans.count))
        #expect(!stub.server.requests.contains { $0.target.hasSuffix(":finish") })
    }

    @Test(
        "of more uploads than a plan is of, all decide how the build ends",
        arguments: [
            ([passed, passed], true, 0, true), ([passed, quarantined], true, 0, true), ([passed, good], true, 0, true),
            ([good, passed], true, 0, true), ([passed, good], false, 0, false), ([passed, failing], true, 1, false), ([good, good], true, 0, false),
            ([], true, 0, false), ([passed], false, 0, false), ([quarantined], false, 1, false),
        ] as [([String], Bool, Int32, Bool)])
    func parts(plans: [String], isWhole: Bool, status: Int32, isExcused: Bool) throws {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let plans = try plans.map { try decoder.decode(RetryPlan.self, from: Data($0.utf8)) }
        let verdict = RetryPlan.verdict(plans, isWhole: isWhole)
        #expect(verdict.status.rawValue == status && verdict.isExcused == isExcused)
        if plans.contains(where: { $0.quarantinedTests > 0 }) {
            #expect(RetryPlan.verdict(plans, isWhole: isWhole, isQuarantineIgnored: true) == RunVerdict(status: .failed))
        }
    }

    @Test("at most so many times as was said, and never after the command was killed or when the server does not answer")
    func bounds() async throws {
        let stub = try await Self.stub([Self.again])
        defer { stub.server.stop() }
        let program = try AssayProgram(environment: stub.environment)
        defer { program.remove() }
        #expect(try await program(arguments: ["exec", "--retries", "2"] + Self.command).status == 1)
        #expect(program.read("log") == "run\nrun\nrun\n")
        let killed = ["--", "sh", "-c", "echo '<testsuite killed=\"\"/>' > junit.xml; echo killed >> log; kill -9 $$"]
        #expect(try await program(arguments: ["exec", "--retries", "2"] + killed).status == 137)
        #expect(program.read("log") == "run\nrun\nrun\nkilled\n")
        let silent = try await ServerStub.start()
        defer { silent.server.stop() }
        let other = try AssayProgram(environment: silent.environment)
        defer { other.remove() }
        let answer = try await other(arguments: ["exec", "--retries", "2", "--key", "k"] + Self.command)
        #expect(answer.status == 1 && answer.error.contains("what is worth another try could not be found out"), "\(answer.error)")
        #expect(other.read("log") == "run\n")
    }

    @Test("tests are one word where something stands between them, and options that make no sense are refused")
    func options() throws {
        var options = try RetryOptions.parse(["--retries", "1", "--retry-command", "mvn -Dtest={tests}", "--retry-join", ","])
        #expect(options.arguments(["a", "b'c"], command: ["x"]) == ["/bin/sh", "-c", "mvn -Dtest='a,b'\\''c'"])
        options = try RetryOptions.parse(["--retries", "1"])
        #expect(options.arguments(["a"], command: ["x", "y"]) == ["x", "y"])
        for wrong in [["--retries", "0"], ["--retries", "10"], ["--retry-command", "x {tests}"], ["--retries", "1", "--retry-command", "x"]] {
            #expect(throws: (any Error).self) { try RetryOptions.parse(wrong) }
        }
    }
}
