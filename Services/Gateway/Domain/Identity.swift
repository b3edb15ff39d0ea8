import Foundation
import Primitives

/// An API key's row. The enum stands for the id's subject only; the text is `KeyText`, what is known of it `APIKey`.
enum Key: Identified {
    static let idPrefix = "key"
}

/// A person. One id everywhere: a person who belongs to several organizations is the same `usr_…` in each.
enum User: Identified {
    static let idPrefix = "usr"
}

/// A sign-in, of a browser or a client with tokens.
enum Session: Identified {
    static let idPrefix = "ses"
}

/// A project, as Projects names it: keys may be bound to some.
enum Project: Identified {
    static let idPrefix = "prj"
}

/// Who acts: what the audit log names, and whose share of every limit it is.
enum Actor: Hashable, Sendable, CustomStringConvertible {
    case key(ID<Key>)
    case person(ID<User>)
    /// A CI job without a key. Its share of every limit is that of its policy: exchanging again gives no more.
    case build(ID<UploadToken>, ID<TrustPolicy>)

    var uuid: UUID {
        switch self {
        case .key(let id): id.uuid
        case .person(let id): id.uuid
        case .build(_, let policy): policy.uuid
        }
    }

    var description: String {
        switch self {
        case .key(let id): id.description
        case .person(let id): id.description
        case .build(let token, _): token.description
        }
    }
}

/// Who is asking: the outcome of checking a key or a session, kept for a few seconds.
struct Identity: Sendable {
    let tenant: ID<Tenant>
    let actor: Actor
    /// What it may do in all projects that it may touch, and in the organization itself.
    let permissions: Set<String>
    /// Ids of the only projects it may touch; `nil` for all.
    let projects: Set<UUID>?
    /// What it may do in single projects, on top of `permissions`.
    let grants: [UUID: Set<String>]
    /// The super admin who acts in the person's place.
    let impersonator: ID<User>?
    let expiresAt: Date?
    /// Where it may be used from; empty for anywhere.
    let networks: [Network]
    /// An organization's own name, for greetings and `/me`; empty for a person who is in none.
    let organization: String
    /// The person whose key it is; a key of the installation is nobody's.
    var owner: ID<User>?
    /// The sign-in of a person; a key has none.
    var session: ID<Session>?
    /// The organization is suspended: nothing is served.
    let isSuspended: Bool
    /// `untrusted` for builds of forks and pull requests.
    var lane = Lane.trusted

    init(
        tenant: ID<Tenant>, actor: Actor, permissions: Set<String>, projects: Set<UUID>? = nil, grants: [UUID: Set<String>] = [:],
        impersonator: ID<User>? = nil, expiresAt: Date? = nil, networks: [Network] = [], organization: String,
        isSuspended: Bool = false
    ) {
        self.tenant = tenant
        self.actor = actor
        self.permissions = permissions
        self.projects = projects
        self.grants = grants
        self.impersonator = impersonator
        self.expiresAt = expiresAt
        self.networks = networks
        self.organization = organization
        self.isSuspended = isSuspended
    }

    /// `authenticated` asks for nothing beyond being known. Held in some project is enough here: in which, the service asks that knows the
    /// project.
    /// - Throws: `auth.scope_missing` naming the scope that a key lacks, `permission.missing` for people.
    func require(_ permission: String) throws(Fault) {
        guard permission != "authenticated", !permissions.contains(permission), !grants.values.contains(where: { $0.contains(permission) })
        else { return }
        switch actor {
        case .key, .build: throw .scopeMissing(KeyScope.granting(permission))
        case .person where organization.isEmpty: throw .organizationNeeded(permission)
        case .person: throw .permissionNotHeld(permission)
        }
    }

    /// The same person with a super admin in their place: without a super admin's own permissions, without those that make something with which
    /// somebody gets in after the hour is over, and only reading when that was asked for.
    func impersonated(by admin: ID<User>, readOnly: Bool, until end: Date) -> Identity {
        let barred = SessionLife.administrative
        func left(_ held: Set<String>) -> Set<String> { held.subtracting(barred).filter { !readOnly || $0.hasSuffix(".read") } }
        return Identity(
            tenant: tenant, actor: actor, permissions: left(permissions), projects: projects, grants: grants.mapValues(left), impersonator: admin,
            expiresAt: end, networks: networks, organization: organization, isSuspended: isSuspended)
    }

    /// An object of a project that the key is not bound to does not exist for it.
    func mayTouch(project: UUID) -> Bool { projects?.contains(project) ?? true }
}
