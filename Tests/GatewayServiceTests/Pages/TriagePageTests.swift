import AnalyticsAPI
import Foundation
import SwiftProtobuf
import Synchronization
import TestSupport
import Testing
import ValidationAPI

@testable import GatewayService

@Suite("The page of failures", .database(GatewayProgram.schema))
struct TriagePageTests {
    private func with(_ body: (GatewayStand, PageBrowser) async throws -> Void) async throws {
        try await GatewayStand.with(pages: PageGallery().site.routes) { stand in try await body(stand, PageBrowser(stand)) }
    }

    @Test("a decision about all that match names the filter, not what was shown: a group that has left it meanwhile is not touched")
    func apply() async throws {
        try await with { stand, browser in
            let groups = stand.fake.failureGroups
            groups.add("grp_1", says: "warehouse refused the order")
            groups.add("grp_2", .ongoing, says: "billing refused the order")
            groups.add("grp_3", says: "disk is full")
            _ = try await browser.signIn()
            let page = try await browser.get("/projects/web/failures?q=refused")
            #expect(page.status == 200 && page.body.contains("warehouse refused") && page.body.contains("billing refused"))
            #expect(!page.body.contains("disk is full"))
            let form = ["form_token": page.field("form_token"), "q": page.field("q"), "state": "", "branch": "", "owner": "", "action": "assign"]
            #expect(form["q"] == "refused")
            // Somebody else resolves one of the two that are shown.
            groups.state.withLock { $0.groups[0].state = .resolved }
            let done = try await browser.post("/projects/web/failures/apply", form.merging(["assignee": " payments "]) { $1 })
            #expect(done.status == 200 && done.body.contains("1 group changed."))
            let sent = try #require(groups.state.withLock { $0.applied.first })
            #expect(sent.filter.state == [.new, .ongoing, .regressed] && sent.filter.q == "refused" && sent.owner == "payments")
            #expect(groups.state.withLock { $0.groups.map(\.owner) } == ["", "payments", ""])
            #expect(groups.state.withLock { $0.groups.map(\.state) } == [.resolved, .ongoing, .new])
            // The list comes back as it is now.
            #expect(!done.body.contains("warehouse refused") && done.body.contains("billing refused") && done.body.contains("payments"))
        }
    }

    @Test("the list is narrowed by category and owner, and forms, tables and the way back keep all that it is narrowed to")
    func narrowed() async throws {
        try await with { stand, browser in
            let groups = stand.fake.failureGroups
            groups.add("grp_1", says: "warehouse refused the order", category: .network, owner: "payments")
            groups.add("grp_2", says: "billing refused the order", category: .network, owner: "search")
            groups.add("grp_3", says: "mail refused the order", category: .serverError, owner: "payments")
            _ = try await browser.signIn()
            let query = "?category=NETWORK&owner=payments&q=refused&sort=FAILURES"
            let page = try await browser.get("/projects/web/failures" + query)
            #expect(page.status == 200 && page.body.contains("warehouse refused"))
            #expect(!page.body.contains("billing refused") && !page.body.contains("mail refused"))
            let asked = try #require(groups.state.withLock { $0.listed.last })
            #expect(asked.category == [.network] && asked.owner == "payments" && asked.sort == .failures)
            #expect(page.body.contains(#"<option value="NETWORK" selected>Network</option>"#))
            #expect(page.body.contains(#"id="owner" name="owner" value="payments""#))
            #expect(page.link("Resolved") == "/projects/web/failures?state=RESOLVED&\(query.dropFirst())")
            #expect(page.link("CSV").contains("category=NETWORK&owner=payments&q=refused&sort=FAILURES&export=csv"))
            #expect(page.field("back").replacing("&amp;", with: "&") == "/projects/web/failures" + query)

            let form = [
                "form_token": page.field("form_token"), "state": "", "category": "NETWORK", "branch": "", "owner": "payments", "q": "refused",
                "sort": page.field("sort"), "action": "resolve", "commit": " 9f86d081884c ", "mended_on": " main ",
            ]
            #expect(form["sort"] == "FAILURES")
            let done = try await browser.post("/projects/web/failures/apply", form)
            #expect(done.status == 200 && done.body.contains("1 group changed."))
            let sent = try #require(groups.state.withLock { $0.applied.first })
            #expect(sent.commitSha == "9f86d081884c" && sent.branch == "main" && sent.owner.isEmpty)
            #expect(sent.filter.category == [.network] && sent.filter.owner == "payments" && sent.filter.branch.isEmpty)
            #expect(groups.state.withLock { $0.groups.map(\.state) } == [.resolved, .new, .new])
            // What is no category narrows nothing.
            #expect(try await browser.get("/projects/web/failures?category=WEATHER").body.contains("mail refused"))
        }
    }

