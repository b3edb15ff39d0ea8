import Foundation
import Primitives
import TestSupport
import Testing

@testable import GatewayService

@Suite("Trust policies")
struct TrustPolicyTests {
    @Test(
        "a pattern stands for what it says",
        arguments: [
            ("acme/web", "acme/web", true), ("acme/web", "acme/web2", false), ("acme/web", "Acme/web", false), ("acme/*", "acme/web", true),
            ("acme/*", "acme/", true), ("acme/*", "acme/a/b", false), ("acme/**", "acme/a/b", true), ("acme/*", "evil/acme/web", false),
            ("refs/heads/*", "refs/heads/main", true), ("refs/heads/*", "refs/heads/feature/x", false),
            ("refs/heads/**", "refs/heads/feature/x", true),
            ("refs/heads/release-?", "refs/heads/release-1", true), ("refs/heads/release-?", "refs/heads/release-12", false), ("?", "/", false),
            ("*", "", true), ("**", "a/b/c", true), ("***", "a/b", true), ("*a*b", "xaxb", true), ("*a*b", "xbxa", false), ("a.c", "abc", false),
            ("[ab]", "a", false), ("(a|b)", "a", false), ("", "", true), ("", "a", false), ("main", "main\n", false),
        ] as [(String, String, Bool)])
    func pattern(pattern: String, claim: String, matches: Bool) {
        #expect(ClaimPattern(pattern).matches(claim) == matches)
    }

    @Test("no pattern takes long, and a claim beyond every bound matches none")
    func time() {
        let pattern = ClaimPattern(String(repeating: "*a", count: 127))
        let elapsed = ContinuousClock().measure { _ = pattern.matches(String(repeating: "a", count: 1_024) + "b") }
        #expect(elapsed < .seconds(2))
        #expect(!ClaimPattern("**").matches(String(repeating: "a", count: 1_025)))
    }

    // MARK: - Lanes

    struct Build: CustomTestStringConvertible, Sendable {
        let name: String
        let provider: TrustProvider
        let claims: [String: String]
        var isRefChosen = false
        let lane: Lane
        var testDescription: String { "\(provider): \(name)" }
    }

    private static func github(_ name: String, _ change: [String: String], _ lane: Lane) -> Build {
        let push = [
            "event_name": "push", "ref": "refs/heads/main", "head_ref": "", "base_ref": "", "repository": "acme/web", "repository_owner": "acme",
        ]
        return Build(name: name, provider: .github, claims: push.merging(change) { $1 }.filter { $0.value != "-" }, lane: lane)
    }

    private static func gitlab(_ name: String, _ change: [String: String], chosen: Bool = false, _ lane: Lane) -> Build {
        let push = ["pipeline_source": "push", "ref": "main", "ref_type": "branch", "ref_protected": "true", "project_path": "acme/shop/web"]
        return Build(
            name: name, provider: .gitlab, claims: push.merging(change) { $1 }.filter { $0.value != "-" }, isRefChosen: chosen, lane: lane)
    }

    private static func buildkite(_ name: String, _ branch: String, chosen: Bool, _ lane: Lane) -> Build {
        let build = ["organization_slug": "acme", "pipeline_slug": "web", "build_branch": branch]
        return Build(name: name, provider: .buildkite, claims: build.filter { $0.value != "-" }, isRefChosen: chosen, lane: lane)
    }

