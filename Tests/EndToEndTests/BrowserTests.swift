import Foundation
import TestSupport
import Testing

/// What people do with the pages, in a real browser against all seven processes.
@Suite("Pages in a browser", .serialized, .timeLimit(.minutes(5)))
struct BrowserTests {
    @Test("a person signs in, finds the run, its failure, and the test's history")
    func findAFailure() async throws {
        try await Stack.with { stack in
            let journey = Journey(stack)
            let project = try await journey.makeProject()
            for failing in [0, 10, 7] {
                let receipt = try await journey.upload(
                    Journey.report(count: 60, failing: failing), to: project, query: "wait=30&run_env[branch]=main")
                _ = try await journey.finished(receipt.string("run_id"))
            }
            try await WebDriver.with { browser in
                try await browser.open(stack.url + "/projects/\(project)")
                #expect(try await browser.url.contains("/sign-in?return_to=%2Fprojects%2F\(project)"))
                try await browser.click("details summary")
                try await browser.type("asy_pat_wrong", into: "#key")
                try await browser.click("details button")
                try await eventually { try await browser.pageText.contains("This key is not valid") }
                try await browser.type(stack.apiKey, into: "#key")
                try await browser.click("details button")
                try await eventually { try await browser.url.hasSuffix("/projects/\(project)") }
                #expect(try await browser.value("document.cookie") as? String == "", "scripts can read the session's cookie")

                // The project: three runs, and a chart once the days have been counted.
                #expect(try await browser.number("document.querySelectorAll('tbody a[href^=\"/runs/\"]').length") == 3)
                try await eventually(within: .seconds(20), "the chart is drawn") {
                    try await browser.reload()
                    return try await browser.number("document.querySelectorAll('.chart canvas').length") == 1
                }
                try await browser.click("#state option[value=FAILED]")
                try await eventually { try await browser.url.contains("state=FAILED") }
                #expect(try await browser.number("document.querySelectorAll('tbody a[href^=\"/runs/\"]').length") == 2)

                // The newest failed run: nine failures of one kind.
                try await browser.click("tbody a[href^='/runs/']")
                try await eventually(within: .seconds(20), "the failures are grouped") {
                    try await browser.reload()
                    return try await browser.text("document.querySelector('.group h3')?.innerText").contains("9 failures")
                }
                #expect(try await browser.text("document.querySelector('.group').innerText").contains("network.connection-refused"))
                try await browser.click(".chips a[href*='outcome=FAILED']")
                try await eventually { try await browser.url.contains("outcome=FAILED") }
                #expect(try await browser.number("document.querySelectorAll('#results tbody tr').length") == 9)
                try await browser.type("case 42", into: "#q")
                try await browser.click("form[role=search] button")
                try await eventually { try await browser.url.contains("q=case") }
                #expect(try await browser.number("document.querySelectorAll('#results tbody tr').length") == 1)

                try await browser.click("#results a.title")
                try await eventually { try await browser.url.contains("/results/res_") }
                #expect(try await browser.text("document.querySelector('#message').textContent") == "connection refused")
                #expect(try await browser.text("document.querySelector('#trace').textContent") == "trace")
                #expect(try await browser.pageText.contains("Network"))

                try await browser.click(link: "History of this test")
                try await eventually { try await browser.url.contains("/tests/tst_") }
                try await eventually(within: .seconds(20), "all executions are counted") {
                    try await browser.reload()
                    return try await browser.number("document.querySelectorAll('.strip a').length") == 3
                }
                #expect(try await browser.text("document.querySelector('h1').innerText") == "case 42")
                #expect(try await browser.complaints().filter { !$0.contains("401") } == [])

                let pages = try await BrowserTriage(browser: browser, stack: stack, journey: journey, project: project).work()
                #expect(try await browser.complaints() == [])
                try await browser.look(at: pages, of: stack.url)

                try await browser.click(link: "Sign out")
                try await eventually { try await browser.url.hasSuffix("/sign-in") }
                try await browser.open(stack.url + "/")
                #expect(try await browser.url.contains("/sign-in"))
            }
        }
    }

    @Test("a run that was started with the button fills in without a reload")
    func liveRun() async throws {
        let target = try await LoopbackServer.start(delay: .milliseconds(400)) { request in
            request.target.hasSuffix("/3") ? .text("broken", status: 500) : .text("ok")
        }
        defer { target.stop() }
        try await Stack.with { stack in
            let journey = Journey(stack)
            let project = try await journey.makeProject()
            _ = try await journey.makeSuite(in: project, count: 60, url: target.url)
            try await WebDriver.with { browser in
                try await Self.signIn(browser, stack, "/projects/\(project)/suites")
                try await browser.click(link: "Run now")
                try await eventually { try await browser.url.contains("/runs/run_") }
                // A new document would forget this.
                _ = try await browser.value("window.assaySame = 1")
                try await eventually(within: .seconds(30), "the run ends before our eyes") {
                    try await browser.text("document.querySelector('.heading .pill').innerText").contains("Failed")
                }
                try await eventually(within: .seconds(20), "its failure is explained") {
                    try await browser.text("document.querySelector('[data-part=failures]').innerText").contains("1 failure")
                }
                #expect(try await browser.number("window.assaySame") == 1)
                #expect(try await browser.text("document.querySelector('[data-count=passed]').innerText") == "59")
                #expect(try await browser.text("document.querySelector('[data-done]').innerText") == "60 of 60 tests done")
                #expect(try await browser.number("document.querySelectorAll('#results tbody tr').length") == 50)
                #expect(try await browser.complaints() == [])
            }
        }
    }

