import GRPCCore
import Postgres
import Primitives
import ServiceKit

/// Organizations, their people and what these may do, put together: what the program and tests make of a database.
struct Membership: Sendable {
    /// How many people an organization may have; `nil` for as many as come.
    typealias Seats = @Sendable (ID<Tenant>) async throws -> QuotaLimit?

    let members: MemberStore
    let impersonations: ImpersonationStore
    let rpc: [any RegistrableRPCService]

    init(
        database: Database, superAdmins: Set<String>, publicURL: String, security: SecurityLog, accounts: PeopleAssembly.Accounts? = nil,
        seats: @escaping Seats = { _ in nil }
    ) {
        members = MemberStore(database: database, superAdmins: superAdmins)
        impersonations = ImpersonationStore(database: database, members: members)
        let roles = RoleStore(database: database)
        rpc = [
            OrganizationsRPC(organizations: OrganizationStore(database: database), members: members),
            MembersRPC(members: members, roles: roles, seats: seats),
            RolesRPC(roles: roles),
            InvitationsRPC(
                invitations: InvitationStore(database: database), members: members, roles: roles, publicURL: publicURL, seats: seats,
                accounts: accounts),
            AdminRPC(installation: InstallationStore(database: database), impersonations: impersonations, security: security),
        ]
    }
}
