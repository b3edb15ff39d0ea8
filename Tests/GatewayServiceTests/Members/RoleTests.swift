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

@Suite("custom roles", .database(GatewayProgram.schema))
struct RoleTests {
    let stand = MemberStand()

    @Test("a role is made of permissions that its maker holds, changes for everybody who has it, and stays while it is in use")
    func life() async throws {
        let owner = try await stand.person()
        let tenant = try await stand.organization(owner: owner)
        let member = try await stand.member(.viewer, in: tenant)
        try await stand.serve(as: owner, in: tenant) { client in
            let (roles, members) = (PBRoles.Client(wrapping: client), PBMembers.Client(wrapping: client))
            let made = try await roles.createRole(
                .with {
                    $0.name = "Release"; $0.permissions = ["runs.trigger", "runs.read"]
                })
            #expect(made.permissions == ["runs.read", "runs.trigger"] && !made.standard)
            let twin = try await InProcess.fault { try await roles.createRole(.with { $0.name = "release" }) }
            #expect(twin == .roleNameTaken)
            for bad in ["admin.read", "nothing", "runs.*"] {
                let fault = try await InProcess.fault {
                    try await roles.createRole(
                        .with {
                            $0.name = "x"; $0.permissions = [bad]
                        })
                }
                #expect(fault.fields.first?.pointer == "/permissions/0")
            }
            _ = try await members.updateMember(stand.update(member, role: made.id))
            #expect(try await stand.caller(member, in: tenant).permissions == ["runs.read", "runs.trigger"])
            let changed = try await roles.updateRole(
                .with {
                    $0.role = made.id; $0.permissions = .with { $0.values = ["runs.read"] }
                })
            #expect(changed.name == "Release" && changed.permissions == ["runs.read"])
            #expect(try await stand.caller(member, in: tenant).permissions == ["runs.read"])
            #expect(try await InProcess.fault { try await roles.deleteRole(.with { $0.role = made.id }) } == .roleInUse)
            _ = try await members.updateMember(stand.update(member, role: "viewer"))
            _ = try await members.putGrant(
                .with {
                    $0.member = member.description; $0.project = "\(ID<Project>.new())"; $0.role = made.id
                })
            #expect(try await InProcess.fault { try await roles.deleteRole(.with { $0.role = made.id }) } == .roleInUse)
            let project = try await members.getMember(.with { $0.member = member.description }).grants[0].project
            _ = try await members.deleteGrant(
                .with {
                    $0.member = member.description; $0.project = project
                })
            _ = try await roles.deleteRole(.with { $0.role = made.id })
            #expect(try await InProcess.fault { try await roles.getRole(.with { $0.role = made.id }) }.code == "role.not_found")
            let all = try await roles.listRoles(PBListRolesRequest()).data
            #expect(all.map(\.id) == Role.allCases.map(\.rawValue) && all.allSatisfy(\.standard))
            #expect(
                try await InProcess.fault {
                    try await roles.updateRole(
                        .with {
                            $0.role = "admin"; $0.name = "x"
                        })
                } == .roleStandard)
        }
    }

    @Test("nobody puts into a role, or takes out of it, what they do not hold")
    func escalation() async throws {
        let owner = try await stand.person()
        let tenant = try await stand.organization(owner: owner)
        let store = RoleStore(database: stand.database)
        let strong = try await store.insert(name: "Strong", permissions: ["keys.write"], tenant: tenant)
        let own = try await store.insert(name: "Roles", permissions: ["roles.read", "roles.write", "runs.read"], tenant: tenant)
        let maker = try await stand.member(.viewer, in: tenant)
        _ = try await stand.serve(as: owner, in: tenant) { client in
            try await PBMembers.Client(wrapping: client).updateMember(stand.update(maker, role: own.id.description))
        }
        try await stand.serve(as: maker, in: tenant) { client in
            let roles = PBRoles.Client(wrapping: client)
            for call in [
                {
                    try await roles.createRole(
                        .with {
                            $0.name = "x"; $0.permissions = ["keys.write"]
                        })
                },
                {
                    try await roles.updateRole(
                        .with {
                            $0.role = own.id.description; $0.permissions = .with { $0.values = ["keys.write"] }
                        })
                },
                {
                    try await roles.updateRole(
                        .with {
                            $0.role = strong.id.description; $0.permissions = .with { $0.values = ["runs.read"] }
                        })
                },
            ] as [() async throws -> PBRole] {
                #expect(try await InProcess.fault { try await call() }.code == "members.role_not_held")
            }
            #expect(try await InProcess.fault { try await roles.deleteRole(.with { $0.role = strong.id.description }) }.kind == .forbidden)
            _ = try await roles.createRole(
                .with {
                    $0.name = "Readers"; $0.permissions = ["runs.read"]
                })
        }
    }

    @Test("another organization's role is unknown, also where it would be given to somebody")
    func foreign() async throws {
        let owner = try await stand.person()
        let (tenant, other) = (try await stand.organization(owner: owner), try await stand.organization(owner: owner))
        let theirs = try await RoleStore(database: stand.database).insert(name: "Theirs", permissions: ["runs.read"], tenant: other)
        let member = try await stand.member(.viewer, in: tenant)
        try await stand.serve(as: owner, in: tenant) { client in
            let members = PBMembers.Client(wrapping: client)
            let given = try await InProcess.fault { try await members.updateMember(stand.update(member, role: theirs.id.description)) }
            #expect(given.code == "role.not_found")
            let granted = try await InProcess.fault {
                try await members.putGrant(
                    .with {
                        $0.member = member.description; $0.project = "\(ID<Project>.new())"; $0.role = theirs.id.description
                    })
            }
            #expect(granted.code == "role.not_found")
            let roles = PBRoles.Client(wrapping: client)
            #expect(try await InProcess.fault { try await roles.getRole(.with { $0.role = theirs.id.description }) }.code == "role.not_found")
        }
    }

    @Test("of many who make the last role one does, and the permissions that there are can be read")
    func bounded() async throws {
        let owner = try await stand.person()
        let tenant = try await stand.organization(owner: owner)
        let store = RoleStore(database: stand.database)
        for index in 1..<CustomRole.most { _ = try await store.insert(name: "role \(index)", permissions: [], tenant: tenant) }
        let made = await withTaskGroup(of: Bool.self) { group in
            for index in 0..<50 {
                group.addTask { (try? await store.insert(name: "late \(index)", permissions: [], tenant: tenant)) != nil }
            }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(made == 1)
        let all = try await stand.serve(as: owner, in: tenant) { try await PBRoles.Client(wrapping: $0).listPermissions(PBListPermissionsRequest()) }
        #expect(Set(all.data.map(\.name)) == Role.organizationAdmin.permissions)
        #expect(all.data.filter(\.grantable).map(\.name) == AssignedRole.grantable.sorted())
    }
}
