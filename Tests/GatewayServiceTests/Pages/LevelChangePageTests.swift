import AnalyticsAPI
import Foundation
import Primitives
import SwiftProtobuf
import TestSupport
import Testing

@testable import GatewayService

@Suite("Pages of changes of level", .database(GatewayProgram.schema))
struct LevelChangePageTests {
    @Test("a change leads to its receipt, which has the executions that it was found in, looks through them once more, and says what it comes to")
    func receipt() async throws {
        try await GatewayStand.with(pages: PageGallery().site.routes) { stand in
            let browser = PageBrowser(stand)
            _ = try await browser.signIn()
            let trends = try await browser.get("/projects/web/trends")
            #expect(trends.link("Receipt") == "/level-changes/tch_1/receipt")
            #expect(trends.body.contains(#"on <bdi>main</bdi> <a href="/level-changes/tch_1/receipt">Receipt</a>"#))
            let test = try await browser.get("/tests/tst_1?period=WEEK")
            #expect(test.body.contains(#"<a href="/level-changes/tch_1/receipt">Receipt</a>"#))

            let page = try await browser.get("/level-changes/tch_1/receipt")
            #expect(page.status == 200 && page.body.contains("Judged once more just now, it comes to the same."))
            #expect(page.body.contains("<h1><bdi>Test pays on main: Median duration from 12 ms to 19 ms</bdi></h1>"))
            for code in ["edition 1", "0f1e2d3c4b5a6978", "9f2c41d07b"] { #expect(page.body.contains("<code>\(code)</code>"), "\(code)") }
            #expect(page.body.contains("<code>2026-03-12 00:00:00 UTC</code>") && page.body.contains("<code>2026-03-13 00:00:00 UTC</code>"))
            #expect(page.body.contains("<dt>Not found any more</dt><dd><code>no</code>"))
            #expect(page.body.contains("<details open><summary>Found in 2 executions, oldest first</summary>"))
            #expect(page.body.contains(#"<a href="/results/res_8"><bdi>1: 12 ms</bdi></a>"#))
            #expect(page.body.contains(#"<a href="/results/res_9"><bdi>2: 19 ms. The new level begins here.</bdi></a>"#))
            #expect(page.link("The test") == "/tests/tst_1#durations" && page.link("Changes") == "/projects/web/level-changes")
            #expect(page.body.contains("stands there and changes nothing here") && !page.body.contains("What people said"))
            #expect(try await browser.get("/level-changes/tch_9/receipt").status == 404)
        }
    }

    @Test("one that is gone is reached from the list of all that were found, and its receipt says that the same edition finds another")
    func gone() async throws {
        try await GatewayStand.with(pages: PageGallery().site.routes) { stand in
            let browser = PageBrowser(stand)
            _ = try await browser.signIn()
            #expect(try await browser.get("/projects/web/trends").link("All that were found") == "/projects/web/level-changes")
            let narrow = try await browser.get("/projects/web/trends?by=TAG&value=os:mac")
            #expect(narrow.link("All that were found").hasPrefix("/projects/web/level-changes?by=TAG&value=os"))
            let list = try await browser.get("/projects/web/level-changes")
            #expect(list.status == 200 && list.body.contains("Gone</span>") && list.body.contains("<bdi>Suite checkout &lt;1&gt;</bdi>"))
            #expect(list.link("Suite checkout") == "/level-changes/tch_2/receipt" && list.body.contains("Pass rate from 98 % to 50 %"))
            #expect(list.link("CSV") == "/api/v1/projects/web/level-changes?gone=true&dismissed=true&export=csv")
            let next = try await browser.get(list.link("Older"))
            #expect(next.status == 200 && next.link("Older").isEmpty && next.link("Newest") == "/projects/web/level-changes")

            let page = try await browser.get(list.link("Suite checkout"))
            #expect(page.status == 200 && page.body.contains("<bdi>Suite checkout &lt;1&gt;: Pass rate from 98 % to 50 %</bdi>"))
            #expect(page.body.contains("does not come to the same. Found instead: Pass rate from 98 % to 60 %, since 2026-01-21."))
            #expect(page.body.contains("<dt>Not found any more since</dt><dd><code>2026-01-24 00:00:00 UTC</code>"))
            #expect(page.body.contains("<details><summary>Found in 20 days, oldest first</summary>"))
            #expect(page.body.contains("<bdi>2026-01-19: 98 of 100 passed, median 12 ms</bdi>"))
            #expect(page.body.contains("<bdi>2026-01-20: 50 of 100 passed, median 12 ms. The new level begins here.</bdi>"))
            #expect(page.link("The trends").hasPrefix("/projects/web/trends?value=checkout"))
        }
    }

    @Test("the changes of one test are a list of their own, to which its page leads")
    func tests() async throws {
        try await GatewayStand.with(pages: PageGallery().site.routes) { stand in
            let browser = PageBrowser(stand)
            _ = try await browser.signIn()
            let test = try await browser.get("/tests/tst_1")
            let list = try await browser.get(test.link("All changes that were found"))
            #expect(list.status == 200 && list.link("Test adds &lt;up&gt;") == "/level-changes/tch_1/receipt")
            #expect(list.body.contains("<bdi>tst_1</bdi>") && list.link("all of them") == "/projects/web/level-changes?by=TEST")
            #expect(list.body.contains(#"aria-current="true">Tests</a>"#))
            let export = "/api/v1/projects/web/level-changes?dimension=TEST&value=tst_1&gone=true&dismissed=true&export=csv"
            #expect(list.link("CSV") == export)
            // What is told by nothing that there is narrows nothing.
            let filter = LevelChangesPage.Filter(by: "whatever", value: "x")
            #expect(filter.dimension == .dimensionUnspecified && filter.value.isEmpty)
        }
    }

    @Test("the receipt has what people said, also what they took back, and where all of it is; who may not read runs sees none of it")
    func words() async throws {
        try await GatewayStand.with(pages: PageGallery().site.routes) { stand in
            let browser = PageBrowser(stand)
            _ = try await browser.signIn()
            for (action, note) in [("dismiss", "a <holiday>"), ("take_back", "")] {
                let trends = try await browser.get("/projects/web/trends")
                let fields = ["form_token": trends.field("form_token"), "version": trends.field("version"), "action": action, "note": note]
                #expect(try await browser.post("/projects/web/trends/changes/tch_1/verdict", fields).status == 303)
            }
            let reader = PageBrowser(stand)
            _ = try await reader.signIn(key: stand.makeKey([.resultsRead]))
            let page = try await reader.get("/level-changes/tch_1/receipt")
            #expect(page.status == 200 && page.body.contains("What people said") && page.body.contains("What people say of it changes nothing here."))
            #expect(page.body.contains("Taken back</td>") && page.body.contains("Dismissed</td>") && page.body.contains("<code>usr_1</code>"))
            #expect(page.body.contains("<bdi>a &lt;holiday&gt;</bdi>"))
            #expect(page.link("CSV") == "/api/v1/level-changes/tch_1/verdicts?export=csv")
            let stranger = PageBrowser(stand)
            _ = try await stranger.signIn(key: stand.makeKey([.monitorsWrite]))
            #expect(try await stranger.get("/level-changes/tch_1/receipt").status == 403)
        }
    }

    @Test("what looking once more comes to is said, and where it finds none, finds it elsewhere, or has other days before it")
    func sections() {
        let fixtures = PageFixtures()
        let kept = fixtures.levelReceipt(.test)
        func outcome(_ change: (inout PBLevelChangeReplay) -> Void) -> String? {
            var replay = PBLevelChangeReplay.with { $0.inputHash = kept.change.inputHash }
            change(&replay)
            return ReceiptPage.levelChange(kept, .content(replay), now: fixtures.now).outcome
        }
        let differs = "Judged once more just now, it does not come to the same. "
        #expect(outcome { $0.agrees = false } == differs + "No such change would be found.")
        #expect(
            outcome { ($0.before, $0.after, $0.result) = (12_000, 18_000, "res_71") }
                == differs + "Found instead: Median duration from 12 ms to 18 ms, from another execution on.")
        #expect(outcome { ($0.before, $0.after, $0.inputHash) = (12_000, 19_000, "b2") } == differs + "What is kept is not what it was found in.")
        let unread = ReceiptPage.levelChange(.with { $0.change = kept.change }, .note("The executions cannot be read."), now: fixtures.now)
        #expect(unread.outcome == nil && unread.note == "The executions cannot be read." && unread.lines.isEmpty && unread.fold?.isOpen == nil)
        let whole = ReceiptPage.levelChange(kept, .note(""), now: fixtures.now)
        #expect(whole.lines.count == 120 && whole.fold?.isOpen == false && whole.lines[70].text == "71: 19 ms. The new level begins here.")
        let days = ReceiptPage.levelChange(fixtures.levelReceipt(.suite), .note(""), now: fixtures.now)
        #expect(days.fold?.isOpen == true && days.lines[2].text == "2026-02-12: nothing that counts")
        #expect(days.lines[3].text == "2026-02-13: 980 of 1,000 passed")
    }

