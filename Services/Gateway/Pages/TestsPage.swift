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
        let note: String?
        let rows: [Row]
        let hasRows: Bool
        let pager: Pager?
        /// Absent where there is nothing to have.
        let exports: ExportLinks?

        init(project: PBProject, tests: Panel<PBListTestsResponse>, pager: Pager?, now: Date) {
            head = ProjectHead(project, tab: .tests)
            rows = tests.content?.data.map { Row($0, now: now) } ?? []
            hasRows = !rows.isEmpty
            note = tests.note ?? (rows.isEmpty ? "No test has been counted yet." : nil)
            self.pager = pager
            exports = rows.isEmpty ? nil : ExportLinks(PageAddress.path("projects", project.slug, "tests"))
        }
    }

    struct Row: Sendable {
        let path: String
        let badge: Badge
        let name: String
        let place: String?
        let flips: String
        let counts: CountsBar
        let mean: String
        let lastSeen: Moment

        init(_ test: PBTest, now: Date) {
            path = PageAddress.test(test.id)
            badge = Badge(test.lastOutcome)
            name = test.name.shortened(to: 300)
            place = TestPlace.of(suite: test.suiteName, className: test.className)
            flips = NumberText.counted(test.flips, "flip")
            counts = CountsBar(test.counts)
            mean = test.hasMeanDurationUs ? DurationText.of(microseconds: test.meanDurationUs) : "–"
            lastSeen = Moment(test.lastSeenAt, now: now)
        }
    }

    static func show(_ visit: Visit) async throws -> Response {
        let cursor = try visit.cursor(filter: [])
        let (project, view) = try await visit.asking {
            let project = try await ProjectHead.project(visit)
            let tests = await Panel.load("Tests") {
                try await PBTests.Client(wrapping: visit.upstream("analytics")).listTests(
                    .with {
                        $0.project = project.id
                        $0.limit = limit
                        $0.cursor = cursor
                    })
            }
            let pager = try visit.pager(next: tests.content?.page.nextCursor ?? "", filter: [], label: "More")
            return (project, View(project: project, tests: tests, pager: pager, now: visit.now))
        }
        return visit.page(.tests, "Tests of \(view.head.name)", crumbs: ProjectHead.crumbs(project, "Tests"), view)
    }
}
