import Foundation
import Primitives

/// Somebody who belongs to an organization.
struct Member: Sendable, Equatable {
    let id: ID<User>
    let name: String
    /// Absent for the nameless owner of a first key, who is nobody that could sign in.
    let email: String?
    let role: AssignedRole
    let isOwner: Bool
    let joinedAt: Date
    let deactivatedAt: Date?
    let lastActiveAt: Date?
    let version: Int64
    /// The idempotency key of the request that made this version.
    let changeKey: String?

    var isActive: Bool { deactivatedAt == nil }
}

/// A role in one project.
struct ProjectGrant: Sendable, Equatable {
    /// For one member: their signed caller carries all of them with every call.
    static let most = 200

    let project: UUID
    let role: AssignedRole
    let createdAt: Date
    let version: Int64
}

/// What is to become of a membership.
enum MemberChange: Sendable {
    /// `nil` leaves as it is.
    case assign(role: AssignedRole?, owner: Bool?)
    case deactivate
    case activate
    case remove
    /// By themselves.
    case leave

    /// - Parameters:
    ///   - otherOwners: people who own the organization too and can sign in.
    ///   - authority: of who asks.
    /// - Throws: `members.role_not_held`, `members.outranked`, `organization.owner_needed`, `organization.last_owner`, `members.own_membership`.
    func check(_ member: Member, otherOwners: Int, by authority: Authority) throws(Fault) {
        let isSelf = authority.person == member.id
        switch self {
        case .assign(let role, let owner):
            if !isSelf { try authority.requireOutranks(member) }
            if let role { try authority.requireHolds(role.permissions, "role") }
            let staysOwner = isOwner(after: member)
            if staysOwner != member.isOwner || member.isOwner && role != nil && role != member.role { try authority.requireOwner() }
            if owner == true, let role, role != .standard(.organizationAdmin) {
                throw .invalidField("/owner", "invalid", "An owner is an organization admin.")
            }
            if member.isOwner, !staysOwner { try Self.requireOther(otherOwners) }
        case .activate:
            try authority.requireOutranks(member)
        case .deactivate, .remove:
            // Leaving is a route of its own: nobody locks themselves out by a slip.
            guard !isSelf else { throw .ownMembership }
            try authority.requireOutranks(member)
            if member.isOwner {
                try authority.requireOwner()
                if member.isActive { try Self.requireOther(otherOwners) }
            }
        case .leave:
            if member.isOwner { try Self.requireOther(otherOwners) }
        }
    }

    /// An owner who gets another role than that of owners is one no more, unless told otherwise.
    func isOwner(after member: Member) -> Bool {
        guard case .assign(let role, let owner) = self else { return member.isOwner }
        return owner ?? (member.isOwner && (role == nil || role == .standard(.organizationAdmin)))
    }

    func role(after member: Member) -> AssignedRole {
        guard case .assign(let role, _) = self else { return member.role }
        return isOwner(after: member) ? .standard(.organizationAdmin) : role ?? member.role
    }

    private static func requireOther(_ otherOwners: Int) throws(Fault) {
        guard otherOwners > 0 else { throw .lastOwner }
    }
}
