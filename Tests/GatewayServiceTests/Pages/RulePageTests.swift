import Foundation
import Synchronization
import TestSupport
import Testing
import ValidationAPI

@testable import GatewayService

@Suite("Pages of rules", .database(GatewayProgram.schema))
struct RulePageTests {
    private func with(_ body: (GatewayStand, PageBrowser) async throws -> Void) async throws {
        try await GatewayStand.with(pages: PageGallery().site.routes) { stand in try await body(stand, PageBrowser(stand)) }
    }

    private static let draft = [
        "name": "Sandbox", "pattern": "sandbox\\.pay", "category": "\(PBCategory.Value.environment.rawValue)",
        "severity": "\(PBSeverity.Value.high.rawValue)",
        "order": "50", "place_message": "1", "place_trace": "1", "enabled": "1",
    ]

    @Test("a rule is tried on the last failures, saved, changed and deleted by forms")
    func write() async throws {
        try await with { stand, browser in
            _ = try await browser.signIn()
            let empty = try await browser.get("/projects/web/rules")
            #expect(empty.status == 200 && empty.body.contains("No rule of its own"))
            let form = try await browser.get(empty.link("New rule"))
            var fields = Self.draft
            fields["form_token"] = form.field("form_token")
            fields["action"] = "test"
            let tried = try await browser.post("/projects/web/rules/new", fields)
            #expect(tried.status == 200)
            #expect(tried.body.contains("1,000 failures") && tried.body.contains("sandbox.pay.example: connection refused"))
            #expect(tried.body.contains("pays 19") && !tried.body.contains("pays 20") && tried.body.contains("And 5 more."))
            #expect(tried.body.contains("sandbox\\.pay</textarea>"), "what was written is still there")
            #expect(stand.fake.rules.state.withLock { $0.rules.isEmpty })

            fields["action"] = "save"
            let saved = try await browser.post("/projects/web/rules/new", fields)
            #expect(saved.status == 303 && saved.headers["location"] == "/projects/web/rules")
            let rule = try #require(stand.fake.rules.state.withLock { $0.rules.first })
            #expect(rule.places == [.message, .trace] && rule.order == 50 && rule.category == .environment && rule.enabled)
            let listed = try await browser.get("/projects/web/rules")
            #expect(listed.body.contains("sandbox\\.pay") && listed.body.contains("message, trace"))
            let path = listed.link("Sandbox")
            let shown = try await browser.get(path)
            #expect(shown.field("version") == "1")
            fields["version"] = "1"
            fields["pattern"] = "line one\r\nline two"
            fields["enabled"] = nil
            #expect(try await browser.post(path, fields).status == 303)
            #expect(stand.fake.rules.state.withLock { $0.rules.first?.pattern } == "line one\nline two")
            #expect(stand.fake.rules.state.withLock { $0.rules.first?.enabled } == false)

            // Somebody was quicker: what was written stays, and what is saved is shown.
            fields["pattern"] = "mine"
            let stale = try await browser.post(path, fields)
            #expect(stale.status == 412 && stale.body.contains("Somebody else has changed this"))
            #expect(stale.body.contains("As it is saved now") && stale.body.contains("mine</textarea>") && stale.field("version") == "2")
            fields["action"] = "delete"
            fields["version"] = stale.field("version")
            #expect(try await browser.post(path, fields).status == 303)
            #expect(stand.fake.rules.state.withLock { $0.rules.isEmpty })
        }
    }

    @Test("what is wrong with a rule stands beside its field")
    func refusals() async throws {
        try await with { stand, browser in
            _ = try await browser.signIn()
            var fields = Self.draft
            fields["form_token"] = try await browser.get("/projects/web/rules/new").field("form_token")
            fields["action"] = "save"
            #expect(try await browser.post("/projects/web/rules/new", fields).status == 303)
            let taken = try await browser.post("/projects/web/rules/new", fields)
            #expect(taken.status == 409 && taken.body.contains(#"id="name-error" role="alert">Choose another."#))
            fields["pattern"] = "(refused"
            for action in ["test", "save"] {
                fields["action"] = action
                let malformed = try await browser.post("/projects/web/rules/new", fields)
                #expect(malformed.status == 422)
                #expect(malformed.body.contains(#"id="pattern-error" role="alert">At byte 1: missing closing parenthesis."#))
                #expect(malformed.body.contains("(refused</textarea>"))
            }
            fields["pattern"] = "refused"
            fields["order"] = "first"
            #expect(try await browser.post("/projects/web/rules/new", fields).body.contains("The order is from 1 to 1,000."))
            fields["form_token"] = nil
            #expect(try await browser.post("/projects/web/rules/new", fields).status == 403)
            #expect(try await browser.get("/projects/web/rules/rul_9").status == 404)
        }
    }

    @Test("who may only read sees rules, their history, and no button")
    func reading() async throws {
        try await with { stand, browser in
            _ = try await browser.signIn()
            var fields = Self.draft
            fields["form_token"] = try await browser.get("/projects/web/rules/new").field("form_token")
            fields["action"] = "save"
            _ = try await browser.post("/projects/web/rules/new", fields)
            let reader = PageBrowser(stand)
            _ = try await reader.signIn(key: stand.makeKey([.resultsRead]))
            let list = try await reader.get("/projects/web/rules")
            #expect(list.status == 200 && list.body.contains("Sandbox") && !list.body.contains("New rule"))
            let rule = try await reader.get("/projects/web/rules/rul_1")
            #expect(rule.status == 200 && !rule.body.contains("name=\"action\"") && rule.body.contains("disabled"))
            #expect(try await reader.get("/projects/web/rules/new").status == 403)
            fields["form_token"] = rule.field("form_token")
            fields["version"] = "1"
            let refused = try await reader.post("/projects/web/rules/rul_1", fields)
            #expect(refused.status == 403 && refused.body.contains("role=\"alert\""))
            let history = try await reader.get(list.link("History"))
            #expect(history.body.contains("Made") && history.body.contains("Assay"))
            let edition = try await reader.get(history.link("Rules of edition 1"))
            #expect(edition.status == 200 && edition.body.contains("as they were in edition 1"))
            #expect(try await reader.get("/projects/web/rules/editions/x").status == 404)
            #expect(try await !reader.get("/projects/web/rules/judgings").body.contains("<button class=\"primary\""))
        }
    }

    @Test("judging again is started once, and its progress shown")
    func judging() async throws {
        try await with { _, browser in
            _ = try await browser.signIn()
            let page = try await browser.get("/projects/web/rules/judgings")
            #expect(page.body.contains("Never judged again") && !page.body.contains("progress.js"))
            let form = ["form_token": page.field("form_token")]
            #expect(try await browser.post("/projects/web/rules/judgings", form).headers["location"] == "/projects/web/rules/judgings")
            let running = try await browser.get("/projects/web/rules/judgings")
            #expect(running.body.contains("500 of 2,000 failures") && running.body.contains("value=\"25\"") && running.body.contains("progress.js"))
            #expect(!running.body.contains("<button class=\"primary\""))
            let second = try await browser.post("/projects/web/rules/judgings", form)
            #expect(second.status == 409 && second.body.contains("are being judged again already"))
        }
    }
}
