import AnalyticsAPI
import ExecutionAPI
import Foundation
import SwiftProtobuf
import Synchronization
import TestSupport
import Testing
import ValidationAPI

@testable import GatewayService

@Suite("Pages of quarantine, verdicts and baselines", .database(GatewayProgram.schema))
struct JudgingPageTests {
    private func with(_ body: (GatewayStand, PageBrowser) async throws -> Void) async throws {
        try await GatewayStand.with(pages: PageGallery().site.routes) { stand in try await body(stand, PageBrowser(stand)) }
    }

    @Test("tests can be narrowed to one kind, which the list says; a kind that there is not is none")
    func kinds() async throws {
        try await with { _, browser in
            _ = try await browser.signIn()
            let broken = try await browser.get("/projects/web/tests?kind=BROKEN")
            #expect(broken.body.contains(#"<a href="/projects/web/tests?kind=BROKEN" aria-current="true">Broken</a>"#))
            #expect(broken.body.contains("No test is known as that."))
            for path in ["/projects/web/tests", "/projects/web/tests?kind=ODD"] {
                let all = try await browser.get(path)
                #expect(all.body.contains(#"<a href="/projects/web/tests" aria-current="true">All</a>"#))
                #expect(all.body.contains("No test has been counted yet."))
            }
        }
    }

    @Test("a test is put into quarantine until a day, renewed and lifted by forms")
    func quarantine() async throws {
        try await with { stand, browser in
            _ = try await browser.signIn()
            #expect(try await browser.get("/projects/web/quarantine").body.contains("No test is in quarantine"))
            let path = "/projects/web/quarantine/tst_1"
            #expect(try await browser.get("/tests/tst_1").link("Quarantine…") == path)
            let form = try await browser.get(path)
            var fields = [
                "form_token": form.field("form_token"), "action": "create", "owner": "@acme/shop", "reason": "Late\r\nanswers", "ticket": "SHOP-12",
            ]
            fields["until"] = "2100-01-31"
            #expect(try await browser.post(path, fields).headers["location"] == "/projects/web/quarantine")
            let made = try #require(stand.fake.quarantines.all.withLock { $0.first })
            // Until the end of that day.
            #expect(made.expiresAt.date.formatted(.iso8601) == "2100-02-01T00:00:00Z" && made.reason == "Late\nanswers")
            let list = try await browser.get("/projects/web/quarantine")
            #expect(list.body.contains("@acme/shop") && list.body.contains("36.5 CI minutes") && list.body.contains("SHOP-12"))
            let standing = try await browser.get(list.link("Renew"))
            #expect(standing.body.contains("value=\"2100-01-31\" min=") && standing.field("version") == "1")

            // An end that nobody touched stays as it is.
            fields["action"] = "change"
            fields["version"] = standing.field("version")
            fields["until_was"] = standing.field("until_was")
            fields["owner"] = "@acme/pay"
            stand.fake.quarantines.all.withLock { $0[0].expiresAt = .init(date: Date(timeIntervalSince1970: 4_105_000_000)) }
            #expect(try await browser.post(path, fields).status == 303)
            let changed = stand.fake.quarantines.all.withLock { $0[0] }
            #expect(changed.owner == "@acme/pay" && changed.expiresAt.seconds == 4_105_000_000)
            #expect(try await browser.get("/tests/tst_1").body.contains("In quarantine"))

            let stale = try await browser.post(path, fields)
            #expect(stale.status == 412 && stale.body.contains("Somebody else has changed this") && stale.field("version") == "2")
            fields["version"] = "2"
            fields["action"] = "lift"
            #expect(try await browser.post(path, fields).status == 303)
            let lifted = try await browser.get(path)
            #expect(lifted.body.contains("Earlier ones") && lifted.body.contains("Put it into quarantine"))
            // All that it said, whoever changed it since.
            let said = lifted.body.components(separatedBy: "<tr>").filter { $0.contains("<code>usr_1</code>") }
            try #require(said.count == 3)
            #expect(said[0].contains("Ended") && said[1].contains("Changed") && said[1].contains("@acme/pay, until 2100-01-30, SHOP-12: Late"))
            #expect(said[2].contains("Put into quarantine") && said[2].contains("@acme/shop, until 2100-01-31, SHOP-12: Late"))
            #expect(lifted.link("CSV") == "/api/v1/projects/web/quarantine/tst_1/versions?export=csv")
            let over = try await browser.get("/projects/web/quarantine?state=LIFTED&owner=@acme/pay")
            #expect(over.body.contains("@acme/pay"))
            // What the page shows can be had as a table, by whoever is signed in.
            #expect(over.link("CSV") == "/api/v1/projects/web/quarantine?state=LIFTED&owner=%40acme%2Fpay&export=csv")
            let table = try await browser.get(over.link("CSV"))
            #expect(table.status == 200 && table.headers["content-disposition"] == "attachment; filename=\"quarantine.csv\"")
            #expect(table.body.contains("'@acme/pay"), "\(table.body)")
        }
    }