    private static let builds = [
        github("a push", [:], .trusted), github("a push of a branch", ["ref": "refs/heads/feature/x"], .trusted),
        github("a tag", ["ref": "refs/tags/v1"], .trusted), github("a schedule", ["event_name": "schedule"], .trusted),
        github("by hand", ["event_name": "workflow_dispatch"], .trusted), github("a merge queue", ["event_name": "merge_group"], .trusted),
        github("a release", ["event_name": "release", "ref": "refs/tags/v1"], .trusted),
        github("a pull request", ["event_name": "pull_request", "ref": "refs/pull/7/merge", "head_ref": "patch", "base_ref": "main"], .untrusted),
        github("a pull request of the same repository", ["event_name": "pull_request", "head_ref": "feature", "base_ref": "main"], .untrusted),
        github("pull_request_target", ["event_name": "pull_request_target", "head_ref": "patch", "base_ref": "main"], .untrusted),
        github("pull_request_target that hides its head", ["event_name": "pull_request_target"], .untrusted),
        github("a push with a head", ["head_ref": "patch"], .untrusted), github("workflow_run", ["event_name": "workflow_run"], .untrusted),
        github("a comment", ["event_name": "issue_comment"], .untrusted), github("a review", ["event_name": "pull_request_review"], .untrusted),
        github("an event of the future", ["event_name": "teleport"], .untrusted), github("no event", ["event_name": "-"], .untrusted),
        github("a ref of a pull request", ["ref": "refs/pull/7/head"], .untrusted), github("no ref", ["ref": "-"], .untrusted),
        github("another owner", ["repository_owner": "evil"], .untrusted),
        github("an owner that begins alike", ["repository_owner": "acm"], .untrusted),
        github("no owner", ["repository_owner": "-"], .untrusted),
        gitlab("a protected branch", [:], .trusted), gitlab("a protected tag", ["ref_type": "tag", "ref": "v1"], .trusted),
        gitlab("a schedule", ["pipeline_source": "schedule"], .trusted),
        gitlab("a child of a protected one", ["pipeline_source": "parent_pipeline"], .trusted),
        gitlab("a branch", ["ref_protected": "false"], .untrusted),
        gitlab("a branch that was chosen", ["ref_protected": "false"], chosen: true, .trusted),
        gitlab("a chosen branch, by another pipeline", ["ref_protected": "false", "pipeline_source": "parent_pipeline"], chosen: true, .untrusted),
        gitlab("a chosen branch, by a trigger", ["ref_protected": "false", "pipeline_source": "trigger"], chosen: true, .untrusted),
        gitlab("a merge request", ["pipeline_source": "merge_request_event", "ref_protected": "false"], .untrusted),
        gitlab("a merge request on a protected branch", ["pipeline_source": "merge_request_event"], chosen: true, .untrusted),
        gitlab("an external pull request", ["pipeline_source": "external_pull_request_event"], chosen: true, .untrusted),
        gitlab("a fork in the parent's pipeline", ["job_project_path": "other/shop/web"], .untrusted),
        gitlab("its own pipeline", ["job_project_path": "acme/shop/web"], .trusted),
        gitlab("a ref of a merge request", ["ref_type": "merge_request"], .untrusted),
        gitlab("no source", ["pipeline_source": "-"], .untrusted), gitlab("no type", ["ref_type": "-"], .untrusted),
        gitlab("nothing on protection", ["ref_protected": "-"], .untrusted),
        buildkite("a branch that was chosen", "main", chosen: true, .trusted), buildkite("any branch", "main", chosen: false, .untrusted),
        buildkite("a fork's", "stranger:main", chosen: true, .untrusted), buildkite("a pull request", "pull/7/head", chosen: true, .untrusted),
        buildkite("a ref", "refs/pull/7/head", chosen: true, .untrusted), buildkite("no branch", "-", chosen: true, .untrusted),
    ]

    @Test("a build is trusted only where its provider says enough", arguments: builds)
    func lane(build: Build) throws {
        let claims = try #require(TokenClaims(json: TokenSigner.json(build.claims)))
        #expect(build.provider.lane(of: claims, isRefChosen: build.isRefChosen) == build.lane)
    }

    // MARK: - Policies

    private static func draft(
        _ provider: TrustProvider = .github, _ claims: [String: String] = ["repository": "acme/web"], name: String = "n", audience: String = "a",
        projects: [UUID] = [UUID()]
    ) throws(Fault) -> TrustPolicy.Draft {
        try TrustPolicy.Draft(
            name: name, provider: provider, issuer: provider.issuer, audience: audience, claims: claims, projects: projects, forks: .untrusted)
    }

    @Test(
        "a policy that would let in the world, or nobody, is refused",
        arguments: [
            (.github, [:]), (.github, ["ref": "refs/heads/main"]), (.github, ["repository_owner": "acme"]), (.github, ["repository": "*"]),
            (.github, ["repository": "**"]), (.github, ["repository": "*/web"]), (.github, ["repository": "ac*/web"]),
            (.github, ["repository": "/web"]),
            (.github, ["repository": "acme"]), (.github, ["repository": "acme/web", "actor": "octocat"]),
            (.github, ["repository": "acme/web", "ref": ""]), (.github, ["repository": "acme/web", "ref": "a\nb"]), (.gitlab, ["project_path": "**"]),
            (.gitlab, ["project_path": "?cme/web"]), (.gitlab, ["repository": "acme/web"]), (.buildkite, ["organization_slug": "acme"]),
            (.buildkite, ["pipeline_slug": "web"]), (.buildkite, ["organization_slug": "*", "pipeline_slug": "web"]),
            (.buildkite, ["organization_slug": "acme", "pipeline_slug": "web", "ref": "main"]),
        ] as [(TrustProvider, [String: String])])
    func tooWide(provider: TrustProvider, claims: [String: String]) throws {
        let fault = #expect(throws: Fault.self) { try Self.draft(provider, claims) }
        #expect(fault?.code == "request.invalid" && fault?.fields.first?.pointer.hasPrefix("/claims") == true)
    }

