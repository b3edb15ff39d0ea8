import AnalyticsAPI
import CommonAPI
import Foundation
import GRPCCore
import Hummingbird
import Primitives
import ProjectsAPI
import ServiceKit
import SwiftProtobuf

/// All changes of level that are kept of a project, those too that are gone, that a person has dismissed, or that lie before the days that trends
/// show.
enum LevelChangesPage {
    static let limit: Int32 = 50

    struct View: Sendable {
        let head: ProjectHead
        let trendsPath: String
        let chips: [Choice]
        /// The one part that they are of, as the address names it.
        let shown: String?
        let allPath: String
        let note: String?
        let rows: [Row]
        let hasRows: Bool
        let isEmpty: Bool
        let pager: Pager?
        let exports: ExportLinks?

        init(project: PBProject, changes: Panel<PBListLevelChangesResponse>, filter: Filter, pager: Pager?, now: Date) {
            head = ProjectHead(project, tab: .trends)
            trendsPath = TrendsPage.path(project)
            let path = LevelChangesPage.path(project)
            chips = Filter.words.map { word, label, _ in
                Choice(label: label, path: PageAddress.of(path, [("by", word)]), isChosen: word == filter.word, count: nil)
            }
            shown = filter.value.nonEmpty
            allPath = PageAddress.of(path, [("by", filter.word)])
            rows = changes.content?.data.map { Row($0, of: project, now: now) } ?? []
            hasRows = !rows.isEmpty
            note = changes.note
            isEmpty = note == nil && rows.isEmpty
            self.pager = pager
            exports =
                rows.isEmpty
                ? nil
                : ExportLinks(
                    PageAddress.path("projects", project.slug, "level-changes"),
                    [("dimension", filter.word), ("value", filter.value), ("gone", "true"), ("dismissed", "true")])
        }
    }

    struct Row: Sendable {
        let badge: Badge
        let day: String
        let part: String
        let branch: String?
        let text: String
        let receiptPath: String
        /// What a person said of it last; `nil` while nobody's word holds.
        let word: TrendChangeRow.Word?
        let found: Moment
        /// Since when it is not found any more.
        let gone: Moment?

        init(_ change: PBLevelChange, of project: PBProject, now: Date) {
            let words = LevelChangeText(change, of: project.slug)
            badge = words.badge
            day = change.day
            part = words.part
            branch = words.branch
            text = words.mark.text
            receiptPath = ReceiptPage.path(levelChange: change.id)
            word = TrendChangeRow.Word(change.verdict, now: now)
            found = Moment(change.foundAt, now: now)
            gone = change.hasGoneAt ? Moment(change.goneAt, now: now) : nil
        }
    }

    /// What the page shows, as its address says.
    struct Filter: Sendable {
        /// As the API calls what it is told by.
        let word: String
        let dimension: PBTrendDimension.Value
        /// Of a test its id; empty for all.
        let value: String

        static let words: [(word: String, label: String, dimension: PBTrendDimension.Value)] = [
            ("", "The project and its parts", .dimensionUnspecified), ("SUITE", "Suites", .suite), ("BRANCH", "Branches", .branch),
            ("ENVIRONMENT", "Environments", .environment), ("TAG", "Tags", .tag), ("TEST", "Tests", .test),
        ]

        init(by: String?, value: String?) {
            let chosen = Self.words.first { $0.word == by } ?? Self.words[0]
            word = chosen.word
            dimension = chosen.dimension
            self.value = chosen.word.isEmpty ? "" : (value ?? "").shortened(to: 300)
        }

        var query: [(name: String, value: String)] { [("by", word), ("value", value)] }
    }

    /// - Parameter filter: what it is narrowed to.
    static func path(_ project: PBProject, _ filter: Filter = Filter(by: nil, value: nil)) -> String {
        path(of: project.slug, filter)
    }

    /// - Parameter project: its slug or its id.
    static func path(of project: String, _ filter: Filter) -> String {
        PageAddress.of(PageAddress.path("projects", project, "level-changes"), filter.query)
    }

    static func show(_ visit: Visit) async throws -> Response {
        let filter = Filter(by: try visit.context.query("by"), value: try visit.context.query("value"))
        let cursor = try visit.cursor(filter: filter.query)
        let (project, view) = try await visit.asking {
            let project = try await ProjectHead.project(visit)
            let changes = await Panel.load("Changes of level") {
                try await PBLevelChanges.Client(wrapping: visit.upstream("analytics")).listLevelChanges(
                    .with {
                        $0.project = project.id
                        $0.dimension = filter.dimension
                        $0.value = filter.value
                        ($0.gone, $0.dismissed) = (true, true)
                        $0.limit = limit
                        $0.cursor = cursor
                    })
            }
            let pager = try visit.pager(next: changes.content?.page.nextCursor ?? "", filter: filter.query)
            return (project, View(project: project, changes: changes, filter: filter, pager: pager, now: visit.now))
        }
        return visit.page(
            .levelChanges, "Changes of \(view.head.name)", crumbs: ProjectHead.crumbs(project, ("Trends", view.trendsPath), "Changes"), view)
    }
}
