import ExecutionAPI
import Foundation
import HTTPTypes
import Primitives
import Synchronization
import TestSupport
import Testing

@testable import GatewayService

@Suite("Pages over HTTP", .database(GatewayProgram.schema))
struct PageHTTPTests {
    private func with(_ body: (GatewayStand, PageBrowser) async throws -> Void) async throws {
        let routes = try PageGallery().site.routes
        try await GatewayStand.with(pages: routes) { stand in try await body(stand, PageBrowser(stand)) }
    }

    @Test("a page lets only its own scripts run, and nobody frame it")
    func headers() async throws {
        try await with { _, browser in
            let page = try await browser.get("/sign-in")
            #expect(page.status == 200)
            #expect(page.headers["content-type"] == "text/html; charset=utf-8")
            let policy = try #require(page.headers["content-security-policy"])
            let nonce = try #require(policy.firstMatch(of: /'nonce-([0-9a-f]{16,32})'/)).output.1
            #expect(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'") && policy.contains("base-uri 'none'"))
            #expect(!policy.contains("unsafe"))
            #expect(page.body.contains("nonce=\"\(nonce)\""))
            #expect(try await browser.get("/sign-in").headers["content-security-policy"] != policy)
            #expect(page.headers["x-content-type-options"] == "nosniff")
            #expect(page.headers["referrer-policy"] == "same-origin")
            #expect(page.headers["cross-origin-opener-policy"] == "same-origin")
            #expect(page.headers["x-frame-options"] == "DENY")
            #expect(page.headers["cache-control"] == "no-store")
        }
    }

    @Test("who is not signed in is sent to the form, comes back to the page, and leaves no session when signing out")
    func journey() async throws {
        try await with { _, browser in
            let away = try await browser.get("/projects/web?state=FAILED")
            #expect(away.status == 303)
            #expect(away.headers["location"] == "/sign-in?return_to=%2Fprojects%2Fweb%3Fstate%3DFAILED")
            let back = try await browser.signIn(returnTo: "/projects/web?state=FAILED")
            #expect(back.status == 303)
            #expect(back.headers["location"] == "/projects/web?state=FAILED")
            let page = try await browser.get("/projects/web")
            #expect(page.status == 200)
            #expect(page.body.contains("Acme"))
            // Signed in already: the form is not shown again.
            #expect(try await browser.get("/sign-in?return_to=/deliveries").headers["location"] == "/deliveries")
            let cookie = await browser.sessionCookie
            let out = try await browser.post("/sign-out", ["form_token": page.field("form_token")])
            #expect(out.status == 303 && out.headers["location"] == "/sign-in")
            await browser.setCookie("assay_session", cookie)
            #expect(try await browser.get("/").headers["location"] == "/sign-in?return_to=%2F")
        }
    }

    @Test("signing in needs the form's own cookie, its token, and a request from our page")
    func loginCSRF() async throws {
        try await with { stand, browser in
            let form = try await browser.get("/sign-in")
            let fields = ["key": stand.key, "form_token": form.field("form_token"), "return_to": "/"]
            #expect(try await browser.post("/sign-in", fields, site: "cross-site").status == 403)
            #expect(try await browser.post("/sign-in", fields, site: "same-site").status == 403)
            #expect(try await browser.post("/sign-in", fields, site: "").status == 403)
            #expect(try await browser.post("/sign-in", fields, site: "", headers: "Origin: https://evil.example\r\n").status == 403)
            #expect(try await browser.post("/sign-in", fields, site: "", headers: "Origin: null\r\n").status == 403)
            #expect(await browser.sessionCookie == nil)
            var stale = fields
            stale["form_token"] = "x"
            let again = try await browser.post("/sign-in", stale)
            #expect(again.status == 403 && again.body.contains("Please try once more"))
            let second = try await browser.get("/sign-in")
            var wrong = ["key": "asy_pat_wrong", "form_token": second.field("form_token"), "return_to": "/"]
            let refused = try await browser.post("/sign-in", wrong)
            #expect(refused.status == 401 && refused.body.contains("This key is not valid"))
            #expect(await browser.sessionCookie == nil)
            wrong = ["key": " \(stand.key) ", "form_token": refused.field("form_token"), "return_to": "//evil.example"]
            let done = try await browser.post("/sign-in", wrong, site: "", headers: "Origin: http://127.0.0.1:8080\r\n")
            #expect(done.status == 303 && done.headers["location"] == "/")
            #expect(await browser.sessionCookie != nil)
        }
    }

    @Test("a run is started once, by our own form only")
    func runNow() async throws {
        try await with { stand, browser in
            _ = try await browser.signIn()
            let token = try await browser.get("/projects/web").field("form_token")
            let path = "/projects/web/suites/ste_1/runs"
            #expect(try await browser.post(path, ["once": "1"]).status == 403)
            #expect(try await browser.post(path, ["once": "1", "form_token": token], site: "cross-site").status == 403)
            #expect(try await browser.post(path, ["once": "1", "form_token": token], site: "").status == 403)
            #expect(stand.fake.seen.withLock { $0.runs.isEmpty })
            let first = try await browser.post(path, ["once": "1", "form_token": token])
            let second = try await browser.post(path, ["once": "1", "form_token": token])
            let other = try await browser.post(path, ["once": "2", "form_token": token])
            #expect(first.status == 303 && first.headers["location"] == "/runs/run_1")
            #expect(second.headers["location"] == "/runs/run_1")
            #expect(other.headers["location"] == "/runs/run_2")
            #expect(stand.fake.seen.withLock { $0.runs.first?.suite } == "ste_1")
        }
    }

