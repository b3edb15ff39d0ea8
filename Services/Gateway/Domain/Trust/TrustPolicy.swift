import Foundation
import Primitives

/// Which builds may upload without a key, and where to.
struct TrustPolicy: Identified, Hashable, Sendable {
    static let idPrefix = "tpl"
    /// In an organization.
    static let most = 100
    static let maxClaims = 10
    static let maxProjects = 100
    static let maxText = 255

    /// What becomes of forks, pull requests, and whatever is not known to be neither. The raw value is stored.
    enum Forks: String, Sendable { case untrusted, refuse }

    let id: ID<TrustPolicy>
    let name: String
    let provider: TrustProvider
    /// Compared exactly.
    let issuer: String
    let audience: String
    /// Patterns by the name of the claim; all must match.
    let claims: [String: String]
    let projects: [UUID]
    let forks: Forks
    let isEnabled: Bool
    let createdAt: Date
    let updatedAt: Date
    let version: Int64

    func matches(_ token: TokenClaims) -> Bool {
        claims.allSatisfy { name, pattern in token[name].map { ClaimPattern(pattern).matches($0) } ?? false }
    }

    func lane(of token: TokenClaims) -> Lane { provider.lane(of: token, isRefChosen: claims[provider.ref] != nil) }

    /// What a build may do under the policies that have its issuer and audience, and under which of them: each speaks for itself, and the first one
    /// that trusts the build wins over the first one that merely takes it.
    /// - Parameter project: the only one that the token shall be for.
    /// - Throws: `oidc.not_trusted`, `oidc.fork_refused`.
    static func choose(_ policies: [TrustPolicy], for token: TokenClaims, project: UUID?) throws(Fault) -> (policy: TrustPolicy, lane: Lane) {
        let fitting = policies.filter { policy in
            policy.isEnabled && policy.matches(token) && project.map { policy.projects.contains($0) } ?? true
        }
        guard !fitting.isEmpty else { throw .buildNotTrusted }
        if let policy = fitting.first(where: { $0.lane(of: token) == .trusted }) { return (policy, .trusted) }
        guard let policy = fitting.first(where: { $0.forks == .untrusted }) else { throw .forkRefused }
        return (policy, .untrusted)
    }

    /// A policy that is to be made; checked, but not stored yet.
    struct Draft: Sendable {
        let name: String
        let provider: TrustProvider
        let issuer: String
        let audience: String
        let claims: [String: String]
        let projects: [UUID]
        let forks: Forks

        /// - Throws: `request.invalid` naming the field.
        init(
            name: String, provider: TrustProvider, issuer: String, audience: String, claims: [String: String], projects: [UUID], forks: Forks
        ) throws(Fault) {
            self.name = try checkedName(name)
            self.provider = provider
            self.issuer = issuer
            self.audience = try checkedAudience(audience)
            self.claims = try checkedClaims(claims, of: provider)
            guard !projects.isEmpty else { throw .invalidField("/projects", "required", "At least one project is needed.") }
            self.projects = try checkedProjects(projects)
            self.forks = forks
        }
    }

    /// What is to be different. `nil`, and an empty list, for what stays.
    struct Change: Sendable {
        let name: String?
        let audience: String?
        let claims: [String: String]?
        let projects: [UUID]?
        let forks: Forks?
        let isEnabled: Bool?

        /// - Throws: `request.invalid` naming the field.
        init(
            name: String?, audience: String?, claims: [String: String], projects: [UUID], forks: Forks?, isEnabled: Bool?, of provider: TrustProvider
        ) throws(Fault) {
            self.name = if let name { try checkedName(name) } else { nil }
            self.audience = if let audience { try checkedAudience(audience) } else { nil }
            self.claims = claims.isEmpty ? nil : try checkedClaims(claims, of: provider)
            self.projects = projects.isEmpty ? nil : try checkedProjects(projects)
            self.forks = forks
            self.isEnabled = isEnabled
        }
    }

    // MARK: - Checks

    private static func checkedName(_ name: String) throws(Fault) -> String {
        guard (1...100).contains(name.unicodeScalars.count), name.contains(where: { !$0.isWhitespace }), isText(name) else {
            throw .invalidField("/name", "length", "name must have 1 to 100 characters.")
        }
        return name
    }

    private static func checkedAudience(_ audience: String) throws(Fault) -> String {
        guard (1...maxText).contains(audience.unicodeScalars.count), isText(audience) else {
            throw .invalidField("/audience", "length", "audience must have 1 to \(maxText) characters.")
        }
        return audience
    }

    private static func checkedProjects(_ projects: [UUID]) throws(Fault) -> [UUID] {
        guard projects.count <= maxProjects else {
            throw .invalidField("/projects", "too_many", "A policy can be for at most \(maxProjects) projects.")
        }
        return projects
    }

    private static func checkedClaims(_ claims: [String: String], of provider: TrustProvider) throws(Fault) -> [String: String] {
        guard claims.count <= maxClaims else { throw .invalidField("/claims", "too_many", "A policy can name at most \(maxClaims) claims.") }
        for (name, pattern) in claims.sorted(by: { $0.key < $1.key }) {
            guard provider.claims.contains(name) else {
                throw .invalidField(
                    "/claims/\(name)", "unknown", "A policy for this provider can name: \(provider.claims.sorted().joined(separator: ", ")).")
            }
            guard (1...ClaimPattern.maxLength).contains(pattern.unicodeScalars.count), isText(pattern) else {
                throw .invalidField("/claims/\(name)", "length", "A claim must have 1 to \(ClaimPattern.maxLength) characters.")
            }
            guard provider.isOwnerSpelledOut(name, pattern) else {
                throw .invalidField(
                    "/claims/\(name)", "too_wide", "Spell out whose builds are meant: everybody in the world gets tokens of this issuer.")
            }
        }
        if let missing = provider.needed.first(where: { claims[$0] == nil }) {
            throw .invalidField("/claims", "required", "The claim \(missing) is needed: everybody in the world gets tokens of this issuer.")
        }
        return claims
    }

    private static func isText(_ text: String) -> Bool { text.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control } }
}
