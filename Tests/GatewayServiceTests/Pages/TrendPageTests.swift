import AnalyticsAPI
import Foundation
import Primitives
import SwiftProtobuf
import Synchronization
import TestSupport
import Testing

@testable import GatewayService

@Suite("Pages of trends", .database(GatewayProgram.schema))
struct TrendPageTests {
    @Test("the page of one suite shows that suite's changes, marked in its chart, with their causes and the share that says how much they are worth")
    func part() async throws {
        try await GatewayStand.with(pages: PageGallery().site.routes) { stand in
            let browser = PageBrowser(stand)
            _ = try await browser.signIn()
            let page = try await browser.get("/projects/web/trends?days=30&period=WEEK&by=ENVIRONMENT&value=staging")
            let (trends, changes) = stand.fake.trends.seen.withLock { ($0.trends, $0.changes) }
            #expect(trends.last?.period == .week && trends.last?.dimension == .environment && trends.last?.value == "staging")
            #expect(changes.last?.days == 30 && changes.last?.dimension == .environment && changes.last?.value == "staging")
            #expect(page.body.contains("Environment staging, weeks of the last 30 days") && page.body.contains("Weeks as a table"))
            #expect(page.body.contains("Tag os:mac: 84 % of it, with 25 % of the results"))
            #expect(page.body.contains("New on main that day, oldest first: aaaaaaaaaa, bb"))
            #expect(page.body.contains("Method: edition 1. Hash of what was looked at: <code>a1b2c3d4e5f60718</code>"))
            // The change belongs to the week that its day is in.
            #expect(page.body.contains(#"data-p95="12.34" data-change="Pass rate from 98 % to 50 %" data-worse><td class="nowrap">2026-03-02</td>"#))
            #expect(page.body.contains(#"<td class="nowrap">2026-03-09 <span class="muted">so far</span></td>"#))
            #expect(page.body.contains("<title>Pass rate from 98 % to 50 %</title>"))
            #expect(page.body.contains("Passed and failed tests of each of 2 weeks"))
            #expect(page.link("CSV") == "/api/v1/projects/web/trends?days=30&period=WEEK&dimension=ENVIRONMENT&value=staging&export=csv")
            #expect(page.body.contains("/api/v1/projects/web/trend-values?dimension=ENVIRONMENT"))

            #expect(!page.body.contains("adds &lt;up&gt;"), "a part of a project has no list of tests")

            let all = try await browser.get("/projects/web/trends")
            #expect(all.body.contains("<strong>2026-03-11</strong>") && all.body.contains("Median duration from 12 ms to 19 ms on <bdi>main</bdi>"))
            #expect(all.link("adds &lt;up&gt;") == "/tests/tst_1#durations")
            #expect(all.body.contains("/api/v1/projects/web/level-changes?dimension=TEST"))
            let whole = stand.fake.trends.seen.withLock { $0.changes.last }
            #expect(whole?.dimension == .dimensionUnspecified && whole?.value == "")
        }
    }

