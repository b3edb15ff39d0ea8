import CommonAPI
import Foundation
import GRPCCore
import GatewayAPI
import Postgres
import Primitives
import ServiceKit
import SwiftProtobuf
import TestSupport
import Testing

@testable import GatewayService

@Suite("invitations", .database(GatewayProgram.schema))
struct InvitationTests {
    let stand = MemberStand()

    private func invite(_ email: String, role: String = "viewer", owner: Bool = false) -> PBCreateInvitationRequest {
        .with {
            $0.email = email
            $0.role = role
            $0.owner = owner
        }
    }

    private func accept(_ token: String, name: String = "") async throws -> PBAcceptedInvitation {
        try await stand.serve(as: .service("nobody", tenant: .new())) { client in
            try await CallContext.$current.withValue(nil) {
                try await PBInvitations.Client(wrapping: client).acceptInvitation(
                    .with {
                        $0.token = token
                        $0.name = name
                    })
            }
        }
    }

    @Test("a new address gets an account and a membership, a known one the membership, each once")
    func accepted() async throws {
        let owner = try await stand.person()
        let tenant = try await stand.organization("Acme", owner: owner)
        let known = try await stand.person()
        let fresh = "\(UUID().uuidString)@Example.com"
        let made = try await stand.serve(as: owner, in: tenant) { client in
            let invitations = PBInvitations.Client(wrapping: client)
            return [
                try await invitations.createInvitation(invite(fresh, role: "qa_lead")),
                try await invitations.createInvitation(invite(try await stand.email(of: known))),
            ]
        }
        #expect(made[0].url == "https://assay.example/invitation?token=\(made[0].token)" && made[0].invitation.email == fresh.lowercased())
        #expect(try await InProcess.fault { try await accept(made[0].token) }.fields.first?.pointer == "/name")
        let first = try await accept(made[0].token, name: "Ada")
        #expect(first.organizationName == "Acme" && first.accountCreated)
        let second = try await accept(made[1].token)
        #expect(second.member == known.description && !second.accountCreated)
        for token in made.map(\.token) { #expect(try await InProcess.fault { try await accept(token, name: "Eve") } == .invitationInvalid) }
        let new = try ID<User>(first.member)
        #expect(try await stand.caller(new, in: tenant).permissions == Role.qaLead.permissions)
        let listed = try await stand.serve(as: owner, in: tenant) {
            try await PBInvitations.Client(wrapping: $0).listInvitations(PBListInvitationsRequest())
        }
        #expect(listed.data.map(\.state) == [.accepted, .accepted])
        let again = try await stand.refusal(as: owner, in: tenant) { try await PBInvitations.Client(wrapping: $0).createInvitation(invite(fresh)) }
        #expect(again == "invitations.already_member")
    }

    @Test("whoever accepts an invitation leaves an entry in the organization's log, as themselves")
    func audited() async throws {
        let owner = try await stand.person()
        let tenant = try await stand.organization(owner: owner)
        let made = try await stand.serve(as: owner, in: tenant) { client in
            try await PBInvitations.Client(wrapping: client).createInvitation(invite("audited.\(UUID().uuidString.lowercased())@example.com"))
        }
        let member = try await accept(made.token, name: "Ada").member
        let left = try await stand.database.rows(
            .tenant(tenant), "select actor, subject from audit_outbox where tenant_id = \(tenant) and action = 'invitation.accepted'"
        ) { [try $0.value("actor", as: String.self), try $0.value("subject", as: String.self)] }
        #expect(left == [[member, made.invitation.id]])
    }

    @Test("of fifty who accept at once one does")
    func race() async throws {
        let owner = try await stand.person()
        let tenant = try await stand.organization(owner: owner)
        let token = try await stand.serve(as: owner, in: tenant) {
            try await PBInvitations.Client(wrapping: $0).createInvitation(invite("race@example.com")).token
        }
        let store = InvitationStore(database: stand.database)
        let offer = try #require(try await store.offer(token))
        let won = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<50 { group.addTask { (try? await store.accept(token, offer: offer, name: "Ada")) != nil } }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(won == 1)
    }

    @Test("of many who take the last seat at once one gets it (T104)")
    func lastSeat() async throws {
        let owner = try await stand.person()
        let tenant = try await stand.organization(owner: owner)
        let tokens = try await stand.serve(as: owner, in: tenant) { client in
            var tokens: [String] = []
            for index in 0..<30 {
                let email = "seat-\(index)-\(UUID().uuidString.lowercased())@example.com"
                tokens.append(try await PBInvitations.Client(wrapping: client).createInvitation(invite(email)).token)
            }
            return tokens
        }
        let store = InvitationStore(database: stand.database)
        let codes = try await withThrowingTaskGroup(of: String.self) { group in
            for token in tokens {
                let offer = try #require(try await store.offer(token))
                group.addTask {
                    do {
                        _ = try await store.accept(token, offer: offer, name: "Ada", seats: QuotaLimit(hard: 2, soft: 1))
                        return "in"
                    } catch {
                        return (error as? Fault)?.code ?? "\(error)"
                    }
                }
            }
            return try await group.reduce(into: [:]) { $0[$1, default: 0] += 1 }
        }
        #expect(codes == ["in": 1, "quota_exceeded": 29])
    }

    @Test("a later invitation takes the place of the earlier one; revoked and expired ones are void")
    func void() async throws {
        let owner = try await stand.person()
        let tenant = try await stand.organization(owner: owner)
        try await stand.serve(as: owner, in: tenant) { client in
            let invitations = PBInvitations.Client(wrapping: client)
            let first = try await invitations.createInvitation(invite("void@example.com"))
            let second = try await invitations.createInvitation(invite("void@example.com"))
            #expect(try await InProcess.fault { try await accept(first.token, name: "A") } == .invitationInvalid)
            _ = try await invitations.revokeInvitation(.with { $0.invitation = second.invitation.id })
            _ = try await invitations.revokeInvitation(.with { $0.invitation = second.invitation.id })
            #expect(try await InProcess.fault { try await accept(second.token, name: "A") } == .invitationInvalid)
            let third = try await invitations.createInvitation(invite("void@example.com"))
            let id = try ID<Invitation>(third.invitation.id)
            try await stand.database.execute(
                .tenant(tenant),
                "update invitations set expires_at = now() - interval '1 second' where tenant_id = \(tenant) and id = \(id)")
            #expect(try await InProcess.fault { try await accept(third.token, name: "A") } == .invitationInvalid)
            let states = try await invitations.listInvitations(PBListInvitationsRequest()).data.map(\.state)
            #expect(states == [.expired, .revoked, .revoked])
            for text in ["", "x", String(repeating: "a", count: 43)] {
                #expect(try await InProcess.fault { try await accept(text) } == .invitationInvalid)
            }
        }
    }

    @Test("nobody invites to more than they hold; only an owner invites owners")
    func escalation() async throws {
        let owner = try await stand.person()
        let tenant = try await stand.organization(owner: owner)
        let admin = try await stand.member(.organizationAdmin, in: tenant)
        let code = try await stand.refusal(as: admin, in: tenant) {
            try await PBInvitations.Client(wrapping: $0).createInvitation(invite("o@example.com", role: "org_admin", owner: true))
        }
        #expect(code == "organization.owner_needed")
        let custom = try await RoleStore(database: stand.database).insert(
            name: "People", permissions: Role.viewer.permissions.union(["members.write"]), tenant: tenant)
        _ = try await stand.serve(as: owner, in: tenant) { client in
            try await PBMembers.Client(wrapping: client).updateMember(stand.update(admin, role: custom.id.description))
        }
        let refused = try await stand.refusal(as: admin, in: tenant) {
            try await PBInvitations.Client(wrapping: $0).createInvitation(invite("o@example.com", role: "admin"))
        }
        #expect(refused == "members.role_not_held")
    }

    @Test("a password that was set before anybody had proved the address is forgotten")
    func hijacked() async throws {
        let owner = try await stand.person()
        let tenant = try await stand.organization(owner: owner)
        let email = "\(UUID().uuidString.lowercased())@example.com"
        let squatter = try await stand.person(email, verified: false)
        try await stand.database.execute(.system, "update people set password = 'theirs' where id = \(squatter)")
        let token = try await stand.serve(as: owner, in: tenant) {
            try await PBInvitations.Client(wrapping: $0).createInvitation(invite(email)).token
        }
        _ = try await accept(token)
        let password = try await stand.database.one(.system, "select password from people where id = \(squatter)") {
            try $0.value("password", as: String?.self)
        }
        #expect(password == nil)
    }

    @Test("the key of a fresh installation invites its first owner; from then on the organization has one")
    func firstOwner() async throws {
        let tenant = ID<Tenant>.new()
        let (nameless, key) = (ID<User>.new(), ID<Key>.new())
        try await stand.database.execute(.tenant(tenant), "insert into organizations (tenant_id, name) values (\(tenant), 'First')")
        try await stand.database.execute(
            .tenant(tenant),
            "insert into users (tenant_id, id, name, role, is_owner) values (\(tenant), \(nameless), 'Owner', 'org_admin', true)")
        try await stand.database.execute(
            .tenant(tenant),
            """
            insert into api_keys (tenant_id, id, user_id, name, kind, digest, display, scopes, projects)
            values (\(tenant), \(key), \(nameless), 'k', 'pat', \(Data(repeating: 1, count: 32)), 'asy_pat_x', \(["org:admin"]), \([UUID]()))
            """)
        let caller = Caller(tenant: tenant, actor: key.description, permissions: KeyScope.orgAdmin.permissions)
        let token = try await stand.serve(as: caller) {
            try await PBInvitations.Client(wrapping: $0).createInvitation(invite("first@example.com", role: "org_admin", owner: true)).token
        }
        let first = try ID<User>(try await accept(token, name: "First").member)
        // Nobody can sign in as the nameless one, so the person cannot leave it all to them.
        let code = try await stand.refusal(as: first, in: tenant) {
            try await PBOrganizations.Client(wrapping: $0).leaveOrganization(.with { $0.organization = tenant.description })
        }
        #expect(code == "organization.last_owner")
        _ = try await stand.serve(as: first, in: tenant) {
            try await PBMembers.Client(wrapping: $0).removeMember(.with { $0.member = nameless.description })
        }
    }
}