    @Test("a group is resolved with a commit and for a branch alone; who assigns all has a form of its own, and resolves none of them")
    func resolve() async throws {
        try await with { stand, browser in
            stand.fake.failureGroups.add("grp_1", says: "warehouse refused the order")
            _ = try await browser.signIn()
            let page = try await browser.get("/projects/web/failures")
            let assigning = try #require(page.body.components(separatedBy: "<form ").last { $0.contains("name=\"assignee\"") })
            #expect(assigning.contains("name=\"q\"") && !assigning.contains("value=\"resolve\""))
            let form = ["form_token": page.field("form_token"), "action": "resolve", "commit": "9f86d081884c", "mended_on": " release/4 "]
            let done = try await browser.post("/projects/web/failures/grp_1/decide", form)
            #expect(done.status == 303 && done.headers["location"] == "/projects/web/failures/grp_1")
            let sent = try #require(stand.fake.failureGroups.state.withLock { $0.resolved.first })
            #expect(sent.group == "grp_1" && sent.commitSha == "9f86d081884c" && sent.branch == "release/4")
            let gallery = try PageGallery()
            let group = try #require(gallery.pages().first { $0.name == "failure-group" }?.html)
            #expect(group.contains("name=\"commit\"") && group.contains("name=\"mended_on\""))
        }
    }

    @Test("keys go from row to row of every list that is worked through, also for who may only read, and the page says which")
    func keys() async throws {
        try await with { stand, browser in
            stand.fake.failureGroups.add("grp_1", says: "warehouse refused the order")
            stand.fake.quarantines.all.withLock { all in
                all = [
                    .with {
                        $0.test = "tst_1"
                        $0.name = "pays"
                        $0.state = .active
                    }
                ]
            }
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
            _ = try await browser.signIn(key: stand.makeKey([.resultsRead]))
            let lists = ["failures", "quarantine", "incidents", "logs"].map { "/projects/web/\($0)" }
            for path in lists + ["/runs/run_3/regressions"] {
                let page = try await browser.get(path)
                #expect(page.status == 200 && page.body.contains("/assets/triage.js?"), "\(path)")
                #expect(page.body.contains("data-keys hidden>Keys: <kbd>j</kbd> <kbd>k</kbd> next and previous, <kbd>Enter</kbd> open"), "\(path)")
                // Enter opens the first link of a row.
                let row = try #require(page.body.components(separatedBy: "<tr data-row>").dropFirst().first, "\(path)")
                let link = try #require(row.components(separatedBy: "<a ").dropFirst().first, "\(path)")
                #expect(link.hasPrefix("class=\"title\" href=\"/"), "\(path)")
                #expect(!page.body.contains("data-key="), "who may only read decides nothing: \(path)")
            }
        }
    }

    @Test("who may decide does so with keys in the lists of quarantines, incidents and regressions, each in the row that one is at")
    func deciding() async throws {
        try await with { stand, browser in
            stand.fake.quarantines.all.withLock { all in
                all = [(PBQuarantine.State.active, "tst_1"), (.lifted, "tst_2")].map { state, test in
                    PBQuarantine.with { ($0.test, $0.name, $0.state) = (test, "pays", state) }
                }
            }
            stand.fake.baselines.state.withLock { state in
                state.baselines = [.with { ($0.id, $0.number, $0.state, $0.inForce) = ("bsl_1", 1, .approved, true) }]
            }
            _ = try await browser.signIn()
            func first(_ page: PageBrowser.Answer) throws -> String {
                let rows = page.body.components(separatedBy: "<tr data-row>")
                try #require(rows.count > 1)
                return rows[1].components(separatedBy: "</tr>")[0]
            }
            let quarantine = try await browser.get("/projects/web/quarantine")
            let standing = try first(quarantine)
            #expect(standing.contains(#"href="/projects/web/quarantine/tst_1" data-key="r">Renew…</a>"#))
            #expect(standing.contains(#"<button class="quiet" name="action" value="lift" data-key="l""#))
            #expect(quarantine.body.contains("<kbd>r</kbd> renew, <kbd>l</kbd> lift</p>"))
            let lifted = try await browser.get("/projects/web/quarantine?state=LIFTED")
            #expect(try !first(lifted).contains("data-key=") && lifted.body.contains("<kbd>Enter</kbd> open</p>"))

            let regressions = try await browser.get("/runs/run_3/regressions")
            #expect(try first(regressions).contains(#"<summary data-key="v">You know better?</summary>"#))
            #expect(regressions.body.contains("<kbd>v</kbd> say what it is</p>"))

            // A reason is asked for where an incident is dismissed: the key leads to its field.
            let incidents = try await browser.get("/projects/web/incidents")
            #expect(try first(incidents).contains(#"data-key="d">Dismiss…</a>"#))
            #expect(incidents.body.contains("<kbd>d</kbd> dismiss or reinstate</p>"))
            #expect(incidents.link("Dismiss…") == "/projects/web/incidents/inc_1#reason")
            let incident = try await browser.get("/projects/web/incidents/inc_1")
            let field = try #require(incident.body.components(separatedBy: #"<input id="reason""#).dropFirst().first?.prefix { $0 != ">" })
            #expect(field.contains(#"data-key="d""#) && incident.body.contains("/assets/triage.js?"))
            stand.fake.incidents.incident.withLock { $0.state = .dismissed }
            #expect(try await browser.get("/projects/web/incidents").link("Reinstate…") == "/projects/web/incidents/inc_1#reason")
        }
    }

