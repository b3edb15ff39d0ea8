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

@Suite("organizations", .database(GatewayProgram.schema))
struct OrganizationTests {
    let stand = MemberStand()

    @Test("whoever makes an organization owns and administers it, and can have several")
    func several() async throws {
        let owner = try await stand.person()
        let first = try await stand.organization("First", owner: owner)
        let second = try await stand.organization("Second", owner: owner)
        try await stand.serve(as: owner, in: first) { client in
            let organizations = PBOrganizations.Client(wrapping: client)
            let own = try await organizations.getOrganization(.with { $0.organization = first.description })
            #expect(own.name == "First" && own.role == "org_admin" && own.owner && own.current)
            let page = try await organizations.listOrganizations(.with { $0.limit = 1 })
            let rest = try await organizations.listOrganizations(.with { $0.cursor = page.page.nextCursor })
            #expect((page.data + rest.data).map(\.name) == ["First", "Second"] && (page.data + rest.data).map(\.current) == [true, false])
            let renamed = try await organizations.updateOrganization(
                .with {
                    $0.organization = first.description; $0.name = "  Renamed "
                })
            #expect(renamed.name == "Renamed")
            // Signed in to one, the other is as unknown as any.
            let other = try await InProcess.fault { try await organizations.getOrganization(.with { $0.organization = second.description }) }
            #expect(other == .notFound("organization", second))
        }
    }

    @Test("a request that is repeated after a crash makes one organization; many at once do not make more than a person may own")
    func bounded() async throws {
        let owner = try await stand.person()
        let store = OrganizationStore(database: stand.database)
        let first = try await store.insert(name: "One", owner: owner, idempotencyKey: "k")
        #expect(try await store.insert(name: "One", owner: owner, idempotencyKey: "k") == first)
        for index in 2..<Organization.mostOwned { _ = try await store.insert(name: "\(index)", owner: owner, idempotencyKey: nil) }
        let made = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<50 { group.addTask { (try? await store.insert(name: "last", owner: owner, idempotencyKey: nil)) != nil } }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(made == 1)
    }

