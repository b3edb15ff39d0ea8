import Audit
import CommonAPI
import Foundation
import GRPCCore
import GatewayAPI
import Postgres
import Primitives
import ServiceKit
import SwiftProtobuf

/// Who belongs to the caller's organization, and what they may do.
struct MembersRPC: PBMembers.SimpleServiceProtocol {
    let members: MemberStore
    let roles: RoleStore
    let seats: Membership.Seats

    func listMembers(request: PBListMembersRequest, context: ServerContext) async throws -> PBListMembersResponse {
        let page = try PageRequest(limit: Int(request.limit), cursor: request.cursor)
        let search = try SearchText(request.search)
        let listed = try await members.list(page, search: search.text, tenant: Caller.current.tenant)
        return .with {
            $0.data = listed.items.map { PBMember($0) }
            $0.page = PBPage(listed)
        }
    }

    func getMember(request: PBGetMemberRequest, context: ServerContext) async throws -> PBMember {
        try await read(ID(request.member, field: "member"))
    }

    func updateMember(request: PBUpdateMemberRequest, context: ServerContext) async throws -> PBMember {
        let reference = request.hasRole ? try RoleReference(request.role) : nil
        return try await change(request.member, version: request.version) { tx in
            var role: AssignedRole?
            if let reference { role = try await roles.find(reference, tenant: Caller.current.tenant, in: tx) }
            return .assign(role: role, owner: request.hasOwner ? request.owner : nil)
        }
    }

    func deactivateMember(request: PBDeactivateMemberRequest, context: ServerContext) async throws -> PBMember {
        try await change(request.member) { _ in .deactivate }
    }

    func activateMember(request: PBActivateMemberRequest, context: ServerContext) async throws -> PBMember {
        let limit = try await seats(Caller.current.tenant)
        return try await change(request.member, seats: limit) { _ in .activate }
    }

    func removeMember(request: PBRemoveMemberRequest, context: ServerContext) async throws -> PBEmpty {
        try await apply(ID(request.member, field: "member"), version: request.version) { _ in .remove }
        return PBEmpty()
    }

    // MARK: - Grants

    func getGrant(request: PBGetGrantRequest, context: ServerContext) async throws -> PBProjectGrant {
        let tenant = Caller.current.tenant
        let member = try await members.get(ID(request.member, field: "member"), tenant: tenant)
        return PBProjectGrant(try await members.grant(of: member.id, project: ID(request.project, field: "project"), tenant: tenant))
    }

    func putGrant(request: PBPutGrantRequest, context: ServerContext) async throws -> PBProjectGrant {
        let (id, project) = (try ID<User>(request.member, field: "member"), try ID<Project>(request.project, field: "project").uuid)
        let reference = try RoleReference(request.role)
        let caller = Caller.current
        return try await members.database.transaction(.tenant(caller.tenant)) { tx in
            try await members.lock(caller.tenant, in: tx)
            let authority = try await members.authority(caller, in: tx)
            let member = try await members.get(id, tenant: caller.tenant, in: tx)
            let role = try await roles.find(reference, tenant: caller.tenant, in: tx)
            guard role != .standard(.organizationAdmin), !role.projectPermissions.isEmpty else { throw Fault.nothingToGrant() }
            try authority.requireHolds(role.projectPermissions, "grant")
            let former = try await members.grant(of: id, project: project, tenant: caller.tenant, in: tx)
            try Fault.requireVersion(request.version, former?.version)
            if let former { try authority.requireHolds(former.role.projectPermissions, "grant") }
            try await members.put(role, for: member.id, project: project, tenant: caller.tenant, in: tx)
            try await tx.audit(member.id, project: request.project, details: ["role": role.text])
            guard let grant = try await members.grant(of: id, project: project, tenant: caller.tenant, in: tx) else {
                throw Fault.notFound("grant", request.project)
            }
            return PBProjectGrant(grant)
        }
    }

    func deleteGrant(request: PBDeleteGrantRequest, context: ServerContext) async throws -> PBEmpty {
        let (id, project) = (try ID<User>(request.member, field: "member"), try ID<Project>(request.project, field: "project").uuid)
        let caller = Caller.current
        try await members.database.transaction(.tenant(caller.tenant)) { tx in
            try await members.lock(caller.tenant, in: tx)
            let authority = try await members.authority(caller, in: tx)
            let member = try await members.get(id, tenant: caller.tenant, in: tx)
            let found = try await members.grant(of: member.id, project: project, tenant: caller.tenant, in: tx)
            try Fault.requireVersion(request.version, found?.version)
            guard let grant = found else { return AuditedCall.changedNothing() }
            try authority.requireHolds(grant.role.projectPermissions, "grant")
            try await members.deleteGrant(of: member.id, project: project, tenant: caller.tenant, in: tx)
            try await tx.audit(member.id, project: request.project, details: ["role": grant.role.text])
        }
        return PBEmpty()
    }

    // MARK: - One way for all changes

    private func change(
        _ text: String, version: Int64 = 0, seats: QuotaLimit? = nil, _ decide: (Transaction) async throws -> MemberChange
    ) async throws -> PBMember {
        let id = try ID<User>(text, field: "member")
        try await apply(id, version: version, seats: seats, decide)
        return try await read(id)
    }

    /// - Parameter version: that the membership must have; 0 for any.
    private func apply(
        _ id: ID<User>, version: Int64, seats: QuotaLimit? = nil, _ decide: (Transaction) async throws -> MemberChange
    ) async throws {
        let caller = Caller.current
        try await members.database.transaction(.tenant(caller.tenant)) { tx in
            try await members.lock(caller.tenant, in: tx)
            let change = try await decide(tx)
            let authority = try await members.authority(caller, in: tx)
            let member = try await members.get(id, tenant: caller.tenant, in: tx)
            if let key = caller.idempotencyKey, member.changeKey == key { return AuditedCall.changedNothing() }
            try Fault.requireVersion(version, member.version)
            let others = try await members.otherOwners(than: id, tenant: caller.tenant, in: tx)
            try change.check(member, otherOwners: others, by: authority)
            if !member.isActive { try await members.requireSeat(seats, tenant: caller.tenant, now: Date(), in: tx) }
            try await members.apply(change, to: member, key: caller.idempotencyKey, tenant: caller.tenant, in: tx)
            try await tx.audit(
                id, details: ["role": change.role(after: member).text, "owner": "\(change.isOwner(after: member))"])
        }
    }

    private func read(_ id: ID<User>) async throws -> PBMember {
        let tenant = Caller.current.tenant
        let member = try await members.get(id, tenant: tenant)
        return PBMember(member, grants: try await members.grants(of: id, tenant: tenant))
    }
}

/// What a list is searched for.
struct SearchText {
    static let longest = 100
    let text: String

    /// - Throws: `request.invalid` at `search`.
    init(_ text: String) throws(Fault) {
        guard text.count <= Self.longest else { throw .invalidField("search", "length", "search must have at most \(Self.longest) characters.") }
        self.text = text
    }
}
