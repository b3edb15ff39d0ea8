import Audit
import CommonAPI
import Foundation
import GRPCCore
import GatewayAPI
import Postgres
import Primitives
import ServiceKit
import SwiftProtobuf

/// The installation, for super admins.
struct AdminRPC: PBAdmin.SimpleServiceProtocol {
    let installation: InstallationStore
    let impersonations: ImpersonationStore
    let security: SecurityLog

    private var members: MemberStore { impersonations.members }

    // MARK: - Organizations

    func listAllOrganizations(request: PBListAllOrganizationsRequest, context: ServerContext) async throws -> PBListAllOrganizationsResponse {
        let page = try PageRequest(limit: Int(request.limit), cursor: request.cursor)
        let listed = try await installation.organizations(
            page, search: SearchText(request.search).text, state: OrganizationReport.State(request.state))
        return .with {
            $0.data = listed.items.map(PBOrganizationReport.init)
            $0.page = PBPage(listed)
        }
    }

    func getAnyOrganization(request: PBGetAnyOrganizationRequest, context: ServerContext) async throws -> PBOrganizationReport {
        PBOrganizationReport(try await installation.organization(ID(request.organization, field: "organization")))
    }

    func suspendOrganization(request: PBSuspendOrganizationRequest, context: ServerContext) async throws -> PBOrganizationReport {
        let tenant = try ID<Tenant>(request.organization, field: "organization")
        guard tenant != Caller.current.tenant else { throw Fault.ownOrganization }
        _ = try await installation.organization(tenant)
        try await installation.suspend(tenant, reason: OrganizationReport.checkedReason(request.reason))
        return PBOrganizationReport(try await installation.organization(tenant))
    }

    func activateOrganization(request: PBActivateOrganizationRequest, context: ServerContext) async throws -> PBOrganizationReport {
        let tenant = try ID<Tenant>(request.organization, field: "organization")
        try await installation.activate(tenant)
        return PBOrganizationReport(try await installation.organization(tenant))
    }

    // MARK: - People

    func listPeople(request: PBListPeopleRequest, context: ServerContext) async throws -> PBListPeopleResponse {
        let page = try PageRequest(limit: Int(request.limit), cursor: request.cursor)
        let listed = try await installation.people(page, search: SearchText(request.search).text)
        return .with {
            $0.data = listed.items.map { PBPersonReport($0, superAdmins: members.superAdmins) }
            $0.page = PBPage(listed)
        }
    }

    func getPerson(request: PBGetPersonRequest, context: ServerContext) async throws -> PBPersonReport {
        try await read(ID(request.user, field: "user"))
    }

    func disablePerson(request: PBDisablePersonRequest, context: ServerContext) async throws -> PBPersonReport {
        let id = try ID<User>(request.user, field: "user")
        guard id != Caller.current.personID else { throw Fault.ownAccount }
        _ = try await installation.person(id)
        try await installation.disable(id)
        return try await read(id)
    }

    func enablePerson(request: PBEnablePersonRequest, context: ServerContext) async throws -> PBPersonReport {
        let id = try ID<User>(request.user, field: "user")
        _ = try await installation.person(id)
        try await installation.enable(id)
        return try await read(id)
    }

    private func read(_ id: ID<User>) async throws -> PBPersonReport {
        let person = try await installation.person(id)
        return PBPersonReport(person, superAdmins: members.superAdmins, memberships: try await installation.memberships(of: id))
    }

    // MARK: - In somebody's place

    func startImpersonation(request: PBStartImpersonationRequest, context: ServerContext) async throws -> PBStartedImpersonation {
        let caller = Caller.current
        let admin = try caller.person()
        let tenant = try ID<Tenant>(request.organization, field: "/organization")
        let user = try ID<User>(request.user, field: "/user")
        let reason = try OrganizationReport.checkedReason(request.reason)
        let minutes = try Impersonation.checkedMinutes(request.minutes)
        guard let place = try await members.identity(of: user, in: tenant) else { throw Fault.notFound("member", user) }
        guard place.permissions.isDisjoint(with: Role.superAdminPermissions) else { throw Fault.superAdminImmune }
        let token = SessionCookie.newToken()
        let address = CallContext.current?.address ?? ""
        let made = try await impersonations.database.transaction(.tenant(tenant)) { tx in
            let made = try await impersonations.insert(
                user: user, impersonator: admin, reason: reason, readOnly: request.readOnly, minutes: minutes, digest: SecretDigest(token),
                tenant: tenant, in: tx)
            try await security.record(
                .impersonationStarted(of: user, tenant: tenant, by: caller.actor, from: address, until: made.expiresAt, reason: reason), in: tx)
            try await tx.audit(
                user, details: ["impersonation": made.id.description, "reason": reason, "minutes": "\(minutes)", "read_only": "\(request.readOnly)"])
            return made
        }
        return .with {
            $0.impersonation = PBImpersonation(made)
            $0.token = token
        }
    }

    func listImpersonations(request: PBListImpersonationsRequest, context: ServerContext) async throws -> PBListImpersonationsResponse {
        let listed = try await impersonations.list(PageRequest(limit: Int(request.limit), cursor: request.cursor))
        return .with {
            $0.data = listed.items.map(PBImpersonation.init)
            $0.page = PBPage(listed)
        }
    }

    func endImpersonation(request: PBEndImpersonationRequest, context: ServerContext) async throws -> PBEmpty {
        let id = try ID<Impersonation>(request.impersonation, field: "impersonation")
        let actor = Caller.current.actor
        try await impersonations.database.transaction(.system) { tx in
            guard let ended = try await impersonations.end(id, in: tx) else { return AuditedCall.changedNothing() }
            try await tx.audit(ended.user, details: ["impersonation": ended.id.description], tenant: ended.tenant)
            try await security.record(ended.end(by: actor), in: tx)
        }
        return PBEmpty()
    }
}
