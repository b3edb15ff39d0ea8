import Crypto
import Foundation
import NotificationsAPI
import Postgres
import Primitives
import Synchronization
import TestSupport
import Testing

@testable import GatewayService

@Suite("People over HTTP", .database(GatewayProgram.schema))
struct PeopleTests {
    @Test("somebody registers, opens the link, logs in, uses the API, renews the tokens and logs out")
    func thinPath() async throws {
        try await GatewayStand.with { stand in
            let (email, id) = try await stand.makePerson()
            let tokens = try await stand.login(email)
            #expect(tokens.status == 200, "\(tokens.text)")
            #expect(tokens.string("organization") == stand.tenant.description && tokens.string("token_type") == "Bearer")
            #expect(tokens.integer("expires_in") == 600 && tokens.string("organizations.0.role") == "org_admin")
            let me = try await stand.api(tokens.string("access_token")).get("/me")
            #expect(me.string("actor") == id.description && me.string("organization") == stand.tenant.description, "\(me.text)")
            #expect(try await stand.api(tokens.string("access_token")).get("/runs/run_1").status == 200)

            let renewed = try await stand.api("").post("/auth/refresh", ["refresh_token": tokens.string("refresh_token")])
            #expect(renewed.status == 200 && renewed.string("session") == tokens.string("session"), "\(renewed.text)")
            #expect(renewed.string("refresh_token") != tokens.string("refresh_token"))
            let user = stand.api(renewed.string("access_token"))
            #expect(try await user.get("/me").status == 200)
            #expect(try await user.post("/auth/logout").status == 204)
            try await eventually(within: .seconds(6)) { try await user.get("/me").status == 401 }
            let over = try await stand.api("").post("/auth/refresh", ["refresh_token": renewed.string("refresh_token")])
            #expect(over.status == 401 && over.string("code") == "auth.refresh_invalid")
        }
    }

    // MARK: - Links

    @Test("registering answers the same for an address that has an account, whose owner is told; links work once, and only in their own place (T54)")
    func registration() async throws {
        try await GatewayStand.with { stand in
            let nobody = stand.api("")
            let email = "bob.\(UUID().uuidString.prefix(8).lowercased())@example.com"
            let body = ["email": email, "name": "Bob", "password": "seven bright green apples"]
            let first = try await nobody.post("/auth/register", body)
            #expect(first.status == 202 && first.text == "{}")
            // Not before the link was opened.
            #expect(try await stand.login(email, password: body["password", default: ""]).status == 401)
            let mail = try #require(try await stand.mails(to: email).first)
            #expect(mail.subject == "Confirm your address for Assay" && mail.html.contains("Hello Bob,") && mail.text.contains("Hello Bob,"))
            // The jobs that carry mails hold no link that could be read.
            #expect(try await nobody.post("/auth/verification", ["email": email]).text == "{}")
            let stored = try await TestDatabase.current.administer { database in
                try await database.rows(.system, "select payload::text as text from jobs where kind = 'send-mail'") {
                    try $0.value("text", as: String.self)
                }
            }
            #expect(stored.allSatisfy { !$0.contains("token=") && !$0.contains(email) })
            let again = try await stand.link(to: email)
            for path in ["/auth/password", "/auth/email"] {
                let wrong = try await nobody.post(
                    path, path == "/auth/password" ? ["token": again, "password": "another four good words"] : ["token": again])
                #expect(wrong.status == 422 && wrong.string("code") == "auth.link_invalid")
            }
            #expect(try await nobody.post("/auth/verify", ["token": again]).status == 204)
            let old = try #require(mail.text.firstMatch(of: /token=([A-Za-z0-9_-]{43})/)).output.1
            #expect(try await nobody.post("/auth/verify", ["token": ""]).status == 422)
            for token in [again, String(old), "x", String(repeating: "A", count: 43)] {
                #expect(try await nobody.post("/auth/verify", ["token": token]).string("code") == "auth.link_invalid")
            }
            #expect(try await stand.login(email, password: body["password", default: ""]).status == 200)

            let second = try await nobody.post("/auth/register", ["email": email, "name": "Mallory", "password": "eight dark purple plums"])
            #expect(second.status == first.status && second.body == first.body)
            let notice = try #require(try await stand.mails(to: email).first)
            #expect(notice.subject == "You have an account with Assay")
            #expect(try await stand.login(email, password: "eight dark purple plums").status == 401)
            #expect(try await nobody.post("/auth/password-reset", ["email": "nobody.\(email)"]).text == "{}")
            #expect(try await stand.mails(to: "nobody.\(email)").isEmpty)
        }
    }