    @Test("a change is called by what it is of, a test by the name that it has now, and one that a person dismissed is none")
    func texts() {
        let fixtures = PageFixtures()
        let suite = LevelChangeText(fixtures.levelReceipt(.suite).change, of: "checkout")
        #expect(suite.title == "Suite checkout: Pass rate from 98 % to 90 %" && suite.badge == .gone && suite.aboutLabel == "The trends")
        let branch = LevelChangeText(fixtures.levelReceipt(.branch).change, of: "checkout")
        #expect(branch.part == "Branch checkout" && branch.aboutPath == "/projects/checkout/trends?by=BRANCH&value=checkout")
        let whole = LevelChangeText(fixtures.dismissedLevel, of: "checkout")
        #expect(whole.part == "The whole project" && whole.badge == .noChange && whole.aboutPath == "/projects/checkout/trends")
        var change = fixtures.levelReceipt(.test).change
        #expect(LevelChangeText(change, of: "checkout", testName: "pays").title == "Test pays on main: Median duration from 12 ms to 19 ms")
        change.testName = ""
        #expect(LevelChangeText(change, of: "checkout").part == "Test tst_1" && LevelChangeText(change, of: "checkout").badge.label == "Worse")
    }

    @Test("what is not kept has no receipt")
    func unkept() {
        let fixtures = PageFixtures()
        func paths(_ change: (inout PBTrendChanges) -> Void) -> [String?] {
            var changes = fixtures.trendChanges
            change(&changes)
            return changes.data.map {
                TrendChangeRow(
                    $0, of: "checkout", filter: .init(days: nil, period: nil, by: nil, value: nil), canJudge: false, attempt: nil, now: fixtures.now
                ).receiptPath
            }
        }
        #expect(paths { _ in } == ["/level-changes/tch_1/receipt", "/level-changes/tch_2/receipt"])
        #expect(paths { changes in for index in changes.data.indices { changes.data[index].levelChange = "" } } == [nil, nil])
    }
}
