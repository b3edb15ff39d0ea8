import AnalyticsAPI
import Foundation
import Primitives
import SwiftProtobuf
import Synchronization
import TestSupport
import Testing
import ValidationAPI

@testable import GatewayService

@Suite("Pages of one failure", .database(GatewayProgram.schema))
struct FailurePageTests {
    private func with(_ body: (GatewayStand, PageBrowser) async throws -> Void) async throws {
        try await GatewayStand.with(pages: PageGallery().site.routes) { stand in try await body(stand, PageBrowser(stand)) }
    }

    @Test("a person files a failure as something else on its page, somebody who has not seen that is told, and the machine gets it back")
    func verdict() async throws {
        try await with { stand, browser in
            _ = try await browser.signIn()
            let page = try await browser.get("/results/res_1")
            #expect(page.body.contains("You know better?") && page.body.contains("Timeout") && !page.body.contains("Let the machine decide"))
            #expect(!page.body.contains("Not recognised"), "who does not know says nothing")
            let path = "/results/res_1/verdict"
            var fields = [
                "form_token": page.field("form_token"), "version": page.field("version"), "category": "unheard of", "note": "The sandbox was down.",
            ]
            let wrong = try await browser.post(path, fields)
            #expect(wrong.status == 422 && wrong.body.contains(#"id="failure-verdict-error" role="alert">Name one of the categories."#))
            #expect(wrong.field("note") == "The sandbox was down." && !wrong.body.contains("name=\"back\""))
            // The way back to where it was shown outlives a word that is not taken.
            let list = "/projects/web/failures/grp_1"
            #expect(try await browser.post(path, fields.merging(["back": list]) { $1 }).field("back") == list)
            #expect(try await browser.post(path, fields.merging(["back": "//evil.example"]) { $1 }).field("back") == "/")
            fields["category"] = "out of memory"
            fields["severity"] = "critical"
            let taken = try await browser.post(path, fields)
            #expect(taken.status == 303 && taken.headers["location"] == "/results/res_1")
            let said = stand.fake.failureVerdicts.verdict.withLock { $0 }
            #expect(said.category == .outOfMemory && said.severity == .critical && said.note == "The sandbox was down.")
            let shown = try await browser.get("/results/res_1")
            #expect(shown.body.contains("Filed as Out of memory by") && shown.body.contains(#"<option value="out of memory" selected>"#))

            let stale = try await browser.post(path, fields)
            #expect(stale.status == 412 && stale.body.contains("Somebody else has changed this") && stale.field("version") == "2")
            fields["version"] = "2"
            fields["action"] = "give_back"
            // From the page of its group, and back there; nowhere else.
            fields["back"] = "/projects/web/failures/grp_1"
            #expect(try await browser.post(path, fields).headers["location"] == "/projects/web/failures/grp_1")
            let back = try await browser.get("/results/res_1")
            #expect(!back.body.contains("Filed as") && !page.body.contains("What people said"))
            let words = try #require(back.body.components(separatedBy: "What people said").dropFirst().first)
            let rows = words.components(separatedBy: "<tr>")
            #expect(rows[2].contains("Given back to the machine") && !rows[2].contains("The sandbox was down."))
            #expect(rows[3].contains("Out of memory, critical severity") && rows[3].contains("The sandbox was down."))
            #expect(words.contains(#"<a href="/api/v1/results/res_1/failure/verdicts?export=csv">CSV</a>"#))
            fields["version"] = "3"
            fields["back"] = "//evil.example"
            #expect(try await browser.post(path, fields).headers["location"] == "/")

            let reader = PageBrowser(stand)
            _ = try await reader.signIn(key: stand.makeKey([.resultsRead]))
            let read = try await reader.get("/results/res_1")
            #expect(read.status == 200 && !read.body.contains("You know better?"))
            fields["form_token"] = try await reader.get("/projects/web/quarantine").field("form_token")
            #expect(try await reader.post(path, fields).status == 403)
            fields["form_token"] = nil
            #expect(try await browser.post(path, fields).status == 403)
        }
    }

