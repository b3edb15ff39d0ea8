import AnalyticsAPI
import CommonAPI
import Foundation
import Hummingbird
import ProjectsAPI
import SwiftProtobuf

/// The tests of a project whose failures fall by chance, likeliest first, each with what says so.
enum FlakyPage {
    static let limit: Int32 = 50

    struct View: Sendable {
        let head: ProjectHead
        let listPath: String
        let q: String
        let isSearched: Bool
        let note: String?
        let isEmpty: Bool
        let rows: [Row]
        let hasRows: Bool
        /// Keys that decide, where any row has what they press.
        let acts: [KeyHint]
        let pager: Pager?
        /// Absent where there is nothing to have.
        let exports: ExportLinks?

        init(project: PBProject, tests: Panel<PBListFlakyTestsResponse>, q: String, canQuarantine: Bool, pager: Pager?, now: Date) {
            head = ProjectHead(project, tab: .flaky)
            listPath = PageAddress.path("projects", project.slug, "flaky")
            self.q = q
            isSearched = !q.isEmpty
            rows =
                tests.content?.data.map {
                    Row($0, quarantinePath: canQuarantine ? QuarantinePage.path(project, $0.test.id) : nil, now: now)
                } ?? []
            hasRows = !rows.isEmpty
            acts = rows.contains { $0.quarantinePath != nil } ? [KeyHint("q", "quarantine")] : []
            note = tests.note
            isEmpty = note == nil && rows.isEmpty
            self.pager = pager
            exports = rows.isEmpty ? nil : ExportLinks(PageAddress.path("projects", project.slug, "flaky-tests"), [("q", q)])
        }
    }

    struct Row: Sendable {
        let path: String
        let name: String
        let place: String?
        let verdict: StabilityText
        let isQuarantined: Bool
        let reasons: [String]
        let counts: CountsBar
        let lastSeen: Moment
        /// For who may put it into quarantine.
        let quarantinePath: String?

        init(_ flaky: PBFlakyTest, quarantinePath: String?, now: Date) {
            let test = flaky.test
            path = PageAddress.test(test.id)
            name = test.name.shortened(to: 300)
            place = TestPlace.of(suite: test.suiteName, className: test.className)
            verdict = StabilityText(test.stability)
            isQuarantined = flaky.quarantined
            reasons = flaky.reasons.prefix(StabilityText.mostReasons).map { $0.detail.shortened(to: 300) }
            counts = CountsBar(test.counts)
            lastSeen = Moment(test.lastSeenAt, now: now)
            self.quarantinePath = quarantinePath
        }
    }

    static func show(_ visit: Visit) async throws -> Response {
        let q = TestSearchText.of(try visit.context.query("q"))
        let filter = [(name: "q", value: q)]
        let cursor = try visit.cursor(filter: filter)
        let (project, view) = try await visit.asking {
            let project = try await ProjectHead.project(visit)
            let tests = await Panel.load("Flaky tests") {
                try await PBStabilities.Client(wrapping: visit.upstream("analytics")).listFlakyTests(
                    .with {
                        $0.project = project.id
                        $0.limit = limit
                        $0.cursor = cursor
                        $0.q = q
                    })
            }
            let pager = try visit.pager(next: tests.content?.page.nextCursor ?? "", filter: filter, label: "More")
            let canQuarantine = visit.may(QuarantinePage.permission, in: project)
            return (project, View(project: project, tests: tests, q: q, canQuarantine: canQuarantine, pager: pager, now: visit.now))
        }
        return visit.page(
            .flaky, "Flaky tests of \(view.head.name)", crumbs: ProjectHead.crumbs(project, "Flaky tests"),
            scripts: [visit.site.assets.paths.triage], view)
    }
}
