import Foundation
import Primitives

/// What the audit log says of a build that was let in.
struct BuildRecord: Sendable {
    let details: [String: String]

    init(_ token: IDToken, _ policy: TrustPolicy, lane: Lane) {
        let claims = token.claims
        let provider = policy.provider
        let repository = provider.needed.compactMap { claims[$0] }.joined(separator: "/")
        let all: [String: String?] = [
            "policy": policy.id.description, "policy_name": policy.name, "issuer": token.issuer, "subject": token.subject,
            "repository": repository, "ref": claims[provider.ref], "lane": lane.rawValue, "jti": claims["jti"],
            "commit": claims["sha"] ?? claims["build_commit"], "event": claims["event_name"] ?? claims["pipeline_source"] ?? claims["build_source"],
            "run_url": Self.url(claims, provider, issuer: token.issuer),
        ]
        details = all.compactMapValues { $0 }
    }

    /// Where a person reads what the build did; `nil` where the claims do not say.
    static func url(_ claims: TokenClaims, _ provider: TrustProvider, issuer: String) -> String? {
        switch provider {
        case .github:
            guard let repository = claims["repository"], let run = claims["run_id"] else { return nil }
            let site = issuer == provider.issuer ? "https://github.com" : origin(issuer)
            return "\(site)/\(repository)/actions/runs/\(run)" + (claims["run_attempt"].map { "/attempts/\($0)" } ?? "")
        case .gitlab:
            guard let path = claims["project_path"], let pipeline = claims["pipeline_id"] else { return nil }
            return "\(issuer)/\(path)/-/pipelines/\(pipeline)"
        case .buildkite:
            guard let organization = claims["organization_slug"], let pipeline = claims["pipeline_slug"], let number = claims["build_number"]
            else { return nil }
            let site = issuer == provider.issuer ? "https://buildkite.com" : origin(issuer)
            return "\(site)/\(organization)/\(pipeline)/builds/\(number)" + (claims["job_id"].map { "#\($0)" } ?? "")
        }
    }

    private static func origin(_ url: String) -> String {
        url.split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false).prefix(3).joined(separator: "/")
    }
}
