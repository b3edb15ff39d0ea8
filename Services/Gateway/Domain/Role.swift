/// The roles that every organization has. The raw value is stored and shown; it never changes.
///
/// Each holds what the one before it holds, and more. What a permission lets do the contracts say; what an organization wants otherwise
/// it puts together as a custom role.
enum Role: String, CaseIterable, Sendable {
    /// Reads.
    case viewer
    /// Judges results.
    case validator
    /// Writes tests and runs them, and decides whom failures are sent to.
    case qaLead = "qa_lead"
    /// Makes projects, and keys for machines.
    case admin
    /// Everything in the organization, people included.
    case organizationAdmin = "org_admin"

    /// How it is called in lists.
    var title: String {
        switch self {
        case .viewer: "Viewer"
        case .validator: "Validator"
        case .qaLead: "QA lead"
        case .admin: "Admin"
        case .organizationAdmin: "Organization admin"
        }
    }

    var permissions: Set<String> {
        switch self {
        case .viewer:
            [
                "organization.read", "members.read", "roles.read", "projects.read", "suites.read", "runs.read", "schedules.read", "verdicts.read",
            ]
        case .validator: Role.viewer.permissions.union(["channels.read", "failures.triage"])
        case .qaLead:
            Role.validator.permissions.union([
                "suites.write", "runs.trigger", "results.write", "artifacts.delete", "schedules.write", "channels.write",
            ])
        case .admin: Role.qaLead.permissions.union(["projects.create", "projects.write", "keys.read", "keys.write"])
        case .organizationAdmin: KeyScope.orgAdmin.permissions
        }
    }

    /// What those hold who look after the installation, besides what their organization gives them. In no role of an organization and in no key.
    static let superAdminPermissions: Set<String> = ["admin.read", "admin.write"]
}
