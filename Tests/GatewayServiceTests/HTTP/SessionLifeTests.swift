import Foundation
import Postgres
import Primitives
import TestSupport
import Testing

@testable import GatewayService

/// Administrators' sessions are shorter than others' (R51).
@Suite("How long sessions go on", .database(GatewayProgram.schema), .timeLimit(.minutes(1)))
struct SessionLifeTests {
    @Test(
        "an administrator's session ends half an hour after its last use, and twelve hours after the login whatever its use",
        arguments: [
            // Minutes since the login and since the last use.
            (0, 0, false), (29, 29, false), (30, 30, true), (31, 31, true), (100, 29, false), (719, 0, false), (720, 0, true), (900, 1, true),
        ])
    func administrator(began: Int, seen: Int, isOver: Bool) {
        let now = Date()
        let life = SessionLife.administrator
        #expect(life.isOver(began: now - TimeInterval(began * 60), seen: now - TimeInterval(seen * 60), now: now) == isOver)
    }

    @Test("an administrator is who can let somebody in: both admins of every organization, custom roles that hold as much, super admins")
    func whose() {
        let shorter = Role.allCases.filter { SessionLife.shorter(holding: $0.permissions) != nil }
        #expect(shorter == [.admin, .organizationAdmin])
        for permission in ["keys.write", "members.write", "roles.write", "organization.write", "admin.read", "admin.write"] {
            #expect(SessionLife.shorter(holding: ["runs.read", permission]) == .administrator)
        }
        #expect(SessionLife.shorter(holding: ["members.read", "keys.read", "runs.trigger"]) == nil)
    }

    /// To the second.
    private static func date(_ text: String) throws -> Date { try Date(text.prefix(19) + "Z", strategy: .iso8601) }

    private func begin(_ stand: GatewayStand, _ role: Role) async throws -> (person: ID<User>, digest: SecretDigest) {
        let (_, person) = try await stand.makePerson(role: role)
        let digest = SecretDigest(SessionCookie.newToken())
        try await stand.people.sessions.store.insert(
            .new(), person: person, tenant: stand.tenant, from: .init(address: "192.0.2.1", userAgent: ""), digest: digest)
        return (person, digest)
    }

    @Test("the clock goes on: a browser's session of an administrator is over where a viewer's goes on")
    func browsers() async throws {
        try await GatewayStand.with { stand in
            let start = Date()
            func isGood(_ digest: SecretDigest, after minutes: Double) async throws -> Bool {
                try await stand.people.sessions.identity(cookie: digest, from: "192.0.2.1", now: start + minutes * 60) != nil
            }
            for (role, isShort) in [(Role.organizationAdmin, true), (.admin, true), (.qaLead, false), (.viewer, false)] {
                let (person, digest) = try await begin(stand, role)
                #expect(try await isGood(digest, after: 29.5))
                #expect(try await isGood(digest, after: 30.5) == !isShort, "\(role)")
                let database = TestDatabase.current.database
                try await database.execute(
                    .tenant(stand.tenant),
                    "update sessions set created_at = \(start - 11 * 3_600), seen_at = \(start) where digest = \(digest.data)")
                #expect(try await isGood(digest, after: 29))
                try await database.execute(
                    .tenant(stand.tenant),
                    "update sessions set created_at = \(start - 12 * 3_600), seen_at = \(start) where digest = \(digest.data)")
                #expect(try await isGood(digest, after: 0.1) == !isShort, "\(role)")
                // What counts is what somebody may do now, not what they could when they signed in.
                try await database.execute(
                    .tenant(stand.tenant), "update users set role = 'org_admin' where tenant_id = \(stand.tenant) and id = \(person)")
                #expect(try await !isGood(digest, after: 0.1))
            }
        }
    }

    @Test("a session with a key that can make keys is an administrator's")
    func keys() async throws {
        try await GatewayStand.with { stand in
            for (scopes, isShort) in [(Set([KeyScope.orgAdmin]), true), ([.resultsRead], false)] {
                _ = try await stand.makeKey(scopes)
                let key = try #require(try await stand.keys.list(PageRequest(limit: 1, cursor: ""), tenant: stand.tenant).items.first).id
                let digest = SecretDigest(SessionCookie.newToken())
                try await stand.people.sessions.store.insert(digest, key: key, tenant: stand.tenant)
                let late = try await stand.people.sessions.identity(cookie: digest, from: "", now: Date() + 31 * 60)
                #expect((late == nil) == isShort)
            }
        }
    }

    @Test("tokens of an administrator are refused after half an hour without use, refreshing included; a viewer's are not")
    func tokens() async throws {
        try await GatewayStand.with { stand in
            for (role, isShort) in [(Role.organizationAdmin, true), (.viewer, false)] {
                let (email, person) = try await stand.makePerson(role: role)
                let tokens = try await stand.login(email)
                let ends = try Self.date(tokens.string("session_expires_at"))
                #expect(abs(ends.timeIntervalSinceNow - (isShort ? 12 * 3_600 : 30 * 86_400)) < 60, "\(role): \(ends)")
                try await TestDatabase.current.database.execute(
                    .tenant(stand.tenant), "update sessions set seen_at = now() - interval '31 minutes' where person_id = \(person)")
                let late = try await stand.api(tokens.string("access_token")).get("/me")
                #expect(late.status == (isShort ? 401 : 200), "\(role): \(late.text)")
                let renewed = try await stand.api("").post("/auth/refresh", ["refresh_token": tokens.string("refresh_token")])
                #expect(renewed.status == (isShort ? 401 : 200), "\(role): \(renewed.text)")
            }
        }
    }

    @Test("switching organizations makes no login younger, and the list says when each session ends")
    func switching() async throws {
        try await GatewayStand.with { stand in
            let (email, person) = try await stand.makePerson(role: .viewer)
            let database = TestDatabase.current.database
            let administered = try await GatewayStand.makeTenant(database)
            let another = try await GatewayStand.makeTenant(database)
            try await stand.join(person, .organizationAdmin, administered)
            try await stand.join(person, .viewer, another)
            let user = stand.api(try await stand.login(email, ["organization": "\(stand.tenant)"]).string("access_token"))
            let began = Date() - 11 * 3_600
            try await database.execute(
                .system, "update sessions set created_at = \(began), expires_at = \(began + RefreshDecision.longest) where person_id = \(person)")
            func change(to tenant: ID<Tenant>) async throws -> APIAnswer { try await user.post("/auth/switch", ["organization": "\(tenant)"]) }
            let inTime = try await change(to: administered)
            #expect(inTime.status == 200, "\(inTime.text)")
            let listed = try #require(try await user.get("/me/sessions")["data"] as? [[String: Any]])
            let ends = try listed.reduce(into: [String: Date]()) { ends, row in
                ends[row["organization"] as? String ?? ""] = try Self.date(row["expires_at"] as? String ?? "")
            }
            #expect(abs(try #require(ends["\(administered)"]).timeIntervalSince(began) - 12 * 3_600) < 2)
            #expect(abs(try #require(ends["\(stand.tenant)"]).timeIntervalSince(began) - 30 * 86_400) < 2)
            try await database.execute(.system, "update sessions set created_at = created_at - interval '2 hours' where person_id = \(person)")
            let late = try await change(to: administered)
            #expect(late.status == 401 && late.string("code") == "auth.login_too_old", "\(late.text)")
            #expect(try await change(to: another).status == 200)
        }
    }
}
