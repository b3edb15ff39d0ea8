import Foundation
import TestSupport
import Testing

/// A flaky test must stop breaking builds when somebody looks after it, and break them again when nobody has for too long.
@Suite(.serialized, .timeLimit(.minutes(5)))
struct QuarantineJourneyTests {
    private static let report = """
        <testsuite name="checkout"><testcase classname="a.B" name="voucher" time="0.01"/>\
        <testcase classname="a.B" name="total" time="90"><failure message="expected 200, got 503"/></testcase></testsuite>
        """

    @Test("a failing build is 1, with its test in quarantine 0, and 1 again when that has expired; what it cost is told")
    func whole() async throws {
        try await Stack.with { stack in
            let journey = Journey(stack)
            let project = try await journey.makeProject()
            let program = try AssayProgram(environment: ["ASSAY_URL": stack.url, "ASSAY_API_KEY": stack.apiKey, "ASSAY_PROJECT": project])
            defer { program.remove() }
            try program.write(Self.report, to: "1.xml")
            let first = try await program("upload", "--wait", "--finish", "--key", "1", "1.xml")
            #expect(first.status == 1, "\(first.error)")
            let run = try #require(first.error.firstMatch(of: /run_[0-9a-z]+/).map { String($0.output) })
            let failed = try await journey.results(of: run).first { $0["outcome"] as? String == "FAILED" }
            let test = try #require(failed?["test"] as? String)
            try await eventually(within: .seconds(30)) { try await journey.api.get("/tests/\(test)").status == 200 }

            let path = "/projects/\(project)/quarantine"
            let made = try await journey.api.post(path, ["test": test, "owner": "@acme/shop", "ticket": "SHOP-12", "reason": "late answers"])
            #expect(made.status == 201 && made.string("state") == "ACTIVE" && made.string("name") == "total", "\(made.text)")
            // The same run, asked again; and the next one, by a command that fails.
            let again = try await program("wait", run)
            #expect(again.status == 0 && again.error.contains("1 test failed, quarantined: a.B › total"), "\(again.error)")
            try program.write("#!/bin/sh\ncat > junit.xml <<'X'\n\(Self.report)\nX\nexit 1\n", to: "run-tests", executable: true)
            let exec = try await program("exec", "--wait", "--finish", "--key", "2", "--", "./run-tests")
            #expect(exec.status == 0 && exec.error.contains("quarantined"), "\(exec.error)")
            try await eventually(within: .seconds(30)) {
                let standing = try await journey.api.get("\(path)/\(test)")
                return standing.integer("failures") == 1 && standing["cost_minutes"] as? Double == 1.5
            }

            // The shortest there is: what expires is a matter of the clock alone.
            let soon = Date(timeIntervalSinceNow: 3).formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
            let shortened = try await journey.api.send(
                "PATCH", "\(path)/\(test)", body: Data(#"{"expires_at":"\#(soon)"}"#.utf8),
                headers: ["Content-Type": "application/json", "If-Match": "*"])
            #expect(shortened.status == 200, "\(shortened.text)")
            try await eventually { try await journey.api.get("\(path)?state=EXPIRED").string("data.0.test") == test }
            // By which quarantine the run was excused stays readable, and what that said before.
            let excuse = try await journey.api.get("/runs/\(run)/excuses").string("data.0.id")
            let kept = try await journey.api.get("/excuses/\(excuse)")
            #expect(kept["excused"] as? Bool == true && kept.string("data.0.quarantine.owner") == "@acme/shop", "\(kept.text)")
            #expect(kept.string("data.0.test") == test && kept.integer("data.0.quarantine.version") == 1, "\(kept.text)")
            #expect(try await journey.api.post("/excuses/\(excuse):replay", [:])["agrees"] as? Bool == true)
            let said = try await journey.api.get("\(path)/\(test)/versions")
            #expect(said.string("data.0.kind") == "CHANGED" && said.string("data.1.kind") == "CREATED", "\(said.text)")
            #expect(said.string("data.0.ended_at") == said.string("data.0.expires_at") && !said.string("data.1.ended_at").isEmpty, "\(said.text)")
            #expect(try await program("wait", run).status == 1)
        }
    }

    /// Writes the report to where recipes look for it. BROKEN: another test fails as well. CRASH: it does not end by itself.
    private static let runner = """
        #!/bin/sh
        mkdir -p build/test-results/unit
        new=
        [ -z "$BROKEN" ] || new='<testcase classname="a.B" name="new"><failure message="expected 10 and found 11"/></testcase>'
        total='<testcase classname="a.B" name="total" time="0.5"><failure message="expected 200, got 503"/></testcase>'
        echo "<testsuite name='checkout'>$total$new</testsuite>" > build/test-results/unit/a.xml
        [ -z "$CRASH" ] || kill -9 $$
        exit 1
        """

    @Test("with a build's own key, as recipes have it: quarantine excuses a job that goes on, finishes its run or waits for it; nothing else does")
    func builds() async throws {
        try await Stack.with { stack in
            let journey = Journey(stack)
            let project = try await journey.makeProject()
            let key = try await journey.api.post("/keys", ["name": "ci", "kind": "CI", "scopes": ["results:write"]])
            try #require(key.status == 201, "\(key.text)")
            let program = try AssayProgram(environment: [
                "ASSAY_URL": stack.url, "ASSAY_API_KEY": key.string("secret"), "ASSAY_PROJECT": project, "CI": "true", "GITHUB_ACTIONS": "true",
                "GITHUB_REPOSITORY": "example/shop", "GITHUB_RUN_ATTEMPT": "1", "GITHUB_REF_NAME": "main",
            ])
            defer { program.remove() }
            try program.write(Self.runner, to: "run-tests", executable: true)
            /// One job of the build with this number.
            func job(_ build: Int, _ name: String = "test", _ options: [String] = [], with more: [String: String] = [:]) async throws
                -> AssayProgram.Answer
            {
                var machine = program
                machine.environment["GITHUB_RUN_ID"] = "\(build)"
                machine.environment["GITHUB_JOB"] = name
                machine.environment.merge(more) { $1 }
                return try await machine(arguments: ["exec", "--report", "build/test-results/**/*.xml"] + options + ["--", "./run-tests"])
            }

            let first = try await job(1)
            #expect(first.status == 1 && !first.error.contains("quarantin"), "\(first.error)")
            let run = try #require(first.error.firstMatch(of: /run_[0-9a-z]+/).map { String($0.output) })
            let test = try #require(try await journey.results(of: run).first?["test"] as? String)
            try await eventually(within: .seconds(30)) { try await journey.api.get("/tests/\(test)").status == 200 }
            let path = "/projects/\(project)/quarantine"
            let made = try await journey.api.post(path, ["test": test, "owner": "@acme/shop", "ticket": "SHOP-12", "reason": "late answers"])
            try #require(made.status == 201, "\(made.text)")

            // The step that is repeated, and the run goes on.
            let again = try await job(1)
            #expect(again.status == 0 && again.error.contains("1 test failed, quarantined: a.B › total"), "\(again.error)")
            #expect(try await journey.api.get("/runs/\(run)").string("state") == "RUNNING")
            let broken = try await job(2, with: ["BROKEN": "1"])
            #expect(broken.status == 1 && broken.error.contains("2 tests failed, 1 of them quarantined: a.B › total"), "\(broken.error)")
            // Another job of the same build answers for itself alone.
            #expect(try await job(2, "other").status == 0)
            #expect(try await job(3, with: ["CRASH": "1"]).status == 137)
            #expect(try await job(4, "test", ["--no-quarantine"]).status == 1)

            let finished = try await job(5, "test", ["--finish"])
            #expect(finished.status == 0 && finished.error.contains("run failed") && finished.error.contains("quarantined"), "\(finished.error)")
            #expect(try await job(6, "test", ["--finish"], with: ["BROKEN": "1"]).status == 1)
            let waited = try await job(7, "test", ["--wait", "--finish"])
            #expect(waited.status == 0 && waited.error.contains("quarantined"), "\(waited.error)")
            #expect(try await job(8, "test", ["--wait", "--finish"], with: ["BROKEN": "1"]).status == 1)
            let ended = try #require(waited.error.firstMatch(of: /run_[0-9a-z]+/).map { String($0.output) })
            #expect(try await program("wait", ended).status == 0)
            // To be excused is no try, and takes nothing of what tries may take.
            let policy = try await journey.api.get("/projects/\(project)/retry-policy")
            #expect(policy.status == 200 && (policy["spent_minutes"] as? Double ?? 0) == 0, "\(policy.text)")

            let soon = Date(timeIntervalSinceNow: 3).formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
            let shortened = try await journey.api.send(
                "PATCH", "\(path)/\(test)", body: Data(#"{"expires_at":"\#(soon)"}"#.utf8),
                headers: ["Content-Type": "application/json", "If-Match": "*"])
            #expect(shortened.status == 200, "\(shortened.text)")
            try await eventually { try await journey.api.get("\(path)?state=EXPIRED").string("data.0.test") == test }
            for (build, options) in [(9, []), (10, ["--finish"]), (11, ["--wait", "--finish"])] as [(Int, [String])] {
                let expired = try await job(build, "test", options)
                #expect(expired.status == 1 && !expired.error.contains("quarantin"), "\(options): \(expired.error)")
            }
            #expect(try await program("wait", ended).status == 1)
        }
    }
}
