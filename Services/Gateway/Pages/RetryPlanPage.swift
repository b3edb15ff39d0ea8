import ExecutionAPI
import Foundation
import Hummingbird
import ProjectsAPI
import SwiftProtobuf
import ValidationAPI

/// Which failed tests of a run are worth another try, which are not, and why; what `assay exec --retries` is told.
enum RetryPlanPage {
    /// Decisions that are shown; the whole list has up to 500.
    static let limit = 100

    struct View: Sendable {
        let row: RunRow
        let policyPath: String?
        let stats: [StatFigure]
        let hasStats: Bool
        let note: String?
        /// What is not among the rows.
        let unlisted: String?
        let rows: [Row]
        let hasRows: Bool
        let isEmpty: Bool
        /// Absent where there is nothing to have.
        let exports: ExportLinks?

        /// - Parameter project: where it is known.
        init(_ run: PBRun, of project: PBProject?, plan: Panel<PBRetryPlan>, now: Date) {
            row = RunRow(run, now: now)
            policyPath = project.map { RetriesPage.path($0) }
            stats = plan.content.map(Self.stats) ?? []
            hasStats = !stats.isEmpty
            note = plan.note
            rows = plan.content?.data.prefix(RetryPlanPage.limit).map(Row.init) ?? []
            hasRows = !rows.isEmpty
            isEmpty = plan.content != nil && rows.isEmpty
            let others = (plan.content?.failingTests ?? 0) - Int64(rows.count)
            unlisted = hasRows && others > 0 ? "\(NumberText.counted(others, "failing test")) more." : nil
            exports = hasRows ? ExportLinks(PageAddress.path("runs", run.id, "retry-plan")) : nil
        }

        private static func stats(_ plan: PBRetryPlan) -> [StatFigure] {
            [
                StatFigure("Failing tests", NumberText.grouped(plan.failingTests)),
                StatFigure("Worth another try", NumberText.grouped(plan.retryTests)),
                StatFigure("Passed when tried again", NumberText.grouped(plan.passedAgainTests)),
                StatFigure("In quarantine", NumberText.grouped(plan.quarantinedTests)),
                StatFigure("Left for tries today", NumberText.minutes(plan.remainingMinutes)),
            ]
        }
    }

    struct Row: Sendable {
        let badge: Badge
        let path: String
        let name: String
        let place: String?
        /// Why.
        let detail: String
        let category: String?
        let attempts: String
        let duration: String

        init(_ decision: PBRetryDecision) {
            badge =
                decision.retry
                ? Badge(css: "pending", glyph: "↻", label: "Another try") : Badge(css: "skipped", glyph: "–", label: "No further try")
            path = PageAddress.test(decision.test)
            name = decision.name.shortened(to: 300)
            place = TestPlace.of(suite: decision.suiteName, className: decision.className)
            detail = decision.detail.shortened(to: 500)
            let known = TriagePage.Filter.categories.first { $0.word == decision.category }
            category = known.map { JudgementText.category($0.value) } ?? decision.category.nonEmpty?.shortened(to: 100)
            attempts = NumberText.counted(Int64(decision.attempts), "execution")
            duration = decision.hasDurationUs ? DurationText.of(microseconds: decision.durationUs) : "–"
        }
    }

    static func path(_ run: String) -> String { PageAddress.path("runs", run, "retry-plan") }

    static func show(_ visit: Visit) async throws -> Response {
        let id = try visit.context.parameter("run")
        let (project, view) = try await visit.asking {
            async let plan = Panel.load("Retries") {
                try await PBRetries.Client(wrapping: visit.upstream("execution")).getRetryPlan(.with { $0.run = id })
            }
            let run = try await PBRuns.Client(wrapping: visit.upstream("execution")).getRun(.with { $0.run = id })
            let project = await Panel.load("Projects") {
                try await PBProjects.Client(wrapping: visit.upstream("projects")).getProject(.with { $0.project = run.project })
            }.content
            return (project, View(run, of: project, plan: await plan, now: visit.now))
        }
        let way = project.map { [PageFrame.Crumb($0.name, PageAddress.project($0.slug))] } ?? []
        let crumbs =
            [PageFrame.Crumb("Projects", "/")] + way + [PageFrame.Crumb(view.row.title, PageAddress.run(id)), PageFrame.Crumb("Retries")]
        return visit.page(.retryPlan, "Retries of \(view.row.title)", crumbs: crumbs, view)
    }
}