    @Test("nothing is chosen that nobody has said: no category before somebody has, nor another than theirs, and no severity that they did not name")
    func unsaid() async throws {
        try await with { stand, browser in
            _ = try await browser.signIn()
            func form() async throws -> Substring {
                let body = try await browser.get("/results/res_1").body
                let select = #"<select id="category" name="category" required data-key="c"><option value="">choose…</option>"#
                let start = try #require(body.range(of: select))
                let end = try #require(body.range(of: "File it", range: start.upperBound..<body.endIndex))
                return body[start.upperBound..<end.lowerBound]
            }
            #expect(try await !form().contains(" selected"))
            stand.fake.failureVerdicts.verdict.withLock {
                $0.category = .unknown
                $0.version = 2
            }
            #expect(try await !form().contains(" selected"))
            stand.fake.failureVerdicts.verdict.withLock { $0.category = .data }
            let said = try await form()
            #expect(said.contains(#"<option value="data" selected>"#) && said.components(separatedBy: " selected").count == 2)
        }
    }

    @Test("a group shows the word that decides, and which of its failures it was said of where that is not the one shown")
    func otherFailure() throws {
        let f = PageFixtures()
        let gallery = try PageGallery()
        func page(of result: String) -> String {
            var (group, parts) = (f.failureGroups[2], f.groupParts)
            group.overruled = true
            group.verdictResult = result
            parts.word = .content(
                .with {
                    $0 = f.failureVerdict
                    $0.result = result
                })
            return gallery.html(
                .failureGroup, title: "Group", crumbs: [],
                FailureGroupPage.View(group, project: "checkout", parts: parts, canDecide: true, refusal: nil, pager: nil, now: f.now))
        }
        let older = page(of: "res_0")
        #expect(older.contains(#"<a href="/results/res_0">One of its failures</a> was filed as Environment by"#))
        #expect(older.contains(#"action="/results/res_0/verdict""#) && older.contains("Let the machine decide"))
        let shown = page(of: "res_1")
        #expect(shown.contains("Filed as Environment by") && shown.contains(#"action="/results/res_1/verdict""#))
    }

    @Test("a group says which runs its absence was told from, and gives whole commits to whoever copies one")
    func absence() throws {
        let f = PageFixtures()
        let gallery = try PageGallery()
        func page(elsewhere: Bool?) -> String {
            var group = f.failureGroups[3]
            group.firstSeen.commitSha = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b"
            group.resolution.commitSha = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b"
            if let elsewhere {
                group.resolution.absent = true
                group.resolution.absence = .with {
                    $0.runs = 34
                    $0.neededRuns = 20
                    $0.days = 15
                    $0.neededDays = 7
                    $0.otherBranches = elsewhere
                }
            }
            return gallery.html(
                .failureGroup, title: "Group", crumbs: [],
                FailureGroupPage.View(group, project: "checkout", parts: f.groupParts, canDecide: true, refusal: nil, pager: nil, now: f.now))
        }
        #expect(page(elsewhere: false).contains("it had not been seen for 15 days and 34 runs; 7 and 20 are enough."))
        let gone = page(elsewhere: true)
        #expect(gone.contains("15 days and 34 runs of other branches, since nothing had run on its own for 14 days; 7 and 20 are enough."))
        #expect(gone.contains(#"at <code title="9f86d081884c7d659a2feaa0c55ad015a3bf4f1b">9f86d08188</code>"#))
        #expect(page(elsewhere: nil).contains("with 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b"))
    }

    @Test("who is proposed as the owner of a group stands in the form, to be taken with one click, and in the list; not where there is one")
    func proposedOwners() async throws {
        let f = PageFixtures()
        let gallery = try PageGallery()
        func page(owner: String) -> String {
            var group = f.failureGroups[0]
            group.owner = owner
            group.proposedOwners = owner.isEmpty ? ["@acme/pay", "@ann"] : []
            return gallery.html(
                .failureGroup, title: "Group", crumbs: [],
                FailureGroupPage.View(group, project: "checkout", parts: f.groupParts, canDecide: true, refusal: nil, pager: nil, now: f.now))
        }
        let open = page(owner: "")
        #expect(open.contains("proposed: @acme/pay, @ann") && open.contains(#"name="assignee" value="@acme/pay""#))
        #expect(open.contains(#"<option value="@ann">"#))
        #expect(open.contains("</bdi></a> <span class=\"tag owner\"><bdi>") && open.contains("@acme/basket"), "each test says whose it is")
        let taken = page(owner: "payments")
        #expect(taken.contains(#"name="assignee" value="payments""#) && !taken.contains("proposed:"))
        try await with { stand, browser in
            let groups = stand.fake.failureGroups
            groups.add("grp_1", says: "warehouse refused the order")
            groups.add("grp_2", says: "billing refused the order", owner: "payments")
            groups.state.withLock { $0.groups[0].proposedOwners = ["@acme/pay", "@ann"] }
            _ = try await browser.signIn()
            let list = try await browser.get("/projects/web/failures").body
            #expect(list.components(separatedBy: "proposed: ").count == 2 && list.contains("proposed: <bdi>@acme/pay</bdi>"))
        }
    }

