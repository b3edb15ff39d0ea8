import Foundation
import GatewayAPI
import Primitives
import ServiceKit
import SwiftProtobuf

// Values → messages of organizations.proto, members.proto and roles.proto.

extension PBOrganization {
    init(_ organization: Organization, current: Bool) {
        self.init()
        id = organization.id.description
        name = organization.name
        createdAt = Google_Protobuf_Timestamp(milliseconds: organization.createdAt)
        if let role = organization.role {
            self.role = role
            owner = organization.isOwner
        }
        self.current = current
        version = organization.version
    }
}

extension PBOrganizationStats {
    init(_ stats: OrganizationStats) {
        self.init()
        activeMembers = stats.active
        deactivatedMembers = stats.deactivated
        owners = stats.owners
        membersByRole = stats.byRole
        openInvitations = stats.invitations
        keys = stats.keys
        customRoles = stats.customRoles
    }
}

extension PBMember {
    init(_ member: Member, grants: [ProjectGrant] = []) {
        self.init()
        id = member.id.description
        userName = member.email ?? ""
        displayName = member.name
        role = member.role.text
        owner = member.isOwner
        active = member.isActive
        createdAt = Google_Protobuf_Timestamp(milliseconds: member.joinedAt)
        if let time = member.lastActiveAt { lastActiveAt = Google_Protobuf_Timestamp(milliseconds: time) }
        self.grants = grants.map(PBProjectGrant.init)
        version = member.version
    }
}

extension PBProjectGrant {
    init(_ grant: ProjectGrant) {
        self.init()
        project = ID<Project>(uuid: grant.project).description
        role = grant.role.text
        permissions = grant.role.projectPermissions.sorted()
        createdAt = Google_Protobuf_Timestamp(milliseconds: grant.createdAt)
        version = grant.version
    }
}

extension PBRole {
    init(_ role: Role) {
        self.init()
        id = role.rawValue
        name = role.title
        permissions = role.permissions.sorted()
        standard = true
    }

    init(_ role: CustomRole) {
        self.init()
        id = role.id.description
        name = role.name
        permissions = role.permissions.sorted()
        standard = false
        createdAt = Google_Protobuf_Timestamp(milliseconds: role.createdAt)
        version = role.version
    }
}

extension PBInvitation {
    init(_ invitation: Invitation, now: Date) {
        self.init()
        id = invitation.id.description
        email = invitation.email
        role = invitation.role.text
        owner = invitation.isOwner
        state =
            switch invitation.state(at: now) {
            case .open: .open
            case .accepted: .accepted
            case .revoked: .revoked
            case .expired: .expired
            }
        invitedBy = invitation.invitedBy
        createdAt = Google_Protobuf_Timestamp(milliseconds: invitation.createdAt)
        expiresAt = Google_Protobuf_Timestamp(milliseconds: invitation.expiresAt)
    }
}
