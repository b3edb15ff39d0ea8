import CommonAPI
import ExecutionAPI
import Foundation
import NIOCore
import SwiftProtobuf
import Testing
import ValidationAPI

@testable import GatewayService

@Suite("Pages")
struct PageTests {
    @Test("every page renders whole")
    func gallery() throws {
        let gallery = try PageGallery()
        for (name, html) in gallery.pages() + gallery.besides {
            #expect(html.hasPrefix("<!doctype html>"), "\(name)")
            #expect(html.hasSuffix("</html>"), "\(name)")
            // Variables and secrets of test cases look like tags of templates.
            let rendered = html.replacing("{{base}}", with: "").replacing("{{secret.", with: "")
            #expect(!rendered.contains("{{"), "\(name) holds a tag that was not rendered")
            #expect(!html.contains(PageGallery.secretValue), "\(name) shows the value of a secret")
            #expect(!html.contains("Optional("), "\(name) shows a value that is not unwrapped")
            #expect(!html.contains("style="), "\(name) holds an inline style, which our policy forbids")
            #expect(!html.contains(" on" + "click="), "\(name)")
            try Self.keep(name, html, gallery.site)
        }
    }

    /// One text after the other, and each page lets others go on: all pages a hundred times are seconds of a core that tests with deadlines wait for.
    @Test("what users wrote stays text on every page", .serialized, arguments: HostileTexts.all)
    func escaping(hostile: String) async throws {
        let pages = try PageGallery { _ in hostile }.pages()
        #expect(pages.count == Self.benign.count)
        for ((name, html), benign) in zip(pages, Self.benign) {
            await Task.yield()
            #expect(HTMLSkeleton(html) == benign, "\(name) with \(hostile.debugDescription)")
            #expect(!HTMLSkeleton.misleads(html), "\(name) with \(hostile.debugDescription)")
        }
    }

    private static let benign: [HTMLSkeleton] = (try? PageGallery { _ in "plain" }.pages().map { HTMLSkeleton($0.html) }) ?? []

    @Test("there are a hundred hostile texts, and the check finds those that get through")
    func check() {
        #expect(HostileTexts.all.count >= 100)
        #expect(Set(HostileTexts.all).count == HostileTexts.all.count)
        #expect(HTMLSkeleton(#"<p title="x">"#) != HTMLSkeleton(#"<p title="x" onclick="y">"#))
        #expect(HTMLSkeleton("<p>x</p>") != HTMLSkeleton("<p><b>x</p>"))
        #expect(HTMLSkeleton("<p>1 < 2</p>") == HTMLSkeleton("<p>x</p>"))
        #expect(HTMLSkeleton(#"<p title="x"y>"#) != HTMLSkeleton(#"<p title="x">"#) && HTMLSkeleton("<p title=x>") != HTMLSkeleton("<p title='x'>"))
        #expect(HTMLSkeleton("<!-- x --></p\n><br/><é><p title=\"é>\" b").tags == "!-- x --\n/p\nbr/\np title b unfinished\n")
        #expect(["a\u{0}", "\u{1B}[", "é\u{202A}", "\u{202E}"].allSatisfy(HTMLSkeleton.misleads) && !HTMLSkeleton.misleads("– …\u{2029}\u{202F} é"))
    }

    @Test("a quotation mark with a combining accent is still a quotation mark")
    func accents() {
        #expect(HTMLText().escapeText("\"\u{301}<\u{301}&'") == "&quot;\u{301}&lt;\u{301}&amp;&#39;")
        #expect(HTMLText().escapeText("a\u{0}b\u{202E}c\r\nd\te\u{85}") == "a\u{FFFD}b\u{FFFD}c\nd\te\u{FFFD}")
    }

    @Test(
        "only web addresses of a CI become links",
        arguments: [
            ("https://ci.example/1", true), ("http://ci.example/1", true), ("javascript:alert(1)", false), ("JAVASCRIPT:alert(1)", false),
            ("data:text/html,x", false),
            ("//evil.example", false), (" https://ci.example", false), ("", false),
        ])
    func links(url: String, isLink: Bool) throws {
        let fixtures = PageFixtures()
        var run = fixtures.runs.data[1]
        run.ci.url = url
        let view = RunView(
            run, validation: .note(""), failures: .note(""), results: .note(""), filter: .init(outcome: nil, search: nil), pager: nil,
            now: fixtures.now)
        #expect((view.ciURL != nil) == isLink)
    }

    @Test("an imported run says that its failures are not judged, and not that they will be in a moment")
    func imported() {
        let fixtures = PageFixtures()
        var run = fixtures.runs.data[1]
        run.counts.failed = 2
        run.counts.errored = 1
        run.importedAt = .init(date: fixtures.now)
        let note = "Failures are not there yet."
        let view = RunView(
            run, validation: .note(note), failures: .note(note), results: .note(""), filter: .init(outcome: nil, search: nil), pager: nil,
            now: fixtures.now)
        #expect(view.failureNote == "3 tests failed. Imported runs count in statistics, but their failures are not judged.")
    }

    @Test("a commit is shown by its beginning, and whole for whoever points at it")
    func commits() throws {
        let pages = Dictionary(try PageGallery().pages().map { ($0.name, $0.html) }) { first, _ in first }
        // How many are there at the least: points and suspects of regressions are commits as well.
        for (name, least) in [("run", 1), ("regressions", 2), ("run-regressions", 20), ("baselines", 1), ("incident", 6)] {
            let html = try #require(pages[name])
            #expect(html.matches(of: /<code title="9f2c41d07b[0-9a-f]{8,}">9f2c41d07b<\/code>/).count >= least, "\(name)")
            #expect(!html.contains("<code>9f2c41d07b"), "\(name)")
        }
    }

    @Test("long and large data fits")
    func large() throws {
        let long = String(repeating: "a very long name ", count: 500)
        let gallery = try PageGallery { _ in long }
        for (name, html) in gallery.pages() {
            #expect(html.utf8.count < 600_000, "\(name) has \(html.utf8.count) bytes")
            try Self.keep(name + "-long", html, gallery.site)
        }
        let huge = CountsBar(
            .with {
                $0.total = .max; $0.passed = .max / 2; $0.failed = 1
            })
        #expect(huge.segments[1].width >= 1.4)
        #expect(huge.figures[0].count == "4,611,686,018,427,387,903")
    }

    @Test("a panel whose service is away says so, and the page stands")
    func notes() throws {
        let gallery = try PageGallery()
        let html = try #require(gallery.pages().first { $0.name == "project-empty" }?.html)
        #expect(html.contains("Trends cannot be shown right now."))
        #expect(html.contains("No run yet"))
    }

    /// For looking at; see PageGallery.
    private static func keep(_ name: String, _ html: String, _ site: Site) throws {
        guard let folder = ProcessInfo.processInfo.environment["ASSAY_PAGE_GALLERY"] else { return }
        let root = URL(filePath: folder)
        try FileManager.default.createDirectory(at: root.appending(path: "assets"), withIntermediateDirectories: true)
        try Data(html.utf8).write(to: root.appending(path: "\(name).html"))
        for (file, asset) in site.assets.files { try Data(asset.bytes.readableBytesView).write(to: root.appending(path: "assets/\(file)")) }
    }
}