    @Test("what is wrong with a quarantine stands beside its field, and a full one above the form")
    func quarantineRefusals() async throws {
        try await with { stand, browser in
            _ = try await browser.signIn()
            let path = "/projects/web/quarantine/tst_1"
            var fields = ["form_token": try await browser.get(path).field("form_token"), "action": "create", "owner": "", "reason": "Late"]
            let nobody = try await browser.post(path, fields)
            #expect(
                nobody.status == 422 && nobody.body.contains(#"id="owner-error" role="alert">It has 1 to 200"#)
                    && nobody.body.contains("Late</textarea>"))
            fields["owner"] = "@acme/shop"
            for (day, words) in [("2001-01-01", "ends in the future"), ("tomorrow", "Write the day as")] {
                fields["until"] = day
                let wrong = try await browser.post(path, fields)
                #expect(wrong.status == 422 && wrong.body.contains(#"id="until-error" role="alert">"#) && wrong.body.contains(words))
            }
            fields["until"] = ""
            let active = PBQuarantine.with {
                $0.test = "tst_8"
                $0.state = .active
            }
            stand.fake.quarantines.all.withLock { $0 = [active, active] }
            let full = try await browser.post(path, fields)
            #expect(full.status == 409 && full.body.contains("at most 2 tests in quarantine"))
            #expect(try await browser.get("/projects/web/quarantine/tst_9").status == 404)

            let reader = PageBrowser(stand)
            _ = try await reader.signIn(key: stand.makeKey([.resultsRead]))
            let page = try await reader.get(path)
            #expect(page.status == 200 && !page.body.contains("name=\"action\""))
            #expect(try await !reader.get("/projects/web/quarantine").body.contains("Renew"))
            #expect(try await !reader.get("/tests/tst_1").body.contains("Quarantine…"))
            fields["form_token"] = page.field("form_token")
            #expect(try await reader.post(path, fields).status == 403)
            fields["form_token"] = nil
            #expect(try await browser.post(path, fields).status == 403)
        }
    }