    @Test("what else is wrong is told by its field")
    func bounds() throws {
        let long = String(repeating: "x", count: 256)
        for (pointer, make) in [
            ("/name", { try Self.draft(name: " ") }), ("/name", { try Self.draft(name: long) }), ("/audience", { try Self.draft(audience: "") }),
            ("/audience", { try Self.draft(audience: long) }), ("/projects", { try Self.draft(projects: []) }),
            ("/projects", { try Self.draft(projects: (0..<101).map { _ in UUID() }) }),
            ("/claims/ref", { try Self.draft(.github, ["repository": "acme/web", "ref": long]) }),
        ] as [(String, () throws -> TrustPolicy.Draft)] {
            let fault = #expect(throws: Fault.self) { try make() }
            #expect(fault?.fields.first?.pointer == pointer)
        }
        #expect(throws: Never.self) { try Self.draft(.github, ["repository": "acme/*", "ref": "refs/heads/**", "environment": "ci"]) }
        #expect(throws: Never.self) { try Self.draft(.gitlab, ["project_path": "acme/**"]) }
        #expect(throws: Never.self) { try Self.draft(.buildkite, ["organization_slug": "acme", "pipeline_slug": "*", "build_branch": "main"]) }
    }

    private static func policy(
        _ claims: [String: String] = ["repository": "acme/web-shop"], projects: [UUID], forks: TrustPolicy.Forks = .untrusted, isEnabled: Bool = true
    ) -> TrustPolicy {
        TrustPolicy(
            id: .new(), name: "n", provider: .github, issuer: "i", audience: "a", claims: claims, projects: projects, forks: forks,
            isEnabled: isEnabled, createdAt: .distantPast, updatedAt: .distantPast, version: 1)
    }

    @Test("of several policies each speaks for itself, for its own projects")
    func choice() throws {
        let (web, app) = (UUID(), UUID())
        let push = try #require(
            TokenClaims(
                json: TokenSigner.json([
                    "event_name": "push", "ref": "refs/heads/main", "repository": "acme/web-shop", "repository_owner": "acme", "id": 7,
                ])))
        let pull = try #require(
            TokenClaims(json: TokenSigner.json(["event_name": "pull_request", "ref": "refs/pull/7/merge", "repository": "acme/web-shop"])))
        let refusing = Self.policy(projects: [web], forks: .refuse)
        let taking = Self.policy(projects: [web, app])
        let main = Self.policy(["repository": "acme/web-shop", "ref": "refs/heads/main"], projects: [web], forks: .refuse)
        #expect(try TrustPolicy.choose([refusing, taking], for: push, project: nil).policy == refusing)
        #expect(try TrustPolicy.choose([refusing, taking], for: push, project: app).policy == taking)
        #expect(try TrustPolicy.choose([refusing, taking], for: push, project: web).lane == .trusted)
        #expect(try TrustPolicy.choose([refusing, taking], for: pull, project: nil) == (taking, .untrusted))
        #expect(throws: Fault.forkRefused) { try TrustPolicy.choose([refusing], for: pull, project: nil) }
        #expect(throws: Fault.buildNotTrusted) { try TrustPolicy.choose([main], for: pull, project: nil) }
        #expect(throws: Fault.buildNotTrusted) { try TrustPolicy.choose([taking], for: push, project: UUID()) }
        #expect(throws: Fault.buildNotTrusted) { try TrustPolicy.choose([Self.policy(projects: [web], isEnabled: false)], for: push, project: nil) }
        #expect(throws: Fault.buildNotTrusted) { try TrustPolicy.choose([], for: push, project: nil) }
        // A claim that is no single value matches nothing, not even everything.
        let odd = try #require(TokenClaims(json: Data(#"{"repository":["acme/web-shop"],"event_name":null}"#.utf8)))
        #expect(throws: Fault.buildNotTrusted) { try TrustPolicy.choose([taking], for: odd, project: nil) }
    }

    @Test("where a person reads on")
    func runURL() throws {
        func url(_ claims: [String: Any], _ provider: TrustProvider, _ issuer: String? = nil) throws -> String? {
            BuildRecord.url(try #require(TokenClaims(json: TokenSigner.json(claims))), provider, issuer: issuer ?? provider.issuer)
        }
        let run: [String: Any] = ["repository": "acme/web", "run_id": "4711", "run_attempt": "2"]
        #expect(try url(run, .github) == "https://github.com/acme/web/actions/runs/4711/attempts/2")
        #expect(
            try url(run, .github, "https://git.example.com/_services/token") == "https://git.example.com/acme/web/actions/runs/4711/attempts/2")
        #expect(
            try url(["project_path": "acme/shop/web", "pipeline_id": "12"], .gitlab, "https://git.example.com")
                == "https://git.example.com/acme/shop/web/-/pipelines/12")
        #expect(
            try url(["organization_slug": "acme", "pipeline_slug": "web", "build_number": 175, "job_id": "j"], .buildkite)
                == "https://buildkite.com/acme/web/builds/175#j")
        #expect(try url([:], .github) == nil)
    }
}