    @Test("who may judge dismisses a change, which is shown as none and marked in no chart, confirms it with a note, and takes it back")
    func judged() async throws {
        try await GatewayStand.with(pages: PageGallery().site.routes) { stand in
            let browser = PageBrowser(stand)
            _ = try await browser.signIn()
            let path = "/projects/web/trends?days=30&period=WEEK"
            let address = "/projects/web/trends/changes/tch_1/verdict"
            func fields(_ page: PageBrowser.Answer, _ action: String, note: String = "") -> [String: String] {
                [
                    "form_token": page.field("form_token"), "version": page.field("version"), "action": action, "note": note,
                    "days": page.field("days"), "period": page.field("period"), "by": page.field("by"), "value": page.field("value"),
                ]
            }
            let first = try await browser.get(path)
            #expect(first.body.contains(#"action="\#(address)""#) && first.field("version") == "1" && !first.body.contains("Take it back"))
            #expect(first.body.contains("data-worse") && first.body.contains("Worse</span>"))

            let dismissed = try await browser.post(address, fields(first, "dismiss", note: " a <holiday> "))
            #expect(dismissed.status == 303 && dismissed.headers["location"] == path + "#changes")
            let second = try await browser.get(path)
            #expect(second.body.contains("No change</span>") && second.body.contains(#"<li class="muted">"#) && !second.body.contains("data-worse"))
            #expect(second.body.contains("Dismissed by <code>usr_1</code>") && second.body.contains("<bdi>a &lt;holiday&gt;</bdi>"))
            #expect(second.field("version") == "2" && second.body.contains("Take it back"))

            // Of a page that somebody else's word has overtaken.
            let stale = try await browser.post(address, fields(first, "confirm", note: "mine"))
            #expect(stale.status == 412 && stale.body.contains("Somebody else has changed this") && stale.body.contains(#"name="note" value="mine""#))
            #expect(stale.field("version") == "2" && stale.body.contains("Weeks as a table"))

            let confirmed = try await browser.post(address, fields(stale, "confirm", note: "a new machine"))
            #expect(confirmed.status == 303)
            let third = try await browser.get(path)
            #expect(third.body.contains("Confirmed by <code>usr_1</code>") && third.body.contains("data-worse"))
            #expect(try await browser.post(address, fields(third, "take_back")).status == 303)
            let last = try await browser.get(path)
            #expect(!last.body.contains("Confirmed by") && !last.body.contains("Take it back"))
            #expect(stand.fake.levelVerdicts.words.withLock { $0.map(\.kind) } == [.dismissed, .confirmed, .unspecified])
            #expect(stand.fake.levelVerdicts.words.withLock { $0.map(\.note) } == ["a <holiday>", "a new machine", ""])

            let unclear = try await browser.post(address, fields(last, "whatever"))
            #expect(unclear.status == 422 && unclear.body.contains("kind must be DISMISSED or CONFIRMED."))
            let elsewhere = try await browser.post("/projects/web/trends/changes/tch_9/verdict", fields(last, "dismiss"))
            #expect(elsewhere.status == 404)
        }
    }

    @Test("who may only read has no form, and what is not kept has none")
    func reader() throws {
        let fixtures = PageFixtures()
        func rows(canJudge: Bool, _ change: (inout PBTrendChanges) -> Void = { _ in }) -> [TrendChangeRow] {
            var changes = fixtures.trendChanges
            change(&changes)
            return TrendsPage.View(
                project: fixtures.project, filter: TrendsPage.Filter(days: nil, period: nil, by: nil, value: nil),
                trend: .content(fixtures.timedTrend), values: nil, changes: .content(changes), score: .content(fixtures.qualityScore),
                canJudge: canJudge, now: fixtures.now
            ).changes
        }
        let read = rows(canJudge: false)
        #expect(read.map(\.isDismissed) == [false, true] && read.allSatisfy { $0.form == nil } && read[1].word?.label == "Dismissed")
        #expect(rows(canJudge: true).map { $0.form?.version } == [1, 2] && rows(canJudge: true).map { $0.form?.canTakeBack } == [false, true])
        let unkept = rows(canJudge: true) { changes in
            for index in changes.data.indices { changes.data[index].levelChange = "" }
        }
        #expect(unkept.allSatisfy { $0.form == nil })
    }