    @Test("a person overrules the machine on the page of a test, somebody who has not seen that is told, and the test is given back")
    func verdicts() async throws {
        try await with { stand, browser in
            _ = try await browser.signIn()
            let page = try await browser.get("/tests/tst_1")
            #expect(page.body.contains("You know better?") && !page.body.contains("Let the machine decide"))
            let path = "/tests/tst_1/verdict"
            var fields = ["form_token": page.field("form_token"), "version": page.field("version"), "kind": "flaky", "reason": ""]
            let unsaid = try await browser.post(path, fields)
            #expect(unsaid.status == 422 && unsaid.body.contains(#"id="verdict-error" role="alert">A reason has 1 to 1000"#))
            #expect(unsaid.body.contains(#"<option value="flaky" selected>"#))
            fields["reason"] = "It waits for a clock."
            fields["kind"] = "unheard of"
            #expect(try await browser.post(path, fields).status == 422)
            fields["kind"] = "broken"
            let taken = try await browser.post(path, fields)
            #expect(taken.status == 303 && taken.headers["location"] == "/tests/tst_1")
            #expect(stand.fake.verdicts.verdict.withLock { $0.kind } == .broken)
            let shown = try await browser.get("/tests/tst_1")
            #expect(shown.body.contains("It waits for a clock.") && shown.body.contains("Said by") && shown.body.contains("Let the machine decide"))

            let stale = try await browser.post(path, fields)
            #expect(stale.status == 412 && stale.body.contains("Somebody else has changed this") && stale.field("version") == "2")
            fields["version"] = "2"
            fields["action"] = "give_back"
            #expect(try await browser.post(path, fields).status == 303)
            let back = try await browser.get("/tests/tst_1")
            #expect(!back.body.contains("Said by"))
            // What was said stays to be read, the newest first, and whole for whoever wants it.
            let said = try #require(back.body.components(separatedBy: "What people said").dropFirst().first)
            #expect(said.components(separatedBy: "<tr>")[2].contains("Given back to the machine"))
            #expect(said.components(separatedBy: "<tr>")[3].contains("Broken") && said.contains("It waits for a clock."))
            #expect(said.contains(#"<a href="/api/v1/tests/tst_1/verdicts?export=csv">CSV</a>"#))
            #expect(!page.body.contains("What people said"))

            let reader = PageBrowser(stand)
            _ = try await reader.signIn(key: stand.makeKey([.resultsRead]))
            #expect(try await !reader.get("/tests/tst_1").body.contains("You know better?"))
            fields["form_token"] = try await reader.get("/projects/web/quarantine").field("form_token")
            #expect(try await reader.post(path, fields).status == 403)
            fields["form_token"] = nil
            #expect(try await browser.post(path, fields).status == 403)
        }
    }

