import CommonAPI
import Foundation
import GRPCCore
import GatewayAPI
import Primitives
import ServiceKit
import SwiftProtobuf

/// The roles of the caller's organization.
struct RolesRPC: PBRoles.SimpleServiceProtocol {
    let roles: RoleStore

    func createRole(request: PBCreateRoleRequest, context: ServerContext) async throws -> PBRole {
        let name = try CustomRole.checkedName(request.name)
        let permissions = try CustomRole.checkedPermissions(request.permissions, at: "/permissions")
        try requireHeld(permissions)
        return PBRole(try await roles.insert(name: name, permissions: permissions, tenant: Caller.current.tenant))
    }

    func listRoles(request: PBListRolesRequest, context: ServerContext) async throws -> PBListRolesResponse {
        let own = try await roles.list(tenant: Caller.current.tenant)
        return .with { $0.data = Role.allCases.map { PBRole($0) } + own.map { PBRole($0) } }
    }

    func getRole(request: PBGetRoleRequest, context: ServerContext) async throws -> PBRole {
        switch try Self.reference(request.role) {
        case .standard(let role): PBRole(role)
        case .custom(let id): PBRole(try await roles.get(id, tenant: Caller.current.tenant))
        }
    }

    func updateRole(request: PBUpdateRoleRequest, context: ServerContext) async throws -> PBRole {
        let id = try Self.own(request.role)
        let name = request.hasName ? try CustomRole.checkedName(request.name) : nil
        let permissions = request.hasPermissions ? try CustomRole.checkedPermissions(request.permissions.values, at: "/permissions/values") : nil
        try requireHeld(permissions ?? [])
        let caller = Caller.current
        let updated = try await roles.update(
            id, name: name, permissions: permissions, version: request.version, key: caller.idempotencyKey, tenant: caller.tenant
        ) { try requireHeld($0.permissions) }
        return PBRole(updated)
    }

    func deleteRole(request: PBDeleteRoleRequest, context: ServerContext) async throws -> PBEmpty {
        try await roles.delete(Self.own(request.role), version: request.version, tenant: Caller.current.tenant) {
            try requireHeld($0.permissions)
        }
        return PBEmpty()
    }

    func listPermissions(request: PBListPermissionsRequest, context: ServerContext) async throws -> PBListPermissionsResponse {
        .with {
            $0.data = Role.organizationAdmin.permissions.sorted().map { name in
                .with {
                    $0.name = name
                    $0.grantable = AssignedRole.grantable.contains(name)
                    $0.roles = Role.allCases.filter { $0.permissions.contains(name) }.map(\.rawValue)
                }
            }
        }
    }

    private func requireHeld(_ permissions: Set<String>) throws(Fault) {
        try Authority(person: nil, permissions: Caller.current.permissions, isOwner: false).requireHolds(permissions, "role")
    }

    /// A text that is neither names nothing, like an id that nobody has.
    private static func reference(_ text: String) throws(Fault) -> RoleReference {
        if let role = Role(rawValue: text) { return .standard(role) }
        return .custom(try ID(text, field: "role"))
    }

    private static func own(_ text: String) throws(Fault) -> ID<CustomRole> {
        guard case .custom(let id) = try reference(text) else { throw .roleStandard }
        return id
    }
}