    @Test("the last period stands beside the one before and that of a season ago, as far as they are kept; so far is said of one under way")
    func comparison() throws {
        let trend = PageFixtures().timedTrend
        let rows = try #require(PeriodComparison(trend, by: .week)).rows
        #expect(rows.map(\.label) == ["This week, so far", "The week before", "52 weeks before"] && rows[0].day == trend.data.last?.day)
        let before = rows[1]
        #expect(
            before.day == "2026-03-08" && before.runs == "12 of 14" && before.results == "1,200" && before.failures == "12" && before.rate == "99 %")
        var young = trend
        young.data[young.data.count - 1].clearEarlier()
        #expect(PeriodComparison(young, by: .month)?.rows.map(\.label) == ["This month, so far", "The month before"])
        young.data[young.data.count - 1].clearPrevious()
        #expect(PeriodComparison(young, by: .day).map(\.hasRuns) == nil && PeriodComparison(nil, by: .day).map(\.hasRuns) == nil)
    }

    @Test("changes of a release that says neither edition nor hash have no line about them")
    func before() {
        for (edition, hash) in [(Int32(0), ""), (1, "")] { #expect(ChangesReceipt(edition: edition, inputHash: hash).map(\.edition) == nil) }
        let told = ChangesReceipt(edition: 2, inputHash: "a1")
        #expect(told?.edition == "2" && told?.inputHash == "a1")
    }

    @Test("the page of a test has its trend, its durations, and since when it takes longer, marked in the chart")
    func test() async throws {
        try await GatewayStand.with(pages: PageGallery().site.routes) { stand in
            let browser = PageBrowser(stand)
            _ = try await browser.signIn()
            let page = try await browser.get("/tests/tst_1?period=WEEK")
            #expect(page.status == 200 && page.body.contains("5,000 executions of it are counted so far") && page.body.contains("Weeks as a table"))
            #expect(page.body.contains("Median duration from 12 ms to 19 ms, since"))
            #expect(page.body.contains(#"<code title="9f2c41d07be2a6f0d1c3">9f2c41d07b</code>"#))
            #expect(page.body.contains(#"data-partial data-change="Median duration from 12 ms to 19 ms" data-worse"#))
            #expect(page.body.contains("Method: edition 1. Hash of what was looked at: <code>0f1e2d3c4b5a6978</code>"))
            #expect(page.link("A year by months") == "/tests/tst_1?period=MONTH")
            let quiet = try await browser.get("/tests/tst_1")
            #expect(quiet.status == 200 && quiet.body.contains("Nothing ran in these days.") && !quiet.body.contains("data-trend"))
        }
    }

    @Test("who may judge dismisses a change of how long a test takes on the test's page, where it is none then, confirms it, and takes it back")
    func judgedTest() async throws {
        try await GatewayStand.with(pages: PageGallery().site.routes) { stand in
            let browser = PageBrowser(stand)
            _ = try await browser.signIn()
            let (path, address) = ("/tests/tst_1?period=WEEK", "/tests/tst_1/changes/tch_1/verdict")
            /// Of what stands below the forms about the test itself.
            func durations(_ page: PageBrowser.Answer) -> PageBrowser.Answer {
                let parts = page.body.components(separatedBy: #"id="durations""#)
                return PageBrowser.Answer(status: page.status, headers: page.headers, body: parts.dropFirst().joined())
            }
            func fields(_ page: PageBrowser.Answer, _ action: String, note: String = "") -> [String: String] {
                [
                    "form_token": page.field("form_token"), "version": page.field("version"), "action": action, "note": note,
                    "period": page.field("period"),
                ]
            }
            let first = durations(try await browser.get(path))
            #expect(first.body.contains(#"action="\#(address)""#) && first.field("version") == "1" && first.field("period") == "WEEK")
            #expect(first.body.contains("Worse</span>") && !first.body.contains("Take it back"))
            let dismissed = try await browser.post(address, fields(first, "dismiss", note: " a slow <runner> "))
            #expect(dismissed.status == 303 && dismissed.headers["location"] == path + "#durations")
            let page = try await browser.get(path)
            let second = durations(page)
            #expect(second.body.contains("No change</span>") && second.body.contains(#"<li class="muted">"#) && !page.body.contains("data-worse"))
            #expect(second.body.contains("Dismissed by <code>usr_1</code>") && second.body.contains("<bdi>a slow &lt;runner&gt;</bdi>"))
            #expect(second.field("version") == "2" && second.body.contains("Take it back"))

            // Of a page that somebody else's word has overtaken.
            let refused = try await browser.post(address, fields(first, "confirm", note: "mine"))
            let stale = durations(refused)
            #expect(stale.status == 412 && stale.body.contains("Somebody else has changed this") && stale.field("version") == "2")
            #expect(stale.body.contains(#"name="note" value="mine""#) && refused.body.contains("Weeks as a table"))
            #expect(try await browser.post(address, fields(stale, "confirm", note: "a new machine")).status == 303)
            let third = durations(try await browser.get(path))
            #expect(third.body.contains("Confirmed by <code>usr_1</code>") && third.body.contains("Worse</span>"))
            #expect(try await browser.post(address, fields(third, "take_back")).status == 303)
            let last = durations(try await browser.get("/tests/tst_1"))
            #expect(!last.body.contains("Confirmed by") && !last.body.contains("Take it back"))
            #expect(stand.fake.levelVerdicts.words.withLock { $0.map(\.kind) } == [.dismissed, .confirmed, .unspecified])
            #expect(stand.fake.levelVerdicts.words.withLock { $0.map(\.note) } == ["a slow <runner>", "a new machine", ""])

            let unclear = try await browser.post(address, fields(last, "whatever"))
            #expect(unclear.status == 422 && unclear.body.contains("kind must be DISMISSED or CONFIRMED."))
            let elsewhere = try await browser.post("/tests/tst_1/changes/tch_9/verdict", fields(last, "dismiss"))
            #expect(elsewhere.status == 404)
        }
    }

    @Test("on a test's page a dismissed change is marked in no chart; who may only read has no form, and what is not kept has none")
    func readerOfTest() {
        let fixtures = PageFixtures()
        func panel(
            canJudge: Bool, _ change: (inout PBTestDurationSummary) -> Void = { _ in }, refusing lost: String? = nil
        ) -> TestTrendPanel {
            var durations = fixtures.testDurations
            change(&durations)
            let attempt = lost.map { TrendChangeRow.Attempt(change: $0, fields: ["version": "1"], fault: .versionStale) }
            return TestTrendPanel(
                .content(fixtures.testTrend), durations: .content(durations), of: "tst_1", filter: .init(period: nil), canJudge: canJudge,
                attempt: attempt, now: fixtures.now)
        }
        let read = panel(canJudge: false)
        #expect(read.changes.map(\.isDismissed) == [false, true] && read.changes.allSatisfy { $0.form == nil })
        #expect(read.changes.map { $0.word?.label } == [nil, "Dismissed"] && read.changes[1].badge == .noChange)
        #expect(read.panel.trend?.days.compactMap(\.change) == ["Median duration from 19 ms to 9 ms"])
        #expect(read.changes.compactMap { $0.commit?.whole } == fixtures.testDurations.data.map(\.commitSha))
        let judge = panel(canJudge: true).changes
        #expect(judge.map { $0.form?.version } == [1, 2] && judge.map { $0.form?.canTakeBack } == [false, true])
        let unkept = panel(canJudge: true) { durations in
            for index in durations.data.indices { durations.data[index].levelChange = "" }
        }
        #expect(unkept.changes.allSatisfy { $0.form == nil })
        // A word on one that is not told any more.
        #expect(panel(canJudge: true, refusing: "tch_9").changesRefusal != nil && panel(canJudge: true, refusing: "tch_4").changesRefusal == nil)
        #expect(panel(canJudge: true, refusing: "tch_4").changes.map { $0.form?.mistake == nil } == [true, false])
    }

    @Test("lists can be had whole from their pages, narrowed as the page is")
    func exports() throws {
        let pages = Dictionary(uniqueKeysWithValues: try PageGallery { $0 }.pages())
        for (page, path) in [
            ("grid", "projects/checkout/test-grid?branch=main&amp;"), ("regressions", "projects/checkout/regressions?"),
            ("baselines", "projects/checkout/baselines?branch=main&amp;"), ("rules", "projects/checkout/rules?"),
            ("project", "projects/checkout/runs?"), ("test", "tests/tst_1/history?"),
            ("trends", "projects/checkout/trend-values?dimension=SUITE&amp;"),
        ] {
            #expect(pages[page]?.contains(#"href="/api/v1/\#(path)"#) == true, "\(page)")
        }
        let group = try #require(pages["failure-group"])
        for list in ["tests", "failures"] {
            let link = try Regex(#"href="/api/v1/projects/checkout/failure-groups/[^/]+/\#(list)\?export=ndjson""#)
            #expect(group.firstMatch(of: link) != nil, "\(list)")
        }
        let past = try #require(try PageGallery().besides.first { $0.name == "rules-past" })
        #expect(past.html.contains("/api/v1/projects/checkout/rule-editions/13?export=csv"))
        // There is nothing to have where there is nothing.
        for page in ["grid-empty", "project-empty"] { #expect(pages[page]?.contains("export=csv") == false, "\(page)") }
    }
}
