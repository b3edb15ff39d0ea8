import Foundation
import SwiftProtobuf
import Synchronization
import TestSupport
import Testing
import ValidationAPI

@testable import GatewayService

@Suite("Failures of a group are taken apart by a text on its page", .database(GatewayProgram.schema))
struct GroupCutTests {
    private let path = "/projects/web/failures/grp_1"

    private func with(signatures: Int, _ body: (GatewayStand, PageBrowser) async throws -> Void) async throws {
        try await GatewayStand.with(pages: PageGallery().site.routes) { stand in
            stand.fake.failureGroups.add("grp_1", says: "worker ended with exit code <*>")
            stand.fake.failureGroups.state.withLock { state in
                state.signatures = (0..<signatures).map { number in
                    .with {
                        $0.id = "sig_\(number)"
                        $0.text = "worker ended with exit code <*>"
                    }
                }
            }
            let browser = PageBrowser(stand)
            _ = try await browser.signIn()
            try await body(stand, browser)
        }
    }

    @Test("where there is one signature, which no split takes apart, a text does, and what is refused is told")
    func one() async throws {
        try await with(signatures: 1) { stand, browser in
            let page = try await browser.get(path)
            #expect(page.body.contains("id=\"cut\"") && !page.body.contains("id=\"split\"") && !page.body.contains("<select name=\"signature\""))
            var form = ["form_token": page.field("form_token"), "action": "cut", "text": " exit code 137 ", "note": " killed "]
            let done = try await browser.post(path + "/decide", form)
            #expect(done.status == 200 && done.body.contains("From now on failures that contain the text are a group of their own."))
            let sent = try #require(stand.fake.failureGroups.state.withLock { $0.cut.first })
            #expect(sent.group == "grp_1" && sent.text == "exit code 137" && sent.note == "killed" && sent.signature.isEmpty)
            form["text"] = "nowhere"
            let refused = try await browser.post(path + "/decide", form)
            #expect(refused.status == 422 && refused.body.contains("None of the newest 7 failures contains this text."))
            #expect(stand.fake.failureGroups.state.withLock { $0.cut.count } == 1)
        }
    }

    @Test("where there are several, one of them is chosen")
    func several() async throws {
        try await with(signatures: 2) { stand, browser in
            let page = try await browser.get(path)
            #expect(page.body.contains("id=\"split\"") && page.body.contains("<select name=\"signature\" required>"))
            let form = ["form_token": page.field("form_token"), "action": "cut", "text": "exit code 137", "signature": "sig_1"]
            #expect(try await browser.post(path + "/decide", form).status == 200)
            #expect(stand.fake.failureGroups.state.withLock { $0.cut.first?.signature } == "sig_1")
        }
    }

    @Test("the page tells by which text, how far that is, and where the rest is; who may only read is offered nothing")
    func told() throws {
        let f = PageFixtures()
        var decision = PBGroupingDecision.with {
            $0.id = "gdc_9"
            $0.kind = .cut
            $0.decidedBy = "usr_1"
            $0.decidedAt = f.time(60)
            $0.cut = .with {
                $0.text = "exit <code> 137"
                $0.state = .running
                $0.failures = 12_000
                $0.done = 4_500
                $0.moved = 180
            }
            $0.groups = [
                .with {
                    $0.group = "grp_2"
                    $0.takenOut = false
                },
                .with {
                    $0.group = "grp_0"
                    $0.takenOut = true
                },
            ]
        }
        var parts = f.groupParts
        parts.decisions = .content(.with { $0.data = [decision] })
        let page = try PageGallery().html(
            .failureGroup, title: "Group", crumbs: [],
            FailureGroupPage.View(f.failureGroups[2], project: "checkout", parts: parts, canDecide: false, refusal: nil, pager: nil, now: f.now))
        #expect(page.contains("Some of its failures taken out, by the text <code><bdi>exit &lt;code&gt; 137</bdi></code>"))
        #expect(page.contains("180 failures moved so far; 4,500 of 12,000 looked at.") && !page.contains("id=\"cut\""))
        #expect(page.contains(#"<a href="/projects/checkout/failures/grp_0">What was taken out</a>"#))
        decision.cut.state = .done
        decision.cut.withoutTexts = 2
        let row = GroupDecisionRow(decision, in: "grp_0", of: "checkout", now: f.now)
        #expect(row.label == "Taken out of another group, by the text" && row.others.map(\.label) == ["What is left"])
        #expect(row.progress == "180 failures moved; 2 stay, since what they said is not kept.")
        decision.groups[1].group = "grp_2"
        #expect(GroupDecisionRow(decision, in: "grp_2", of: "checkout", now: f.now).label == "Taken apart, and joined again later, by the text")
        #expect(GroupDecisionRow(f.groupDecisions[0], in: "grp_2", of: "checkout", now: f.now).text == nil)
    }
}
