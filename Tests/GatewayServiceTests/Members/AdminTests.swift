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

@Suite("super admins", .database(GatewayProgram.schema), .serialized)
struct AdminTests {
    let stand = MemberStand()

    /// The one super admin, in an organization of their own.
    private func root() async throws -> (person: ID<User>, tenant: ID<Tenant>) {
        let known = try await stand.database.first(.system, "select id from people where email = \(MemberStand.superAdmin)") {
            try $0.value("id", as: ID<User>.self)
        }
        let person = if let known { known } else { try await stand.person(MemberStand.superAdmin) }
        return (person, try await stand.organization("Root", owner: person))
    }

    @Test("the setting makes a super admin of whoever has confirmed the address, in whatever organization they are")
    func granted() async throws {
        let (root, tenant) = try await root()
        #expect(try await stand.caller(root, in: tenant).permissions.isSuperset(of: Role.superAdminPermissions))
        try await stand.database.execute(.system, "update people set email_verified_at = null where id = \(root)")
        #expect(try await stand.caller(root, in: tenant).permissions.isDisjoint(with: Role.superAdminPermissions))
        try await stand.database.execute(.system, "update people set email_verified_at = now() where id = \(root)")
        let owner = try await stand.person()
        let own = try await stand.organization(owner: owner)
        #expect(
            try await stand.refusal(as: owner, in: own) { try await PBAdmin.Client(wrapping: $0).listPeople(PBListPeopleRequest()) }
                == "permission.missing")
    }

    @Test("organizations and people are found across the installation, with their numbers")
    func directory() async throws {
        let (root, home) = try await root()
        let owner = try await stand.person("directory-\(UUID().uuidString.lowercased())@example.com")
        let name = "Directory \(UUID().uuidString)"
        let tenant = try await stand.organization(name, owner: owner)
        _ = try await stand.member(.viewer, in: tenant)
        _ = try await GatewayStand.makeKey(KeyStore(database: stand.database), tenant: tenant, scopes: [.resultsRead])
        try await stand.serve(as: root, in: home) { client in
            let admin = PBAdmin.Client(wrapping: client)
            let found = try await admin.listAllOrganizations(.with { $0.search = name.uppercased() }).data
            #expect(found.map(\.id) == [tenant.description] && found[0].activeMembers == 2 && found[0].owners == 1 && found[0].keys == 1)
            #expect(found[0].state == .active && !found[0].hasLastActiveAt)
            let people = try await admin.listPeople(.with { $0.search = "directory-" }).data
            #expect(people.map(\.id) == [owner.description] && people[0].organizations == 1 && people[0].verified && !people[0].superAdmin)
            let one = try await admin.getPerson(.with { $0.user = owner.description })
            #expect(one.memberships.map(\.organizationName) == [name] && one.memberships[0].owner)
            var seen = 0
            var cursor = ""
            repeat {
                let page = try await admin.listAllOrganizations(
                    .with {
                        $0.limit = 1; $0.cursor = cursor
                    })
                seen += page.data.count
                cursor = page.page.nextCursor
            } while !cursor.isEmpty
            #expect(seen >= 2)
        }
    }

    @Test("a suspended organization is out until it is activated again; nobody suspends their own")
    func suspension() async throws {
        let (root, home) = try await root()
        let owner = try await stand.person()
        let tenant = try await stand.organization(owner: owner)
        let keys = KeyStore(database: stand.database)
        let digest = SecretDigest(try await GatewayStand.makeKey(keys, tenant: tenant, scopes: [.resultsRead]))
        try await stand.serve(as: root, in: home) { client in
            let admin = PBAdmin.Client(wrapping: client)
            let request = PBSuspendOrganizationRequest.with {
                $0.organization = tenant.description
                $0.reason = "unpaid"
            }
            let suspended = try await admin.suspendOrganization(request)
            #expect(suspended.state == .suspended && suspended.suspendedReason == "unpaid" && suspended.hasSuspendedAt)
            #expect(try await admin.listAllOrganizations(.with { $0.state = .suspended }).data.map(\.id) == [tenant.description])
            var isSuspended = [
                try await keys.identity(digest, usedFrom: "")?.isSuspended,
                try await stand.membership.members.identity(of: owner, in: tenant)?.isSuspended,
            ]
            #expect(isSuspended == [true, true])
            let active = try await admin.activateOrganization(.with { $0.organization = tenant.description })
            #expect(active.state == .active && active.suspendedReason.isEmpty)
            isSuspended = [try await keys.identity(digest, usedFrom: "")?.isSuspended]
            #expect(isSuspended == [false])
            let own = try await InProcess.fault {
                try await admin.suspendOrganization(
                    .with {
                        $0.organization = "\(home)"; $0.reason = "x"
                    })
            }
            #expect(own == .ownOrganization)
        }
    }

    @Test("a disabled person belongs nowhere until they are enabled again; nobody disables themselves")
    func disabled() async throws {
        let (root, home) = try await root()
        let owner = try await stand.person()
        let tenant = try await stand.organization(owner: owner)
        try await stand.serve(as: root, in: home) { client in
            let admin = PBAdmin.Client(wrapping: client)
            let disabled = try await admin.disablePerson(.with { $0.user = owner.description })
            #expect(!disabled.active)
            let shut = try await stand.membership.members.identity(of: owner, in: tenant)
            #expect(shut == nil)
            let enabled = try await admin.enablePerson(.with { $0.user = owner.description })
            #expect(enabled.active)
            let open = try await stand.membership.members.identity(of: owner, in: tenant)
            #expect(open != nil)
            let own = try await InProcess.fault { try await admin.disablePerson(.with { $0.user = root.description }) }
            #expect(own == .ownAccount)
            let unknown = try await InProcess.fault { try await admin.disablePerson(.with { $0.user = "\(ID<User>.new())" }) }
            #expect(unknown.code == "user.not_found")
        }
    }

    @Test("suspending an organization or disabling a person twice answers as once, and leaves one entry")
    func twice() async throws {
        let (root, home) = try await root()
        let owner = try await stand.person()
        let tenant = try await stand.organization(owner: owner)
        func entries(_ action: String, _ subject: some CustomStringConvertible) async throws -> Int {
            try await stand.database.one(
                .system, "select count(*) as n from audit_outbox where action = \(action) and subject = \(subject.description)"
            ) { Int(try $0.value("n", as: Int64.self)) }
        }
        try await stand.serve(as: root, in: home) { client in
            let admin = PBAdmin.Client(wrapping: client)
            func suspend(_ reason: String) async throws -> PBOrganizationReport {
                try await admin.suspendOrganization(
                    .with {
                        $0.organization = tenant.description
                        $0.reason = reason
                    })
            }
            let suspended = try await suspend("unpaid")
            let again = try await suspend("another reason")
            #expect(suspended.state == .suspended && again == suspended)
            let request = PBDisablePersonRequest.with { $0.user = owner.description }
            let disabled = try await admin.disablePerson(request)
            let once = try await admin.disablePerson(request)
            #expect(!disabled.active && once == disabled)
        }
        let left = [try await entries("organization.suspended", tenant), try await entries("user.disabled", owner)]
        #expect(left == [1, 1])
    }

    @Test("in somebody's place: their permissions without what outlasts the hour, both named, ended by a call, by time and with the right to it")
    func impersonation() async throws {
        let (root, home) = try await root()
        let owner = try await stand.person()
        let tenant = try await stand.organization(owner: owner)
        let impersonations = stand.membership.impersonations
        func start(readOnly: Bool) async throws -> PBStartedImpersonation {
            try await stand.serve(as: root, in: home) {
                try await PBAdmin.Client(wrapping: $0).startImpersonation(
                    .with {
                        $0.organization = tenant.description
                        $0.user = owner.description
                        $0.reason = "ticket 7"
                        $0.readOnly = readOnly
                        $0.minutes = 60
                    })
            }
        }
        let reading = try #require(try await impersonations.identity(SecretDigest(start(readOnly: true).token)))
        #expect(reading.permissions.allSatisfy { $0.hasSuffix(".read") } && reading.permissions.contains("runs.read"))
        #expect(reading.tenant == tenant && reading.actor == .person(owner) && reading.impersonator == root)
        let started = try await start(readOnly: false)
        let digest = SecretDigest(started.token)
        let acting = try #require(try await impersonations.identity(digest))
        #expect(acting.permissions.contains("suites.write") && acting.permissions.isDisjoint(with: ["keys.write", "members.write", "admin.read"]))
        #expect(Principal(acting).caller.impersonator == root.description)
        #expect(abs(started.impersonation.expiresAt.date.timeIntervalSince(Date() + 3600)) < 30)
        // What people do to themselves, nobody does in their place.
        let fault = try await stand.serve(as: Caller(identity: Principal(acting).caller)) { client in
            try await InProcess.fault {
                try await PBOrganizations.Client(wrapping: client).leaveOrganization(.with { $0.organization = tenant.description })
            }
        }
        #expect(fault == .impersonationBarred)
        // Whoever is no super admin any more is in nobody's place.
        try await stand.database.execute(.system, "update people set disabled_at = now() where id = \(root)")
        #expect(try await impersonations.identity(digest) == nil)
        try await stand.database.execute(.system, "update people set disabled_at = null where id = \(root)")
        #expect(try await impersonations.identity(digest) != nil)
        try await stand.serve(as: root, in: home) { client in
            let admin = PBAdmin.Client(wrapping: client)
            _ = try await admin.endImpersonation(.with { $0.impersonation = started.impersonation.id })
            _ = try await admin.endImpersonation(.with { $0.impersonation = started.impersonation.id })
            let listed = try await admin.listImpersonations(PBListImpersonationsRequest()).data
            #expect(listed.first { $0.id == started.impersonation.id }?.hasEndedAt == true)
        }
        #expect(try await impersonations.identity(digest) == nil)
        let late = SecretDigest(try await start(readOnly: false).token)
        try await stand.database.execute(
            .tenant(tenant),
            """
            update impersonations set created_at = now() - interval '61 minutes', expires_at = now() - interval '1 minute'
            where tenant_id = \(tenant) and digest = \(late.data)
            """)
        #expect(try await impersonations.identity(late) == nil)
        try await stand.membership.impersonations.endOverdue(telling: stand.security)
        // Told to the organization: three beginnings, one end by a call, one by time.
        let told = try await stand.database.rows(
            .tenant(tenant), "select payload ->> 'type' as type from jobs where tenant_id = \(tenant) and kind = 'publish-security-event'"
        ) { try $0.value("type", as: String?.self) ?? "" }
        #expect(told.filter { $0 == "security.impersonation_started" }.count == 3, "\(told)")
        #expect(told.filter { $0 == "security.impersonation_ended" }.count == 2, "\(told)")
    }

    @Test("a reason and a real member are needed, an hour is the most, and nobody takes a super admin's place")
    func refused() async throws {
        let (root, home) = try await root()
        let owner = try await stand.person()
        let tenant = try await stand.organization(owner: owner)
        let whole = PBStartImpersonationRequest.with {
            $0.organization = tenant.description
            $0.user = owner.description
            $0.reason = "r"
        }
        func refusal(_ change: (inout PBStartImpersonationRequest) -> Void) async throws -> Fault {
            var request = whole
            change(&request)
            let asked = request
            return try await stand.serve(as: root, in: home) { client in
                try await InProcess.fault { try await PBAdmin.Client(wrapping: client).startImpersonation(asked) }
            }
        }
        #expect(try await refusal { $0.reason = " " }.fields.first?.pointer == "/reason")
        #expect(try await refusal { $0.minutes = 61 }.fields.first?.pointer == "/minutes")
        #expect(try await refusal { $0.minutes = -1 }.fields.first?.pointer == "/minutes")
        #expect(try await refusal { $0.organization = home.description }.code == "member.not_found")
        let other = try await refusal {
            $0.organization = home.description
            $0.user = root.description
        }
        #expect(other == .superAdminImmune)
    }
}
