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

    struct View: Sendable {
        let row: RunRow
        let runPath: String
        let path: String
        let branchFilter: String
        let isFiltered: Bool
        let held: Held?
        /// Nothing has been approved for the run's branch and environment.
        let lacksBaseline: Bool
        let baselinesPath: String?
        let stats: [StatFigure]
        let hasStats: Bool
        let note: String?
        let rows: [Row]
        let hasRows: Bool
        let isClean: Bool
        let proposal: BaselineProposal?
        let pager: Pager?

        init(
            _ run: PBRun, project: PBProject?, found: Panel<PBListRegressionsResponse>, lacksBaseline: Bool, branch: String,
            proposal: BaselineProposal?, pager: Pager?, now: Date
        ) {
            row = RunRow(run, now: now)
            runPath = PageAddress.run(run.id)
            path = RunRegressionsPage.path(run.id)
            branchFilter = branch
            isFiltered = !branch.isEmpty
            held = found.content.map { Held($0.heldAgainst) }
            self.lacksBaseline = lacksBaseline
            baselinesPath = project.map { BaselinesPage.path($0) }
            stats = found.content.map { Self.stats($0.summary) } ?? []
            hasStats = !stats.isEmpty
            note = lacksBaseline ? nil : found.note
            rows = found.content?.data.map { Row($0, now: now) } ?? []
            hasRows = !rows.isEmpty
            isClean = rows.isEmpty && found.content != nil
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

        init(_ held: PBHeldAgainst) {
            number = NumberText.grouped(held.number)
            line = [held.branch.nonEmpty ?? "no branch", held.environment.nonEmpty].compactMap(\.self).joined(separator: ", ").shortened(to: 300)
            runPath = PageAddress.run(held.run)
            commit = held.commitSha.nonEmpty.map { String($0.prefix(10)) }
        }
    }

    struct Row: Sendable {
        let kind: Badge
        let path: String
        let name: String
        let place: String?
        let before: ComparePage.Side?
        let after: ComparePage.Side?
        let good: Point?
        let bad: Point?
        let suspects: [String]
        let hasSuspects: Bool

        init(_ regression: PBRegression, now: Date) {
            kind = Badge(regression.kind)
            path = PageAddress.test(regression.test)
            name = regression.name.shortened(to: 300)
            place = TestPlace.of(suite: regression.suiteName, className: regression.className)
            before = regression.hasBaseline ? ComparePage.Side(regression.baseline) : nil
            after = regression.hasRun ? ComparePage.Side(regression.run) : nil
            good = regression.hasLastGood ? Point(regression.lastGood, now: now) : nil
            bad = regression.hasFirstBad ? Point(regression.firstBad, now: now) : nil
            suspects = regression.suspects.map { String($0.prefix(10)) }
            hasSuspects = !suspects.isEmpty
        }
    }

    struct Point: Sendable {
        let runPath: String
        let commit: String?
        let at: Moment?

        init(_ point: PBRegressionPoint, now: Date) {
            runPath = PageAddress.run(point.run)
            commit = point.commitSha.nonEmpty.map { String($0.prefix(10)) }
            at = point.hasAt ? Moment(point.at, now: now) : nil
        }
    }

    static func path(_ run: String) -> String { PageAddress.path("runs", run, "regressions") }

    // MARK: - Showing

    static func show(_ visit: Visit) async throws -> Response { try await page(visit) }

    private static func page(_ visit: Visit, note: String = "", refusal: Fault? = nil) async throws -> Response {
        let id = try visit.context.parameter("run")
        let branch = (try visit.context.query("branch") ?? "").trimmed.shortened(to: 255)
        let filter = [(name: "branch", value: branch)]
        let cursor = refusal == nil ? try visit.cursor(filter: filter) : ""
        let (project, view) = try await visit.asking {
            async let found = regressions(id, branch: branch, cursor: cursor, visit)
            let run = try await PBRuns.Client(wrapping: visit.upstream("execution")).getRun(.with { $0.run = id })
            let project = await Panel.load("Projects") {
                try await PBProjects.Client(wrapping: visit.upstream("projects")).getProject(.with { $0.project = run.project })
            }.content
            let (listed, lacksBaseline) = await found
            let next = refusal == nil ? listed.content?.page.nextCursor ?? "" : ""
            let mayPropose = project.map { visit.may(permission, in: $0) } ?? false
            let proposal = mayPropose || refusal != nil ? BaselineProposal(run, note: note, refusal: refusal) : nil
            let view = View(
                run, project: project, found: listed, lacksBaseline: lacksBaseline, branch: branch, proposal: proposal,
                pager: try visit.pager(next: next, filter: filter, label: "More"), now: visit.now)
            return (project, view)
        }
        let way = project.map { [PageFrame.Crumb($0.name, PageAddress.project($0.slug))] } ?? []
        let crumbs = [PageFrame.Crumb("Projects", "/")] + way + [PageFrame.Crumb(view.row.title, view.runPath), PageFrame.Crumb("Regressions")]
        let status = refusal.map { Problem.status(of: $0) } ?? .ok
        return visit.page(.runRegressions, "Regressions of \(view.row.title)", crumbs: crumbs, status: status, view)
    }

    /// - Returns: also whether there is nothing that the run could be held against.
    private static func regressions(
        _ run: String, branch: String, cursor: String, _ visit: Visit
    ) async -> (found: Panel<PBListRegressionsResponse>, lacksBaseline: Bool) {
        do {
            let found = try await PBRegressions.Client(wrapping: visit.upstream("execution")).listRegressions(
                .with {
                    $0.run = run
                    $0.limit = limit
                    $0.cursor = cursor
                    $0.branch = branch
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
            return try await page(visit, note: note, refusal: fault)
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

extension Badge {
    init(_ kind: PBRegression.Kind) {
        switch kind {
        case .regressed: self = Badge(css: "failed", glyph: "↓", label: "Regressed")
        case .added: self = Badge(css: "failed", glyph: "+", label: "New and failing")
        case .unskipped: self = Badge(css: "errored", glyph: "●", label: "No longer skipped")
        case .unspecified, .UNRECOGNIZED: self = .unknown
        }
    }
}
