import ExecutionAPI
import Foundation
import SwiftProtobuf
import Synchronization
import TestSupport
import Testing

@testable import GatewayService

@Suite("Pages of what is tried again", .database(GatewayProgram.schema))
struct RetryPageTests {
    private func with(_ body: (GatewayStand, PageBrowser) async throws -> Void) async throws {
        try await GatewayStand.with(pages: PageGallery().site.routes) { stand in try await body(stand, PageBrowser(stand)) }
    }

    @Test("the policy of retries is shown with what was spent, and set by who may")
    func policy() async throws {
        try await with { stand, browser in
            _ = try await browser.signIn()
            let path = "/projects/web/retries"
            let page = try await browser.get(path)
            #expect(page.body.contains("4.5 CI minutes") && page.body.contains("Nobody has set anything") && page.body.contains("--retry-command"))
            #expect(page.body.contains(#"<a href="/projects/web/retries" aria-current="page">Retries</a>"#))
            var fields = [
                "form_token": page.field("form_token"), "version": page.field("version"), "max_attempts": "11", "max_failing_tests": "40",
                "minutes_per_day": "0",
            ]
            let tooMany = try await browser.post(path, fields)
            #expect(tooMany.status == 422 && tooMany.body.contains(#"id="attempts-error" role="alert">max_attempts is from 1 to 10."#))
            #expect(tooMany.field("max_failing_tests") == "40" && tooMany.field("max_attempts") == "11")
            fields["max_attempts"] = "5"
            fields["minutes_per_day"] = "an hour"
            let words = try await browser.post(path, fields)
            #expect(words.status == 422 && words.body.contains(#"id="minutes-error" role="alert">Write a whole number."#))
            fields["minutes_per_day"] = "0"
            let saved = try await browser.post(path, fields)
            #expect(saved.status == 303 && saved.headers["location"] == path)
            let policy = stand.fake.retries.policy.withLock { $0 }
            #expect(policy.maxAttempts == 5 && policy.maxFailingTests == 40 && policy.minutesPerDay == 0)
            #expect(try await browser.get(path).body.contains("Set <time"))
            let stale = try await browser.post(path, fields)
            #expect(stale.status == 412 && stale.body.contains("Somebody else has changed this") && stale.field("version") == "2")

            let reader = PageBrowser(stand)
            _ = try await reader.signIn(key: stand.makeKey([.resultsRead]))
            let read = try await reader.get(path)
            #expect(read.status == 200 && read.body.contains("4.5 CI minutes") && !read.body.contains("name=\"max_attempts\""))
            fields["form_token"] = try await reader.get("/projects/web/quarantine").field("form_token")
            #expect(try await reader.post(path, fields).status == 403)
            fields["form_token"] = nil
            #expect(try await browser.post(path, fields).status == 403)
        }
    }

    @Test("a run with failures says which of them need not stop a build")
    func excuse() async throws {
        try await with { stand, browser in
            _ = try await browser.signIn()
            let page = try await browser.get("/runs/run_bad")
            // Whoever looks acts on nothing, so nothing is kept.
            #expect(stand.fake.quarantineChecks.asked.withLock { $0?.unkept } == true)
            #expect(page.body.contains("Nothing to stop a build for."))
            #expect(page.body.contains("2 tests failed and passed when tried again; 1 of 1 failing test in quarantine."))
            #expect(try await !browser.get("/runs/run_good").body.contains("stop a build"))
        }
    }

    @Test("a run with failures leads to what of it is worth another try, and why the rest is not; one without has nothing")
    func plan() async throws {
        try await with { stand, browser in
            _ = try await browser.signIn(key: stand.makeKey([.resultsRead]))
            let run = try await browser.get("/runs/run_bad")
            let plan = try await browser.get(run.link("Worth another try?"))
            #expect(plan.status == 200 && plan.body.contains("55.5 CI minutes") && plan.body.contains("1 failing test more."))
            let rows = plan.body.components(separatedBy: "<tr>").filter { $0.contains("/tests/tst_") }
            try #require(rows.count == 2)
            #expect(rows[0].contains("Another try") && rows[0].contains("goes away by itself") && rows[0].contains("Out of memory"))
            #expect(rows[1].contains("No further try") && rows[1].contains("It failed twice in the same way.") && rows[1].contains("2 executions"))
            #expect(rows[1].contains(#"data-label="So far">"#) && rows[1].contains(#"data-label="Took">"#))
            #expect(plan.link("CSV") == "/api/v1/runs/run_bad/retry-plan?export=csv")
            #expect(plan.link("What the project is willing to spend") == "/projects/web/retries")

            #expect(try await browser.get("/runs/run_good").link("Worth another try?").isEmpty)
            #expect(try await browser.get("/runs/run_good/retry-plan").body.contains("Nothing to try again"))
        }
    }

