import Foundation
import Synchronization
import TestSupport
import Testing

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
            stand.fake.logPatterns.isAway.withLock { $0 = true }
            #expect(try await browser.get(path).status == 503)
            let reader = PageBrowser(stand)
            _ = try await reader.signIn(key: stand.makeKey([.webhooksWrite]))
            #expect(try await reader.get(path).status == 403)
        }
    }
}
