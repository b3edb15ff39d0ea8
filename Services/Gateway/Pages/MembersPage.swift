import CommonAPI
import Foundation
import GatewayAPI
import HTTPTypes
import Hummingbird
import Primitives
import SwiftProtobuf

/// Who belongs to the organization: inviting, roles, and whom it lets in no more.
enum MembersPage {
    static let limit: Int32 = 50

    struct View: Sendable {
        let rows: [Row]
        let hasRows: Bool
        let note: String?
        let invitations: [InvitationRow]
        let hasInvitations: Bool
        /// Whether the visitor may change anything; a list to read otherwise.
        let canWrite: Bool
        let roles: [RoleChoice]
        let search: String
        let pager: Pager?
        let invited: Invited?
        let refusal: String?

        init(
            _ members: PBListMembersResponse, roles: [PBRole], invitations: Panel<[PBInvitation]>, canWrite: Bool, search: String, pager: Pager?,
            invited: Invited?, refusal: String?, own: String, now: Date
        ) {
            self.roles = roles.map { RoleChoice($0, chosen: "viewer") }
            rows = members.data.map { Row($0, roles: roles, canWrite: canWrite, own: own, now: now) }
            hasRows = !rows.isEmpty
            note = rows.isEmpty ? "Nobody is called that." : nil
            self.invitations = (invitations.content ?? []).filter { $0.state == .open }.map { InvitationRow($0, roles: roles, now: now) }
            hasInvitations = !self.invitations.isEmpty
            self.canWrite = canWrite
            self.search = search
            self.pager = pager
            self.invited = invited
            self.refusal = refusal
        }
    }

    struct RoleChoice: Sendable {
        let id: String
        let name: String
        let isChosen: Bool

        init(_ role: PBRole, chosen: String) {
            id = role.id
            name = role.name.shortened(to: 100)
            isChosen = role.id == chosen
        }
    }

    struct Row: Sendable {
        let path: String
        let name: String
        let email: String?
        let role: String
        let isOwner: Bool
        let badge: Badge
        let joined: Moment
        let lastActive: Moment?
        /// `nil` for whom the visitor cannot change.
        let controls: Controls?

        init(_ member: PBMember, roles: [PBRole], canWrite: Bool, own: String, now: Date) {
            path = PageAddress.path("members", member.id)
            name = member.displayName
            email = member.userName.nonEmpty
            role = (roles.first { $0.id == member.role }?.name ?? member.role).shortened(to: 100)
            isOwner = member.owner
            badge = Badge(isActive: member.active)
            joined = Moment(member.createdAt, now: now)
            lastActive = member.hasLastActiveAt ? Moment(member.lastActiveAt, now: now) : nil
            let isSelf = member.id == own
            controls =
                canWrite && !isSelf
                ? Controls(
                    roles: roles.map { RoleChoice($0, chosen: member.role) }, isActive: member.active, path: path, version: member.version) : nil
        }
    }

    struct Controls: Sendable {
        let roles: [RoleChoice]
        let isActive: Bool
        let path: String
        let version: Int64
    }

    struct InvitationRow: Sendable {
        let path: String
        let email: String
        let role: String
        let expires: Moment

        init(_ invitation: PBInvitation, roles: [PBRole], now: Date) {
            path = PageAddress.path("invitations", invitation.id)
            email = invitation.email
            role = (roles.first { $0.id == invitation.role }?.name ?? invitation.role).shortened(to: 100)
            expires = Moment(invitation.expiresAt, now: now)
        }
    }

    /// What the visitor passes on when mail does not.
    struct Invited: Sendable {
        let email: String
        let url: String
    }

    // MARK: - Showing

    static func show(_ visit: Visit) async throws -> Response { try await page(visit) }

    private static func page(_ visit: Visit, invited: Invited? = nil, refusal: Fault? = nil) async throws -> Response {
        let search = try visit.context.query("search")?.shortened(to: SearchText.longest) ?? ""
        let filter = [(name: "search", value: search)]
        let cursor = try visit.cursor(filter: filter)
        let identity = visit.context.identity
        let canWrite = identity?.permissions.contains("members.write") ?? false
        let view = try await visit.asking {
            let client = visit.upstream("gateway")
            async let roles = Panel.load("Roles") { try await PBRoles.Client(wrapping: client).listRoles(PBListRolesRequest()).data }
            async let invitations = Panel.load("Invitations") {
                try await PBInvitations.Client(wrapping: client).listInvitations(.with { $0.limit = 200 }).data
            }
            let listed = try await PBMembers.Client(wrapping: client).listMembers(
                .with {
                    $0.limit = limit
                    $0.cursor = cursor
                    $0.search = search
                })
            return View(
                listed, roles: await roles.content ?? [], invitations: await invitations, canWrite: canWrite, search: search,
                pager: try visit.pager(next: listed.page.nextCursor, filter: filter, label: "More"), invited: invited, refusal: refusal?.pageDetail,
                own: identity?.actor.description ?? "", now: visit.now)
        }
        let status = refusal.map { Problem.status(of: $0) } ?? .ok
        return visit.page(.members, "Members", section: .members, status: status, view)
    }

    // MARK: - Changing

    static func invite(_ visit: Visit) async throws -> Response {
        let fields = try await visit.form()
        return try await answering(visit) {
            let made = try await PBInvitations.Client(wrapping: visit.upstream("gateway")).createInvitation(
                .with {
                    $0.email = fields["email"] ?? ""
                    $0.role = fields["role"] ?? ""
                })
            return Invited(email: made.invitation.email, url: made.url)
        }
    }

    static func revoke(_ visit: Visit) async throws -> Response {
        _ = try await visit.form()
        let invitation = try visit.context.parameter("invitation")
        return try await answering(visit) {
            _ = try await PBInvitations.Client(wrapping: visit.upstream("gateway")).revokeInvitation(.with { $0.invitation = invitation })
            return nil
        }
    }

    static func change(_ visit: Visit) async throws -> Response {
        let fields = try await visit.form()
        let member = try visit.context.parameter("member")
        return try await answering(visit) {
            let members = PBMembers.Client(wrapping: visit.upstream("gateway"))
            switch fields["action"] {
            case "deactivate": _ = try await members.deactivateMember(.with { $0.member = member })
            case "activate": _ = try await members.activateMember(.with { $0.member = member })
            case "remove":
                _ = try await members.removeMember(
                    .with {
                        $0.member = member
                        $0.version = Visit.version(fields)
                    })
            default:
                _ = try await members.updateMember(
                    .with {
                        $0.member = member
                        $0.role = fields["role"] ?? ""
                        $0.version = Visit.version(fields)
                    })
            }
            return nil
        }
    }

    /// Back to the list; with what went wrong above it, or with a link that is shown once.
    private static func answering(_ visit: Visit, _ change: () async throws -> Invited?) async throws -> Response {
        let invited: Invited?
        do {
            invited = try await visit.asking { try await change() }
        } catch let fault as Fault where fault.isRefusal {
            return try await page(visit, refusal: fault)
        }
        guard let invited else { return visit.redirect(to: "/members") }
        return try await page(visit, invited: invited)
    }
}

extension Badge {
    init(isActive: Bool) {
        self = isActive ? Badge(css: "passed", glyph: "✓", label: "Active") : Badge(css: "skipped", glyph: "–", label: "Deactivated")
    }
}