    @Test("a person says on the page of a run's retries that a test is never tried again, and takes it back; who may only read has no form")
    func word() async throws {
        try await with { stand, browser in
            _ = try await browser.signIn()
            let path = "/runs/run_bad/retry-plan"
            let page = try await browser.get(path)
            #expect(page.body.contains("You know better?") && page.field("version") == "1" && !page.body.contains("Leave it to the rules"))
            var fields = ["form_token": page.field("form_token"), "version": page.field("version"), "kind": "never", "note": " "]
            let empty = try await browser.post(path + "/tst_1/word", fields)
            #expect(empty.status == 422 && empty.body.contains(#"role="alert">A note has 1 to 1000 characters."#))
            fields["note"] = "It orders <real> goods."
            let said = try await browser.post(path + "/tst_1/word", fields)
            #expect(said.status == 303 && said.headers["location"] == path)
            #expect(stand.fake.retries.words.word.withLock { $0?.kind } == .never)
            let shown = try await browser.get(path)
            #expect(shown.body.contains("It orders &lt;real&gt; goods.") && shown.body.contains("Never tried again: said by"))
            #expect(shown.field("version") == "2" && shown.body.contains("Leave it to the rules"))
            let stale = try await browser.post(path + "/tst_1/word", fields)
            #expect(stale.status == 412 && stale.body.contains("Somebody else has changed this") && stale.field("version") == "2")
            fields["version"] = "2"
            fields["action"] = "take_back"
            #expect(try await browser.post(path + "/tst_1/word", fields).status == 303)
            let back = try await browser.get(path)
            #expect(!back.body.contains("Never tried again: said by") && back.field("version") == "3")

            let reader = PageBrowser(stand)
            _ = try await reader.signIn(key: stand.makeKey([.resultsRead]))
            #expect(try await !reader.get(path).body.contains("You know better?"))
            fields["form_token"] = try await reader.get("/projects/web/quarantine").field("form_token")
            #expect(try await reader.post(path + "/tst_1/word", fields).status == 403)
        }
    }

    /// What the page of a test tells of trying it again.
    private func retries(_ page: PageBrowser.Answer, _ id: String = "retries") -> PageBrowser.Answer {
        let rest = page.body.components(separatedBy: "<section class=\"panel\" id=\"\(id)\">").dropFirst().first ?? ""
        return PageBrowser.Answer(status: page.status, headers: page.headers, body: rest.components(separatedBy: "</section>")[0])
    }

    @Test("a person says on the page of a test that it is always tried again, somebody who has not seen that is told, and it is taken back")
    func wordOnTest() async throws {
        try await with { stand, browser in
            _ = try await browser.signIn()
            let path = "/tests/tst_1/retry-word"
            let page = try await retries(browser.get("/tests/tst_1"))
            #expect(page.body.contains("The rules decide.") && page.field("version") == "1" && !page.body.contains("Leave it to the rules"))
            var fields = ["form_token": page.field("form_token"), "version": page.field("version"), "kind": "always", "note": " "]
            let empty = try await retries(browser.post(path, fields))
            #expect(empty.status == 422 && empty.body.contains(#"role="alert">A note has 1 to 1000 characters."#))
            #expect(empty.body.contains(#"<option value="always" selected>"#))
            fields["note"] = "It waits for a <slow> host."
            let said = try await browser.post(path, fields)
            #expect(said.status == 303 && said.headers["location"] == "/tests/tst_1")
            #expect(stand.fake.retries.words.word.withLock { $0?.kind } == .always)
            let shown = try await retries(browser.get("/tests/tst_1"))
            #expect(shown.body.contains("It waits for a &lt;slow&gt; host.") && shown.body.contains("Always tried again: said by <code>"))
            #expect(shown.body.contains("<time") && shown.field("version") == "2" && shown.body.contains("Leave it to the rules"))
            #expect(try await browser.get("/runs/run_bad/retry-plan").body.contains("Always tried again: said by"))
            let stale = try await retries(browser.post(path, fields))
            #expect(stale.status == 412 && stale.body.contains("Somebody else has changed this") && stale.field("version") == "2")

            let reader = PageBrowser(stand)
            _ = try await reader.signIn(key: stand.makeKey([.resultsRead]))
            let read = try await retries(reader.get("/tests/tst_1"))
            #expect(read.body.contains("Always tried again: said by") && !read.body.contains("name=\"note\""))
            var foreign = fields
            foreign["form_token"] = try await reader.get("/projects/web/quarantine").field("form_token")
            let refused = try await retries(reader.post(path, foreign))
            #expect(refused.status == 403 && refused.body.contains(#"role="alert""#) && !refused.body.contains("name=\"note\""))

            fields["version"] = "2"
            fields["action"] = "take_back"
            #expect(try await browser.post(path, fields).status == 303)
            let back = try await browser.get("/tests/tst_1")
            #expect(retries(back).body.contains("The rules decide.") && retries(back).field("version") == "3")
            // What was said stays to be read, the newest first, and whole for whoever wants it.
            let words = retries(back, "retry-words")
            let rows = words.body.components(separatedBy: "<tr>")
            try #require(rows.count == 4)
            #expect(rows[2].contains("Left to the rules") && rows[3].contains("Always tried again") && rows[3].contains("&lt;slow&gt;"))
            #expect(words.link("CSV") == "/api/v1/projects/web/retry-words?test=tst_1&export=csv")
            // Who may say nothing is not asked to.
            #expect(try await retries(reader.get("/tests/tst_1")).body.isEmpty)
            fields["form_token"] = nil
            #expect(try await browser.post(path, fields).status == 403)
        }
    }

