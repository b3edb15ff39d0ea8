import Foundation
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