    @Test("a run is proposed on its page, approved by somebody else, and later ones are held against it")
    func baselines() async throws {
        try await with { stand, browser in
            _ = try await browser.signIn()
            #expect(try await browser.get("/projects/web/baselines").body.contains("No baseline yet"))
            #expect(try await browser.get("/projects/web/regressions").body.contains("No baseline is in force"))
            let run = try await browser.get("/runs/run_good")
            #expect(run.body.contains("Propose as baseline"))
            let token = run.field("form_token")
            let lacking = try await browser.get(run.link("Regressions"))
            #expect(lacking.status == 200 && lacking.body.contains("Nothing to hold it against") && lacking.body.contains("Propose as baseline"))
            let unsuitable = try await browser.post("/runs/run_2/baseline", ["form_token": token, "note": "4.2"])
            #expect(unsuitable.status == 409 && unsuitable.body.contains("is no baseline") && unsuitable.body.contains("value=\"4.2\""))
            #expect(try await browser.post("/runs/run_good/baseline", ["note": "4.2"]).status == 403)
            let proposed = try await browser.post("/runs/run_good/baseline", ["form_token": token, "note": "4.2"])
            #expect(proposed.status == 303 && proposed.headers["location"] == "/projects/web/baselines")

            // It takes two.
            let settings = ["form_token": token, "version": "1", "two_persons": "1"]
            #expect(try await browser.post("/projects/web/baselines/settings", settings).status == 303)
            let stale = try await browser.post("/projects/web/baselines/settings", settings)
            #expect(stale.status == 412 && stale.body.contains("Somebody else has changed this"))
            let approval = ["form_token": token, "action": "approve", "note": "looked at"]
            let own = try await browser.post("/projects/web/baselines/bsl_1/decide", approval)
            #expect(own.status == 403 && own.body.contains("is your own proposal") && own.body.contains("value=\"looked at\""))
            let other = PageBrowser(stand)
            _ = try await other.signIn(key: stand.makeKey([.projectsAdmin]))
            let list = try await other.get("/projects/web/baselines?state=PROPOSED")
            #expect(list.body.contains("4.2") && list.body.contains("Approve"))
            var theirs = approval
            theirs["form_token"] = list.field("form_token")
            #expect(try await other.post("/projects/web/baselines/bsl_1/decide", theirs).status == 303)
            let decided = try await other.post("/projects/web/baselines/bsl_1/decide", theirs)
            #expect(decided.status == 409 && decided.body.contains("has been approved already"))
            #expect(try await other.post("/projects/web/baselines/bsl_9/decide", theirs).status == 404)

            #expect(try await browser.get("/projects/web/baselines").body.contains("in force"))
            let states = try await browser.get("/projects/web/regressions")
            #expect(states.body.contains("1 regression"))
            let found = try await browser.get(states.link("1 regression"))
            #expect(found.body.contains("pays") && found.body.contains("baseline 1 of"))
            #expect(found.body.contains(#"<code title="c1c1c1c1c1c1c1">c1c1c1c1c1</code>"#))

            // Held against another one, and taken back.
            stand.fake.baselines.state.withLock { state in
                var other = state.baselines[0]
                (other.id, other.number, other.inForce) = ("bsl_2", 2, false)
                state.baselines.append(other)
            }
            let compared = try await browser.get("/projects/web/baselines/bsl_2")
            #expect(compared.body.contains("bsl_2 against bsl_1") && compared.body.contains("Baseline <a href"))
            #expect(try await browser.get("/projects/web/baselines/bsl_1?base=bsl_2&kind=FIXED").body.contains("bsl_1 against bsl_2"))
            #expect(try await browser.get("/projects/web/baselines/bsl_9").status == 404)
            // A run as well; what it was told is kept, and judged once more when somebody asks.
            let told = try await browser.get("/runs/run_3/regressions")
            #expect(told.body.contains("<code>9f86d081884c7d65…</code>") && told.body.contains("2 of main: approved"))
            let again = try await browser.get(told.link("Judge it once more"))
            #expect(again.body.contains("it comes to the same") && !again.body.contains("Judge it once more"))
            let against = try await browser.get("/runs/run_3/regressions?baseline=bsl_2&show=flake")
            #expect(against.body.contains(#"<option value="bsl_2" selected>"#) && against.body.contains("this answer is kept, first given"))
            #expect(told.body.contains("It was in force when the run was told so") && !told.body.contains("this answer is kept"))
            // What is judged once more is this answer, not what the run was told.
            let answered = try await browser.get(against.link("Judge it once more"))
            #expect(answered.body.contains("<code>60303ae22b998861…</code>") && answered.body.contains("it comes to something else"))
            #expect(against.link("Regressions <") == "/runs/run_3/regressions?baseline=bsl_2&show=regression")
            let withdrawal = ["form_token": token, "action": "withdraw", "note": "half of it"]
            #expect(try await browser.post("/projects/web/baselines/bsl_1/decide", withdrawal).status == 303)
            let archive = try await browser.get("/projects/web/baselines?state=WITHDRAWN")
            #expect(archive.body.contains("Withdrawn") && archive.body.contains("half of it"))
            let twice = try await browser.post("/projects/web/baselines/bsl_1/decide", withdrawal)
            #expect(twice.status == 409 && twice.body.contains("Only an approval can be withdrawn"))
        }
    }

