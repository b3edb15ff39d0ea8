import CommonAPI
import ExecutionAPI
import Foundation
import GRPCCore
import Hummingbird
import Primitives
import ProjectsAPI
import SwiftProtobuf
import ValidationAPI

/// What fails in a run and did not in its baseline, since when, and the commits that may be why; and the way for the run to become a baseline itself.
enum RunRegressionsPage {
    static let limit: Int32 = 50
    /// Who may propose a run.
    static let permission = "results.write"
    /// Who may say what a failure is.
    static let triagePermission = "failures.triage"

    struct View: Sendable {
        let row: RunRow
        let runPath: String
        let path: String
        let branchFilter: String
        let showFilter: String
        let isFiltered: Bool
        let held: Held?
        /// Nothing has been approved for the run's branch and environment.
        let lacksBaseline: Bool
        let baselinesPath: String?
        let stats: [StatFigure]
        let hasStats: Bool
        let chips: [Choice]
        /// What is beyond those that are told apart.
        let unassessed: String?
        let note: String?
        let rows: [RegressionRow]
        let hasRows: Bool
        let isClean: Bool
        /// Something regressed, and none of it is believed to be what is looked for.
        let isNarrow: Bool
        /// A word that was not taken about a test that is not on this page.
        let refusal: String?
        let proposal: BaselineProposal?
        let pager: Pager?

        init(
            _ run: PBRun, project: PBProject?, found: Panel<PBListRegressionsResponse>, lacksBaseline: Bool, filter: RegressionFilter,
            canTriage: Bool = false, attempt: RegressionRow.Attempt? = nil, proposal: BaselineProposal?, pager: Pager?, now: Date
        ) {
            row = RunRow(run, now: now)
            runPath = PageAddress.run(run.id)
            path = filter.path
            branchFilter = filter.branch
            showFilter = filter.show
            isFiltered = !filter.branch.isEmpty
            held = found.content.map { Held($0, now: now) }
            self.lacksBaseline = lacksBaseline
            baselinesPath = project.map { BaselinesPage.path($0) }
            stats = found.content.map { Self.stats($0.summary) } ?? []
            hasStats = !stats.isEmpty
            note = lacksBaseline ? nil : found.note
            chips = found.content.map { filter.choices($0.summary) } ?? []
            unassessed = found.content.flatMap { $0.summary.assessed.unassessed > 0 ? NumberText.grouped($0.summary.assessed.unassessed) : nil }
            let data = found.content?.data ?? []
            rows = data.map { RegressionRow($0, of: filter, canTriage: canTriage, attempt: attempt, now: now) }
            hasRows = !rows.isEmpty
            isClean = rows.isEmpty && found.content.map { filter.show.isEmpty || $0.summary.isClean } ?? false
            isNarrow = rows.isEmpty && !isClean && found.content != nil
            refusal = attempt.flatMap { attempt in data.contains { $0.test == attempt.test } ? nil : attempt.fault.pageDetail }
            self.proposal = proposal
            self.pager = pager
        }

        private static func stats(_ summary: PBRegressionSummary) -> [StatFigure] {
            [
                StatFigure("Regressed", NumberText.grouped(summary.regressed)), StatFigure("New and failing", NumberText.grouped(summary.added)),
                StatFigure("No longer skipped", NumberText.grouped(summary.unskipped)),
                StatFigure("Still failing", NumberText.grouped(summary.stillFailing)), StatFigure("Fixed", NumberText.grouped(summary.fixed)),
                StatFigure("Gone", NumberText.grouped(summary.removed)),
            ]
        }
    }

    struct Held: Sendable {
        let number: String
        let line: String
        let runPath: String
        let commit: String?
        /// When the run was told so; absent where it is held against something else now.
        let told: Moment?
        let isWithdrawn: Bool

        init(_ found: PBListRegressionsResponse, now: Date) {
            let held = found.heldAgainst
            number = NumberText.grouped(held.number)
            line = [held.branch.nonEmpty ?? "no branch", held.environment.nonEmpty].compactMap(\.self).joined(separator: ", ").shortened(to: 300)
            runPath = PageAddress.run(held.run)
            commit = held.commitSha.nonEmpty.map { String($0.prefix(10)) }
            told = found.hasReceipt ? Moment(found.receipt.judgedAt, now: now) : nil
            isWithdrawn = held.withdrawn
        }
    }

    static func path(_ run: String) -> String { PageAddress.path("runs", run, "regressions") }

    // MARK: - Showing

    static func show(_ visit: Visit) async throws -> Response {
        let filter = RegressionFilter(
            run: try visit.context.parameter("run"), branch: try visit.context.query("branch") ?? "", show: try visit.context.query("show") ?? "")
        return try await page(visit, filter)
    }

