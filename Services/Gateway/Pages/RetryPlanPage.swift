import ExecutionAPI
import Foundation
import GRPCCore
import Hummingbird
import Primitives
import ProjectsAPI
import ServiceKit
import SwiftProtobuf
import ValidationAPI

/// Which failed tests of a run are worth another try, which are not, and why; what `assay exec --retries` is told.
enum RetryPlanPage {
    /// Decisions that are shown; the whole list has up to 500.
    static let limit = 100
    /// Kept plans that are shown, the newest.
    static let keptLimit: Int32 = 10
    /// Who may say what is tried again.
    static let permission = "failures.triage"

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
        /// A word that was not taken about a test that is not on this page.
        let refusal: String?
        /// What builds were told, the newest first.
        let kept: [Kept]
        let hasKept: Bool
        let keptLack: String?
        let keptExports: ExportLinks?
        /// Whether builds were stopped.
        let excuses: KeptExcuses?

        /// - Parameters:
        ///   - project: where it is known.
        ///   - canSay: whether there are forms.
        ///   - attempt: a word that was not taken.
        init(
            _ run: PBRun, of project: PBProject?, plan: Panel<PBRetryPlan>, kept: Panel<PBListRetryPlansResponse> = .content(.init()),
            excuses: Panel<PBListExcusesResponse> = .content(.init()), canSay: Bool = false, attempt: RetryWordForm.Attempt? = nil, now: Date
        ) {
            row = RunRow(run, now: now)
            policyPath = project.map { RetriesPage.path($0) }
            stats = plan.content.map(Self.stats) ?? []
            hasStats = !stats.isEmpty
            note = plan.note
            rows = plan.content?.data.prefix(RetryPlanPage.limit).map { Row($0, in: run.id, canSay: canSay, attempt: attempt, now: now) } ?? []
            hasRows = !rows.isEmpty
            isEmpty = plan.content != nil && rows.isEmpty
            let others = (plan.content?.failingTests ?? 0) - Int64(rows.count)
            unlisted = hasRows && others > 0 ? "\(NumberText.counted(others, "failing test")) more." : nil
            exports = hasRows ? ExportLinks(PageAddress.path("runs", run.id, "retry-plan")) : nil
            let shown = plan.content?.data.prefix(RetryPlanPage.limit) ?? []
            refusal = attempt.flatMap { attempt in shown.contains { $0.test == attempt.test } ? nil : attempt.fault.pageDetail }
            self.kept = kept.content?.data.map { Kept($0, now: now) } ?? []
            hasKept = !self.kept.isEmpty
            keptLack = kept.note
            keptExports = hasKept ? ExportLinks(PageAddress.path("runs", run.id, "retry-plans")) : nil
            self.excuses = KeptExcuses(excuses, of: run.id, now: now)
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
        let word: RetryWordForm.Word?
        let form: RetryWordForm?

        init(_ decision: PBRetryDecision, in run: String, canSay: Bool, attempt: RetryWordForm.Attempt?, now: Date) {
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
            word = RetryWordForm.Word(decision.word, now: now)
            form =
                canSay
                ? RetryWordForm(
                    decision.word, sentTo: RetryPlanPage.path(run) + PageAddress.path(decision.test, "word"),
                    attempt: attempt?.test == decision.test ? attempt : nil) : nil
        }
    }

    /// A plan that a build was given.
    struct Kept: Sendable {
        let receiptPath: String
        let decided: Moment
        let failing: String
        let retried: String
        let isExcused: Bool
        let edition: String
        let hash: String

        init(_ kept: PBKeptRetryPlan, now: Date) {
            receiptPath = ReceiptPage.path(retryPlan: kept.id, of: kept.run)
            decided = Moment(kept.decidedAt, now: now)
            failing = NumberText.counted(kept.plan.failingTests, "failing test")
            retried = NumberText.grouped(kept.plan.retryTests)
            isExcused = kept.plan.excused
            edition = "\(kept.edition)"
            hash = String(kept.inputHash.prefix(16))
        }
    }

    static func path(_ run: String) -> String { PageAddress.path("runs", run, "retry-plan") }

    static func show(_ visit: Visit) async throws -> Response { try await page(visit) }

    private static func page(_ visit: Visit, _ attempt: RetryWordForm.Attempt? = nil) async throws -> Response {
        let id = try visit.context.parameter("run")
        let (project, view) = try await visit.asking {
            async let plan = Panel.load("Retries") {
                try await PBRetries.Client(wrapping: visit.upstream("execution")).getRetryPlan(.with { $0.run = id })
            }
            async let kept = Panel.load("What builds were told") {
                try await PBRetryPlans.Client(wrapping: visit.upstream("execution")).listRetryPlans(
                    .with {
                        $0.run = id
                        $0.limit = keptLimit
                    })
            }
            async let excuses = Panel.load("Whether builds were stopped") {
                try await PBExcuses.Client(wrapping: visit.upstream("execution")).listExcuses(
                    .with {
                        $0.run = id
                        $0.limit = KeptExcuses.limit
                    })
            }
            let run = try await PBRuns.Client(wrapping: visit.upstream("execution")).getRun(.with { $0.run = id })
            let project = await Panel.load("Projects") {
                try await PBProjects.Client(wrapping: visit.upstream("projects")).getProject(.with { $0.project = run.project })
            }.content
            let canSay = project.map { visit.may(permission, in: $0) } ?? false
            let view = View(
                run, of: project, plan: await plan, kept: await kept, excuses: await excuses, canSay: canSay, attempt: attempt, now: visit.now)
            return (project, view)
        }
        let way = project.map { [PageFrame.Crumb($0.name, PageAddress.project($0.slug))] } ?? []
        let crumbs =
            [PageFrame.Crumb("Projects", "/")] + way + [PageFrame.Crumb(view.row.title, PageAddress.run(id)), PageFrame.Crumb("Retries")]
        let status = attempt.map { Problem.status(of: $0.fault) } ?? .ok
        return visit.page(.retryPlan, "Retries of \(view.row.title)", crumbs: crumbs, status: status, view)
    }

    /// Overrules the rules on one test, or leaves it to them again.
    static func say(_ visit: Visit) async throws -> Response {
        let fields = try await visit.form()
        let (id, test) = (try visit.context.parameter("run"), try visit.context.parameter("test"))
        do {
            try await visit.asking {
                let run = try await PBRuns.Client(wrapping: visit.upstream("execution")).getRun(.with { $0.run = id })
                try await RetryWordForm.say(fields, on: test, of: run.project, visit)
            }
            return visit.redirect(to: path(id))
        } catch let fault as Fault where fault.isRefusal {
            return try await page(visit, RetryWordForm.Attempt(test: test, fields: fields, fault: fault))
        }
    }
}
