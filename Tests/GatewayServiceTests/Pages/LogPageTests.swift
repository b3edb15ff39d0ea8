import Foundation
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
}
