import AnalyticsAPI
import CommonAPI
import Foundation
import Hummingbird
import ProjectsAPI
import SwiftProtobuf

/// The tests of a project, those that change their mind most often first.
enum TestsPage {
    static let limit: Int32 = 50

    struct View: Sendable {
        let head: ProjectHead
        let listPath: String
        let kinds: [Choice]
        /// Kept by the search; absent for all.
        let kind: String?
        let q: String
        /// The list without the search; absent where there is none.
        let clearPath: String?
        let note: String?
        let rows: [Row]
        let hasRows: Bool
        let pager: Pager?
        /// Absent where there is nothing to have.
        let exports: ExportLinks?

        init(project: PBProject, tests: Panel<PBListTestsResponse>, filter: Filter, pager: Pager?, now: Date) {
            head = ProjectHead(project, tab: .tests)
            let listPath = PageAddress.path("projects", project.slug, "tests")
            self.listPath = listPath
            kinds = Filter.words.map { word, label, _ in
                Choice(label: label, path: PageAddress.of(listPath, [("kind", word), ("q", filter.q)]), isChosen: word == filter.kind, count: nil)
            }
            kind = filter.kind.nonEmpty
            q = filter.q
            clearPath = filter.q.isEmpty ? nil : PageAddress.of(listPath, [("kind", filter.kind)])
            rows = tests.content?.data.map { Row($0, now: now) } ?? []
            hasRows = !rows.isEmpty
            note = tests.note ?? (rows.isEmpty ? filter.noneText : nil)
            self.pager = pager
            exports = rows.isEmpty ? nil : ExportLinks(listPath, filter.query)
        }
    }

    struct Row: Sendable {
        let path: String
        let badge: Badge
        /// What it is known as; absent while nothing is known.
        let known: Badge?
        let name: String
        let place: String?
        let flips: String
        let counts: CountsBar
        let mean: String
        let lastSeen: Moment

        init(_ test: PBTest, now: Date) {
            path = PageAddress.test(test.id)
            badge = Badge(test.lastOutcome)
            known = test.hasStability ? Badge(test.stability.kind) : nil
            name = test.name.shortened(to: 300)
            place = TestPlace.of(suite: test.suiteName, className: test.className)
            flips = NumberText.counted(test.flips, "flip")
            counts = CountsBar(test.counts)
            mean = test.hasMeanDurationUs ? DurationText.of(microseconds: test.meanDurationUs) : "–"
            lastSeen = Moment(test.lastSeenAt, now: now)
        }
    }

    /// What the list is narrowed to: tests that are known as one kind, and of which suite, class or name holds a text.
    struct Filter: Sendable {
        let kind: String
        let q: String

        static let words: [(word: String, label: String, kinds: [PBStability.Kind])] = [
            ("", "All", []), ("BROKEN", "Broken", [.broken]), ("REGRESSED", "Regressed", [.regressed]), ("FLAKY", "Flaky", [.flaky]),
            ("ENVIRONMENT", "Environment", [.environment]), ("STABLE", "Stable", [.stable]), ("UNKNOWN", "Unknown", [.unknown]),
        ]

        init(kind: String?, q: String?) {
            self.kind = Self.words.contains { $0.word == kind } ? kind ?? "" : ""
            self.q = TestSearchText.of(q)
        }

        var kinds: [PBStability.Kind] { Self.words.first { $0.word == kind }?.kinds ?? [] }
        var query: [(name: String, value: String)] { [("kind", kind), ("q", q)] }

        /// What an empty list says.
        fileprivate var noneText: String {
            switch (kind.isEmpty, q.isEmpty) {
            case (true, true): "No test has been counted yet."
            case (false, true): "No test is known as that."
            case (true, false): TestSearchText.none
            case (false, false): "No test that is known as that has this in its suite, class or name."
            }
        }
    }

    static func show(_ visit: Visit) async throws -> Response {
        let filter = Filter(kind: try visit.context.query("kind"), q: try visit.context.query("q"))
        let cursor = try visit.cursor(filter: filter.query)
        let (project, view) = try await visit.asking {
            let project = try await ProjectHead.project(visit)
            let tests = await Panel.load("Tests") {
                try await PBTests.Client(wrapping: visit.upstream("analytics")).listTests(
                    .with {
                        $0.project = project.id
                        $0.limit = limit
                        $0.cursor = cursor
                        $0.kind = filter.kinds
                        $0.q = filter.q
                    })
            }
            let pager = try visit.pager(next: tests.content?.page.nextCursor ?? "", filter: filter.query, label: "More")
            return (project, View(project: project, tests: tests, filter: filter, pager: pager, now: visit.now))
        }
        return visit.page(.tests, "Tests of \(view.head.name)", crumbs: ProjectHead.crumbs(project, "Tests"), view)
    }
}