    @Test("a run is cancelled by the form of its page only; one that is over meanwhile is shown as it is")
    func cancel() async throws {
        try await with { stand, browser in
            _ = try await browser.signIn()
            let token = try await browser.get("/projects/web").field("form_token")
            #expect(try await browser.post("/runs/run_1/cancel", [:]).status == 403)
            #expect(try await browser.post("/runs/run_1/cancel", ["form_token": token], site: "cross-site").status == 403)
            #expect(stand.fake.seen.withLock { $0.cancelled.isEmpty })
            for run in ["run_1", "run_over"] {
                let answer = try await browser.post("/runs/\(run)/cancel", ["form_token": token])
                #expect(answer.status == 303 && answer.headers["location"] == "/runs/\(run)")
            }
            #expect(stand.fake.seen.withLock { $0.cancelled } == ["run_1", "run_over"])
        }
    }

    @Test("a problem is a page for people, a document for programs and for the API")
    func problems() async throws {
        try await with { _, browser in
            _ = try await browser.signIn()
            let page = try await browser.get("/runs/run_gone")
            #expect(page.status == 404)
            #expect(page.body.contains("There is nothing here") && page.headers["content-type"] == "text/html; charset=utf-8")
            #expect(page.headers["content-security-policy"] != nil)
            let broken = try await browser.get("/runs/run_broken")
            #expect(broken.status == 500 && !broken.body.contains("secrets"))
            #expect(try await browser.get("/runs/run_slow").status == 504)
            #expect(try await browser.get("/nothing/%3Cscript%3E").body.contains("There is nothing here"))
            #expect(try await browser.get("/runs/run_gone", accept: "application/json").headers["content-type"] == "application/problem+json")
            #expect(try await browser.get("/runs/run_gone", accept: "*/*").headers["content-type"] == "application/problem+json")
            #expect(try await browser.get("/api/v1/runs/run_gone").headers["content-type"] == "application/problem+json")
        }
    }

    @Test("whoever follows an old address of a test that was renamed is told where to look")
    func renamedTest() {
        let test = ProblemPage.view(Fault.notFound("test", "tst_1"), .notFound, "req_1")
        #expect(test.advice?.contains("renamed") == true)
        #expect(ProblemPage.view(Fault.notFound("run", "run_1"), .notFound, "req_1").advice?.contains("mistyped") == true)
    }

    @Test("a page stands although the services of its panels are away")
    func panels() async throws {
        try await with { stand, browser in
            _ = try await browser.signIn()
            stand.fake.trends.isAway.withLock { $0 = true }
            let project = try await browser.get("/projects/web")
            #expect(project.status == 200)
            #expect(project.body.contains("Trends cannot be shown right now"))
            let run = try await browser.get("/runs/run_1")
            #expect(run.status == 200)
            #expect(run.body.contains("Results cannot be shown right now"))
        }
    }

    @Test("the older link leads on, and works only for the list that made it")
    func paging() async throws {
        try await with { stand, browser in
            _ = try await browser.signIn()
            let older = try await browser.get("/projects/web?branch=main").link("Older")
            #expect(older.hasPrefix("/projects/web?branch=main&cursor="))
            let second = try await browser.get(older)
            #expect(second.status == 200)
            #expect(stand.fake.seen.withLock { $0.lists.last?.cursor } == #"run_"1"#)
            #expect(stand.fake.seen.withLock { $0.lists.last?.branch } == "main")
            #expect(second.link("Newest") == "/projects/web?branch=main")
            #expect(try await browser.get(older.replacing("branch=main", with: "branch=other")).status == 400)
            #expect(try await browser.get("/projects/web?cursor=abc").status == 400)
        }
    }

    @Test("assets are kept under their digest and asked for again without it")
    func assets() async throws {
        try await with { _, browser in
            let page = try await browser.get("/sign-in")
            let style = try #require(page.body.firstMatch(of: /\/assets\/site\.css\?[0-9a-f]+/)).output
            let pinned = try await browser.get(String(style))
            #expect(pinned.status == 200 && pinned.headers["content-type"] == "text/css; charset=utf-8")
            #expect(pinned.headers["cache-control"] == "public, max-age=31536000, immutable")
            let plain = try await browser.get("/assets/site.css")
            #expect(plain.headers["cache-control"] == "public, no-cache")
            let tag = try #require(plain.headers["etag"])
            #expect(try await browser.get("/assets/site.css", headers: "If-None-Match: \(tag)\r\n").status == 304)
            #expect(try await browser.get("/assets/..%2FTemplates%2Ftop.mustache").status == 404)
        }
    }
}
