import Foundation
import TestSupport
import Testing

@testable import CommandLineClient

/// Each line of the recipes in deploy/ci that runs `assay`, run as that CI runs it.
@Suite(.timeLimit(.minutes(2))) struct RecipeTests {
    private static let recipes = [
        "github": "github-actions.yml", "gitlab": "gitlab-ci.yml", "jenkins": "Jenkinsfile", "circleci": "circleci.yml",
        "bitbucket": "bitbucket-pipelines.yml",
        "azure": "azure-pipelines.yml", "buildkite": "buildkite.yml",
    ]

    @Test(
        "every line of a recipe does its work in the environment of its CI, and tells of the build; what is quarantined does not break it",
        arguments: CIEnvironment.systems, ["push", "pull-request"])
    func recipe(ci: String, kind: String) async throws {
        try await run(ci, kind, quarantined: 0, status: 3)
        try await run(ci, kind, quarantined: 1, status: 0)
    }

    /// - Parameters:
    ///   - quarantined: of the one test that fails.
    ///   - status: of `assay exec`.
    private func run(_ ci: String, _ kind: String, quarantined: Int, status: Int32) async throws {
        let stub = try await ServerStub.start { request in
            switch request.target {
            case "/api/v1/runs/run_1/quarantined-failures?limit=1":
                return .json(#"{"failing_tests":1,"quarantined_tests":\#(quarantined),"excused":false}"#)
            case "/api/v1/runs/run_1/retry-plan?upload=upl_1":
                return .json(#"{"failing_tests":1,"passed_again_tests":0,"quarantined_tests":1,"excused":true,"retry_tests":0}"#)
            default: return nil
            }
        }
        defer { stub.server.stop() }
        var environment = try CIEnvironment.read("\(ci)-\(kind)")
        if ci == "github", kind == "pull-request" { environment["GITHUB_EVENT_PATH"] = try CIEnvironment.file("github-event.json").path }
        let expected = try #require(CIBuild.detect(environment, event: GitHubEvent.read(at: environment["GITHUB_EVENT_PATH"])))
        let program = try AssayProgram(environment: environment.merging(stub.environment) { $1 })
        defer { program.remove() }
        let report = #"<testsuite name="s"><testcase name="t"><failure/></testcase></testsuite>"#
        try program.write(report, to: "browser-results/run.xml")
        try program.write(
            "#!/bin/sh\nmkdir -p build/test-results/unit\necho '\(report)' > build/test-results/unit/a.xml\necho tests ran\nexit 3\n",
            to: "run-tests", executable: true)

        let lines = try Self.lines(of: #require(Self.recipes[ci]))
        #expect(lines.count == 2)
        for line in lines {
            let answer = try await program.shell(line)
            let isExec = line.hasPrefix("assay exec")
            #expect(answer.status == (isExec ? status : 0), "\(line): \(answer.error)")
            if isExec { #expect(answer.output == "tests ran\n") }
        }
        #expect(stub.uploads.count == 2)
        for upload in stub.uploads {
            let fields = ServerStub.fields(of: upload)
            #expect(fields["run_env[CI]"] == expected.name && fields["run_env[key]"] == expected.key && fields["run_env[branch]"] == expected.branch)
            #expect(fields["run_env[commit_sha]"] == expected.commit && fields["run_env[url]"] == expected.url)
            #expect(fields["run_env[job_id]"] == expected.jobID && fields["run_env[number]"] == expected.number)
            #expect(upload.header("authorization") == "Bearer asy_ci_test")
        }
        #expect(ServerStub.fields(of: stub.uploads[1])["tags[kind]"] == "browser")
    }

    /// What stands between the recipe's own syntax and the end of its line.
    private static func lines(of recipe: String) throws -> [String] {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let text = try String(contentsOf: root.appending(path: "deploy/ci/\(recipe)"), encoding: .utf8)
        return text.split(separator: "\n").compactMap { line in
            guard let match = line.firstMatch(of: /^\s*(?:- )?(?:run: |command: )?(assay (?:exec|upload) .*)$/) else { return nil }
            return String(match.output.1)
        }
    }
}
