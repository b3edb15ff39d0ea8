import Foundation
import TestSupport
import Testing

/// The part of a person's day that is about failures: from a project to a trace, a verdict and a decision. Goes on in a browser that is signed in.
struct BrowserTriage {
    let browser: WebDriver
    let stack: Stack
    let journey: Journey
    let project: String

    /// - Returns: addresses of the pages that it went over.
    func work() async throws -> [String] {
        // Other trouble on another branch: what branches are held against each other by, and groups are joined from.
        let report = Journey.report(count: 1, failing: 1, message: "no space is left on the disk", name: "disk")
        let other = try await journey.upload(report, to: project, query: "wait=30&run_env[branch]=topic")
        _ = try await journey.finished(other.string("run_id"))
        // One commit again and again, each time with one test more so that it is another report: what fails by turns on it is flaky, and no commit can be the
        // reason.
        for (number, failing) in [10, 0, 10, 0, 10].enumerated() {
            let report = Journey.report(count: 61 + number, failing: failing)
            let receipt = try await journey.upload(report, to: project, query: "wait=30&run_env[branch]=main&run_env[commit_sha]=9f86d081884c")
            _ = try await journey.finished(receipt.string("run_id"))
        }
        let (group, result) = try await threeClicks()
        try await readVerdicts()
        try await decideByKeys()
        let run = try await journey.api.get("/projects/\(project)/runs?limit=1").string("data.0.id")
        let judged = try await judge(run)
        let ofProject = [
            "", "/failures", "/failures?state=ALL", "/trends", "/trends?by=BRANCH&value=main", "/level-changes", "/tests", "/flaky", "/grid",
            "/suites", "/secrets", "/compare", "/compare?branch=topic&base_branch=main",
        ]
        return ofProject.map { "/projects/\(project)\($0)" }
            + [group, result, "/runs/\(run)", "/runs/\(run)/compare", "/runs/\(run)/retry-plan", result + "/receipt", "/deliveries"] + judged
    }

