import Foundation
import TestSupport
import Testing

/// Whoever tries failed tests again must learn which were flaky, and not wait for those that are not.
@Suite(.serialized, .timeLimit(.minutes(5)))
struct RetryJourneyTests {
    /// Runs what it is told to run, else all; `total` fails in its first try alone, `voucher` in every one.
    private static let runner = """
        #!/bin/sh
        echo "${*:-all}" >> log
        total= voucher=
        case "${*:-total}" in *total*)
            total='<testcase classname="a.B" name="total" time="0.5"><failure message="expected 200, got 503"/></testcase>'
            [ "${ASSAY_RETRY_ATTEMPT:-1}" = 1 ] || total='<testcase classname="a.B" name="total" time="0.5"/>' ;;
        esac
        case "${*:-voucher}$BROKEN" in *voucher*1)
            voucher='<testcase classname="a.B" name="voucher" time="0.25"><failure message="expected 10 and found 11"/></testcase>' ;;
        esac
        echo "<testsuite name='checkout'>$total$voucher</testsuite>" > junit.xml
        case "$total$voucher" in *failure*) exit 1 ;; esac
        """

    @Test("a flake passes at its second try and excuses the build, which stays failed; what fails in the same way twice is tried no third time")
    func whole() async throws {
        try await Stack.with { stack in
            let journey = Journey(stack)
            let project = try await journey.makeProject()
            let settings = ["ASSAY_URL": stack.url, "ASSAY_API_KEY": stack.apiKey, "ASSAY_PROJECT": project]
            let program = try AssayProgram(environment: settings)
            defer { program.remove() }
            try program.write(Self.runner, to: "run-tests", executable: true)
            let arguments = ["exec", "--retries", "5", "--commit", "c0ffee", "--retry-command", "./run-tests {tests}", "--", "./run-tests"]
            let flaky = try await program(arguments: arguments)
            #expect(flaky.status == 0, "\(flaky.error)")
            #expect(program.read("log") == "all\ntotal\n")
            #expect(flaky.error.contains("1 test failed and passed when tried again; none fails still"), "\(flaky.error)")
            let run = try #require(flaky.error.firstMatch(of: /run_[0-9a-z]+/).map { String($0.output) })
            let kept = try await journey.api.get("/runs/\(run)")
            #expect(kept.string("state") == "FAILED" && kept.integer("counts.failed") == 1 && kept.integer("counts.passed") == 1, "\(kept.text)")
            let results = try await journey.results(of: run)
            #expect(Set(results.compactMap { $0["attempt"] as? Int }) == [1, 2])
            let excused = try await journey.api.get("/runs/\(run)/quarantined-failures")
            #expect(excused.integer("passed_again_tests") == 1 && excused.integer("failing_tests") == 0, "\(excused.text)")
            #expect(try await program("wait", run).status == 0)
            let test = try #require(results.first?["test"] as? String)
            try await eventually(within: .seconds(30)) {
                let known = try await journey.api.get("/tests/\(test)/stability")
                return known.text.contains("BOTH_OUTCOMES_ON_ONE_COMMIT")
            }

            let other = try AssayProgram(environment: settings.merging(["BROKEN": "1"]) { $1 })
            defer { other.remove() }
            try other.write(Self.runner, to: "run-tests", executable: true)
            let broken = try await other(arguments: arguments)
            #expect(broken.status == 1, "\(broken.error)")
            // Both once more; then the one that failed as before is left alone.
            #expect(other.read("log").split(separator: "\n").count == 2, "\(other.read("log"))")
            #expect(broken.error.contains("not tried again: a.B › voucher: It failed twice in the same way"), "\(broken.error)")
            let policy = try await journey.api.get("/projects/\(project)/retry-policy")
            #expect((policy["spent_minutes"] as? Double ?? 0) > 0 && policy.integer("max_attempts") == 3, "\(policy.text)")
        }
    }
}