    @Test("the page of a test stands while nobody knows what people say of trying it again, and asks for no word")
    func wordAway() async throws {
        try await with { stand, browser in
            _ = try await browser.signIn()
            stand.fake.retries.words.isAway.withLock { $0 = true }
            let page = try await browser.get("/tests/tst_1")
            #expect(page.status == 200 && page.body.contains("You know better?"))
            let panel = retries(page)
            #expect(panel.body.contains("What people say of trying it again cannot be shown right now.") && !panel.body.contains("name=\"note\""))
            #expect(retries(page, "retry-words").body.contains("What people said of trying it again cannot be shown right now."))
        }
    }

    @Test("what builds were told is listed with the run's retries, and leads to what it was made from and what that comes to now")
    func kept() async throws {
        try await with { stand, browser in
            _ = try await browser.signIn(key: stand.makeKey([.resultsRead]))
            let page = try await browser.get("/runs/run_bad/retry-plan")
            #expect(page.body.contains("What builds were told") && page.body.contains("9f86d081884c7d65<"))
            #expect(page.body.contains("/api/v1/runs/run_bad/retry-plans?export=csv"))
            let receipt = try await browser.get("/runs/run_bad/retry-plans/rpl_1")
            #expect(page.body.contains(#"<a href="/runs/run_bad/retry-plans/rpl_1">"#) && receipt.status == 200)
            #expect(receipt.body.contains("it comes to the same.") && receipt.body.contains("Another try: pays. It is known to be flaky."))
            let other = try await browser.get("/runs/run_bad/retry-plans/rpl_2")
            #expect(other.body.contains("It would be 2 tests worth another try."))
            #expect(try await browser.get("/runs/run_good/retry-plans/rpl_1").status == 404)
            #expect(try await !browser.get("/runs/run_good/retry-plan").body.contains("What builds were told"))
        }
    }

    @Test("whether builds were stopped is listed with the run's retries, and leads to the quarantines that decided it")
    func excuses() async throws {
        try await with { stand, browser in
            _ = try await browser.signIn(key: stand.makeKey([.resultsRead]))
            let page = try await browser.get("/runs/run_bad/retry-plan")
            #expect(page.body.contains("Whether builds were stopped") && page.body.contains("c0ffee81884c7d65<"))
            #expect(page.body.contains("1 of 1 failing test in quarantine") && page.body.contains("/api/v1/runs/run_bad/excuses?export=csv"))
            #expect(page.body.contains(#"<a href="/runs/run_bad/excuses/exc_1">"#))
            let receipt = try await browser.get("/runs/run_bad/excuses/exc_1")
            #expect(receipt.status == 200 && receipt.body.contains("it comes to the same."))
            #expect(receipt.body.contains("pays: in quarantine of @acme/shop until 2099-12-31, version 2 of qrn_1: Late answers"))
            let other = try await browser.get("/runs/run_bad/excuses/exc_2")
            #expect(other.body.contains("It would be a reason to stop."))
            #expect(try await browser.get("/runs/run_good/excuses/exc_1").status == 404)
            #expect(try await !browser.get("/runs/run_good/retry-plan").body.contains("Whether builds were stopped"))
        }
    }

    @Test("the page of a long answer names what stops the build before what is in quarantine, and counts what it has no room for")
    func longExcuse() {
        let held = (0..<150).map { number in
            PBJudgedFailure.with {
                $0.test = "tst_\(number)"
                $0.name = "held"
                $0.quarantined = true
            }
        }
        let stopping = PBJudgedFailure.with {
            $0.test = "tst_stops"
            $0.name = "stops"
        }
        var kept = PBExcuse.with {
            $0.data = held + [stopping]
            $0.leftOutTests = 7
        }
        let lines = ReceiptPage.excuse(kept, .note("Not now."), now: Date()).lines
        #expect(lines.count == 101 && lines[0].text == "stops: not in quarantine." && lines[1].text == "held: in quarantine.")
        #expect(lines[0].path == PageAddress.test("tst_stops"))
        #expect(lines[100].text == "Not shown: 58 further tests." && lines[100].path == nil)
        kept.data = [stopping]
        kept.leftOutTests = 0
        #expect(ReceiptPage.excuse(kept, .note("Not now."), now: Date()).lines.count == 1)
    }

    @Test(
        "what need not stop a build is said in words, or nothing is",
        arguments: [(0, 0, 3, nil), (1, 0, 0, "1 test failed and passed when tried again."), (0, 2, 3, "2 of 3 failing tests in quarantine.")]
            as [(Int64, Int64, Int64, String?)])
    func words(again: Int64, quarantined: Int64, failing: Int64, words: String?) {
        let excuse = RunExcuse(
            .with {
                $0.passedAgainTests = again
                $0.quarantinedTests = quarantined
                $0.failingTests = failing
            })
        #expect(excuse?.words == words)
    }
}
