import Primitives

/// What somebody brings along who changes what others may do. Nobody gives away what they lack.
struct Authority: Sendable {
    /// `usr_…`, or the person that a personal key belongs to; `nil` for other keys.
    let person: ID<User>?
    /// Held in the whole organization.
    let permissions: Set<String>
    /// Whether the person owns the organization. Never true of a super admin in an owner's place.
    let isOwner: Bool

    /// - Parameter what: `role`, `grant`, `invitation`.
    /// - Throws: `members.role_not_held` naming a permission that is lacking.
    func requireHolds(_ permissions: Set<String>, _ what: String) throws(Fault) {
        guard let missing = permissions.subtracting(self.permissions).min() else { return }
        throw .roleNotHeld(what, missing)
    }

    /// - Throws: `members.outranked`.
    func requireOutranks(_ member: Member) throws(Fault) {
        guard member.role.permissions.isSubset(of: permissions), isOwner || !member.isOwner else { throw .outranked }
    }

    /// - Throws: `organization.owner_needed`.
    func requireOwner() throws(Fault) {
        guard isOwner else { throw .ownerNeeded }
    }
}
