import Primitives

// Organizations, their people, and what these may do.

extension Fault {
    /// - Parameters:
    ///   - version: that a change names; 0 for any.
    ///   - current: of the row, which is locked; `nil` when there is none.
    /// - Throws: `precondition_failed`.
    static func requireVersion(_ version: Int64, _ current: Int64?) throws(Fault) {
        guard version == 0 || version == current else { throw .versionStale }
    }

    static let emailUnverified = Fault(.forbidden, "organization.email_unverified", "Confirm your e-mail address first.")
    static let ownerNeeded = Fault(.forbidden, "organization.owner_needed", "Only an owner of the organization can do this, in person.")
    static let lastOwner = Fault(
        .precondition, "organization.last_owner", "An organization keeps one owner who can sign in: make somebody else an owner first.")
    static let organizationSuspended = Fault(.forbidden, "organization.suspended", "This organization is suspended. Ask whoever runs Assay here.")

    static func tooManyOwned(_ limit: Int) -> Fault {
        Fault(.exhausted, "organization.too_many", "A person can own \(limit) organizations.")
    }

    static func roleNotHeld(_ what: String, _ permission: String) -> Fault {
        Fault(.forbidden, "members.role_not_held", "You lack \(permission), which this \(what) holds: nobody gives away what they do not hold.")
    }

    static let outranked = Fault(
        .forbidden, "members.outranked", "This member may do more than you: only somebody who holds as much can change that.")
    static let ownMembership = Fault(
        .precondition, "members.own_membership", "This is your own membership: leave the organization with POST /api/v1/organizations/{id}:leave.")
    static let memberDisabled = Fault(.precondition, "members.inactive", "This member is deactivated.")

    static func tooManyGrants(_ limit: Int) -> Fault {
        Fault(.exhausted, "grants.too_many", "A member can have a role of their own in \(limit) projects; a role in the organization reaches all.")
    }

    static func nothingToGrant() -> Fault {
        .invalidField("/role", "not_grantable", "Nothing of this role makes sense in a single project.")
    }

    static let roleNameTaken = Fault(.conflict, "roles.name_taken", "There is a role of this name already.")
    static let roleInUse = Fault(.conflict, "roles.in_use", "Somebody has this role or is invited to it: give them another one first.")
    static let roleStandard = Fault(.precondition, "roles.standard", "Every organization has this role as it is: make one of your own instead.")

    static func tooManyRoles(_ limit: Int) -> Fault {
        Fault(.exhausted, "roles.too_many", "An organization can have \(limit) roles of its own.")
    }

    static let alreadyMember = Fault(.conflict, "invitations.already_member", "Whoever has this address belongs to the organization already.")
    static let invitationInvalid = Fault(
        .notFound, "invitation.invalid", "This invitation is unknown, over, or was accepted already. Ask for a new one.")
    static let invitationClosed = Fault(.precondition, "invitations.closed", "This invitation was accepted already.")

    static func tooManyInvitations(_ limit: Int) -> Fault {
        Fault(.exhausted, "invitations.too_many", "An organization can have \(limit) open invitations.")
    }

    // Super admins
    static let impersonationBarred = Fault(
        .forbidden, "impersonation.not_allowed", "This cannot be done in somebody else's place.")
    static let ownOrganization = Fault(
        .precondition, "admin.own_organization", "You are signed in to this organization, and would lock yourself out.")
    static let ownAccount = Fault(.precondition, "admin.own_account", "This is your own account, and you would lock yourself out.")
    static let superAdminImmune = Fault(.forbidden, "impersonation.super_admin", "Nobody acts in the place of a super admin.")
}
