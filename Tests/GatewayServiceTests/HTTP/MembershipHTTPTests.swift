import Foundation
import Postgres
import Primitives
import TestSupport
import Testing

@testable import GatewayService

/// Suspension, other people's places and the pages about people, as a client sees them.
@Suite("Membership over HTTP", .database(GatewayProgram.schema))
struct MembershipHTTPTests {
    private let database = TestDatabase.current.database

    private func person(_ email: String) async throws -> ID<User> {
        let id = ID<User>.new()
        try await database.execute(
            .system, "insert into people (id, email, name, email_verified_at) values (\(id), \(email), \("Ada <script>"), now())")
        return id
    }

    @Test("a suspended organization is refused everywhere within five seconds, with a clear answer, and let in again when activated")
    func suspended() async throws {
        try await GatewayStand.with { stand in
            #expect(try await stand.api.get("/me").status == 200)
            let installation = InstallationStore(database: database)
            try await installation.suspend(stand.tenant, reason: "unpaid")
            let started = ContinuousClock.now
            try await eventually(within: .seconds(5)) {
                let answer = try await stand.api.get("/me")
                return answer.status == 403 && answer.string("code") == "organization.suspended"
            }
            print("suspension: refused after \(ContinuousClock.now - started)")
            #expect(try await !stand.api.get("/projects").text.contains("unpaid"))
            try await installation.activate(stand.tenant)
            try await eventually(within: .seconds(5)) { try await stand.api.get("/me").status == 200 }
        }
    }

    @Test("a super admin in somebody's place is named, held back from what outlasts the hour, and out when it ends")
    func impersonation() async throws {
        let email = "root-\(UUID().uuidString.lowercased())@example.com"
        let routes = try PageGallery().site.routes
        try await GatewayStand.with(settings: ["ASSAY_GATEWAY_SUPER_ADMINS": email], pages: routes) { stand in
            let root = try await person(email)
            let member = try await person("\(UUID().uuidString.lowercased())@example.com")
            try await database.execute(
                .tenant(stand.tenant),
                "insert into users (tenant_id, id, name, role) values (\(stand.tenant), \(member), \("Ada"), \("org_admin"))")
            let token = SessionCookie.newToken()
            let store = ImpersonationStore(database: database, members: MemberStore(database: database))
            let made = try await database.transaction(.tenant(stand.tenant)) { tx in
                try await store.insert(
                    user: member, impersonator: root, reason: "ticket", readOnly: false, minutes: 5, digest: SecretDigest(token),
                    tenant: stand.tenant, in: tx)
            }
            let api = stand.api(token)
            let seen = try await api.get("/me")
            #expect(seen.status == 200 && seen.string("actor") == "\(member)" && seen.string("impersonator") == "\(root)", "\(seen.text)")
            for path in ["/keys", "/invitations", "/roles"] {
                let refused = try await api.post(path)
                #expect(refused.status == 403 && refused.string("code") == "permission.missing", "\(refused.text)")
            }
            // A session of the person's own would go on when the hour is over.
            let switching = try await api.post("/auth/switch", ["organization": "\(stand.tenant)"])
            #expect(switching.status == 403 && switching.string("code") == "impersonation.not_allowed", "\(switching.text)")
            let browser = PageBrowser(stand)
            await browser.setCookie("assay_session", token)
            let page = try await browser.get("/members")
            #expect(page.status == 200 && page.body.contains("You act in the place of \(member)"), "\(page.body)")
            try await database.transaction(.system) { tx in _ = try await store.end(made.id, in: tx) }
            try await eventually(within: .seconds(5)) { try await api.get("/me").status == 401 }
        }
    }

    @Test("people are invited and changed on the page about members, by its own forms only")
    func members() async throws {
        let routes = try PageGallery().site.routes
        try await GatewayStand.with(pages: routes) { stand in
            let browser = PageBrowser(stand)
            _ = try await browser.signIn()
            let member = try await person("\(UUID().uuidString.lowercased())@example.com")
            try await database.execute(
                .tenant(stand.tenant),
                "insert into users (tenant_id, id, name, role) values (\(stand.tenant), \(member), \("Ada"), \("viewer"))")
            let page = try await browser.get("/members")
            #expect(page.status == 200 && page.body.contains("Ada &lt;script&gt;") && !page.body.contains("/admin"))
            let token = page.field("form_token")
            #expect(try await browser.post("/members", ["email": "a@example.com", "role": "viewer"]).status == 403)
            let invited = try await browser.post("/members", ["email": "a@example.com", "role": "viewer", "form_token": token])
            #expect(invited.status == 200 && invited.body.contains("/invitation?token="))
            let wrong = try await browser.post("/members", ["email": "nobody", "role": "viewer", "form_token": token])
            #expect(wrong.status == 422 && wrong.body.contains("This is not an e-mail address."))
            let fields = ["action": "role", "role": "qa_lead", "version": page.field("version"), "form_token": token]
            let changed = try await browser.post("/members/\(member)", fields)
            #expect(changed.status == 303 && changed.headers["location"] == "/members")
            #expect(try await stand.api.get("/members/\(member)").string("role") == "qa_lead")
            // A page that was opened before that shows what has become of it.
            let late = try await browser.post("/members/\(member)", fields.merging(["role": "viewer"]) { $1 })
            #expect(late.status == 412 && late.body.contains("Somebody else has changed this"), "\(late.body)")
            #expect(try await stand.api.get("/members/\(member)").string("role") == "qa_lead")
            #expect(try await browser.post("/members/\(member)", ["action": "deactivate", "form_token": token]).status == 303)
            #expect(try await stand.api.get("/members/\(member)")["active"] as? Bool == false)
            // No key is a super admin's.
            #expect(try await browser.get("/admin").status == 403)
            let link = try #require(invited.body.firstMatch(of: /token=([A-Za-z0-9_-]{43})/)).output.1
            let stranger = PageBrowser(stand)
            #expect(try await stranger.get("/invitation?token=\(link)").status == 200)
            let nameless = try await stranger.post("/invitation", ["token": String(link), "name": ""])
            #expect(nameless.status == 422 && nameless.body.contains("has no account yet"))
            #expect(try await stranger.post("/invitation", ["token": String(link), "name": "Eve"], site: "cross-site").status == 403)
            let accepted = try await stranger.post("/invitation", ["token": String(link), "name": "Grace"])
            #expect(accepted.status == 200 && accepted.body.contains("You belong to"))
            #expect(try await stranger.post("/invitation", ["token": String(link), "name": "Grace"]).status == 404)
        }
    }
}
