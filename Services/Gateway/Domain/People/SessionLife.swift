import Foundation

/// How long a session goes on (R51). The longer one, which everybody has, the statements go by that find sessions; the shorter one depends on what its
/// holder may do at the moment, so it is decided here.
struct SessionLife: Hashable, Sendable {
    /// Since it was last used, in seconds.
    let idle: TimeInterval
    /// Since the login, in seconds.
    let longest: TimeInterval

    static let administrator = SessionLife(idle: 30 * 60, longest: 12 * 3_600)

    /// An administrator is who could let somebody in, or give somebody more: whatever else a stolen session does, this would outlast it. Of the roles
    /// that every organization has these are the admins; custom roles by what they hold; and super admins.
    static let administrative = Role.superAdminPermissions.union(["keys.write", "members.write", "roles.write", "organization.write", "trust.write"])

    /// `nil` for whoever has the longer one.
    static func shorter(holding permissions: Set<String>) -> SessionLife? {
        permissions.isDisjoint(with: administrative) ? nil : administrator
    }

    func isOver(began: Date, seen: Date, now: Date) -> Bool {
        now >= began.addingTimeInterval(longest) || now >= seen.addingTimeInterval(idle)
    }
}
