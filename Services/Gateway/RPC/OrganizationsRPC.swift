import Audit
import CommonAPI
import Foundation
import GRPCCore
import GatewayAPI
import Postgres
import Primitives
import ServiceKit
import SwiftProtobuf

/// The caller's organizations. A path names the one that they are signed in to; any other is unknown (T56).
struct OrganizationsRPC: PBOrganizations.SimpleServiceProtocol {
    let organizations: OrganizationStore
    let members: MemberStore

    func createOrganization(request: PBCreateOrganizationRequest, context: ServerContext) async throws -> PBOrganization {
        let caller = Caller.current
        let person = try caller.person()
        let name = try Organization.checkedName(request.name)
        let tenant = try await organizations.insert(name: name, owner: person, idempotencyKey: caller.idempotencyKey)
        return PBOrganization(try await organizations.get(tenant, for: person), current: tenant == caller.tenant)
    }

    func listOrganizations(request: PBListOrganizationsRequest, context: ServerContext) async throws -> PBListOrganizationsResponse {
        let caller = Caller.current
        let page = try PageRequest(limit: Int(request.limit), cursor: request.cursor)
        // In somebody's place a super admin sees the one organization that told of it.
        guard let person = caller.personID, caller.impersonator == nil else {
            return .with {
                $0.page.hasMore_p = false
            }.adding(try await organizations.get(caller.tenant, for: caller.personID))
        }
        let listed = try await organizations.list(page, person: person)
        return .with {
            $0.data = listed.items.map { PBOrganization($0, current: $0.id == caller.tenant) }
            $0.page = PBPage(listed)
        }
    }

    func getOrganization(request: PBGetOrganizationRequest, context: ServerContext) async throws -> PBOrganization {
        try await read(own(request.organization))
    }

    func getOrganizationStats(request: PBGetOrganizationStatsRequest, context: ServerContext) async throws -> PBOrganizationStats {
        PBOrganizationStats(try await organizations.stats(own(request.organization)))
    }

    func updateOrganization(request: PBUpdateOrganizationRequest, context: ServerContext) async throws -> PBOrganization {
        let tenant = try own(request.organization)
        let name = request.hasName ? try Organization.checkedName(request.name) : nil
        try await organizations.update(tenant, name: name, version: request.version, key: Caller.current.idempotencyKey)
        return try await read(tenant)
    }

    func transferOwnership(request: PBTransferOwnershipRequest, context: ServerContext) async throws -> PBOrganization {
        let tenant = try own(request.organization)
        let heir = try ID<User>(request.member, field: "/member")
        let caller = Caller.current
        try await members.database.transaction(.tenant(tenant)) { tx in
            try await members.lock(tenant, in: tx)
            let authority = try await members.authority(caller, in: tx)
            try authority.requireOwner()
            let member = try await members.get(heir, tenant: tenant, in: tx)
            // A nameless owner cannot sign in, so the organization would be nobody's.
            guard member.isActive, member.email != nil else { throw Fault.memberDisabled }
            try await members.apply(.assign(role: nil, owner: true), to: member, tenant: tenant, in: tx)
            try await tx.audit(tenant, details: ["to": heir.description, "stay": "\(request.stay)"])
            guard !request.stay, let person = authority.person, person != heir else { return }
            let former = try await members.get(person, tenant: tenant, in: tx)
            try await members.apply(.assign(role: nil, owner: false), to: former, tenant: tenant, in: tx)
        }
        return try await read(tenant)
    }

    func leaveOrganization(request: PBLeaveOrganizationRequest, context: ServerContext) async throws -> PBEmpty {
        let tenant = try own(request.organization)
        let person = try Caller.current.person()
        try await members.database.transaction(.tenant(tenant)) { tx in
            try await members.lock(tenant, in: tx)
            let member = try await members.get(person, tenant: tenant, in: tx)
            let others = try await members.otherOwners(than: person, tenant: tenant, in: tx)
            try MemberChange.leave.check(
                member, otherOwners: others, by: Authority(person: person, permissions: member.role.permissions, isOwner: member.isOwner))
            try await members.apply(.leave, to: member, tenant: tenant, in: tx)
            try await tx.audit(person)
        }
        return PBEmpty()
    }

    func deleteOrganization(request: PBDeleteOrganizationRequest, context: ServerContext) async throws -> PBEmpty {
        let tenant = try own(request.organization)
        let caller = Caller.current
        try await members.database.transaction(.tenant(tenant)) { tx in
            try await members.lock(tenant, in: tx)
            try await members.authority(caller, in: tx).requireOwner()
            try await organizations.deactivate(tenant, version: request.version, in: tx)
            try await tx.audit(tenant)
        }
        return PBEmpty()
    }

    private func own(_ text: String) throws(Fault) -> ID<Tenant> {
        let tenant = try ID<Tenant>(text, field: "organization")
        guard tenant == Caller.current.tenant else { throw .notFound("organization", tenant) }
        return tenant
    }

    private func read(_ tenant: ID<Tenant>) async throws -> PBOrganization {
        PBOrganization(try await organizations.get(tenant, for: Caller.current.personID), current: true)
    }
}

extension Caller {
    /// `nil` for keys.
    var personID: ID<User>? { try? ID<User>(actor) }
}

extension MemberStore {
    func authority(_ caller: Caller, in tx: Transaction) async throws -> Authority {
        try await authority(
            actor: caller.actor, permissions: caller.permissions, isImpersonated: caller.impersonator != nil, tenant: caller.tenant, in: tx)
    }
}

extension PBListOrganizationsResponse {
    fileprivate func adding(_ organization: Organization) -> Self {
        var whole = self
        whole.data.append(PBOrganization(organization, current: true))
        return whole
    }
}