    @Test("what cannot be registered is told with its field; an address gets three mails an hour and no more")
    func refusedRegistration() async throws {
        try await GatewayStand.with { stand in
            let nobody = stand.api("")
            for (change, pointer) in [
                (["email": "no address"], "/email"), (["name": " "], "/name"), (["name": "a\nb"], "/name"), (["password": "short"], "/password"),
                (["password": "passwordpassword"], "/password"),
            ] {
                let body = ["email": "eve@example.com", "name": "Eve", "password": GatewayStand.password].merging(change) { $1 }
                let answer = try await nobody.post("/auth/register", body)
                #expect(answer.status == 422 && answer.string("errors.0.pointer") == pointer, "\(answer.text)")
            }
            let email = "flood.\(UUID().uuidString.prefix(8).lowercased())@example.com"
            for _ in 0..<5 {
                #expect(try await nobody.post("/auth/register", ["email": email, "name": "F", "password": GatewayStand.password]).status == 202)
            }
            #expect(try await stand.mails(to: email).count == LinkStore.maxPerHour)
            let refused = try await GatewayStand.with { other in
                other.post.isConfigured.withLock { $0 = false }
                return try await other.api("").post("/auth/password-reset", ["email": email])
            }
            #expect(refused.status == 503 && refused.string("code") == "mail.not_configured")
        }
        let closed = try await GatewayStand.with(settings: ["ASSAY_GATEWAY_REGISTRATION": "false"]) { stand in
            try await stand.api("").post("/auth/register", ["email": "eve@example.com", "name": "Eve", "password": GatewayStand.password])
        }
        #expect(closed.status == 403 && closed.string("code") == "registration.closed")
    }