    @Test("all failures of a group are filed with one form, in as many calls as it takes, or given back to the machine")
    func filing() async throws {
        let f = PageFixtures()
        let gallery = try PageGallery()
        func page(canDecide: Bool) -> String {
            gallery.html(
                .failureGroup, title: "Group", crumbs: [],
                FailureGroupPage.View(
                    f.failureGroups[0], project: "checkout", parts: f.groupParts, canDecide: canDecide, refusal: nil,
                    done: canDecide ? "20,000 failures filed." : nil, pager: nil, now: f.now))
        }
        let form = try #require(page(canDecide: true).components(separatedBy: "<form ").first { $0.contains("value=\"file\"") })
        #expect(form.contains(#"<option value="environment">Environment</option>"#) && form.contains("value=\"give_back\" formnovalidate"))
        #expect(page(canDecide: true).contains(#"role="status">20,000 failures filed."#))
        #expect(!page(canDecide: false).contains("File all of them"))
        try await with { stand, browser in
            let groups = stand.fake.failureGroups
            groups.add("grp_1", says: "warehouse refused the order")
            groups.state.withLock { $0.filings = 3 }
            _ = try await browser.signIn()
            var fields = [
                "form_token": try await browser.get("/projects/web/failures").field("form_token"), "action": "file", "category": "environment",
                "severity": "low", "note": " The sandbox was down. ",
            ]
            let filed = try await browser.post("/projects/web/failures/grp_1/decide", fields)
            #expect(filed.status == 303 && filed.headers["location"] == "/projects/web/failures/grp_1")
            let sent = groups.state.withLock { $0.filed }
            #expect(sent.count == 3 && sent.allSatisfy { $0.group == "grp_1" && $0.category == .environment && $0.severity == .low })
            #expect(sent[0].note == "The sandbox was down.")
            #expect(sent.map(\.after) == ["", "res_1", "res_2"], "each goes on behind the one before")
            fields["action"] = "give_back"
            #expect(try await browser.post("/projects/web/failures/grp_1/decide", fields).status == 303)
            #expect(groups.state.withLock { $0.givenBack.map(\.group) } == ["grp_1"] && groups.state.withLock { $0.filed.count } == 3)
        }
    }

