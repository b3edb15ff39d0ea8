import ExecutionAPI
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import GatewayService

@Suite("Pages of secrets", .database(GatewayProgram.schema))
struct SecretPageTests {
    private func with(_ body: (GatewayStand, PageBrowser) async throws -> Void) async throws {
        try await GatewayStand.with(pages: PageGallery().site.routes) { stand in try await body(stand, PageBrowser(stand)) }
    }

    private static let path = "/projects/web/secrets"
    /// In every value that a test writes, and in no answer.
    private static let mark = "s3cr3t"
    private static let value = "  \(mark)+of%20a & test <b> "

    private static func fields(_ page: PageBrowser.Answer) -> [String: String] {
        [
            "form_token": page.field("form_token"), "once": page.field("once"), "name": " API_TOKEN ", "environment": "staging", "value": value,
            "hosts": "https://api.example.com\r\n\r\n https://*.example.org \r\n",
        ]
    }

    private static func isSilent(_ answer: PageBrowser.Answer) -> Bool { !(answer.body + "\(answer.headers)").contains(mark) }

    @Test("a secret is added by the form with its value to the letter, which is in no answer")
    func add() async throws {
        try await with { stand, browser in
            _ = try await browser.signIn()
            let empty = try await browser.get(Self.path)
            #expect(empty.status == 200 && empty.body.contains("No secret yet") && empty.body.contains("{{secret.API_TOKEN}}"))
            #expect(empty.body.contains(#"<input name="value" type="password" autocomplete="new-password" required"#))
            #expect(try await browser.get("/projects/web/suites").link("Secrets") == Self.path)
            let added = try await browser.post(Self.path, Self.fields(empty))
            #expect(added.status == 303 && added.headers["location"] == Self.path && Self.isSilent(added))
            let state = stand.fake.secrets.state.withLock { $0 }
            let secret = try #require(state.secrets.first)
            #expect(secret.name == "API_TOKEN" && secret.environment == "staging" && secret.project == "web")
            #expect(secret.hosts == ["https://api.example.com", "https://*.example.org"] && state.values[secret.id] == Self.value)
            let list = try await browser.get(Self.path)
            #expect(list.body.contains("<bdi>{{secret.API_TOKEN}}</bdi>") && list.body.contains("https://*.example.org") && Self.isSilent(list))
            let page = try await browser.get(list.link("Change…"))
            #expect(page.status == 200 && page.body.contains("https://api.example.com\nhttps://*.example.org</textarea>") && Self.isSilent(page))
        }
    }

