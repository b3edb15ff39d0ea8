import Foundation
import Primitives

/// An organization as a super admin sees it.
struct OrganizationReport: Sendable {
    enum State: String, Sendable {
        case active, suspended, deleted
    }

    let id: ID<Tenant>
    let name: String
    let createdAt: Date
    let suspendedAt: Date?
    let suspendedReason: String
    let isDeleted: Bool
    let members: Int64
    let owners: Int64
    let keys: Int64
    let sessions: Int64
    let lastActiveAt: Date?

    var state: State { isDeleted ? .deleted : suspendedAt == nil ? .active : .suspended }

    /// - Throws: `request.invalid` at `/reason`.
    static func checkedReason(_ text: String) throws(Fault) -> String {
        let reason = text[...].trimmed
        guard (1...500).contains(reason.count) else { throw .invalidField("/reason", "length", "reason must have 1 to 500 characters.") }
        return String(reason)
    }
}

/// A person as a super admin sees them.
struct PersonReport: Sendable {
    let id: ID<User>
    let email: String
    let name: String
    let createdAt: Date
    let isVerified: Bool
    let disabledAt: Date?
    let organizations: Int64
    let sessions: Int64
    let lastActiveAt: Date?

    struct Membership: Sendable {
        static let most = 200

        let tenant: ID<Tenant>
        let organization: String
        let role: String
        let isOwner: Bool
        let isActive: Bool
    }
}

/// A super admin in somebody's place, for a while.
struct Impersonation: Identified, Sendable {
    static let idPrefix = "imp"
    static let longest = 60
    static let standard = 30

    let id: ID<Impersonation>
    let tenant: ID<Tenant>
    let user: ID<User>
    let impersonator: ID<User>
    let reason: String
    let isReadOnly: Bool
    let createdAt: Date
    let expiresAt: Date
    let endedAt: Date?

    func end(by actor: String) -> SecurityEvent { .impersonationEnded(of: user, tenant: tenant, by: actor) }

    /// - Parameter minutes: 0 when not given.
    /// - Throws: `request.invalid` at `/minutes`.
    static func checkedMinutes(_ minutes: Int32) throws(Fault) -> Int {
        guard (0...Int32(longest)).contains(minutes) else {
            throw .invalidField("/minutes", "out_of_range", "minutes must be between 1 and \(longest).")
        }
        return minutes == 0 ? standard : Int(minutes)
    }
}
