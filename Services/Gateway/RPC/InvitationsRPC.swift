import CommonAPI
import Foundation
import GRPCCore
import GatewayAPI
import Passwords
import Postgres
import Primitives
import ServiceKit
import SwiftProtobuf

/// How people get into an organization.
struct InvitationsRPC: PBInvitations.SimpleServiceProtocol {
    let invitations: InvitationStore
    let members: MemberStore
    let roles: RoleStore
    /// Where the pages are, without a slash at the end.
    let publicURL: String
    let seats: Membership.Seats
    /// `nil` where there is neither mail nor are there passwords.
    let accounts: PeopleAssembly.Accounts?

    func createInvitation(request: PBCreateInvitationRequest, context: ServerContext) async throws -> PBCreatedInvitation {
        let email = try EmailAddress(request.email)
        let reference = try RoleReference(request.role)
        if request.owner, reference != .standard(.organizationAdmin) {
            throw Fault.invalidField("/owner", "invalid", "An owner is an organization admin: role must be org_admin.")
        }
        let caller = Caller.current
        var random = SystemRandomNumberGenerator()
        let token = Invitation.newToken(using: &random)
        let url = "\(publicURL)/invitation?token=\(token.reveal())"
        let invitation = try await invitations.database.transaction(.tenant(caller.tenant)) { tx in
            try await members.lock(caller.tenant, in: tx)
            let authority = try await members.authority(caller, in: tx)
            let role = try await roles.find(reference, tenant: caller.tenant, in: tx)
            try authority.requireHolds(role.permissions, "invitation")
            if request.owner { try authority.requireOwner() }
            return try await invitations.insert(
                .init(
                    email: email.text, role: role, isOwner: request.owner, invitedBy: caller.actor, token: token,
                    expiresAt: Date() + Invitation.lifetime, idempotencyKey: caller.idempotencyKey), tenant: caller.tenant, in: tx)
        }
        try await mail(url, to: email, tenant: caller.tenant)
        return .with {
            $0.invitation = PBInvitation(invitation, now: Date())
            $0.token = token.reveal()
            $0.url = url
        }
    }

    /// Whoever invites has the link as well, so without mail the invitation is as good.
    private func mail(_ url: String, to email: EmailAddress, tenant: ID<Tenant>) async throws {
        guard let mailer = accounts?.mailer, (try? await mailer.requireConfigured()) != nil else { return }
        let name = try await OrganizationStore(database: invitations.database).name(of: tenant)
        try await mailer.post(mailer.write(.invitation(to: name, link: url), to: email))
    }

    func listInvitations(request: PBListInvitationsRequest, context: ServerContext) async throws -> PBListInvitationsResponse {
        let page = try PageRequest(limit: Int(request.limit), cursor: request.cursor)
        let listed = try await invitations.list(page, tenant: Caller.current.tenant)
        let now = Date()
        return .with {
            $0.data = listed.items.map { PBInvitation($0, now: now) }
            $0.page = PBPage(listed)
        }
    }

    func revokeInvitation(request: PBRevokeInvitationRequest, context: ServerContext) async throws -> PBEmpty {
        try await invitations.revoke(ID(request.invitation, field: "invitation"), tenant: Caller.current.tenant)
        return PBEmpty()
    }

    func acceptInvitation(request: PBAcceptInvitationRequest, context: ServerContext) async throws -> PBAcceptedInvitation {
        guard request.token.utf8.count == Invitation.tokenLength, let offer = try await invitations.offer(request.token) else {
            throw Fault.invitationInvalid
        }
        var name = ""
        var password: String?
        if offer.person == nil {
            name = String(request.name[...].trimmed)
            guard (1...100).contains(name.count) else {
                throw Fault.invalidField("/name", "required", "This address has no account yet: name must have 1 to 100 characters.")
            }
            if !request.password.isEmpty, let accounts {
                try accounts.policy.check(request.password, email: EmailAddress(stored: offer.email))
                password = try await accounts.hasher.hash(request.password)
            }
        }
        let made = try await invitations.accept(request.token, offer: offer, name: name, password: password, seats: try await seats(offer.tenant))
        return .with {
            $0.organization = made.tenant.description
            $0.organizationName = made.organization
            $0.member = made.member.description
            $0.accountCreated = made.isNewPerson
        }
    }
}