    @Test("a regression says what it is believed to be, flakes are hidden, and a person overrules it, who has seen the last word")
    func assessments() async throws {
        try await with { stand, browser in
            _ = try await browser.signIn()
            stand.fake.baselines.state.withLock { state in
                state.baselines = [
                    .with {
                        $0.id = "bsl_1"
                        $0.number = 1
                        $0.state = .approved
                        $0.inForce = true
                    }
                ]
            }
            let path = "/runs/run_3/regressions"
            let page = try await browser.get(path)
            #expect(page.body.contains("97 % sure") && page.body.contains("Without this failure the test is flaky already."))
            #expect(try await browser.get(path + "?show=hide").body.contains("None of this kind"))
            #expect(try await browser.get(path + "?show=flake").body.contains("pays"))

            let act = path + "/tst_1/verdict"
            var fields = [
                "form_token": page.field("form_token"), "version": page.field("version"), "baseline": "bsl_1", "kind": "unheard of",
                "reason": "meant",
            ]
            let wrong = try await browser.post(act, fields)
            #expect(wrong.status == 422 && wrong.body.contains("kind must be") && wrong.body.contains("value=\"meant\""))
            #expect(page.body.contains("The run was told otherwise") && page.body.contains(">c9c9c9c9c9</code>"))
            #expect(!page.body.contains("Said to be"))
            fields["kind"] = "no_regression"
            fields["commit"] = " c1c1c1c1c1c1c1 "
            fields["show"] = "hide"
            let taken = try await browser.post(act, fields)
            #expect(taken.status == 303 && taken.headers["location"] == path + "?show=hide")
            let shown = try await browser.get(path + "?show=hide")
            #expect(shown.body.contains("Said by") && shown.body.contains("the machine: Flake") && shown.body.contains("Leave it to the machine"))
            #expect(shown.body.contains("Said to be <code title=\"c1c1c1c1c1c1c1\">c1c1c1c1c1</code>"))
            #expect(shown.body.contains("name=\"commit\" value=\"c1c1c1c1c1c1c1\""))
            fields["show"] = ""
            let stale = try await browser.post(act, fields)
            #expect(stale.status == 412 && stale.body.contains("Somebody else has changed this") && stale.field("version") == "2")
            fields["version"] = "2"
            fields["kind"] = "environment"
            fields["commit"] = ""
            #expect(try await browser.post(act, fields).status == 303)
            let moved = try await browser.get(path + "?show=environment")
            #expect(moved.body.contains("the machine: Flake") && moved.body.contains("value=\"environment\" selected"))
            #expect(try await browser.get(path + "?show=hide").body.contains("None of this kind"))
            fields["version"] = "3"
            fields["action"] = "give_back"
            #expect(try await browser.post(act, fields).status == 303)
            let back = try await browser.get(path)
            #expect(!back.body.contains("Said by") && !page.body.contains("What people said"))
            let words = try await browser.get(back.link("What people said"))
            #expect(words.status == 200 && words.body.contains("Given back to the machine"))
            #expect(words.body.contains("No regression, by commit c1c1c1c1c1"))
            #expect(words.body.contains("meant") && words.link("What regressed there") == path)
            #expect(words.link("CSV") == path.replacing("/runs", with: "/api/v1/runs") + "/tst_1/verdicts?baseline=bsl_1&export=csv")
            let asked = try #require(stand.fake.regressionVerdicts.listed.withLock { $0.last })
            #expect(asked.run == "run_3" && asked.test == "tst_1" && asked.baseline == "bsl_1" && asked.limit == 10)

            let reader = PageBrowser(stand)
            _ = try await reader.signIn(key: stand.makeKey([.resultsRead]))
            let read = try await reader.get(path)
            #expect(read.status == 200 && !read.body.contains("You know better?"))
            fields["form_token"] = try await reader.get("/projects/web/quarantine").field("form_token")
            #expect(try await reader.post(act, fields).status == 403)
            fields["form_token"] = nil
            #expect(try await browser.post(act, fields).status == 403)
        }
    }

    @Test("who may only read proposes and approves nothing")
    func reading() async throws {
        try await with { stand, browser in
            _ = try await browser.signIn()
            let token = try await browser.get("/projects/web").field("form_token")
            _ = try await browser.post("/runs/run_good/baseline", ["form_token": token])
            let reader = PageBrowser(stand)
            _ = try await reader.signIn(key: stand.makeKey([.resultsRead]))
            let list = try await reader.get("/projects/web/baselines")
            #expect(list.body.contains("Proposed") && !list.body.contains("Approve</button>") && !list.body.contains("name=\"two_persons\""))
            #expect(try await !reader.get("/runs/run_good").body.contains("Propose as baseline"))
            #expect(try await !reader.get("/runs/run_good/regressions").body.contains("Propose as baseline"))
            let form = ["form_token": list.field("form_token"), "action": "approve"]
            #expect(try await reader.post("/projects/web/baselines/bsl_1/decide", form).status == 403)
            #expect(try await reader.post("/runs/run_good/baseline", form).status == 403)
            #expect(try await reader.post("/projects/web/baselines/settings", form).status == 403)
        }
    }
}