    /// Makes one of each thing that people decide about: a rule, a quarantined test, a baseline with regressions, an incident.
    /// - Returns: addresses of the pages about them.
    private func judge(_ run: String) async throws -> [String] {
        let path = "/projects/\(project)"
        let draft = ["name": "n", "category": "DATA", "pattern": "x"]
        let rule = try await journey.api.post("\(path)/rules", ["draft": draft]).string("id")
        let edition = try await journey.api.get("\(path)/rule-editions").integer("data.0.edition")
        #expect(edition > 0)
        let test = try await journey.api.get("/runs/\(run)/results?outcome=FAILED&outcome=ERRORED&limit=1").string("data.0.test")
        let quarantine = try await journey.api.post("\(path)/quarantine", ["test": test, "owner": "@acme/shop", "reason": "late answers"])
        #expect(quarantine.status == 201, "\(quarantine.text)")
        let word = Data(#"{"kind":"FLAKY","reason":"It waits for a clock."}"#.utf8)
        let headers = ["Content-Type": "application/json", "If-Match": "*"]
        let said = try await journey.api.send("PUT", "/tests/\(test)/verdict", body: word, headers: headers)
        #expect(said.status == 200, "\(said.text)")
        let good = try await journey.api.get("\(path)/runs?state=PASSED&limit=2")
        let older = try await propose(good.string("data.1.id"))
        let baseline = try await propose(good.string("data.0.id"))
        #expect(try await journey.api.post("/baselines/\(baseline):approve", [:]).status == 200)
        let incident = try await journey.makeIncident(in: journey.api.get(path).string("id"))
        let pages = [
            "/rules", "/rules/new", "/rules/\(rule)", "/rules/editions", "/rules/editions/\(edition)", "/rules/judgings", "/rules/lessons", "/logs",
            "/quarantine",
            "/quarantine/\(test)", "/regressions",
            "/baselines", "/baselines/\(baseline)", "/baselines/\(baseline)?base=\(older)&kind=FIXED", "/retries", "/incidents",
            "/incidents/\(incident)", "/incidents/\(incident)/receipt",
        ]
        return try await pages.map { "\(path)\($0)" }
            + [
                "/runs/\(run)/regressions", "/runs/\(run)/regressions/\(test)", "/runs/\(run)/logs", "/tests/\(test)", "/tests/\(test)/receipt",
                readLog(of: run),
            ]
    }

    /// - Returns: the baseline that the run is proposed as, once its failures have been looked at.
    private func propose(_ run: String) async throws -> String {
        let baselines = "/projects/\(project)/baselines"
        try await eventually(within: .seconds(30)) { try await journey.api.post(baselines, ["run": run]).status == 201 }
        return try await journey.api.post(baselines, ["run": run]).string("id")
    }

    /// From what the log of a run says to the page about it.
    /// - Returns: its address.
    private func readLog(of run: String) async throws -> String {
        let log = Data("10:01:00 ERROR connection refused by 10.0.0.7:5432\n".utf8)
        let sent = try await journey.api.send(
            "POST", "/runs/\(run)/artifacts?name=server.log", body: log, headers: ["Content-Type": "text/plain"])
        #expect(sent.status == 201, "\(sent.text)")
        try await eventually(within: .seconds(30), "the log is read") {
            try await journey.api.get("/runs/\(run)/log-patterns").integer("logs.logs") == 1
        }
        try await browser.open(stack.url + "/runs/\(run)/logs")
        try await browser.click("td a.title[href*='/logs/lpt_']")
        try await eventually { try await browser.url.contains("/logs/lpt_") }
        #expect(try await browser.text("document.querySelector('h1').innerText").contains("connection refused"))
        return try await browser.path
    }

    private func threeClicks() async throws -> (group: String, result: String) {
        try await browser.open(stack.url + "/projects/\(project)")
        try await browser.click(link: "Failures")
        try await eventually(within: .seconds(20), "all failures are grouped") {
            try await browser.reload()
            return try await browser.text("document.querySelector('[data-triage] td.num').innerText").contains("36 failures")
        }
        try await browser.click("[data-triage] a.title")
        try await eventually { try await browser.url.contains("/failures/grp_") }
        let group = try await browser.path
        #expect(try await browser.text("document.querySelector('h1').innerText") == "connection refused")
        #expect(try await browser.text("document.querySelector('[data-trace]').innerText") == "trace", "the latest failure is here already")
        try await browser.click("#failures a.title")
        try await eventually { try await browser.url.contains("/results/res_") }
        #expect(try await browser.text("document.querySelector('#trace').textContent") == "trace")
        let answers = try await browser.text("document.querySelector('.answers').innerText")
        #expect(answers.contains("connection refused") && answers.contains("36 failures"), "\(answers)")
        return (group, try await browser.path)
    }

    private func readVerdicts() async throws {
        try await browser.open(stack.url + "/projects/\(project)/flaky")
        try await eventually(within: .seconds(20), "the flaky tests are told, and why") {
            try await browser.reload()
            return try await browser.text("document.querySelector('.reasons')?.innerText").contains("It passed and failed on 1 commit.")
        }
        // To the first of them and into it without a mouse.
        try await browser.press("j")
        #expect(try await browser.text("document.activeElement.className") == "title", "the row's link has the focus")
        try await browser.press(WebDriver.enter)
        try await eventually { try await browser.url.contains("/tests/tst_") }
        try await browser.open(stack.url + "/projects/\(project)/grid")
        try await eventually(within: .seconds(20), "all runs of the tests that changed most are in the grid") {
            try await browser.reload()
            return try await browser.number("document.querySelectorAll('.grid .times th').length") == 8
        }
        // From the first square to the right end of its row, and into what failed there.
        _ = try await browser.value("document.querySelector('.grid tbody td a').focus()")
        try await browser.press(WebDriver.end)
        #expect(try await browser.text("document.activeElement.className") == "failed")
        try await browser.press(WebDriver.enter)
        try await eventually { try await browser.url.contains("/results/res_") }
    }

    private func decideByKeys() async throws {
        try await browser.open(stack.url + "/projects/\(project)/failures?state=ONGOING")
        try await browser.press("/")
        #expect(try await browser.text("document.activeElement.id") == "q")
        try await browser.open(stack.url + "/projects/\(project)/failures?state=ONGOING")
        try await browser.press("j")
        #expect(try await browser.text("document.activeElement.innerText") == "connection refused")
        try await browser.press("r")
        try await eventually("the group is resolved, and the list as it was narrowed") {
            let isBack = try await browser.url.hasSuffix("/failures?state=ONGOING#row-0")
            let text = try await browser.pageText
            return isBack && text.contains("Nothing is broken here")
        }
        try await browser.open(stack.url + "/projects/\(project)/failures?state=RESOLVED")
        try await browser.press("j")
        try await browser.press(WebDriver.enter)
        try await eventually { try await browser.url.contains("/failures/grp_") }
        #expect(try await browser.text("document.querySelector('.heading .pill').innerText").contains("Resolved"))
        try await browser.press("o")
        try await eventually { try await browser.text("document.querySelector('.heading .pill').innerText").contains("Ongoing") }
        try await browser.press("a")
        #expect(try await browser.text("document.activeElement.id") == "assignee")
        try await browser.press("payments" + WebDriver.enter)
        try await eventually { try await browser.text("document.querySelector('.stats').innerText").contains("payments") }
        // What is folded opens, and its first field has the focus.
        try await browser.press("m")
        #expect(try await browser.text("document.activeElement.name") == "other")
        _ = try await browser.value("document.activeElement.blur()")
        try await browser.press("c")
        #expect(try await browser.text("document.activeElement.id") == "category")

        // The same in the list, which comes back at the row.
        try await browser.open(stack.url + "/projects/\(project)/failures?state=ONGOING")
        try await browser.press("j")
        try await browser.press("a")
        #expect(try await browser.text("document.activeElement.name") == "assignee")
        try await browser.press("search" + WebDriver.enter)
        try await eventually("the owner is another one, and the row has the focus") {
            let owner = try await browser.text("document.querySelector('[data-row] .owner')?.innerText")
            let focus = try await browser.text("document.activeElement.className")
            return owner == "search" && focus == "title"
        }
        try await browser.press("c")
        try await eventually("the category is asked for on the group's page") {
            let isThere = try await browser.url.contains("/failures/grp_")
            let focus = try await browser.text("document.activeElement.id")
            return isThere && focus == "category"
        }
    }
}
