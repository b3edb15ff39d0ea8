import Foundation
import Primitives
import Synchronization

/// The part of a caller that lasts: tenant, actor, what they may do and where. Keeps the tokens that were signed for it, one for each service called.
package final class CallerIdentity: Sendable {
    package let tenant: ID<Tenant>
    /// `key_…`, `usr_…`, or `service:<name>`.
    package let actor: String
    /// Permission words of the contracts, such as `runs.trigger`, held in the whole organization.
    package let permissions: Set<String>
    /// The projects an actor is confined to; `nil` means all of the organization.
    package let projects: Set<UUID>?
    /// What is held in single projects on top of `permissions`.
    package let grants: ProjectGrants
    /// `usr_…` of the super admin who acts in the actor's place; `nil` for everybody who acts for themselves.
    package let impersonator: String?
    /// `usr_…` of the person whose key the actor is; `nil` for persons, builds, services, and keys that are nobody's.
    package let owner: String?
    /// `ses_…` of a person's sign-in; `nil` for keys and services.
    package let session: String?
    /// `untrusted` for what a CI sends for forks and pull requests.
    package let lane: Lane
    package let isService: Bool

    private let tokens = Mutex<[Token]>([])

    private struct Token {
        let issuer: String
        let audience: String
        let text: String
        let renewAt: Date
    }

    package init(
        tenant: ID<Tenant>, actor: String, permissions: Set<String>, projects: Set<UUID>? = nil, grants: ProjectGrants = ProjectGrants(),
        impersonator: String? = nil, owner: String? = nil, session: String? = nil, lane: Lane = .trusted
    ) {
        self.tenant = tenant
        self.actor = actor
        self.permissions = permissions
        self.projects = projects
        self.grants = grants
        self.impersonator = impersonator
        self.owner = owner
        self.session = session
        self.lane = lane
        isService = actor.hasPrefix(Self.servicePrefix)
    }

    private static let servicePrefix = "service:"

    /// Jobs of one tenant come in bursts; remembering the identity saves a signature for each.
    private static let services = RecentCache<String, CallerIdentity>(capacity: 1024)

    package static func service(_ name: String, tenant: ID<Tenant>) -> CallerIdentity {
        services.value(for: "\(name)/\(tenant.uuid)") {
            CallerIdentity(tenant: tenant, actor: servicePrefix + name, permissions: [])
        }
    }

    /// Whether a method that asks for `permission` may be called at all: in which projects, `projects(holding:)` says.
    package func holds(_ permission: String) -> Bool {
        isService || permissions.contains(permission) || grants.projects(holding: permission) != nil
    }

    /// The projects in which the permission is held; `nil` for all of the organization.
    package func projects(holding permission: String) -> Set<UUID>? {
        if isService || permissions.contains(permission) { return projects }
        let granted = grants.projects(holding: permission) ?? []
        return projects.map(granted.intersection) ?? granted
    }

    /// Somebody who may do `permission` wherever they may do `other`.
    package func adding(_ permission: String, wherever other: String) -> CallerIdentity {
        CallerIdentity(
            tenant: tenant, actor: actor, permissions: permissions.contains(other) ? permissions.union([permission]) : permissions,
            projects: projects, grants: grants.adding(permission, wherever: other), impersonator: impersonator, owner: owner,
            session: session, lane: lane)
    }

    /// The token for `audience`, signed anew when the last one is half used. There are as many entries as services that are called.
    func token(issuer: String, audience: String, now: Date, sign: () throws -> (text: String, renewAt: Date)) rethrows -> String {
        let known = tokens.withLock { tokens in tokens.first { $0.audience == audience && $0.issuer == issuer && $0.renewAt > now } }
        if let known { return known.text }
        let fresh = try sign()
        tokens.withLock { tokens in
            tokens.removeAll { $0.audience == audience && $0.issuer == issuer }
            tokens.append(Token(issuer: issuer, audience: audience, text: fresh.text, renewAt: fresh.renewAt))
        }
        return fresh.text
    }
}
