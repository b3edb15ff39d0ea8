import Foundation
import TestSupport
import Testing

/// The command line as its users run it, against all seven processes.
@Suite(.serialized, .timeLimit(.minutes(5)))
struct CommandLineJourneyTests {
    private static let report = """
        <testsuite name="checkout"><testcase classname="a.B" name="voucher" time="0.01"/>\
        <testcase classname="a.B" name="total" time="0.02"><failure message="expected 200, got 503" type="Error">trace</failure></testcase></testsuite>
        """

    @Test("log in, run a failing test command, find its run and its results, and log out")
    func whole() async throws {
        try await Stack.with { stack in
            let project = try await Journey(stack).makeProject()
            var program = try AssayProgram()
            defer { program.remove() }
            #expect(try await program("status").status == 3)
            let login = try await program("login", "--url", stack.url, "--project", project, "--with-key", input: stack.apiKey + "\n")
            #expect(login.status == 0 && login.output.contains("Signed in"), "\(login.error)")
            #expect(try await program("login", "--url", stack.url, "--with-key", input: "asy_ci_wrong\n").status == 3)
            #expect(try await program("whoami").output.contains("results.write"))

            try program.write("#!/bin/sh\necho testing\ncat > junit.xml <<'X'\n\(Self.report)\nX\nexit 1\n", to: "run-tests", executable: true)
            let exec = try await program("exec", "--branch", "main", "--tag", "team=checkout", "--", "./run-tests")
            #expect(exec.status == 1 && exec.output == "testing\n" && exec.error.contains("2 results uploaded, run failed"), "\(exec.error)")
            let run = try #require(exec.error.firstMatch(of: /run_[0-9a-z]+/).map { String($0.output) })

            let status = try await program("status", "--branch", "main")
            #expect(status.output.contains(run) && status.output.contains("failed"), "\(status.output)\(status.error)")
            #expect(try await program("wait", run).status == 1)
            let results = try await program("results", run, "--outcome", "failed", "--output", "junit")
            #expect(results.output.contains("expected 200, got 503") && !results.output.contains("voucher"), "\(results.output)\(results.error)")
            // What is printed as JUnit is a report again: the same two results in a run of its own.
            let whole = try await program("results", run, "--output", "junit")
            let again = try await program("upload", "--strict", "--key", "again", "--finish", "-", input: whole.output)
            #expect(again.status == 0 && again.error.contains("2 results uploaded"), "\(again.error)")
            #expect(try await program("open", run).output == "\(stack.url)/runs/\(run)\n")
            let same = try await program("compare", run, run, "--exit-code")
            #expect(same.status == 0 && same.output.contains("1 still failing, 1 unchanged"), "\(same.output)\(same.error)")
            #expect(try await program("results", "run_01jd3v9k2m8q4r6s7t0w1x2y3z").status == 2)
            program.environment["ASSAY_API_KEY"] = "asy_ci_wrong"
            #expect(try await program("status").status == 3)
            program.environment["ASSAY_API_KEY"] = nil
            #expect(try await program("logout").status == 0)
            #expect(try await program("status").status == 3)
        }
    }

    @Test("uploads while the gateway is away are sent when it is back, and every result is there once")
    func away() async throws {
        try await Stack.with { stack in
            let project = try await Journey(stack).makeProject()
            let program = try AssayProgram(environment: ["ASSAY_URL": stack.url, "ASSAY_API_KEY": stack.apiKey, "ASSAY_PROJECT": project])
            defer { program.remove() }
            await stack.kill("gateway")
            for index in 0..<3 {
                try program.write(Self.report.replacing("voucher", with: "voucher \(index)"), to: "\(index).xml")
                let kept = try await program("upload", "--retry-for", "1s", "--key", "build-\(index)", "\(index).xml")
                #expect(kept.status == 0 && kept.error.contains("kept"), "\(kept.error)")
            }
            #expect(try await program("flush", "--retry-for", "1s").status == 4)
            try await stack.run("gateway")
            try await stack.waitUntilReady("gateway")
            let flushed = try await program("flush")
            #expect(flushed.status == 0 && flushed.output == "3 sent, 0 waiting, 0 refused.\n", "\(flushed.error)")
            // The step that is repeated is harmless.
            for index in 0..<3 { #expect(try await program("upload", "--strict", "--key", "build-\(index)", "\(index).xml").status == 0) }
            #expect(try await stack.sql("select count(*) from execution.results") == "6")
        }
    }

    @Test("a suite is run by its name and followed to its end; what takes too long is 5")
    func suite() async throws {
        let target = try await LoopbackServer.start(delay: .milliseconds(400)) { _ in .text("ok") }
        defer { target.stop() }
        try await Stack.with { stack in
            let journey = Journey(stack)
            let project = try await journey.makeProject()
            let program = try AssayProgram(environment: ["ASSAY_URL": stack.url, "ASSAY_API_KEY": stack.apiKey, "ASSAY_PROJECT": project])
            defer { program.remove() }
            let id = try await journey.makeSuite(in: project, count: 6, named: "Smoke", url: "http://127.0.0.1:\(target.port)")
            let name = try await journey.api.get("/suites/\(id)").string("name")
            let waited = try await program("run", name, "--wait", "--concurrency", "2")
            #expect(waited.status == 0 && waited.output.contains("6 tests, 6 passed"), "\(waited.output)\(waited.error)")
            let started = try await program("run", id, "--concurrency", "1")
            let run = started.output.trimmingCharacters(in: .whitespacesAndNewlines)
            let late = try await program("wait", run, "--timeout", "1s")
            #expect(late.status == 5, "\(late.output)\(late.error)")
            #expect(try await program("wait", run).status == 0)
            #expect(try await program("run", "no such suite").status == 2)
        }
    }
}
