import CommonAPI
import ExecutionAPI
import Foundation
import SwiftProtobuf
import TestSupport
import Testing
import ValidationAPI

@testable import GatewayService

@Suite("Pages of what was learned", .database(GatewayProgram.schema))
struct LessonPageTests {
    private static func receipt(rule: String = "learned") -> PBReceipt {
        .with {
            $0.rule = rule
            $0.evidence = "like 2 failures that people filed as network: the nearest is 92 % alike"
            $0.neighbours = [
                .with {
                    $0.result = "res_1"
                    $0.category = .network
                    $0.similarity = 0.92
                },
                .with {
                    $0.result = "res_2"
                    $0.category = .data
                    $0.similarity = 1
                },
            ]
        }
    }

    @Test("the lessons of a project are listed, and whoever may change the project switches the learned step")
    func lessons() async throws {
        try await GatewayStand.with(pages: PageGallery().site.routes) { stand in
            let browser = PageBrowser(stand)
            _ = try await browser.signIn()
            let page = try await browser.get(browser.get("/projects/web/rules").link("Lessons"))
            #expect(page.status == 200 && page.body.contains("warehouse &lt;*&gt; gave no stock figures"))
            #expect(page.body.contains("/results/res_taught"))
            #expect(page.body.contains(#"name="enabled" value="1" checked"#) && page.body.contains("critical"))
            let form = ["form_token": page.field("form_token"), "version": page.field("version")]
            #expect(try await browser.post("/projects/web/rules/lessons", form).headers["location"] == "/projects/web/rules/lessons")
            let off = try await browser.get("/projects/web/rules/lessons")
            #expect(off.body.contains(#"name="enabled" value="1">"#) && off.field("version") == "2")
            let stale = try await browser.post("/projects/web/rules/lessons", form)
            #expect(stale.status == 412 && stale.body.contains("role=\"alert\""))

            let reader = PageBrowser(stand)
            _ = try await reader.signIn(key: stand.makeKey([.resultsRead]))
            let read = try await reader.get("/projects/web/rules/lessons")
            #expect(read.status == 200 && read.body.contains("It is off.") && !read.body.contains("<button>Save"))
        }
    }

    @Test("a result that was judged after others says so, and leads to them; one that a rule decided names the rule")
    func result() throws {
        let (gallery, f) = (try PageGallery(), PageFixtures())
        var failure = f.failures.data[0]
        failure.rule = "learned"
        func page(_ failure: PBFailure, _ receipt: PBReceipt?) -> String {
            gallery.html(
                .result, title: "Result", crumbs: [],
                ResultPage.View(
                    f.results.data[0], failure: .content(failure), rules: [], history: .content([]), context: .init(receipt: receipt), now: f.now))
        }
        let learned = page(failure, Self.receipt())
        #expect(learned.contains(#"<span class="tag">learned</span>"#) && learned.contains("the nearest is 92 % alike"))
        #expect(learned.contains(#"<a href="/results/res_1">Network</a>, 92 % alike"#))
        #expect(learned.contains(#"<a href="/results/res_2">Data</a>, the same"#))
        #expect(!learned.contains("<code>learned</code>"))
        // Without a receipt the name of the rule is all there is.
        #expect(page(failure, nil).contains("<code>learned</code>"))
        let ruled = page(f.failures.data[0], Self.receipt(rule: "network.dns"))
        #expect(!ruled.contains(#"<span class="tag">learned</span>"#) && ruled.contains("Rule "))
    }

    @Test("a group whose last failure was judged after others says so, unless a person named its category")
    func group() {
        let f = PageFixtures()
        func learned(_ group: PBFailureGroup, _ receipt: PBReceipt?) -> FailureGroupPage.View {
            var parts = f.groupParts
            parts.receipt = receipt
            return FailureGroupPage.View(group, project: "checkout", parts: parts, canDecide: false, refusal: nil, pager: nil, now: f.now)
        }
        var group = f.failureGroups[2]
        group.overruled = false
        #expect(learned(group, Self.receipt()).learned?.neighbours.count == 2)
        #expect(learned(group, Self.receipt()).stats.contains { $0.unit?.hasSuffix("severity, learned") == true })
        #expect(learned(group, Self.receipt(rule: "network.dns")).learned == nil && learned(group, nil).learned == nil)
        group.overruled = true
        #expect(learned(group, Self.receipt()).learned == nil)
    }
}
