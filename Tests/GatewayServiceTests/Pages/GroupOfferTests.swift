import Foundation
import SwiftProtobuf
import Synchronization
import TestSupport
import Testing
import ValidationAPI

@testable import GatewayService

@Suite("What a split and a join of a group have to choose from", .database(GatewayProgram.schema))
struct GroupOfferTests {
    private let path = "/projects/web/failures/grp_0"

    private func with(_ body: (GatewayStand, PageBrowser) async throws -> Void) async throws {
        try await GatewayStand.with(pages: PageGallery().site.routes) { stand in
            let groups = stand.fake.failureGroups
            for number in 0..<230 { groups.add("grp_\(number)", says: "line \(number) is down") }
            groups.state.withLock { state in
                state.signatures = (0..<230).map { number in
                    .with {
                        $0.id = "sig_\(number)"
                        $0.text = "line \(number)"
                    }
                }
            }
            let browser = PageBrowser(stand)
            _ = try await browser.signIn()
            try await body(stand, browser)
        }
    }

    /// What is folded under the id, as a page of its own.
    private func folded(_ id: String, of page: PageBrowser.Answer) -> PageBrowser.Answer {
        let parts = page.body.components(separatedBy: "<details class=\"note\" ")
        let part = parts.first { $0.hasPrefix("id=\"\(id)\"") }?.components(separatedBy: "</details>").first
        return PageBrowser.Answer(status: page.status, headers: page.headers, body: part ?? "")
    }

    /// As browsers ask for it.
    private func target(_ link: String) -> String { link.components(separatedBy: "#")[0] }

    @Test("signatures beyond the first hundred are reached by a link, which opens what it is in")
    func signatures() async throws {
        try await with { _, browser in
            let page = folded("split", of: try await browser.get(path))
            #expect(page.body.contains("value=\"sig_99\"") && !page.body.contains("value=\"sig_100\""))
            #expect(!page.body.hasPrefix("id=\"split\" open") && page.link("First").isEmpty)
            let next = page.link("More")
            #expect(next.hasPrefix(path + "?signatures=") && next.hasSuffix("#split"))
            let rest = folded("split", of: try await browser.get(target(next)))
            #expect(rest.body.hasPrefix("id=\"split\" open") && rest.link("First") == path + "#split")
            #expect(rest.body.contains("value=\"sig_129\"") && !rest.body.contains("value=\"sig_99\""))
            #expect(rest.body.contains("First</a> <a "), "the links stand apart")
            let last = folded("split", of: try await browser.get(target(rest.link("More"))))
            #expect(last.body.contains("value=\"sig_229\"") && last.link("More").isEmpty)
            // What comes after one list says nothing of another one.
            let cursor = target(next).components(separatedBy: "signatures=")[1]
            for name in ["groups", "cursor"] { #expect(try await browser.get("\(path)?\(name)=\(cursor)").status >= 400, "\(name)") }
        }
    }

    @Test("open groups beyond the latest hundred are reached by a link, and all of them by what they say")
    func groups() async throws {
        try await with { stand, browser in
            let page = folded("join", of: try await browser.get(path))
            #expect(page.body.contains("value=\"grp_99\"") && !page.body.contains("value=\"grp_0\"") && !page.body.contains("value=\"grp_100\""))
            let rest = folded("join", of: try await browser.get(target(page.link("More"))))
            #expect(rest.body.hasPrefix("id=\"join\" open") && rest.body.contains("value=\"grp_129\"") && rest.link("Newest") == path + "#join")

            let found = folded("join", of: try await browser.get(path + "?join=%20line%20111%20"))
            #expect(found.body.hasPrefix("id=\"join\" open") && found.field("join") == "line 111")
            #expect(found.body.components(separatedBy: "<option value=\"grp_").count == 2 && found.body.contains("value=\"grp_111\""))
            let asked = try #require(stand.fake.failureGroups.state.withLock { $0.listed.last })
            #expect(asked.q == "line 111" && asked.state == [.new, .ongoing, .regressed])
            let several = folded("join", of: try await browser.get(path + "?join=line"))
            let more = several.link("More")
            #expect(more.hasPrefix(path + "?join=line&groups="))
            #expect(folded("join", of: try await browser.get(target(more))).body.contains("value=\"grp_129\""))
            let none = folded("join", of: try await browser.get(path + "?join=weather"))
            #expect(none.body.contains("No other open group says that.") && none.field("join") == "weather" && !none.body.contains("<select"))
        }
    }

    @Test("a decision that is refused says so once, and not in the form of another one")
    func refused() throws {
        let gallery = try PageGallery()
        let f = gallery.fixtures
        let page = gallery.html(
            .failureGroup, title: "Group", crumbs: [],
            FailureGroupPage.View(
                f.failureGroups[2], project: "checkout", parts: f.groupParts, canDecide: true, refusal: "A group does not join itself.", pager: nil,
                now: f.now))
        #expect(page.contains("File it</button>") && page.contains(#"role="alert">A group does not join itself."#))
        #expect(page.components(separatedBy: #"role="alert""#).count == 2 && !page.contains(" autofocus") && !page.contains("aria-invalid"))
    }

    @Test("where all there is fits, nothing is asked for; the first page of a list leads to no earlier one")
    func small() throws {
        let gallery = try PageGallery()
        let f = gallery.fixtures
        let page = gallery.html(
            .failureGroup, title: "Group", crumbs: [],
            FailureGroupPage.View(
                f.failureGroups[2], project: "checkout", parts: f.groupParts, canDecide: true, refusal: nil,
                pager: Pager(first: nil, next: "/projects/checkout?cursor=abc"), now: f.now))
        #expect(page.contains("<select name=\"other\"") && !page.contains("name=\"join\"") && !page.contains("signatures="))
        #expect(page.contains("Older »") && !page.contains("« Newest"))
    }
}
