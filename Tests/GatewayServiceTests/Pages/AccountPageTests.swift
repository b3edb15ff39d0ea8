import Foundation
import Primitives
import TestSupport
import Testing

@testable import GatewayService

@Suite("The pages of people", .database(GatewayProgram.schema))
struct AccountPageTests {
    private func with(_ body: (GatewayStand, PageBrowser) async throws -> Void) async throws {
        let routes = try PageGallery().site.routes
        try await GatewayStand.with(pages: routes) { stand in try await body(stand, PageBrowser(stand)) }
    }

    private func signIn(_ browser: PageBrowser, _ email: String, _ password: String = GatewayStand.password, code: String = "") async throws
        -> PageBrowser.Answer
    {
        let form = try await browser.get("/sign-in")
        return try await browser.post(
            "/sign-in", ["email": email, "password": password, "code": code, "form_token": form.field("form_token"), "return_to": "/"])
    }

    @Test("somebody registers with forms, opens the link by a button, and signs in under an id that nobody has seen (T51)")
    func registering() async throws {
        try await with { stand, browser in
            let email = "cleo.\(UUID().uuidString.prefix(8).lowercased())@example.com"
            let form = try await browser.get("/register")
            let fields = ["name": "Cleo <b>", "email": email, "password": "short", "form_token": form.field("form_token")]
            #expect(try await browser.post("/register", fields, site: "cross-site").status == 403)
            let refused = try await browser.post("/register", fields)
            #expect(refused.status == 422 && refused.body.contains("at least 15 characters") && refused.body.contains("Cleo &lt;b&gt;"))
            #expect(!refused.body.contains("value=\"short\""), "a password does not come back")
            let token = refused.field("form_token")
            let done = try await browser.post("/register", fields.merging(["password": GatewayStand.password, "form_token": token]) { $1 })
            #expect(done.status == 200 && done.body.contains("Look into your mail"))

            let link = try await stand.link(to: email)
            let page = try await browser.get("/verify?token=\(link)")
            #expect(page.status == 200 && page.field("token") == link)
            // Looking does not use it up; only our own form does.
            #expect(try await browser.post("/verify", ["token": link]).status == 403)
            let verified = try await browser.post("/verify", ["token": link, "form_token": page.field("form_token")])
            #expect(verified.body.contains("You can sign in now"), "\(verified.body)")
            let again = try await browser.get("/verify?token=\(link)")
            #expect(
                try await browser.post("/verify", ["token": link, "form_token": again.field("form_token")]).body.contains("This link is not valid"))

            let planted = String(repeating: "a", count: 64)
            await browser.setCookie("assay_session", planted)
            let entered = try await signIn(browser, email)
            #expect(entered.status == 303 && entered.headers["location"] == "/account", "\(entered.body)")
            let cookie = await browser.sessionCookie
            #expect(cookie != nil && cookie != planted)
            let account = try await browser.get("/account")
            #expect(account.status == 200 && account.body.contains("You belong to no organization yet") && account.body.contains(email))
        }
    }

    @Test("a person sees their pages; wrong passwords are told in words, and waiting in seconds")
    func signingIn() async throws {
        try await with { stand, browser in
            let (email, id) = try await stand.makePerson()
            for _ in 0..<5 { #expect(try await signIn(browser, email, "wrong").status == 401) }
            let waiting = try await signIn(browser, email)
            #expect(waiting.status == 429 && waiting.body.contains("Please wait") && waiting.body.contains("value=\"\(email)\""))
            try await stand.people.sessions.signIn.tries.withdraw(.init(account: email, network: "127.0.0.1"), now: Date())
            let entered = try await signIn(browser, email)
            #expect(entered.status == 303 && entered.headers["location"] == "/")
            let account = try await browser.get("/account")
            #expect(account.body.contains("Acme") && account.body.contains("this one"))
            #expect(try await browser.get("/projects/web").status == 200)
            _ = id
        }
    }

    @Test("name, password and second factor are changed by forms of our own, each with the password where it matters")
    func changing() async throws {
        try await with { stand, browser in
            let (email, _) = try await stand.makePerson()
            _ = try await signIn(browser, email)
            let page = try await browser.get("/account")
            let (token, version) = (page.field("form_token"), page.field("version"))
            #expect(try await browser.post("/account/name", ["name": "Zoe"]).status == 403)
            let named = try await browser.post("/account/name", ["name": "Zoe", "version": version, "form_token": token])
            #expect(named.status == 303 && named.headers["location"] == "/account?done=name")
            let late = try await browser.post("/account/name", ["name": "Yan", "version": version, "form_token": token])
            #expect(late.status == 412 && late.body.contains("Somebody else has changed this") && late.body.contains("value=\"Zoe\""))
            #expect(try await browser.get("/account?done=name").body.contains("Your name was changed"))
            #expect(try await !browser.get("/account?done=%3Cscript%3E").body.contains("<script>"))
            let wrong = try await browser.post("/account/password", ["current": "x", "password": "eleven small blue birds", "form_token": token])
            #expect(wrong.status == 403 && wrong.body.contains("The current password is not right"))
            let old = await browser.sessionCookie
            let change = ["current": GatewayStand.password, "password": "eleven small blue birds", "form_token": token]
            #expect(try await browser.post("/account/password", change).headers["location"] == "/account?done=password")
            let renewed = await browser.sessionCookie
            #expect(renewed != nil && renewed != old, "the session goes on under another id")
            await browser.setCookie("assay_session", old)
            try await eventually(within: .seconds(6)) { try await browser.get("/account").status == 303 }
            await browser.setCookie("assay_session", renewed)
            let fresh = try await browser.get("/account").field("form_token")

            let begun = try await browser.post("/account/second-factor", ["current": "eleven small blue birds", "form_token": fresh])
            #expect(begun.status == 200 && begun.body.contains("otpauth://totp/Assay:"))
            let person = try #require(try await stand.people.sessions.people.find(EmailAddress(email)))
            guard case .begun(let sealed) = person.secondFactor else {
                Issue.record("no second factor was begun")
                return
            }
            let secret = OneTimePassword(secret: try await stand.people.sessions.signIn.factors.open(sealed, of: person))
            let refused = try await browser.post("/account/second-factor/confirm", ["code": "000000", "form_token": fresh])
            #expect(refused.status == 403 && refused.body.contains("The code is not right"))
            let step = OneTimePassword.step(at: Date())
            let on = try await browser.post("/account/second-factor/confirm", ["code": secret.code(step: step), "form_token": fresh])
            #expect(on.body.matches(of: /\b[a-z2-9]{5}-[a-z2-9]{5}\n/).count == 10)
            await browser.setCookie("assay_session", nil)
            let half = try await signIn(browser, email, "eleven small blue birds")
            #expect(half.status == 401 && half.body.contains("of your app, or a recovery code"))
            #expect(try await signIn(browser, email, "eleven small blue birds", code: secret.code(step: step + 1)).status == 303)
        }
    }

    @Test("signing out everywhere ends this browser's session and all others")
    func everywhere() async throws {
        try await with { stand, browser in
            let (email, _) = try await stand.makePerson()
            let other = PageBrowser(stand)
            _ = try await signIn(other, email)
            _ = try await signIn(browser, email)
            let page = try await browser.get("/account")
            let end = try #require(page.body.firstMatch(of: /\/account\/sessions\/ses_[0-9a-z]+\/end/)).output
            #expect(try await browser.post(String(end), ["form_token": page.field("form_token")]).headers["location"] == "/account?done=session")
            try await eventually(within: .seconds(6)) { try await other.get("/account").status == 303 }
            _ = try await signIn(other, email)
            let out = try await browser.post("/account/sessions/end-all", ["form_token": page.field("form_token")])
            #expect(out.status == 303 && out.headers["location"] == "/sign-in")
            #expect(await browser.sessionCookie == nil)
            try await eventually(within: .seconds(6)) { try await other.get("/account").status == 303 }
        }
    }

    @Test("a forgotten password is set with the mailed link")
    func forgotten() async throws {
        try await with { stand, browser in
            let (email, _) = try await stand.makePerson()
            let form = try await browser.get("/forgot-password")
            let known = try await browser.post("/forgot-password", ["email": email, "form_token": form.field("form_token")])
            let again = try await browser.get("/forgot-password")
            let unknown = try await browser.post("/forgot-password", ["email": "x\(email)", "form_token": again.field("form_token")])
            #expect(known.body.contains("If the address has an account") && unknown.body.contains("If the address has an account"))
            let link = try await stand.link(to: email)
            let page = try await browser.get("/reset-password?token=\(link)")
            let set = try await browser.post(
                "/reset-password", ["token": link, "password": "eleven small blue birds", "form_token": page.field("form_token")])
            #expect(set.status == 200 && set.body.contains("You can sign in with it now"), "\(set.body)")
            #expect(try await signIn(browser, email, "eleven small blue birds").status == 303)
        }
    }
}
