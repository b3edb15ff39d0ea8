import Foundation
import Primitives

/// An API key's row. The enum stands for the id's subject only; the text is `KeyText`, what is known of it `APIKey`.
enum Key: Identified {
    static let idPrefix = "key"
}

/// A person of an organization.
enum User: Identified {
    static let idPrefix = "usr"
}

/// A browser's sign-in.
enum Session: Identified {
    static let idPrefix = "ses"
}

/// A project, as Projects names it: keys may be bound to some.
enum Project: Identified {
    static let idPrefix = "prj"
}

/// Who is asking: the outcome of checking a key or a session, kept for a few seconds.
struct Identity: Sendable {
    let tenant: ID<Tenant>
    let key: ID<Key>
    let scopes: Set<KeyScope>
    let permissions: Set<String>
    /// Ids of the only projects it may touch; `nil` for all.
    let projects: Set<UUID>?
    let expiresAt: Date?
    /// Where it may be used from; empty for anywhere.
    let networks: [Network]
    /// Carries an organization's own name for greetings and `/me`.
    let organization: String

    init(
        tenant: ID<Tenant>, key: ID<Key>, scopes: Set<KeyScope>, projects: Set<UUID>?, expiresAt: Date?, networks: [Network] = [],
        organization: String
    ) {
        self.tenant = tenant
        self.key = key
        self.scopes = scopes
        permissions = KeyScope.permissions(of: scopes)
        self.projects = projects
        self.expiresAt = expiresAt
        self.networks = networks
        self.organization = organization
    }

    /// - Throws: `auth.scope_missing` (403) naming the scope. `authenticated` asks for nothing beyond being known.
    func require(_ permission: String) throws(Fault) {
        guard permission == "authenticated" || permissions.contains(permission) else { throw .scopeMissing(KeyScope.granting(permission)) }
    }

    /// An object of a project that the key is not bound to does not exist for it.
    func mayTouch(project: UUID) -> Bool { projects?.contains(project) ?? true }
}
