import Foundation
import TestSupport
import Testing

@testable import GatewayService

@Suite("Pages whose tests are searched", .database(GatewayProgram.schema))
struct TestSearchPageTests {
    private func with(_ body: (PageBrowser) async throws -> Void) async throws {
        try await GatewayStand.with(pages: PageGallery().site.routes) { stand in
            let browser = PageBrowser(stand)
            _ = try await browser.signIn()
            try await body(browser)
        }
    }

    private static func field(_ text: String) -> String { #"<input id="q" type="search" name="q" value="\#(text)""# }

    @Test("the list of tests is searched within its kind; pages, kinds and the export keep what was searched")
    func tests() async throws {
        try await with { browser in
            let list = "/projects/web/tests"
            let found = try await browser.get(list + "?kind=BROKEN&q=%20PAY%20")
            #expect(found.body.contains("<bdi>pays</bdi>") && found.body.contains(Self.field("PAY")))
            #expect(found.field("kind") == "BROKEN" && found.body.contains(#"role="search""#))
            #expect(found.link("Regressed") == list + "?kind=REGRESSED&q=PAY")
            #expect(found.link("Clear") == list + "?kind=BROKEN")
            #expect(found.link("CSV") == "/api/v1/projects/web/tests?kind=BROKEN&q=PAY&export=csv")
            let more = found.link("More")
            #expect(more.hasPrefix(list + "?kind=BROKEN&q=PAY&"))
            #expect(try await browser.get(more).status == 200)
            // What goes on behind one search is no page of another.
            #expect(try await browser.get(more.replacing("q=PAY", with: "q=PA")).status != 200)

            let none = try await browser.get(list + "?q=zzz")
            #expect(none.body.contains("No test has this in its suite, class or name.") && none.field("kind").isEmpty)
            let neither = try await browser.get(list + "?kind=FLAKY&q=zzz")
            #expect(neither.body.contains("No test that is known as that has this in its suite, class or name."))
            #expect(try await browser.get(list).link("Clear").isEmpty)
        }
    }

    @Test("flaky tests are searched")
    func flaky() async throws {
        try await with { browser in
            let list = "/projects/web/flaky"
            let found = try await browser.get(list + "?q=pay")
            #expect(found.body.contains("<bdi>pays</bdi>") && found.body.contains(Self.field("pay")) && found.link("Clear") == list)
            #expect(found.link("CSV") == "/api/v1/projects/web/flaky-tests?q=pay&export=csv")
            let none = try await browser.get(list + "?q=zzz")
            #expect(none.body.contains("None has this in its suite, class or name.") && !none.body.contains("<bdi>pays</bdi>"))
            let all = try await browser.get(list)
            #expect(all.body.contains("<bdi>pays</bdi>") && all.link("Clear").isEmpty)
        }
    }

    @Test("the grid is narrowed to tests as well as to a branch")
    func grid() async throws {
        try await with { browser in
            let list = "/projects/web/grid"
            let found = try await browser.get(list + "?branch=main&q=pays")
            #expect(found.body.contains(#"href="/tests/tst_1""#) && found.body.contains(Self.field("pays")) && found.link("Clear") == list)
            #expect(found.body.contains(#"name="branch" value="main""#))
            #expect(found.link("CSV") == "/api/v1/projects/web/test-grid?branch=main&q=pays&export=csv")
            #expect(found.link("More").hasPrefix(list + "?branch=main&q=pays&"))
            for (query, words) in [
                ("?q=zzz", "No test has this in its suite, class or name."),
                ("?q=zzz&branch=main", "No test that has this in its suite, class or name ran on this branch lately."),
            ] {
                let none = try await browser.get(list + query)
                #expect(none.body.contains(words) && none.body.contains("Nothing to show"), "\(query)")
            }
        }
    }
}