    @Test("a run that takes too long is cancelled with the button")
    func cancel() async throws {
        let target = try await LoopbackServer.start(delay: .milliseconds(500)) { _ in .text("ok") }
        defer { target.stop() }
        try await Stack.with { stack in
            let journey = Journey(stack)
            let project = try await journey.makeProject()
            let suite = try await journey.makeSuite(in: project, count: 60, url: target.url)
            let run = try await journey.api.post("/projects/\(project)/runs", ["suite": suite, "concurrency": 2]).string("id")
            try await WebDriver.with { browser in
                try await Self.signIn(browser, stack, "/runs/\(run)")
                try await browser.click("form[action$='/cancel'] button")
                try await eventually(within: .seconds(20), "the run is cancelled") {
                    try await browser.text("document.querySelector('.heading .pill').innerText").contains("Cancelled")
                }
                try await eventually("the button is gone") {
                    try await browser.number("document.querySelectorAll('form[action$=\"/cancel\"]').length") == 0
                }
                #expect(try await browser.complaints() == [])
            }
            let counts = try await journey.finished(run)
            #expect(counts.string("state") == "CANCELLED" && counts.integer("counts.skipped") > 40, "\(counts.text)")
        }
    }

    @Test("what a report says is never run, and no page breaks its own policy")
    func hostileReport() async throws {
        let texts = [
            "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "\"><svg onload=alert(1)>", "' autofocus onfocus='alert(1)",
            "\"\u{301} onmouseover=\"alert(1)",
            "</title><script>alert(1)</script>", "</pre><script>alert(1)</script>", "javascript:alert(1)", "{{{page}}}",
            "&lt;script&gt;alert(1)&lt;/script&gt;",
        ]
        var report = "<?xml version=\"1.0\"?>\n<testsuites><testsuite name=\"\(Self.xml(texts[0]))\">\n"
        for text in texts {
            let text = Self.xml(text)
            report +=
                "<testcase classname=\"\(text)\" name=\"\(text)\"><failure message=\"\(text)\" type=\"\(text)\">\(text)</failure><system-out>\(text)</system-out></testcase>\n"
        }
        report += "</testsuite></testsuites>\n"
        try await Stack.with { stack in
            let journey = Journey(stack)
            let project = try await journey.makeProject()
            let receipt = try await journey.upload(Data(report.utf8), to: project, query: "wait=30&run_env[branch]=%3Cscript%3Ealert(1)%3C/script%3E")
            let run = receipt.string("run_id")
            let results = try await journey.results(of: run)
            #expect(results.count == texts.count)
            try await WebDriver.with(width: 390, height: 844) { browser in
                try await Self.signIn(browser, stack, "/projects/\(project)")
                let ofProject = ["", "/tests", "/suites", "/secrets"].map { "/projects/\(project)\($0)" }
                let pages =
                    ["/", "/runs/\(run)", "/deliveries"] + ofProject
                    + results.flatMap { ["/results/\($0["id"] as? String ?? "")", "/tests/\($0["test"] as? String ?? "")"] }
                for page in pages {
                    try await browser.open(stack.url + page)
                    #expect(try await browser.isAlerted() == false, "\(page)")
                    #expect(
                        try await browser.number(
                            "document.querySelectorAll('main script, main img, main [onerror], main [onload], main [onfocus]').length") == 0,
                        "\(page)")
                    #expect(try await browser.complaints() == [], "\(page)")
                    // Nothing sticks out of a phone's screen.
                    let wide = try await browser.number("document.documentElement.scrollWidth - document.documentElement.clientWidth")
                    #expect(wide <= 0, "\(page) is \(wide) pixels too wide")
                }
            }
        }
    }

    private static func signIn(_ browser: WebDriver, _ stack: Stack, _ path: String) async throws {
        try await browser.open(stack.url + path)
        try await browser.click("details summary")
        try await browser.type(stack.apiKey, into: "#key")
        try await browser.click("details button")
        try await eventually { try await browser.url.hasSuffix(path) }
    }

    /// By scalars: a quotation mark with a combining accent is another character, but ends an attribute all the same.
    private static func xml(_ text: String) -> String {
        let names: [Unicode.Scalar: String] = ["&": "&amp;", "<": "&lt;", ">": "&gt;", "\"": "&quot;", "'": "&apos;"]
        return text.unicodeScalars.map { names[$0] ?? String($0) }.joined()
    }
}
