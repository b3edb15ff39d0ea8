import Foundation
import Synchronization
import TestSupport
import Testing
import ValidationAPI

@testable import GatewayService

@Suite("pages of logs")
struct LogPageTests {
    @Test("what is new in a run's logs is marked, a line of it unfolds, and the whole list can be had")
    func run() throws {
        let gallery = try PageGallery()
        let html = try #require(gallery.pages().first { $0.name == "run-logs" }?.html)
        #expect(html.components(separatedBy: "<span class=\"tag\">new</span>").count == 3)
        #expect(html.contains("connection to &lt;*&gt; refused after &lt;*&gt;") && html.contains("<summary>A line of it</summary>"))
        #expect(html.contains("New is what no log of the last 20 earlier runs of main says in which everything passed."))
        #expect(html.contains("log-patterns?export=csv") && html.contains("no other run") && html.contains("3 other runs"))
    }

    @Test("what is new is told as what it is also where the earlier runs said more than is kept")
    func part() throws {
        let gallery = try PageGallery()
        let said = "They say more than is kept, so only what no run of the project has said before is called new."
        let pages = Dictionary((gallery.pages() + gallery.besides).map { ($0.name, $0.html) }) { $1 }
        let (part, whole) = (try #require(pages["run-logs-part"]), try #require(pages["run-logs"]))
        #expect(part.contains(said) && !whole.contains(said))
    }

    @Test("a project's logs are a page of its own beside its failures, and keep what they are narrowed to")
    func project() throws {
        let gallery = try PageGallery()
        let pages = Dictionary((gallery.pages() + gallery.besides).map { ($0.name, $0.html) }) { $1 }
        let html = try #require(pages["log-patterns"])
        #expect(html.contains("/logs\" aria-current=\"page\">Logs</a>") && html.contains("level=ERROR&amp;text=refused&amp;sort=LINES"))
        #expect(html.contains("<option value=\"ERROR\" selected>"))
        #expect(try #require(pages["log-patterns-empty"]).contains("assay upload --artifacts"))
        #expect(try #require(pages["run-logs-none"]).contains("No logs"))
        #expect(try #require(pages["run-logs-narrow"]).contains("Nothing of this kind"))
        #expect(try #require(pages["run-logs-away"]).contains("Log patterns cannot be shown."))
        #expect(try #require(pages["run"]).contains("/logs\">Log patterns</a>"))
    }

    @Test("a pattern is a page: what it says, each of its days with those between, and the runs that have it")
    func pattern() throws {
        let gallery = try PageGallery()
        let html = try #require(gallery.pages().first { $0.name == "log-pattern" }?.html)
        #expect(html.contains("<span aria-hidden=\"true\">✕</span>Error</span><h1>") && html.contains("All of them say this"))
        #expect(html.contains("10:00:00 ERROR connection to 10.0.0.7:5432 refused after 3 s"))
        #expect(html.contains("<dd>53 <small>of the last 90</small></dd>") && html.contains("<dd>Network</dd>"))
        #expect(html.components(separatedBy: "<rect class=\"failed\"").count == 91)
        #expect(html.contains("<title>2026-03-01: 11 lines</title>") && html.contains("<title>2025-12-02: 0 lines</title>"))
        #expect(html.contains("<title>2026-01-22: 0 lines</title>") && html.contains("<title>2026-01-20: 4 lines</title>"))
        #expect(html.contains("aria-label=\"Lines of each of 90 days, at most 13\""))
        #expect(html.contains("href=\"/runs/run_01jnexample000000000002003/logs\">Run 002003</a>"))
        #expect(html.contains("<a href=\"/projects/checkout/logs\"><bdi>Logs</bdi></a>"))
        let bare = try #require(gallery.besides.first { $0.name == "log-pattern-bare" }?.html)
        #expect(bare.contains("Not seen lately") && !bare.contains("<svg viewBox=\"0 0 900") && !bare.contains("One of them"))
    }

    @Test("a pattern says by which rule of which edition it is of its category, what a person says of that, and where its receipt is")
    func reason() throws {
        let gallery = try PageGallery()
        let pages = Dictionary((gallery.pages() + gallery.besides).map { ($0.name, $0.html) }) { $1 }
        let html = try #require(pages["log-pattern"])
        #expect(html.contains("By rule <code>network.connection-refused</code>, edition 4 of the rules that everybody has"))
        #expect(html.contains("saw <q><bdi>connection to 10.0.0.7:5432 refused"))
        #expect(html.contains("Said to be Environment by <code>usr_01jd3v9k2m8q4r6s7t0w1x2y3a</code>") && html.contains("restarts at night."))
        #expect(html.contains(#"<option value="environment" selected>"#) && html.contains("Let the machine decide"))
        #expect(html.contains(#"action="/projects/checkout/logs/lpt_0/verdict""#) && html.contains(#"href="/projects/checkout/logs/lpt_0/receipt""#))

        let own = try #require(pages["log-pattern-own"])
        #expect(own.contains(#"By rule <a href="/projects/checkout/rules/rul_01jnexample000000000000001">of the project</a>"#))
        #expect(own.contains(#"<a href="/projects/checkout/rules/editions/7">edition 7 of the project’s rules</a>"#))
        #expect(own.contains("You know better?") && !own.contains("Said to be") && !own.contains("Let the machine decide"))
        #expect(own.contains(#"<option value="none">None of these</option>"#))

        let bare = try #require(pages["log-pattern-bare"])
        #expect(bare.contains("By which rule was not kept") && !bare.contains("You know better?") && !bare.contains("/receipt"))
        let receipt = try #require(pages["log-pattern-receipt"])
        #expect(receipt.contains("does not come to the same") && receipt.contains("9f86d081884c7d65…") && receipt.contains("It was judged before."))
    }

    @Test("judging again says how many patterns of logs are of another category since, where there are any")
    func judgings() throws {
        let html = try #require(try PageGallery().pages().first { $0.name == "judgings" }?.html)
        #expect(html.contains("120 verdicts and 3 log patterns changed") && html.contains("240 verdicts changed"))
    }

    @Test("both lists lead to the page of a pattern, but not to one that the project does not have")
    func ways() throws {
        let gallery = try PageGallery()
        let pages = Dictionary((gallery.pages() + gallery.besides).map { ($0.name, $0.html) }) { $1 }
        func links(_ page: String) throws -> Int {
            try #require(pages[page]).components(separatedBy: "<a class=\"title\" href=\"/projects/checkout/logs/lpt_").count - 1
        }
        #expect(try links("log-patterns") == 4 && links("run-logs") == 3)
        let run = try #require(pages["run-logs"])
        #expect(!run.contains("/logs/lpt_3\""))
    }
}

@Suite("Pages of logs over HTTP", .database(GatewayProgram.schema))
struct LogPageHTTPTests {
    @Test("from a list to a pattern and on to the logs of a run; one that is not there is a page that says so")
    func way() async throws {
        try await GatewayStand.with(pages: PageGallery().site.routes) { stand in
            let browser = PageBrowser(stand)
            _ = try await browser.signIn()
            let list = try await browser.get("/projects/web/logs")
            let path = list.link("connection to")
            #expect(list.status == 200 && path == "/projects/web/logs/lpt_1")
            let page = try await browser.get(path)
            #expect(page.status == 200 && page.body.contains("<h1><bdi>connection to &lt;*&gt; refused</bdi></h1>"), "\(page.body)")
            #expect(page.link("Logs") == "/projects/web/logs")
            let logs = try await browser.get(page.link("Run n_good"))
            #expect(logs.status == 200 && logs.link("connection to") == path)
            for name in ["lpt_2", "x"] {
                let gone = try await browser.get("/projects/web/logs/\(name)")
                #expect(gone.status == 404 && gone.body.contains("There is nothing here"), "\(name)")
            }
            let receipt = try await browser.get(page.link("The receipt"))
            #expect(receipt.status == 200 && receipt.body.contains("Judged once more just now, it comes to the same."))
            #expect(try await browser.get("/projects/web/logs/lpt_2/receipt").status == 404)
            stand.fake.logPatterns.isAway.withLock { $0 = true }
            #expect(try await browser.get(path).status == 503)
            let reader = PageBrowser(stand)
            _ = try await reader.signIn(key: stand.makeKey([.webhooksWrite]))
            #expect(try await reader.get(path).status == 403)
        }
    }