    @Test("filing goes on no longer than a page waits, and tells what was done when the rest cannot be had, or when there was nothing to do")
    func filingEnds() async throws {
        var answers: [Result<PBFiledFailures, Fault>] = []
        func go(_ given: [Result<PBFiledFailures, Fault>], isGivenBack: Bool = false, for time: Duration = .seconds(60)) async throws -> String? {
            answers = given
            return try await FailureGroupPage.goOn(isGivenBack: isGivenBack, until: .now + time) { try answers.removeFirst().get() }
        }
        func filed(_ count: Int64, hasMore: Bool) -> Result<PBFiledFailures, Fault> {
            .success(
                .with {
                    $0.failures = count
                    $0.hasMore_p = hasMore
                })
        }
        let slow = Result<PBFiledFailures, Fault>.failure(Fault(.unavailable, "unavailable", "It took too long."))
        let more = "4,000 failures filed. There are more: do it again to go on."
        #expect(try await go([filed(2_000, hasMore: true), filed(2_000, hasMore: true), slow]) == more)
        #expect(
            try await go([filed(1, hasMore: true), filed(1, hasMore: false)], isGivenBack: true, for: .zero)
                == "1 failure given back. There are more: do it again to go on.")
        #expect(answers.count == 1)
        #expect(try await go([filed(2_000, hasMore: true), filed(7, hasMore: false)]) == nil)
        await #expect(throws: Fault.self) { try await go([slow]) }
        #expect(try await go([filed(0, hasMore: false)]) == "Nothing to file: all of them are that already.")
        #expect(
            try await go([filed(0, hasMore: false)], isGivenBack: true) == "Nothing to give back: the machine decides on all of them already.")
        let endless = try await go(Array(repeating: filed(2_000, hasMore: true), count: FailureGroupPage.filingCalls + 1))
        #expect(endless?.hasPrefix("20,000 failures filed. There are more") == true && answers.count == 1)
    }

    @Test("a group tells what people decided about it, and where the rest of it is")
    func decisions() throws {
        let f = PageFixtures()
        let page = try PageGallery().html(
            .failureGroup, title: "Group", crumbs: [],
            FailureGroupPage.View(
                f.failureGroups[2], project: "checkout", parts: f.groupParts, canDecide: false, refusal: nil, pager: nil, now: f.now))
        for words in ["Taken out of what was one group", "Some of it was taken out", "Joined 5 signatures", "Two outages"] {
            #expect(page.contains(words), "\(words)")
        }
        #expect(page.contains(#"<a href="/projects/checkout/failures/grp_0">2 signatures left in another group</a>"#))
        #expect(page.contains("2 signatures taken out in another group</a>") && page.contains("2 signatures in another group now</a>"))
        var again = f.groupDecisions[0]
        again.groups[1].group = "grp_2"
        #expect(GroupDecisionRow(again, in: "grp_2", of: "checkout", now: f.now).label == "Split, and joined again later")
        #expect(GroupDecisionRow(again, in: "grp_9", of: "checkout", now: f.now).label == "Split")
        var parts = f.groupParts
        parts.decisions = .content(.init())
        let none = try PageGallery().html(
            .failureGroup, title: "Group", crumbs: [],
            FailureGroupPage.View(f.failureGroups[2], project: "checkout", parts: parts, canDecide: false, refusal: nil, pager: nil, now: f.now))
        #expect(!none.contains("What people decided"))
    }

    @Test("receipts are judged once more when somebody looks at them")
    func receipts() async throws {
        try await with { _, browser in
            _ = try await browser.signIn()
            let failure = try await browser.get("/results/res_1")
            let receipt = try await browser.get(failure.link("The receipt"))
            #expect(receipt.status == 200 && receipt.body.contains("Judged once more just now, it comes to the same."))
            #expect(receipt.body.contains("timeout.runner") && receipt.body.contains("9f86d081884c7d65…") && receipt.body.contains("edition 3"))
            // What another part cannot say does not hide the rest.
            #expect(receipt.body.contains("Groups cannot be shown right now"))
            #expect(try await browser.get("/results/res_9/receipt").status == 404)
            let test = try await browser.get("/tests/tst_1/receipt")
            #expect(test.status == 200 && test.body.contains("Whether it can be relied on"))
            #expect(try await browser.get("/projects/web/incidents/inc_9/receipt").status == 404)
            let incident = try await browser.get("/projects/web/incidents/inc_1/receipt")
            #expect(incident.status == 200 && incident.body.contains("does not come to the same. It would be put down to chance."))
        }
    }

    @Test("what judging once more comes to is said, and what differs")
    func sections() {
        let now = Date(timeIntervalSince1970: 1_790_000_000)
        let receipt = PBReceipt.with {
            $0.category = .network
            $0.rule = "network.refused"
        }
        let other = PBReplay.with {
            $0.category = .data
            $0.rule = "rul_1"
            $0.agrees = false
        }
        let differs = ReceiptPage.category(receipt, .content(other), now: now)
        #expect(!differs.agrees && differs.outcome == "Judged once more just now, it does not come to the same. It would be Data by rul_1.")
        let gone = ReceiptPage.category(receipt, .note("What it saw was not kept."), now: now)
        #expect(gone.outcome == nil && gone.note == "What it saw was not kept.")
        let group = ReceiptPage.group(
            .content(
                .with {
                    $0.agrees = false
                    $0.detail = "The texts are signed otherwise now."
                    $0.merges = [.with { $0.detail = "A person put them together." }]
                }))
        #expect(group.outcome?.hasSuffix("The texts are signed otherwise now.") == true && group.lines.map(\.text) == ["A person put them together."])
        let state = ReceiptPage.state(
            .content(
                .with {
                    $0.state.state = .ongoing
                    $0.state.stateAgain = .regressed
                    $0.state.reasonAgain = .otherWords
                    $0.state.agrees = false
                    $0.state.detail = "What its signatures come to is another state."
                }), now: now)
        #expect(state.count == 1 && state[0].outcome?.hasSuffix("another state.") == true)
        #expect(state[0].lines.map(\.text) == ["It came back in other words after it was resolved."])
        #expect(ReceiptPage.state(.content(.init()), now: now).isEmpty && ReceiptPage.state(.note("Not now."), now: now).isEmpty)
    }
}
