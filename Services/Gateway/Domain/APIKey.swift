import Foundation
import Primitives

/// What is known of an API key: everything but its text.
struct APIKey: Sendable {
    let id: ID<Key>
    let tenant: ID<Tenant>
    let name: String
    let kind: KeyKind
    /// The first characters of the text.
    let display: String
    let scopes: Set<KeyScope>
    /// Empty for all.
    let projects: [UUID]
    let expiresAt: Date?
    let lastUsedAt: Date?
    let createdAt: Date
    let revokedAt: Date?
    /// Empty for anywhere.
    let networks: [Network]
    let lastUsedIP: String
    /// Until then the secret before the last rotation is good as well.
    let previousUntil: Date?

    /// Whoever gets to know the text of a key holds what it holds, so only those may have it made anew who lack none of that.
    /// - Throws: `keys.scope_not_held`, `keys.project_not_held`.
    func requireHeld(by permissions: Set<String>, projects own: Set<UUID>?) throws(Fault) {
        if let scope = scopes.first(where: { !$0.permissions.isSubset(of: permissions) }) { throw .scopeNotHeld(scope) }
        guard let own else { return }
        guard !projects.isEmpty, own.isSuperset(of: projects) else { throw .projectNotHeld() }
    }

    static let nameLength = 1...100
    static let maxProjects = 100
    static let maxNetworks = 50
}

/// A key that is to be made; checked, but not stored yet.
struct NewKey: Sendable {
    let id: ID<Key>
    let name: String
    let kind: KeyKind
    let scopes: Set<KeyScope>
    let projects: [UUID]
    let expiresAt: Date?
    let networks: [Network]

    /// `maker`: the permissions of who asks. A key gives away nothing that its maker lacks.
    /// `makerProjects`: the projects that the maker is bound to, `nil` for all.
    /// - Throws: `request.invalid` with the pointers of all that is wrong, or `keys.scope_not_held`.
    init(
        name: String, kind: KeyKind, scopes: Set<KeyScope>, projects: [UUID], expiresAt: Date?, networks: [Network] = [], maker: Set<String>,
        makerProjects: Set<UUID>?, now: Date
    ) throws(Fault) {
        guard APIKey.nameLength.contains(name.count) else {
            throw .invalidField("/name", "length", "name must have 1 to 100 characters.")
        }
        guard !scopes.isEmpty else { throw .invalidField("/scopes", "required", "At least one scope is needed.") }
        if let scope = scopes.first(where: { !kind.allowedScopes.contains($0) }) {
            throw .invalidField("/scopes", "not_allowed", "A key for CI can hold only results:write, not \(scope.rawValue).")
        }
        guard projects.count <= APIKey.maxProjects else {
            throw .invalidField("/projects", "too_many", "A key can be bound to at most \(APIKey.maxProjects) projects.")
        }
        guard networks.count <= APIKey.maxNetworks else {
            throw .invalidField("/allowed_cidrs", "too_many", "A key can be bound to at most \(APIKey.maxNetworks) networks.")
        }
        if let expiresAt, expiresAt <= now { throw .invalidField("/expires_at", "in_past", "expires_at must be in the future.") }
        if let scope = scopes.first(where: { !$0.permissions.isSubset(of: maker) }) { throw .scopeNotHeld(scope) }
        if let makerProjects {
            guard !projects.isEmpty, makerProjects.isSuperset(of: projects) else { throw .projectNotHeld() }
        }
        id = .new(at: now)
        self.name = name
        self.kind = kind
        self.scopes = scopes
        self.projects = projects
        self.expiresAt = expiresAt
        self.networks = networks
    }

    /// The first key of an organization: nobody made it, it holds everything and does not expire.
    init(firstOf owner: String, now: Date) {
        id = .new(at: now)
        name = owner
        kind = .personal
        scopes = Set(KeyScope.allCases)
        projects = []
        expiresAt = nil
        networks = []
    }
}
