import CommonAPI
import ExecutionAPI
import Foundation
import Primitives
import ProjectsAPI
import SwiftProtobuf
import ValidationAPI

/// What the page of a run's regressions shows.
extension RunRegressionsPage {
    struct View: Sendable {
        let row: RunRow
        let runPath: String
        let path: String
        let branchFilter: String
        let showFilter: String
        let isFiltered: Bool
        /// The project's newest baselines.
        let others: [OtherBaseline]
        let hasOthers: Bool
        let held: Held?
        /// Nothing has been approved for the run's branch and environment.
        let lacksBaseline: Bool
        let baselinesPath: String?
        let receipt: Receipt?
        let stats: [StatFigure]
        let hasStats: Bool
        let chips: [Choice]
        /// What is beyond those that are told apart.
        let unassessed: String?
        let note: String?
        let rows: [RegressionRow]
        let hasRows: Bool
        /// Keys that decide, where any row has what they press.
        let acts: [KeyHint]
        let isClean: Bool
        /// Something regressed, and none of it is believed to be what is looked for.
        let isNarrow: Bool
        /// A word that was not taken about a test that is not on this page.
        let refusal: String?
        let proposal: BaselineProposal?
        let pager: Pager?
        /// Absent where there is nothing to have.
        let exports: ExportLinks?

        init(
            _ run: PBRun, project: PBProject?, found: Panel<PBListRegressionsResponse>, lacksBaseline: Bool, filter: RegressionFilter,
            others: [PBBaseline] = [], replay: Panel<PBRegressionReplay>? = nil, canTriage: Bool = false, attempt: RegressionRow.Attempt? = nil,
            proposal: BaselineProposal?, pager: Pager?, now: Date
        ) {
            row = RunRow(run, now: now)
            runPath = PageAddress.run(run.id)
            path = filter.path
            branchFilter = filter.branch
            showFilter = filter.show
            isFiltered = !(filter.branch + filter.baseline).isEmpty
            self.others = others.map { OtherBaseline($0, isChosen: $0.id == filter.baseline) }
            hasOthers = !others.isEmpty
            receipt = found.content.flatMap { Receipt($0, filter, replay: replay, now: now) }
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
            acts = rows.contains { $0.form != nil } ? [KeyHint("v", "say what it is")] : []
            isClean = rows.isEmpty && found.content.map { filter.show.isEmpty || $0.summary.isClean } ?? false
            isNarrow = rows.isEmpty && !isClean && found.content != nil
            refusal = attempt.flatMap { attempt in data.contains { $0.test == attempt.test } ? nil : attempt.fault.pageDetail }
            self.proposal = proposal
            self.pager = pager
            let whole = ExportLinks(PageAddress.path("runs", run.id, "regressions"), [("branch", filter.branch), ("baseline", filter.baseline)])
            exports = rows.isEmpty ? nil : whole
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
        let commit: CommitText?
        /// When the run was told so; absent where it is held against something else now.
        let told: Moment?
        /// Since when the answer is kept, where the run was not told.
        let asked: Moment?
        let isWithdrawn: Bool

        init(_ found: PBListRegressionsResponse, now: Date) {
            let held = found.heldAgainst
            number = NumberText.grouped(held.number)
            line = [held.branch.nonEmpty ?? "no branch", held.environment.nonEmpty].compactMap(\.self).joined(separator: ", ").shortened(to: 300)
            runPath = PageAddress.run(held.run)
            commit = CommitText(held.commitSha)
            let kept = found.hasReceipt ? Moment(found.receipt.judgedAt, now: now) : nil
            told = found.receipt.asked ? nil : kept
            asked = found.receipt.asked ? kept : nil
            isWithdrawn = held.withdrawn
        }
    }

    /// One that the run can be held against.
    struct OtherBaseline: Sendable {
        let id: String
        let label: String
        let isChosen: Bool

        init(_ baseline: PBBaseline, isChosen: Bool) {
            id = baseline.id
            self.isChosen = isChosen
            let line = [baseline.branch.nonEmpty ?? "no branch", baseline.environment.nonEmpty].compactMap(\.self).joined(separator: ", ")
            label = "\(baseline.number) of \(line.shortened(to: 60)): \(baseline.inForce ? "in force" : Badge(baseline.state).label.lowercased())"
        }
    }

    /// What is kept of what the run was told, or of this answer, and what it comes to when it is judged once more.
    struct Receipt: Sendable {
        let edition: String
        let hash: String
        let checkPath: String
        /// Absent until somebody asks.
        let verdict: String?
        let agrees: Bool
        let note: String?

        /// `nil` where nothing is kept.
        init?(_ found: PBListRegressionsResponse, _ filter: RegressionFilter, replay: Panel<PBRegressionReplay>?, now: Date) {
            guard found.hasReceipt else { return nil }
            edition = "\(found.receipt.edition)"
            hash = String(found.receipt.inputHash.prefix(16))
            checkPath = PageAddress.of(filter.path, filter.query + [(checking, "1")], fragment: "receipt")
            agrees = replay?.content?.agrees ?? false
            note = replay?.note
            verdict = replay?.content.map {
                $0.agrees
                    ? "Judged once more by what was known then, it comes to the same."
                    : "Judged once more by what was known then, it comes to something else: \(NumberText.counted($0.summary.regressed, "regression"))."
            }
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