    @Test("from the list a group gets an owner in its row and a category on its page, and both lead back to the row")
    func rows() async throws {
        try await with { stand, browser in
            let groups = stand.fake.failureGroups
            groups.add("grp_1", says: "warehouse refused the order")
            groups.add("grp_2", says: "billing refused the order", owner: "search")
            _ = try await browser.signIn()
            let list = "/projects/web/failures?q=refused"
            let page = try await browser.get(list)
            let rows = page.body.components(separatedBy: "<tr data-row>")
            try #require(rows.count == 3)
            #expect(rows[2].contains(#"<summary data-key="a">Owner</summary>"#) && rows[2].contains(#"name="assignee" value="search""#))
            let form = ["form_token": page.field("form_token"), "action": "assign", "assignee": " payments ", "back": list, "row": "1"]
            let assigned = try await browser.post("/projects/web/failures/grp_2/decide", form)
            #expect(assigned.status == 303 && assigned.headers["location"] == list + "#row-1")
            #expect(groups.state.withLock { $0.groups.map(\.owner) } == ["", "payments"])

            let path = page.link("Category")
            #expect(path.hasPrefix("/projects/web/failures/grp_1?back=") && path.hasSuffix("#category"))
            let group = try await browser.get(path.components(separatedBy: "#")[0])
            #expect(group.status == 200 && group.body.contains(#"<select id="category" name="category" required data-key="c">"#))
            #expect(group.field("back") == list + "#row-0")
            let said = ["form_token": page.field("form_token"), "version": "1", "category": "network", "back": group.field("back")]
            let filed = try await browser.post("/results/res_1/verdict", said)
            #expect(filed.status == 303 && filed.headers["location"] == list + "#row-0")
            // Without a way back it is the group's own page, and no way leads elsewhere.
            #expect(try await browser.get("/projects/web/failures/grp_1").field("back") == "/projects/web/failures/grp_1")
            #expect(try await browser.get("/projects/web/failures/grp_1?back=%2F%2Fevil.example").field("back") == "/")
        }
    }

    @Test("the keys that a page tells are those that something on it has")
    func told() throws {
        let gallery = try PageGallery()
        var all: Set<String> = []
        for (name, html) in gallery.pages() + gallery.besides {
            func words(after mark: String, in text: String) -> Set<String> {
                Set(text.components(separatedBy: mark).dropFirst().map { String($0.prefix { $0 != "\"" && $0 != "<" }) })
            }
            let hint = html.components(separatedBy: "data-keys hidden>").dropFirst().first?.components(separatedBy: "</p>").first ?? ""
            let told = words(after: "<kbd>", in: hint).subtracting(["j", "k", "Enter", "/"])
            #expect(told == words(after: "data-key=\"", in: html), "\(name)")
            all.formUnion(told)
        }
        #expect(all == ["a", "c", "d", "l", "m", "o", "q", "r", "s", "v"])
    }

    @Test("flaky tests and the failures of a group are gone through with keys as well")
    func moreKeys() throws {
        let gallery = try PageGallery()
        let f = gallery.fixtures
        let flaky = try #require(gallery.pages().first { $0.name == "flaky" }?.html)
        #expect(flaky.contains("<tr data-row>") && flaky.contains("data-keys hidden>Keys: <kbd>j</kbd>"))
        #expect(flaky.contains(#"data-key="q">Quarantine…</a>"#) && flaky.contains("<kbd>q</kbd> quarantine"))
        let group = gallery.html(
            .failureGroup, title: "Group", crumbs: [],
            FailureGroupPage.View(
                f.failureGroups[2], project: "checkout", parts: f.groupParts, canDecide: false, refusal: nil, pager: nil, now: f.now))
        #expect(group.contains("data-keys hidden>Keys: <kbd>j</kbd>") && !group.contains("data-key="))
    }

    @Test("what is refused is said above the list, and who may not decide changes nothing")
    func refused() async throws {
        try await with { stand, browser in
            let groups = stand.fake.failureGroups
            groups.add("grp_1", says: "warehouse refused the order")
            _ = try await browser.signIn()
            let page = try await browser.get("/projects/web/failures")
            var form = ["form_token": page.field("form_token"), "action": "assign", "assignee": "nobody"]
            let refused = try await browser.post("/projects/web/failures/apply", form)
            #expect(refused.status == 422 && refused.body.contains("role=\"alert\"") && refused.body.contains("warehouse refused"))
            let reader = PageBrowser(stand)
            _ = try await reader.signIn(key: stand.makeKey([.resultsRead]))
            let shown = try await reader.get("/projects/web/failures")
            #expect(shown.status == 200 && !shown.body.contains("failures/apply"))
            form["form_token"] = shown.field("form_token")
            form["action"] = "resolve"
            #expect(try await reader.post("/projects/web/failures/apply", form).status == 403)
            form["form_token"] = nil
            #expect(try await browser.post("/projects/web/failures/apply", form).status == 403)
            #expect(groups.state.withLock { $0.groups.map(\.state) } == [.new])
        }
    }
}