    @Test("a person overrules the machine on the page of a pattern, somebody who has not seen that is told, and the pattern is given back")
    func verdict() async throws {
        try await GatewayStand.with(pages: PageGallery().site.routes) { stand in
            let browser = PageBrowser(stand)
            _ = try await browser.signIn()
            let home = "/projects/web/logs/lpt_1"
            let page = try await browser.get(home)
            #expect(page.body.contains("You know better?") && !page.body.contains("Let the machine decide"))
            let path = home + "/verdict"
            var fields = ["form_token": page.field("form_token"), "version": page.field("version"), "category": "environment", "reason": ""]
            let unsaid = try await browser.post(path, fields)
            #expect(unsaid.status == 422 && unsaid.body.contains(#"id="log-verdict-error" role="alert">A reason has 1 to 1000"#))
            #expect(unsaid.body.contains(#"<option value="environment" selected>"#))
            fields["reason"] = "The sandbox restarts."
            fields["category"] = "unheard of"
            #expect(try await browser.post(path, fields).status == 422)
            fields["category"] = "none"
            let taken = try await browser.post(path, fields)
            #expect(taken.status == 303 && taken.headers["location"] == home)
            let said = stand.fake.logVerdicts.verdict.withLock { $0 }
            #expect(said.category == .unknown && said.reason == "The sandbox restarts.")
            let shown = try await browser.get(home)
            #expect(shown.body.contains("Said to be none of the categories by") && shown.body.contains(#"<option value="none" selected>"#))

            let stale = try await browser.post(path, fields)
            #expect(stale.status == 412 && stale.body.contains("Somebody else has changed this") && stale.field("version") == "2")
            fields["version"] = "2"
            fields["action"] = "give_back"
            #expect(try await browser.post(path, fields).status == 303)
            #expect(try await !browser.get(home).body.contains("Said to be"))

            let reader = PageBrowser(stand)
            _ = try await reader.signIn(key: stand.makeKey([.resultsRead]))
            let read = try await reader.get(home)
            #expect(read.status == 200 && !read.body.contains("You know better?"))
            fields["form_token"] = try await reader.get("/projects/web/quarantine").field("form_token")
            #expect(try await reader.post(path, fields).status == 403)
            fields["form_token"] = nil
            #expect(try await browser.post(path, fields).status == 403)
        }
    }
}
