import CommonAPI
import Foundation
import GatewayAPI
import HTTPTypes
import Hummingbird
import Primitives
import SwiftProtobuf

/// The installation: its organizations and people, for super admins.
enum AdminPage {
    static let limit: Int32 = 50

    struct View: Sendable {
        let search: String
        let organizations: [OrganizationRow]
        let hasOrganizations: Bool
        let organizationsNote: String?
        let people: [PersonRow]
        let hasPeople: Bool
        let peopleNote: String?
        /// The one that was chosen, with the places where somebody could act for them.
        let person: Person?
        let refusal: String?

        init(
            search: String, organizations: Panel<[PBOrganizationReport]>, people: Panel<[PBPersonReport]>, person: PBPersonReport?, refusal: String?,
            own: Identity? = nil, now: Date
        ) {
            self.search = search
            self.organizations = (organizations.content ?? []).map { OrganizationRow($0, isOwn: $0.id == own?.tenant.description, now: now) }
            hasOrganizations = !self.organizations.isEmpty
            organizationsNote = organizations.note ?? (self.organizations.isEmpty ? "No organization is called that." : nil)
            self.people = (people.content ?? []).map { PersonRow($0, isSelf: $0.id == own?.actor.description, now: now) }
            hasPeople = !self.people.isEmpty
            peopleNote = people.note ?? (self.people.isEmpty ? "Nobody is called that." : nil)
            self.person = person.map(Person.init)
            self.refusal = refusal
        }
    }

    struct OrganizationRow: Sendable {
        let name: String
        let id: String
        let path: String
        let badge: Badge
        let reason: String?
        let figures: String
        let lastActive: Moment?
        let canSuspend: Bool
        let canActivate: Bool

        /// - Parameter isOwn: nobody suspends the organization that they are signed in to.
        init(_ report: PBOrganizationReport, isOwn: Bool, now: Date) {
            name = report.name
            id = report.id
            path = PageAddress.path("admin", "organizations", report.id)
            badge =
                switch report.state {
                case .active: Badge(css: "passed", glyph: "✓", label: "Active")
                case .suspended: Badge(css: "errored", glyph: "!", label: "Suspended")
                case .deleted: Badge(css: "skipped", glyph: "–", label: "Deleted")
                case .unspecified, .UNRECOGNIZED: .unknown
                }
            reason = report.suspendedReason.nonEmpty?.shortened(to: 300)
            figures = [
                NumberText.counted(report.activeMembers, "member"), NumberText.counted(report.keys, "key"),
                NumberText.counted(report.sessions, "session"),
            ].joined(separator: ", ")
            lastActive = report.hasLastActiveAt ? Moment(report.lastActiveAt, now: now) : nil
            canSuspend = report.state == .active && !isOwn
            canActivate = report.state == .suspended
        }
    }

    struct PersonRow: Sendable {
        let name: String
        let email: String
        let showPath: String
        let path: String
        let badge: Badge
        let isSuperAdmin: Bool
        let figures: String
        let lastActive: Moment?
        let isActive: Bool
        /// Nobody disables themselves.
        let isSelf: Bool

        init(_ person: PBPersonReport, isSelf: Bool, now: Date) {
            self.isSelf = isSelf
            name = person.name
            email = person.email
            showPath = PageAddress.of("/admin", [("user", person.id)], fragment: "person")
            path = PageAddress.path("admin", "users", person.id)
            badge =
                !person.active
                ? Badge(css: "errored", glyph: "!", label: "Disabled")
                : person.verified ? Badge(css: "passed", glyph: "✓", label: "Active") : Badge(css: "pending", glyph: "○", label: "Unconfirmed")
            isSuperAdmin = person.superAdmin
            figures =
                NumberText.counted(person.organizations, "organization") + ", " + NumberText.counted(person.sessions, "session")
            lastActive = person.hasLastActiveAt ? Moment(person.lastActiveAt, now: now) : nil
            isActive = person.active
        }
    }

    struct Person: Sendable {
        let name: String
        let email: String
        let id: String
        let places: [Place]
        let hasPlaces: Bool

