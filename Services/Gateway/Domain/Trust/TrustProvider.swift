import Primitives

/// Whose tokens a policy is about. The raw value is stored.
enum TrustProvider: String, Sendable, CaseIterable {
    case github, gitlab, buildkite

    /// Of its cloud.
    var issuer: String {
        switch self {
        case .github: "https://token.actions.githubusercontent.com"
        case .gitlab: "https://gitlab.com"
        case .buildkite: "https://agent.buildkite.com"
        }
    }

    /// The claims that say whose builds they are: everybody in the world gets tokens of the same issuer.
    var needed: [String] {
        switch self {
        case .github: ["repository"]
        case .gitlab: ["project_path"]
        case .buildkite: ["organization_slug", "pipeline_slug"]
        }
    }

    /// The claims that a policy can speak of: those that the provider itself writes. What a build can choose for itself is not among them.
    var claims: Set<String> {
        switch self {
        case .github:
            [
                "repository", "repository_id", "repository_owner", "repository_owner_id", "repository_visibility", "ref", "ref_type", "environment",
                "event_name", "workflow_ref", "job_workflow_ref", "runner_environment",
            ]
        case .gitlab:
            [
                "project_path", "project_id", "namespace_path", "namespace_id", "ref", "ref_type", "ref_protected", "environment", "pipeline_source",
                "runner_environment", "ci_config_ref_uri",
            ]
        case .buildkite:
            [
                "organization_slug", "organization_id", "pipeline_slug", "pipeline_id", "build_branch", "build_tag", "build_source", "step_key",
                "runner_environment",
            ]
        }
    }

    /// The claim that names the branch or tag.
    var ref: String { self == .buildkite ? "build_branch" : "ref" }

    /// What is wrong with a pattern for one of the needed claims: the owner must be spelled out, or a policy for `*/*` would let in the world.
    func isOwnerSpelledOut(_ claim: String, _ pattern: String) -> Bool {
        switch claim {
        case "repository", "project_path":
            guard let slash = pattern.firstIndex(of: "/"), slash > pattern.startIndex else { return false }
            return ClaimPattern(String(pattern[..<slash])).isLiteral
        case "organization_slug": return !pattern.isEmpty && ClaimPattern(pattern).isLiteral
        default: return true
        }
    }
}

extension TrustProvider {
    /// In which lane the results of a build go, from what its provider says of it.
    ///
    /// Trusted is what nobody could have changed who cannot write to the repository. Where a provider does not say enough to know, the answer is
    /// untrusted.
    /// - Parameter isRefChosen: the policy names the branches or tags that it is for.
    func lane(of claims: TokenClaims, isRefChosen: Bool) -> Lane {
        switch self {
        case .github: Self.githubLane(claims)
        case .gitlab: Self.gitlabLane(claims, isRefChosen)
        case .buildkite: Self.buildkiteLane(claims, isRefChosen)
        }
    }

    /// A token says that a build is of a pull request, but not where its head is from, so all of them are untrusted; so are events that run with
    /// the rights of the repository on behalf of others (`pull_request_target`, `workflow_run`, `issue_comment`): hence a list of what is good.
    private static let githubEvents: Set<String> = ["push", "schedule", "workflow_dispatch", "merge_group", "release"]

    private static func githubLane(_ claims: TokenClaims) -> Lane {
        guard let event = claims["event_name"], githubEvents.contains(event), (claims["head_ref"] ?? "").isEmpty,
            let ref = claims["ref"], ref.hasPrefix("refs/heads/") || ref.hasPrefix("refs/tags/"),
            let repository = claims["repository"], let owner = claims["repository_owner"], repository.hasPrefix(owner + "/")
        else { return .untrusted }
        return .trusted
    }

    private static let gitlabSources: Set<String> = ["push", "web", "schedule", "api", "trigger", "chat", "webide", "pipeline", "parent_pipeline"]
    /// Those that begin with somebody who may write to the project, or with its own schedule.
    private static let gitlabOwnSources: Set<String> = ["push", "web", "schedule"]

    /// On a protected branch or tag only those write whom the project lets. Others are as good where the policy has chosen them, but never in a
    /// pipeline that another one may have started.
    private static func gitlabLane(_ claims: TokenClaims, _ isRefChosen: Bool) -> Lane {
        guard let source = claims["pipeline_source"], gitlabSources.contains(source), let type = claims["ref_type"],
            type == "branch" || type == "tag", let path = claims["project_path"],
            // Of a merge request from a fork, newer releases name the fork in the one and where it runs in the other.
            (claims["job_project_path"] ?? path) == path
        else { return .untrusted }
        if claims["ref_protected"] == "true" { return .trusted }
        return isRefChosen && gitlabOwnSources.contains(source) ? .trusted : .untrusted
    }

    /// A token does not say whether a build is of a pull request. Branches of forks are called `owner:branch` where the pipeline is set up so; the
    /// rest is up to the policy, which must say which branches it means.
    private static func buildkiteLane(_ claims: TokenClaims, _ isRefChosen: Bool) -> Lane {
        guard isRefChosen, let branch = claims["build_branch"], !branch.isEmpty, !branch.contains(":"), !branch.hasPrefix("refs/"),
            !branch.hasPrefix("pull/")
        else { return .untrusted }
        return .trusted
    }
}
