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
}
