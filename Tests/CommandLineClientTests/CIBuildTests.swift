import Foundation
import Testing

@testable import CommandLineClient

/// What each CI says of a build, in the words of an upload. Environments: Fixtures/README.md.
@Suite struct CIBuildTests {
    static let commit = "ffac537e6cbbf934b08745a378932722df287a53"
    static let source = "1111111111111111111111111111111111111111"

    @Test(
        "a push is described by what its CI says of it",
        arguments: [
            (
                "github", "GitHub Actions", "github-example/shop-1658821493-2", "4711",
                "https://github.com/example/shop/actions/runs/1658821493/attempts/2", "test"
            ),
            ("gitlab", "GitLab CI", "gitlab-example/shop-1001", "47", "https://gitlab.example.com/example/shop/-/pipelines/1001", "50012"),
            (
                "jenkins", "Jenkins", "jenkins-https://jenkins.example.com/job/shop/job/feature%252Fcart/47/", "47",
                "https://jenkins.example.com/job/shop/job/feature%252Fcart/47/", "shop/feature%2Fcart Test"
            ),
            (
                "circleci", "CircleCI", "circleci-7a1b7a0e-7d0a-4d0e-9f30-0d2a2b1c3d4e", "4711", "https://circleci.com/gh/example/shop/4711",
                "0f0e0d0c-0b0a-4900-8807-060504030201.1"
            ),
            (
                "bitbucket", "Bitbucket Pipelines", "bitbucket-{a1b2c3d4-0000-4000-8000-000000000047}", "47",
                "https://bitbucket.org/example/shop/pipelines/results/47", "{b1b2c3d4-0000-4000-8000-000000000001}.1"
            ),
            (
                "azure", "Azure Pipelines", "azure-https://dev.azure.com/example/-4711", "20261125.3",
                "https://dev.azure.com/example/Web%20Shop/_build/results?buildId=4711", "12f1170f-54f2-53f3-20dd-22fc7dff55f9.1"
            ),
            (
                "buildkite", "Buildkite", "buildkite-4735ba57-80d0-46e2-8fa0-b28223a86586", "4711", "https://buildkite.com/example/shop/builds/4711",
                "e44f9784-e20e-4b93-a21d-f41fd5869db9"
            ),
        ])
    func push(ci: String, name: String, key: String, number: String, url: String, job: String) throws {
        let build = try #require(CIBuild.detect(try CIEnvironment.read("\(ci)-push")))
        #expect(build.name == name && build.key == key && build.number == number && build.url == url && build.jobID == job)
        #expect(build.branch == "feature/cart" && build.commit == Self.commit)
    }

    @Test("a pull request has its source's branch and commit, not those of a merge that nobody made", arguments: CIEnvironment.systems)
    func pullRequest(ci: String) throws {
        let event = GitHubEvent.read(at: try CIEnvironment.file("github-event.json").path)
        let build = try #require(CIBuild.detect(try CIEnvironment.read("\(ci)-pull-request"), event: event))
        #expect(build.branch == "fix/rounding" && build.commit == Self.source)
    }

    @Test("all jobs and shards of a build share one key, and another build has another", arguments: CIEnvironment.systems)
    func shards(ci: String) throws {
        var environment = try CIEnvironment.read("\(ci)-push")
        let key = try #require(CIBuild.detect(environment)?.key)
        for own in [
            "GITHUB_JOB", "CI_JOB_ID", "CI_JOB_URL", "STAGE_NAME", "EXECUTOR_NUMBER", "CIRCLE_WORKFLOW_JOB_ID", "CIRCLE_NODE_INDEX",
            "CIRCLE_BUILD_NUM",
            "BITBUCKET_STEP_UUID", "BITBUCKET_PARALLEL_STEP", "SYSTEM_JOBID", "BUILDKITE_JOB_ID", "BUILDKITE_PARALLEL_JOB",
        ] where environment[own] != nil { environment[own] = "other" }
        #expect(CIBuild.detect(environment)?.key == key)
        #expect(CIBuild.detect(environment)?.jobID != CIBuild.detect(try CIEnvironment.read("\(ci)-push"))?.jobID)
        #expect(CIBuild.detect(try CIEnvironment.read("\(ci)-pull-request"))?.key != key)
    }

    @Test("a machine that is no CI is none, whatever else it sets")
    func none() {
        #expect(CIBuild.detect([:]) == nil)
        #expect(CIBuild.detect(["CI": "true", "GITHUB_ACTIONS": "", "BUILD_NUMBER": "3"]) == nil)
    }

    @Test(
        "Jenkins' Git plugin names remote branches",
        arguments: [("origin/main", "main"), ("refs/heads/a/b", "a/b"), ("refs/remotes/origin/x", "x"), ("main", "main")])
    func jenkinsBranch(given: String, expected: String) {
        #expect(CIBuild.detect(["JENKINS_URL": "https://ci", "GIT_BRANCH": given])?.branch == expected)
    }

    @Test("Buildkite's HEAD is no commit")
    func buildkiteHead() {
        let build = CIBuild.detect(["BUILDKITE": "true", "BUILDKITE_COMMIT": "HEAD"])
        #expect(build?.commit == nil)
        #expect(build?.over(CIBuild(commit: "abc")).commit == "abc")
    }

    @Test("what is longer than the API takes is cut between characters")
    func lengths() {
        let fields = CIBuild(commit: String(repeating: "c", count: 80), message: String(repeating: "ä", count: 3_000)).fields
        #expect(fields.map(\.value.utf8.count) == [64, 4_096])
    }
}

/// The environments of Fixtures.
enum CIEnvironment {
    static let systems = ["github", "gitlab", "jenkins", "circleci", "bitbucket", "azure", "buildkite"]

    static func file(_ name: String) throws -> URL {
        try #require(Bundle.module.resourceURL).appending(path: "Fixtures/\(name)")
    }

    static func read(_ name: String) throws -> [String: String] {
        let text = try String(contentsOf: file("environments/\(name).env"), encoding: .utf8)
        return text.split(separator: "\n").reduce(into: [:]) { values, line in
            let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            values[String(parts[0])] = String(parts[1])
        }
    }
}
