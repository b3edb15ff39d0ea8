/// What a key was made for, in the public words. The raw value is stored and shown; it never changes.
///
/// Contracts speak of permissions (`runs.read`), keys of scopes: a new permission joins a scope here, and keys that exist already gain it.
enum KeyScope: String, CaseIterable, Sendable {
    case resultsWrite = "results:write"
    case resultsRead = "results:read"
    case runsTrigger = "runs:trigger"
    case projectsAdmin = "projects:admin"
    case monitorsWrite = "monitors:write"
    case webhooksWrite = "webhooks:write"
    case orgAdmin = "org:admin"

    var permissions: Set<String> {
        switch self {
        // Whoever sends results has to know whether they are a reason to stop.
        case .resultsWrite: ["results.write", "verdicts.read"]
        case .resultsRead: ["projects.read", "suites.read", "runs.read", "verdicts.read"]
        case .runsTrigger: ["projects.read", "suites.read", "runs.read", "runs.trigger", "verdicts.read"]
        case .projectsAdmin:
            [
                "projects.read", "projects.create", "projects.write", "suites.read", "suites.write", "runs.read", "artifacts.delete",
                "failures.triage", "verdicts.read",
            ]
        case .monitorsWrite: ["projects.read", "suites.read", "schedules.read", "schedules.write"]
        case .webhooksWrite: ["projects.read", "channels.read", "channels.write"]
        case .orgAdmin: Self.everything
        }
    }

    static func permissions(of scopes: some Sequence<KeyScope>) -> Set<String> {
        scopes.reduce(into: []) { $0.formUnion($1.permissions) }
    }

    /// The narrowest scope that holds `permission`: what a refusal tells its reader to ask for.
    static func granting(_ permission: String) -> KeyScope {
        allCases.filter { $0.permissions.contains(permission) }.min { $0.permissions.count < $1.permissions.count } ?? .orgAdmin
    }

    /// What only a key for everything holds, besides all that the others hold.
    private static let administration: Set<String> = [
        "keys.read", "keys.write", "organization.read", "organization.write", "members.read", "members.write", "roles.read", "roles.write",
        "quotas.read", "audit.read", "trust.read", "trust.write",
    ]

    private static let everything: Set<String> = allCases.filter { $0 != .orgAdmin }.reduce(into: administration) {
        $0.formUnion($1.permissions)
    }
}