    /// - Parameters:
    ///   - refusal: why the run was not proposed.
    ///   - attempt: a word on a test that was not taken.
    private static func page(
        _ visit: Visit, _ filter: RegressionFilter, note: String = "", refusal: Fault? = nil, attempt: RegressionRow.Attempt? = nil
    ) async throws -> Response {
        let id = try visit.context.parameter("run")
        let isShown = refusal == nil && attempt == nil
        let cursor = isShown ? try visit.cursor(filter: filter.query) : ""
        let (project, view) = try await visit.asking {
            async let found = regressions(id, filter, cursor: cursor, visit)
            let run = try await PBRuns.Client(wrapping: visit.upstream("execution")).getRun(.with { $0.run = id })
            let project = await Panel.load("Projects") {
                try await PBProjects.Client(wrapping: visit.upstream("projects")).getProject(.with { $0.project = run.project })
            }.content
            let (listed, lacksBaseline) = await found
            let next = isShown ? listed.content?.page.nextCursor ?? "" : ""
            let mayPropose = project.map { visit.may(permission, in: $0) } ?? false
            let proposal = mayPropose || refusal != nil ? BaselineProposal(run, note: note, refusal: refusal) : nil
            let view = View(
                run, project: project, found: listed, lacksBaseline: lacksBaseline, filter: filter,
                canTriage: project.map { visit.may(triagePermission, in: $0) } ?? false, attempt: attempt, proposal: proposal,
                pager: try visit.pager(next: next, filter: filter.query, label: "More"), now: visit.now)
            return (project, view)
        }
        let way = project.map { [PageFrame.Crumb($0.name, PageAddress.project($0.slug))] } ?? []
        let crumbs = [PageFrame.Crumb("Projects", "/")] + way + [PageFrame.Crumb(view.row.title, view.runPath), PageFrame.Crumb("Regressions")]
        let status = (refusal ?? attempt?.fault).map { Problem.status(of: $0) } ?? .ok
        return visit.page(.runRegressions, "Regressions of \(view.row.title)", crumbs: crumbs, status: status, view)
    }

    /// - Returns: also whether there is nothing that the run could be held against.
    private static func regressions(
        _ run: String, _ filter: RegressionFilter, cursor: String, _ visit: Visit
    ) async -> (found: Panel<PBListRegressionsResponse>, lacksBaseline: Bool) {
        do {
            let found = try await PBRegressions.Client(wrapping: visit.upstream("execution")).listRegressions(
                .with {
                    $0.run = run
                    $0.limit = limit
                    $0.cursor = cursor
                    $0.branch = filter.branch
                    $0.assessment = filter.kinds
                })
            return (.content(found), false)
        } catch {
            let lacksBaseline = Fault(answering: error).code == "regressions.no_baseline"
            return (await Panel.load("Regressions") { throw error }, lacksBaseline)
        }
    }

    // MARK: - Proposing

    /// Makes the run a proposal, which somebody decides on the page of baselines.
    static func propose(_ visit: Visit) async throws -> Response {
        let fields = try await visit.form()
        let id = try visit.context.parameter("run")
        let note = String((fields["note"] ?? "").trimmed)
        do {
            let project = try await visit.asking {
                let run = try await PBRuns.Client(wrapping: visit.upstream("execution")).getRun(.with { $0.run = id })
                _ = try await PBBaselines.Client(wrapping: visit.upstream("validation")).createBaseline(
                    .with {
                        $0.project = run.project
                        $0.run = id
                        $0.note = note
                    })
                return try await PBProjects.Client(wrapping: visit.upstream("projects")).getProject(.with { $0.project = run.project })
            }
            return visit.redirect(to: BaselinesPage.path(project))
        } catch let fault as Fault where fault.isRefusal {
            return try await page(visit, RegressionFilter(run: id, branch: "", show: ""), note: note, refusal: fault)
        }
    }

    // MARK: - Saying what it is

    /// Overrules the machine on one test of the run, or leaves it to the machine again.
    static func decide(_ visit: Visit) async throws -> Response {
        let fields = try await visit.form()
        let (id, test) = (try visit.context.parameter("run"), try visit.context.parameter("test"))
        let filter = RegressionFilter(run: id, branch: fields["branch"] ?? "", show: fields["show"] ?? "")
        do {
            try await visit.asking {
                let verdicts = PBRegressionVerdicts.Client(wrapping: visit.upstream("execution"))
                if fields["action"] == "give_back" {
                    _ = try await verdicts.deleteRegressionVerdict(
                        .with {
                            $0.run = id
                            $0.test = test
                            $0.baseline = fields["baseline"] ?? ""
                            $0.version = Visit.version(fields)
                        })
                } else {
                    _ = try await verdicts.putRegressionVerdict(
                        .with {
                            $0.run = id
                            $0.test = test
                            $0.baseline = fields["baseline"] ?? ""
                            $0.kind = RegressionRow.Form.kind(fields)
                            $0.reason = String((fields["reason"] ?? "").trimmed)
                            $0.version = Visit.version(fields)
                        })
                }
            }
            return visit.redirect(to: PageAddress.of(filter.path, filter.query))
        } catch let fault as Fault where fault.isRefusal {
            return try await page(visit, filter, attempt: RegressionRow.Attempt(test: test, fields: fields, fault: fault))
        }
    }
}

/// The form with which a run is proposed as a baseline.
struct BaselineProposal: Sendable {
    let path: String
    let note: String
    let refusal: String?

    /// `nil` for a run that can be none: Validation takes only what is finished, trusted and has something that passed.
    init?(_ run: PBRun, note: String = "", refusal: Fault? = nil) {
        let isSuitable = run.state.isFinal && run.lane != .untrusted && !run.incomplete && run.counts.passed > 0
        guard isSuitable || refusal != nil else { return nil }
        path = PageAddress.path("runs", run.id, "baseline")
        self.note = note
        self.refusal = refusal?.pageDetail
    }
}