        init(_ person: PBPersonReport) {
            name = person.name
            email = person.email
            id = person.id
            places = person.memberships.filter { $0.active && !person.superAdmin }.map {
                Place(organization: $0.organization, name: $0.organizationName, role: $0.role, user: person.id)
            }
            hasPlaces = !places.isEmpty
        }
    }

    struct Place: Sendable {
        let organization: String
        let name: String
        let role: String
        let user: String
    }

    // MARK: - Showing

    static func show(_ visit: Visit) async throws -> Response { try await page(visit) }

    private static func page(_ visit: Visit, refusal: Fault? = nil) async throws -> Response {
        guard visit.context.identity?.permissions.contains("admin.read") == true else { throw Fault.permissionNotHeld("admin.read") }
        let search = try visit.context.query("search")?.shortened(to: SearchText.longest) ?? ""
        let user = try visit.context.query("user")
        let view = try await visit.asking {
            let admin = PBAdmin.Client(wrapping: visit.upstream("gateway"))
            async let organizations = Panel.load("Organizations") {
                try await admin.listAllOrganizations(
                    .with {
                        $0.limit = limit
                        $0.search = search
                    }
                ).data
            }
            async let people = Panel.load("People") {
                try await admin.listPeople(
                    .with {
                        $0.limit = limit
                        $0.search = search
                    }
                ).data
            }
            var person: PBPersonReport?
            if let user { person = try await admin.getPerson(.with { $0.user = user }) }
            return View(
                search: search, organizations: await organizations, people: await people, person: person, refusal: refusal?.detail,
                own: visit.context.identity, now: visit.now)
        }
        return visit.page(.admin, "Administration", section: .admin, status: refusal.map { Problem.status(of: $0) } ?? .ok, view)
    }

    // MARK: - Changing

    static func changeOrganization(_ visit: Visit) async throws -> Response {
        let fields = try await visit.form()
        let organization = try visit.context.parameter("organization")
        return try await answering(visit) {
            let admin = PBAdmin.Client(wrapping: visit.upstream("gateway"))
            if fields["action"] == "suspend" {
                _ = try await admin.suspendOrganization(
                    .with {
                        $0.organization = organization
                        $0.reason = fields["reason"] ?? ""
                    })
            } else {
                _ = try await admin.activateOrganization(.with { $0.organization = organization })
            }
            return visit.redirect(to: "/admin")
        }
    }

    static func changePerson(_ visit: Visit) async throws -> Response {
        let fields = try await visit.form()
        let user = try visit.context.parameter("user")
        return try await answering(visit) {
            let admin = PBAdmin.Client(wrapping: visit.upstream("gateway"))
            if fields["action"] == "disable" {
                _ = try await admin.disablePerson(.with { $0.user = user })
            } else {
                _ = try await admin.enablePerson(.with { $0.user = user })
            }
            return visit.redirect(to: "/admin")
        }
    }

    /// From here on the browser acts in somebody's place; signing out ends it.
    static func impersonate(_ visit: Visit) async throws -> Response {
        let fields = try await visit.form()
        return try await answering(visit) {
            let started = try await PBAdmin.Client(wrapping: visit.upstream("gateway")).startImpersonation(
                .with {
                    $0.organization = fields["organization"] ?? ""
                    $0.user = fields["user"] ?? ""
                    $0.reason = fields["reason"] ?? ""
                    $0.readOnly = fields["read_only"] != nil
                    $0.minutes = Int32(fields["minutes"] ?? "") ?? 0
                })
            var response = visit.context.impersonate(started.token, thenTo: "/")
            response.headers[.cacheControl] = "no-store"
            return response
        }
    }

    private static func answering(_ visit: Visit, _ change: () async throws -> Response) async throws -> Response {
        do {
            let caller = try visit.context.exchange.caller()
            return try await visit.context.exchange.calling(as: caller, limit: Visit.patience, change)
        } catch {
            let fault = Fault(answering: error)
            guard [.invalid, .conflict, .precondition].contains(fault.kind) else { throw fault }
            return try await page(visit, refusal: fault)
        }
    }
}
