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

@Suite("members", .database(GatewayProgram.schema))
struct MemberTests {
    let stand = MemberStand()

    @Test(
        "nobody raises themselves, hands out more than they hold, or changes somebody who holds more (T56)",
        arguments: [
            // Who asks, about whom (nil: about themselves), the new role, the refusal.
            ("viewer", "viewer", "admin", "permission.missing"), ("admin", "viewer", "validator", "permission.missing"),
            ("people", nil, "org_admin", "members.role_not_held"), ("people", "viewer", "admin", "members.role_not_held"),
            ("people", "org_admin", "viewer", "members.outranked"), ("people", "viewer", "validator", nil), ("org_admin", "admin", "viewer", nil),
            ("org_admin", "viewer", "org_admin", nil), ("org_admin", nil, "viewer", nil), ("org_admin", "owner", "viewer", "members.outranked"),
            ("owner", "org_admin", "viewer", nil),
        ] as [(String, String?, String, String?)])
    func roles(asking: String, about: String?, role: String, refusal: String?) async throws {
        let owner = try await stand.person()
        let tenant = try await stand.organization(owner: owner)
        func somebody(_ name: String) async throws -> ID<User> {
            switch name {
            case "owner": return owner
            case "people":
                // Looks after people without being an administrator of everything.
                let made = try await RoleStore(database: stand.database).insert(
                    name: "People", permissions: Role.validator.permissions.union(["members.write"]), tenant: tenant)
                let id = try await stand.member(.viewer, in: tenant)
                _ = try await stand.serve(as: owner, in: tenant) { client in
                    try await PBMembers.Client(wrapping: client).updateMember(stand.update(id, role: made.id.description))
                }
                return id
            default: return try await stand.member(try #require(Role(rawValue: name)), in: tenant)
            }
        }
        let asker = try await somebody(asking)
        let member = if let about { try await somebody(about) } else { asker }
        let outcome: String? = try await stand.serve(as: asker, in: tenant) { client in
            do {
                let changed = try await PBMembers.Client(wrapping: client).updateMember(stand.update(member, role: role))
                #expect(changed.role == role)
                return nil
            } catch let error as RPCError {
                return Fault(error).code
            }
        }
        #expect(outcome == refusal)
    }

    @Test("owners make and unmake owners, nobody else does")
    func owners() async throws {
        let owner = try await stand.person()
        let tenant = try await stand.organization(owner: owner)
        let admin = try await stand.member(.organizationAdmin, in: tenant)
        let viewer = try await stand.member(.viewer, in: tenant)
        for (person, change) in [(admin, stand.update(admin, owner: true)), (admin, stand.update(viewer, owner: true))] {
            #expect(
                try await stand.refusal(as: person, in: tenant) { try await PBMembers.Client(wrapping: $0).updateMember(change) }
                    == "organization.owner_needed")
        }
        try await stand.serve(as: owner, in: tenant) { client in
            let members = PBMembers.Client(wrapping: client)
            let made = try await members.updateMember(stand.update(viewer, owner: true))
            #expect(made.owner && made.role == "org_admin")
            let both = try await InProcess.fault { try await members.updateMember(stand.update(admin, role: "viewer", owner: true)) }
            #expect(both.fields.first?.pointer == "/owner")
            let unmade = try await members.updateMember(stand.update(viewer, role: "viewer"))
            #expect(!unmade.owner && unmade.role == "viewer")
        }
        #expect(
            try await stand.refusal(as: admin, in: tenant) {
                try await PBMembers.Client(wrapping: $0).removeMember(.with { $0.member = owner.description })
            } == "members.outranked")
    }

    @Test("an administrator of one organization finds nobody of another (T56)")
    func foreign() async throws {
        let owner = try await stand.person()
        let tenant = try await stand.organization(owner: owner)
        let stranger = try await stand.person()
        let theirs = try await stand.organization(owner: stranger)
        let member = try await stand.member(.viewer, in: theirs)
        try await stand.serve(as: owner, in: tenant) { client in
            let members = PBMembers.Client(wrapping: client)
            for call in [
                { try await members.updateMember(stand.update(member, role: "viewer")) },
                { try await members.deactivateMember(.with { $0.member = member.description }) },
                { try await members.getMember(.with { $0.member = stranger.description }) },
            ] as [() async throws -> PBMember] {
                #expect(try await InProcess.fault { try await call() }.kind == .notFound)
            }
            let listed = try await members.listMembers(PBListMembersRequest())
            #expect(listed.data.map(\.id) == [owner.description])
        }
        #expect(try await stand.membership.members.identity(of: member, in: theirs)?.permissions == Role.viewer.permissions)
    }

    @Test("members are listed in pages and found by name or address")
    func list() async throws {
        let owner = try await stand.person("owner-\(UUID().uuidString.lowercased())@list.example")
        let tenant = try await stand.organization(owner: owner)
        for _ in 0..<4 { _ = try await stand.member(.viewer, in: tenant) }
        try await stand.serve(as: owner, in: tenant) { client in
            let members = PBMembers.Client(wrapping: client)
            var seen: [String] = []
            var cursor = ""
            repeat {
                let page = try await members.listMembers(
                    .with {
                        $0.limit = 2; $0.cursor = cursor
                    })
                seen += page.data.map(\.id)
                cursor = page.page.nextCursor
            } while !cursor.isEmpty
            #expect(seen.count == 5 && seen == seen.sorted())
            let found = try await members.listMembers(.with { $0.search = "@LIST.example" })
            let email = try await stand.email(of: owner)
            #expect(found.data.map(\.id) == [owner.description] && found.data[0].userName == email)
            #expect(found.data[0].active && found.data[0].owner && found.data[0].displayName.hasPrefix("Person"))
        }
    }

    @Test("a deactivated or removed member is out with sessions and personal keys; tools go on; nobody does it to themselves")
    func out() async throws {
        let owner = try await stand.person()
        let tenant = try await stand.organization(owner: owner)
        let member = try await stand.member(.admin, in: tenant)
        let keys = KeyStore(database: stand.database)
        func key(_ kind: KeyKind) async throws -> SecretDigest {
            var random = SystemRandomNumberGenerator()
            let text = KeyText.make(kind, using: &random)
            let new = try NewKey(
                name: "k", kind: kind, scopes: [.resultsRead], projects: [], expiresAt: nil, maker: Role.admin.permissions, makerProjects: nil,
                now: Date())
            _ = try await keys.insert(new, text: text, tenant: tenant, maker: member.description, idempotencyKey: nil)
            return SecretDigest(text.secret.reveal())
        }
        let (personal, tool) = (try await key(.personal), try await key(.service))
        func isGood(_ digest: SecretDigest) async throws -> Bool { try await keys.identity(digest, usedFrom: "") != nil }
        func call(_ change: (PBMembers.Client<InProcess.Transport>) async throws -> Void) async throws {
            try await stand.serve(as: owner, in: tenant) { try await change(PBMembers.Client(wrapping: $0)) }
        }
        var good = [try await isGood(personal), try await isGood(tool)]
        #expect(good == [true, true])
        try await call { _ = try await $0.deactivateMember(.with { $0.member = member.description }) }
        good = [try await isGood(personal), try await isGood(tool)]
        #expect(good == [false, true])
        #expect(try await stand.membership.members.identity(of: member, in: tenant) == nil)
        try await call { _ = try await $0.activateMember(.with { $0.member = member.description }) }
        #expect(try await isGood(personal))
        try await call { _ = try await $0.removeMember(.with { $0.member = member.description }) }
        good = [try await isGood(personal), try await isGood(tool)]
        #expect(good == [false, true])
        #expect(
            try await stand.refusal(as: owner, in: tenant) {
                try await PBMembers.Client(wrapping: $0).getMember(.with { $0.member = member.description })
            } == "member.not_found")
        #expect(
            try await stand.refusal(as: owner, in: tenant) {
                try await PBMembers.Client(wrapping: $0).deactivateMember(.with { $0.member = owner.description })
            } == "members.own_membership")
    }

    @Test("a personal key loses what its person loses")
    func capped() async throws {
        let owner = try await stand.person()
        let tenant = try await stand.organization(owner: owner)
        let member = try await stand.member(.organizationAdmin, in: tenant)
        let keys = KeyStore(database: stand.database)
        var random = SystemRandomNumberGenerator()
        let text = KeyText.make(.personal, using: &random)
        _ = try await keys.insert(
            NewKey(firstOf: "k", now: Date()), text: text, tenant: tenant, maker: member.description, idempotencyKey: nil)
        let digest = SecretDigest(text.secret.reveal())
        #expect(try await keys.identity(digest, usedFrom: "")?.permissions == KeyScope.orgAdmin.permissions)
        _ = try await stand.serve(as: owner, in: tenant) { client in
            try await PBMembers.Client(wrapping: client).updateMember(stand.update(member, role: "viewer"))
        }
        #expect(try await keys.identity(digest, usedFrom: "")?.permissions == Role.viewer.permissions)
    }

    @Test("a role in one project adds what makes sense there, up to two hundred projects")
    func grants() async throws {
        let owner = try await stand.person()
        let tenant = try await stand.organization(owner: owner)
        let member = try await stand.member(.viewer, in: tenant)
        let project = ID<Project>.new()
        func put(_ role: String, _ project: ID<Project>) -> PBPutGrantRequest {
            .with {
                $0.member = member.description
                $0.project = project.description
                $0.role = role
            }
        }
        try await stand.serve(as: owner, in: tenant) { client in
            let members = PBMembers.Client(wrapping: client)
            let given = try await members.putGrant(put("admin", project))
            #expect(given.role == "admin" && given.permissions.contains("suites.write") && !given.permissions.contains("keys.write"))
            let again = try await members.putGrant(put("qa_lead", project))
            #expect(again.role == "qa_lead" && !again.permissions.contains("projects.write"))
            let whole = try await InProcess.fault { try await members.putGrant(put("org_admin", project)) }
            #expect(whole.fields.first?.code == "not_grantable")
            #expect(try await members.getMember(.with { $0.member = member.description }).grants == [again])
        }
        let caller = try await stand.caller(member, in: tenant)
        #expect(caller.permissions == Role.viewer.permissions)
        #expect(caller.identity.projects(holding: "suites.write") == [project.uuid] && caller.identity.projects(holding: "runs.read") == nil)
        // What the giver lacks cannot be given.
        let people = try await RoleStore(database: stand.database).insert(
            name: "People", permissions: Role.viewer.permissions.union(["members.write"]), tenant: tenant)
        let helper = try await stand.member(.viewer, in: tenant)
        _ = try await stand.serve(as: owner, in: tenant) { client in
            try await PBMembers.Client(wrapping: client).updateMember(stand.update(helper, role: people.id.description))
        }
        for request in [put("admin", .new()), put("viewer", project)] {
            #expect(
                try await stand.refusal(as: helper, in: tenant) { try await PBMembers.Client(wrapping: $0).putGrant(request) }
                    == "members.role_not_held")
        }
        try await stand.serve(as: owner, in: tenant) { client in
            let members = PBMembers.Client(wrapping: client)
            for _ in 1..<ProjectGrant.most { _ = try await members.putGrant(put("viewer", .new())) }
            #expect(try await InProcess.fault { try await members.putGrant(put("viewer", .new())) }.code == "grants.too_many")
            _ = try await members.deleteGrant(
                .with {
                    $0.member = member.description; $0.project = project.description
                })
            #expect(try await members.getMember(.with { $0.member = member.description }).grants.count == ProjectGrant.most - 1)
        }
    }
}