    @Test("a reset ends every session, is good once and for half an hour; a password that is refused does not cost the link")
    func reset() async throws {
        try await GatewayStand.with { stand in
            let (email, _) = try await stand.makePerson()
            let tokens = try await stand.login(email)
            let nobody = stand.api("")
            #expect(try await nobody.post("/auth/password-reset", ["email": email]).status == 202)
            let link = try await stand.link(to: email)
            #expect(try await nobody.post("/auth/password", ["token": link, "password": "short"]).string("code") == "request.invalid")
            #expect(try await nobody.post("/auth/password", ["token": link, "password": "nine old grey donkeys"]).status == 204)
            #expect(try await nobody.post("/auth/password", ["token": link, "password": "ten old grey donkeys!"]).status == 422)
            #expect(try await stand.mails(to: email).map(\.subject) == ["Your password for Assay was changed"])
            #expect(try await nobody.post("/auth/refresh", ["refresh_token": tokens.string("refresh_token")]).status == 401)
            try await eventually(within: .seconds(6)) { try await stand.api(tokens.string("access_token")).get("/me").status == 401 }
            #expect(try await stand.login(email).status == 401)
            #expect(try await stand.login(email, password: "nine old grey donkeys").status == 200)

            #expect(try await nobody.post("/auth/password-reset", ["email": email]).status == 202)
            let late = try await stand.link(to: email)
            try await TestDatabase.current.database.execute(
                .system, "update mailed_links set expires_at = expires_at - interval '30 minutes' where email = \(email)")
            #expect(
                try await nobody.post("/auth/password", ["token": late, "password": "ten old grey donkeys!"]).string("code") == "auth.link_invalid")
        }
    }

    @Test("an administrator has a member mailed a link, and nobody else's people")
    func resetByAdmin() async throws {
        try await GatewayStand.with { stand in
            let (email, id) = try await stand.makePerson(role: .viewer)
            #expect(try await stand.api.post("/members/\(id)/x:reset-password").status == 404)
            #expect(try await stand.api.post("/members/\(id):reset-password").status == 202)
            let mail = try #require(try await stand.mails(to: email).first)
            #expect(mail.text.contains("an administrator of your organization"))
            let other = try await GatewayStand.makeTenant(TestDatabase.current.database)
            let stranger = stand.api(try await GatewayStand.makeKey(stand.keys, tenant: other, scopes: [.orgAdmin]))
            let refused = try await stranger.post("/members/\(id):reset-password")
            #expect(refused.status == 404 && refused.string("code") == "member.not_found")
            let member = stand.api(try await stand.login(email).string("access_token"))
            #expect(try await member.post("/members/\(id):reset-password").status == 403)
        }
    }

    // MARK: - The account

    @Test("what is sensitive asks for the password again; a new one ends the other sessions, a new address works once its link was opened")
    func account() async throws {
        try await GatewayStand.with { stand in
            let (email, _) = try await stand.makePerson()
            let other = try await stand.login(email)
            let user = stand.api(try await stand.login(email).string("access_token"))
            let renamed = try await user.send(
                "PATCH", "/me/profile", body: Data(#"{"name":"Ann B."}"#.utf8), headers: ["Content-Type": "application/json", "If-Match": "*"])
            #expect(renamed.status == 200 && renamed.string("name") == "Ann B.")
            #expect(try await user.post("/me/password", ["current_password": "x", "password": "eleven small blue birds"]).status == 403)
            let change = ["current_password": GatewayStand.password, "password": "eleven small blue birds"]
            #expect(try await user.post("/me/password", change).status == 204)
            #expect(try await stand.api("").post("/auth/refresh", ["refresh_token": other.string("refresh_token")]).status == 401)
            #expect(try await user.get("/me").status == 200)

            let address = "new.\(email)"
            #expect(try await user.post("/me/email", ["current_password": "eleven small blue birds", "email": address]).status == 202)
            #expect(try await stand.mails(to: email).last?.subject == "Your address for Assay is about to change")
            #expect(try await stand.login(address, password: "eleven small blue birds").status == 401)
            #expect(try await stand.api("").post("/auth/email", ["token": stand.link(to: address)]).status == 204)
            #expect(try await stand.login(address, password: "eleven small blue birds").status == 200)
            #expect(try await stand.login(email, password: "eleven small blue birds").status == 401)
            let profile = try await user.get("/me/profile")
            #expect(profile.string("email") == address && profile["second_factor"] as? Bool == false, "\(profile.text)")
            // Keys have no account.
            for path in ["/me/profile", "/me/sessions"] {
                let refused = try await stand.api.get(path)
                #expect(refused.status == 403 && refused.string("code") == "auth.person_needed")
            }
        }
    }

    // MARK: - Organizations

    @Test("one person in two organizations has tokens for one at a time; whoever has left one is refused there, and nowhere else")
    func organizations() async throws {
        try await GatewayStand.with { stand in
            let (email, id) = try await stand.makePerson(role: nil)
            let alone = try await stand.login(email)
            #expect(alone.status == 200 && alone.string("organization").isEmpty, "\(alone.text)")
            let homeless = stand.api(alone.string("access_token"))
            #expect(try await homeless.get("/me").string("actor") == id.description)
            let nowhere = try await homeless.get("/projects")
            #expect(nowhere.string("code") == "permission.missing" && nowhere.string("detail").contains("in no organization"), "\(nowhere.text)")
            #expect(try await homeless.get("/runs/run_1").status == 403)

            let other = try await GatewayStand.makeTenant(TestDatabase.current.database, name: "Other")
            try await stand.join(id, .viewer)
            try await stand.join(id, .organizationAdmin, other)
            let first = try await stand.login(email)
            #expect(first.string("organization") == stand.tenant.description && (first["organizations"] as? [Any])?.count == 2)
            let viewer = stand.api(first.string("access_token"))
            #expect(try await viewer.get("/runs/run_1").status == 200)
            #expect(try await viewer.post("/projects", ["name": "x"]).string("code") == "permission.missing")
            let switched = try await viewer.post("/auth/switch", ["organization": other.description])
            #expect(switched.string("organization") == other.description, "\(switched.text)")
            #expect(try await stand.api(switched.string("access_token")).get("/me").string("organization") == other.description)
            // The last one used is the next one's.
            #expect(try await stand.login(email).string("organization") == other.description)
            #expect(try await stand.login(email, ["organization": stand.tenant.description]).string("organization") == stand.tenant.description)
            let strange = try await viewer.post("/auth/switch", ["organization": ID<Tenant>.new().description])
            #expect(strange.status == 403 && strange.string("code") == "auth.not_a_member")

            try await TestDatabase.current.database.execute(
                .tenant(other), "delete from users where tenant_id = \(other) and id = \(id)")
            try await eventually(within: .seconds(6)) { try await stand.api(switched.string("access_token")).get("/me").status == 401 }
            #expect(try await viewer.get("/me").status == 200)
        }
    }

    @Test("the keys of access tokens are where libraries look for them, without anything private")
    func keySet() async throws {
        try await GatewayStand.with { stand in
            let (email, _) = try await stand.makePerson()
            let token = try await stand.login(email).string("access_token")
            let document = try await APIClient(url: stand.url, key: "").get("/.well-known/jwks.json")
            #expect(document.status == 200 && document.headers["content-type"] == "application/jwk-set+json")
            #expect(document["keys.0.d"] == nil && document.string("keys.0.alg") == "ES256")
            let x = try #require(Data(base64URL: document.string("keys.0.x")))
            let y = try #require(Data(base64URL: document.string("keys.0.y")))
            let key = try P256.Signing.PublicKey(rawRepresentation: x + y)
            let parts = token.split(separator: ".")
            let signature = try P256.Signing.ECDSASignature(rawRepresentation: try #require(Data(base64URL: parts[2])))
            #expect(key.isValidSignature(signature, for: Data((parts[0] + "." + parts[1]).utf8)))
            let changed = String(token.dropLast(2)) + (token.hasSuffix("AA") ? "BB" : "AA")
            for text in ["eyJ", changed, token + "." + token, "eyJ" + String(repeating: "a", count: 7_000)] {
                let refused = try await stand.api(text).get("/me")
                #expect(refused.status == 401 && refused.string("code") == "auth.token_invalid", "\(refused.text)")
                #expect(refused.headers["www-authenticate"] == "Bearer error=\"invalid_token\"")
            }
        }
    }
}