    @Test("an address that nobody has confirmed makes no organization, and neither does a key")
    func refused() async throws {
        let unverified = try await stand.person(verified: false)
        await #expect(throws: Fault.emailUnverified) {
            try await OrganizationStore(database: stand.database).insert(name: "x", owner: unverified, idempotencyKey: nil)
        }
        let key = Caller(tenant: .new(), actor: "\(ID<Key>.new())", permissions: KeyScope.orgAdmin.permissions)
        let fault = try await stand.serve(as: key) { client in
            try await InProcess.fault { try await PBOrganizations.Client(wrapping: client).createOrganization(.with { $0.name = "x" }) }
        }
        #expect(fault == .personNeeded)
    }

    @Test("ownership passes on, and the last owner stays one (T56)")
    func transfer() async throws {
        let owner = try await stand.person()
        let tenant = try await stand.organization(owner: owner)
        let heir = try await stand.member(.viewer, in: tenant)
        let request = PBTransferOwnershipRequest.with {
            $0.organization = tenant.description
            $0.member = heir.description
        }
        let leaving = PBLeaveOrganizationRequest.with { $0.organization = tenant.description }
        #expect(
            try await stand.refusal(as: owner, in: tenant) {
                try await PBOrganizations.Client(wrapping: $0).leaveOrganization(leaving)
            } == "organization.last_owner")
        #expect(
            try await stand.refusal(as: owner, in: tenant) {
                try await PBMembers.Client(wrapping: $0).updateMember(stand.update(owner, role: "viewer"))
            } == "organization.last_owner")
        let admin = try await stand.member(.organizationAdmin, in: tenant)
        #expect(
            try await stand.refusal(as: admin, in: tenant) { try await PBOrganizations.Client(wrapping: $0).transferOwnership(request) }
                == "organization.owner_needed")
        let after = try await stand.serve(as: owner, in: tenant) { try await PBOrganizations.Client(wrapping: $0).transferOwnership(request) }
        #expect(!after.owner && after.role == "org_admin")
        let seen = try await stand.serve(as: heir, in: tenant) { client in
            try await PBOrganizations.Client(wrapping: client).getOrganization(.with { $0.organization = tenant.description })
        }
        #expect(seen.owner && seen.role == "org_admin")
        _ = try await stand.serve(as: owner, in: tenant) { try await PBOrganizations.Client(wrapping: $0).leaveOrganization(leaving) }
        #expect(try await stand.membership.members.identity(of: owner, in: tenant) == nil)
        #expect(
            try await stand.refusal(as: heir, in: tenant) { try await PBOrganizations.Client(wrapping: $0).leaveOrganization(leaving) }
                == "organization.last_owner")
    }

    @Test("of two owners who leave, demote themselves or remove each other at the same moment one stays (T104)", arguments: [0, 1, 2])
    func race(kind: Int) async throws {
        for _ in 0..<20 {
            let first = try await stand.person()
            let tenant = try await stand.organization(owner: first)
            let second = try await stand.member(.organizationAdmin, in: tenant, isOwner: true)
            let pairs = [(first, second), (second, first)]
            let callers = [try await stand.caller(first, in: tenant), try await stand.caller(second, in: tenant)]
            let codes = await withTaskGroup(of: String.self) { group in
                for index in 0..<50 {
                    let (own, other) = pairs[index % 2]
                    let caller = callers[index % 2]
                    group.addTask {
                        do {
                            try await stand.serve(as: caller) { client in
                                switch kind {
                                case 0:
                                    _ = try await PBOrganizations.Client(wrapping: client).leaveOrganization(
                                        .with { $0.organization = tenant.description })
                                case 1: _ = try await PBMembers.Client(wrapping: client).updateMember(stand.update(own, owner: false))
                                default: _ = try await PBMembers.Client(wrapping: client).removeMember(.with { $0.member = other.description })
                                }
                            }
                            return "done"
                        } catch {
                            return (error as? RPCError).map { Fault($0).code } ?? "\(error)"
                        }
                    }
                }
                return await group.reduce(into: Set<String>()) { $0.insert($1) }
            }
            let owners = try await stand.database.one(
                .tenant(tenant), "select count(*) as n from users where tenant_id = \(tenant) and is_owner and deactivated_at is null"
            ) { try $0.value("n", as: Int64.self) }
            #expect(owners == 1, "\(codes)")
            #expect(!codes.contains { $0.hasPrefix("internal") || $0.contains("database") }, "\(codes)")
        }
    }

    @Test("an owner ends the organization: keys, sessions and invitations are over, other organizations are not")
    func deleted() async throws {
        let owner = try await stand.person()
        let tenant = try await stand.organization(owner: owner)
        let other = try await stand.organization("Other", owner: owner)
        let keys = KeyStore(database: stand.database)
        let text = try await GatewayStand.makeKey(keys, tenant: tenant, kind: .service, scopes: [.orgAdmin])
        let admin = try await stand.member(.organizationAdmin, in: tenant)
        let request = PBDeleteOrganizationRequest.with { $0.organization = tenant.description }
        #expect(
            try await stand.refusal(as: admin, in: tenant) { try await PBOrganizations.Client(wrapping: $0).deleteOrganization(request) }
                == "organization.owner_needed")
        _ = try await stand.serve(as: owner, in: tenant) { try await PBOrganizations.Client(wrapping: $0).deleteOrganization(request) }
        #expect(try await keys.identity(SecretDigest(text), usedFrom: "") == nil)
        #expect(try await stand.membership.members.identity(of: owner, in: tenant) == nil)
        #expect(try await stand.membership.members.identity(of: owner, in: other) != nil)
    }

    @Test("an organization counts its people, invitations, keys and roles")
    func stats() async throws {
        let owner = try await stand.person()
        let tenant = try await stand.organization(owner: owner)
        _ = try await stand.member(.viewer, in: tenant)
        let gone = try await stand.member(.viewer, in: tenant)
        let stats = try await stand.serve(as: owner, in: tenant) { client in
            _ = try await PBMembers.Client(wrapping: client).deactivateMember(.with { $0.member = gone.description })
            _ = try await PBInvitations.Client(wrapping: client).createInvitation(
                .with {
                    $0.email = "new@example.com"; $0.role = "viewer"
                })
            return try await PBOrganizations.Client(wrapping: client).getOrganizationStats(.with { $0.organization = tenant.description })
        }
        #expect(stats.activeMembers == 2 && stats.deactivatedMembers == 1 && stats.owners == 1 && stats.openInvitations == 1)
        #expect(stats.membersByRole == ["org_admin": 1, "viewer": 1] && stats.keys == 0 && stats.customRoles == 0)
    }
}