    @Test("a form that is sent twice adds one, and another one of the same name is refused beside the name")
    func twice() async throws {
        try await with { stand, browser in
            _ = try await browser.signIn()
            var fields = Self.fields(try await browser.get(Self.path))
            for _ in 1...2 { #expect(try await browser.post(Self.path, fields).status == 303) }
            #expect(stand.fake.secrets.state.withLock { $0.secrets.count } == 1)
            fields["once"] = try await browser.get(Self.path).field("once")
            let taken = try await browser.post(Self.path, fields)
            #expect(taken.status == 409 && taken.body.contains(#"id="name-error" role="alert">The project has a secret API_TOKEN"#))
            #expect(Self.isSilent(taken) && !taken.field("once").isEmpty && taken.field("once") != fields["once"])
            stand.fake.secrets.state.withLock { $0.most = 1 }
            fields["name"] = "OTHER"
            let full = try await browser.post(Self.path, fields)
            #expect(full.status == 409 && full.body.contains(#"role="alert">The project has 1 secrets"#) && Self.isSilent(full))
        }
    }

    @Test("what is wrong with a secret stands beside its field, with all that was written but the value")
    func refusals() async throws {
        try await with { stand, browser in
            _ = try await browser.signIn()
            let right = Self.fields(try await browser.get(Self.path))
            for (field, text, words) in [
                ("name", "1 token", "A name is a letter or _"), ("environment", String(repeating: "x", count: 101), "At most 100 characters"),
                ("value", "tiny!", "A secret has 6 to 4,096 bytes"), ("hosts", " \r\n", "A secret has 1 to 20 hosts"),
                ("hosts", "https://a.example\r\n\r\nhttps://b.example/", "https://b.example/: A host has no path"),
            ] {
                var fields = right
                fields[field] = text
                let refused = try await browser.post(Self.path, fields)
                #expect(refused.status == 422 && refused.body.contains("id=\"\(field)-error\" role=\"alert\">\(words)"), "\(words)")
                #expect(refused.body.contains("\(field)-hint \(field)-error\" aria-invalid=\"true\""), "\(words)")
                #expect(Self.isSilent(refused) && !refused.body.contains("tiny!") && refused.body.contains("was not kept"), "\(words)")
                #expect(refused.field("name") == fields["name"] && refused.field("environment") == fields["environment"], "\(words)")
                let hosts = (fields["hosts"] ?? "").replacing("\r\n", with: "\n")
                #expect(refused.body.contains("\n\(hosts)</textarea>"), "\(words)")
            }
            var foreign = right
            foreign["form_token"] = nil
            #expect(try await browser.post(Self.path, foreign).status == 403)
            #expect(try await browser.post(Self.path, right, site: "cross-site").status == 403)
            #expect(stand.fake.secrets.state.withLock { $0.secrets.isEmpty })
        }
    }

    @Test("a secret gets other hosts, and another value when one is written")
    func change() async throws {
        try await with { stand, browser in
            stand.fake.secrets.put("API_TOKEN")
            _ = try await browser.signIn()
            let path = try await browser.get(Self.path).link("Change…")
            let page = try await browser.get(path)
            #expect(path == Self.path + "/sec_1" && page.field("version") == "1" && !page.body.contains("As it is saved now"))
            var fields = ["form_token": page.field("form_token"), "once": page.field("once"), "version": "1", "action": "save", "value": ""]
            fields["hosts"] = ""
            let hostless = try await browser.post(path, fields)
            #expect(hostless.status == 422 && hostless.body.contains(#"id="hosts-error" role="alert">Write at least one host"#))
            #expect(!hostless.body.contains("was not kept"))
            fields["hosts"] = "https://b.example"
            // A second click changes nothing more, and is no complaint.
            for _ in 1...2 { #expect(try await browser.post(path, fields).headers["location"] == Self.path) }
            let kept = stand.fake.secrets.state.withLock { $0 }
            #expect(kept.values["sec_1"] == "value-of-API_TOKEN" && kept.secrets[0].hosts == ["https://b.example"] && kept.secrets[0].version == 2)

            // Somebody was quicker: what was written stays but for the value, and what is saved is shown.
            fields["once"] = "another"
            fields["value"] = Self.value
            fields["hosts"] = "https://c.example"
            let stale = try await browser.post(path, fields)
            #expect(stale.status == 412 && stale.body.contains("Somebody else has changed this") && stale.body.contains("As it is saved now"))
            #expect(stale.body.contains("<bdi>https://b.example</bdi>") && stale.body.contains("https://c.example</textarea>"))
            #expect(stale.field("version") == "2" && Self.isSilent(stale) && stale.body.contains("was not kept"))
            fields["version"] = stale.field("version")
            fields["once"] = stale.field("once")
            #expect(try await browser.post(path, fields).status == 303)
            let changed = stand.fake.secrets.state.withLock { $0 }
            #expect(changed.values["sec_1"] == Self.value && changed.secrets[0].hosts == ["https://c.example"])
        }
    }

    @Test("a secret is deleted from the list as it was shown there, and only in its own project")
    func delete() async throws {
        try await with { stand, browser in
            stand.fake.secrets.put("API_TOKEN")
            stand.fake.secrets.put("ELSEWHERE", project: "other")
            _ = try await browser.signIn()
            let list = try await browser.get(Self.path)
            let path = list.link("Change…")
            var fields = ["form_token": list.field("form_token"), "version": list.field("version"), "action": "delete"]
            #expect(try await browser.get(Self.path + "/sec_2").status == 404)
            #expect(try await browser.post(Self.path + "/sec_2", fields).status == 404)
            stand.fake.secrets.state.withLock { $0.secrets[0].version = 2 }
            let stale = try await browser.post(path, fields)
            #expect(stale.status == 412 && stale.body.contains("Somebody else has changed this"))
            #expect(stale.body.contains("https://api.example.com</textarea>") && !stale.body.contains("was not kept"))
            fields["version"] = nil
            #expect(try await browser.post(path, fields).status == 412)
            fields["version"] = stale.field("version")
            #expect(try await browser.post(path, fields).headers["location"] == Self.path)
            #expect(stand.fake.secrets.state.withLock { $0.secrets.map(\.name) } == ["ELSEWHERE"])
            #expect(try await browser.get(path).status == 404)
        }
    }

    @Test("who may only look sees names, hosts and who changed them last, a page at a time, and no form")
    func reading() async throws {
        try await with { stand, browser in
            for number in 1...SecretsPage.limit { stand.fake.secrets.put("N\(number)") }
            stand.fake.secrets.put("API_TOKEN", environment: "staging", hosts: ["https://a.example", "https://*.b.example"])
            _ = try await browser.signIn(key: stand.makeKey([.resultsRead]))
            let list = try await browser.get(Self.path)
            #expect(list.status == 200 && list.body.contains("{{secret.API_TOKEN}}") && !list.body.contains("{{secret.N1}}"))
            #expect(list.body.contains("<bdi>staging</bdi>") && list.body.contains(">all</span>") && list.body.contains("https://*.b.example"))
            #expect(list.body.contains("<code title=\"usr_1\">") && list.body.contains("<time datetime="))
            let older = try await browser.get(list.link("Older"))
            #expect(older.body.contains("{{secret.N1}}") && older.link("Newest") == Self.path)
            let one = try await browser.get(Self.path + "/sec_51")
            #expect(one.status == 200 && one.body.contains("https://a.example"))
            for page in [list, older, one] {
                #expect(!page.body.contains("type=\"password\"") && !page.body.contains("name=\"action\"") && !page.body.contains("value-of-"))
            }
            let fields = Self.fields(list).merging(["version": "1", "action": "delete"]) { $1 }
            for path in [Self.path, Self.path + "/sec_51"] {
                let refused = try await browser.post(path, fields)
                #expect(refused.status == 403 && refused.body.contains("role=\"alert\"") && Self.isSilent(refused), "\(path)")
            }
            #expect(stand.fake.secrets.state.withLock { $0.secrets.count } == 51)

            let other = PageBrowser(stand)
            _ = try await other.signIn(key: stand.makeKey([.webhooksWrite]))
            let none = try await other.get(Self.path)
            #expect(none.status == 200 && none.body.contains("Secrets are not for this API key") && !none.body.contains("API_TOKEN"))
        }
    }

    @Test("what others have written stays text")
    func hostile() async throws {
        try await with { stand, browser in
            _ = try await browser.signIn()
            var skeletons: [HTMLSkeleton] = []
            for texts in [HostileTexts.all.map { _ in "plain" }, HostileTexts.all] {
                stand.fake.secrets.state.withLock { $0 = FakeSecrets.State() }
                for text in texts { stand.fake.secrets.put(text, environment: text, hosts: [text, text]) }
                skeletons.append(HTMLSkeleton(try await browser.get(Self.path).body))
            }
            #expect(skeletons[0] == skeletons[1] && skeletons[0].tags.count > 500)
        }
    }
}
