import Foundation
import GatewayAPI
import Primitives
import ServiceKit
import SwiftProtobuf

// Values ⇄ messages of admin.proto.

extension OrganizationReport.State {
    /// `nil` for all.
    init?(_ state: PBOrganizationReport.State) throws(Fault) {
        switch state {
        case .unspecified: return nil
        case .active: self = .active
        case .suspended: self = .suspended
        case .deleted: self = .deleted
        case .UNRECOGNIZED: throw .invalidField("state", "unknown", "state must be ACTIVE, SUSPENDED or DELETED.")
        }
    }
}

extension PBOrganizationReport {
    init(_ report: OrganizationReport) {
        self.init()
        id = report.id.description
        name = report.name
        state =
            switch report.state {
            case .active: .active
            case .suspended: .suspended
            case .deleted: .deleted
            }
        createdAt = Google_Protobuf_Timestamp(milliseconds: report.createdAt)
        if let time = report.suspendedAt { suspendedAt = Google_Protobuf_Timestamp(milliseconds: time) }
        suspendedReason = report.suspendedReason
        activeMembers = report.members
        owners = report.owners
        keys = report.keys
        sessions = report.sessions
        if let time = report.lastActiveAt { lastActiveAt = Google_Protobuf_Timestamp(milliseconds: time) }
    }
}

extension PBPersonReport {
    init(_ person: PersonReport, superAdmins: Set<String>, memberships: [PersonReport.Membership] = []) {
        self.init()
        id = person.id.description
        email = person.email
        name = person.name
        active = person.disabledAt == nil
        verified = person.isVerified
        superAdmin = person.isVerified && superAdmins.contains(person.email)
        createdAt = Google_Protobuf_Timestamp(milliseconds: person.createdAt)
        if let time = person.disabledAt { disabledAt = Google_Protobuf_Timestamp(milliseconds: time) }
        organizations = person.organizations
        sessions = person.sessions
        if let time = person.lastActiveAt { lastActiveAt = Google_Protobuf_Timestamp(milliseconds: time) }
        self.memberships = memberships.map(PBPersonMembership.init)
    }
}

extension PBPersonMembership {
    init(_ membership: PersonReport.Membership) {
        self.init()
        organization = membership.tenant.description
        organizationName = membership.organization
        role = membership.role
        owner = membership.isOwner
        active = membership.isActive
    }
}

extension PBImpersonation {
    init(_ impersonation: Impersonation) {
        self.init()
        id = impersonation.id.description
        organization = impersonation.tenant.description
        user = impersonation.user.description
        impersonator = impersonation.impersonator.description
        reason = impersonation.reason
        readOnly = impersonation.isReadOnly
        createdAt = Google_Protobuf_Timestamp(milliseconds: impersonation.createdAt)
        expiresAt = Google_Protobuf_Timestamp(milliseconds: impersonation.expiresAt)
        if let time = impersonation.endedAt { endedAt = Google_Protobuf_Timestamp(milliseconds: time) }
    }
}
