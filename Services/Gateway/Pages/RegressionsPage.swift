import CommonAPI
import ExecutionAPI
import Foundation
import Hummingbird
import ProjectsAPI
import SwiftProtobuf

/// How every branch and environment of a project that has a baseline stands to it now.
enum RegressionsPage {
    /// Each row is a comparison of two runs.
    static let limit: Int32 = 10

    struct View: Sendable {
        let head: ProjectHead
        let baselinesPath: String
        let note: String?
        let rows: [Row]
        let hasRows: Bool
        let isEmpty: Bool
        let pager: Pager?
        let exports: ExportLinks?

        init(project: PBProject, states: Panel<PBListRegressionStatesResponse>, pager: Pager?, now: Date) {
            head = ProjectHead(project, tab: .regressions)
            baselinesPath = BaselinesPage.path(project)
            rows = states.content?.data.map { Row($0, now: now) } ?? []
            hasRows = !rows.isEmpty
            note = states.note
            isEmpty = note == nil && rows.isEmpty
            self.pager = pager
            exports = rows.isEmpty ? nil : ExportLinks(PageAddress.path("projects", project.slug, "regressions"))
        }
    }

    struct Row: Sendable {
        let badge: Badge
        let branch: String
        let environment: String?
        let number: String
        let baselineRunPath: String
        /// What regressed in the newest run; `nil` when none has finished since.
        let path: String?
        let commit: CommitText?
        let finished: Moment?
        /// What somebody has to look at.
        let regressed: String?
        /// What is not sure of that.
        let doubts: String?
        /// What fails besides, and is nobody's change.
        let excused: String?
        let known: String?

        init(_ state: PBRegressionState, now: Date) {
            let held = state.heldAgainst
            let summary = state.summary
            let bad = summary.hasAssessed ? summary.assessed.suspicious : summary.regressed + summary.added + summary.unskipped
            let hasRun = !state.run.isEmpty
            badge =
                hasRun
                ? (bad > 0 ? Badge(css: "failed", glyph: "↓", label: "Regressed") : Badge(css: "passed", glyph: "✓", label: "Holds")) : .pending
            branch = held.branch.nonEmpty?.shortened(to: 200) ?? "no branch"
            environment = held.environment.nonEmpty?.shortened(to: 100)
            number = NumberText.grouped(held.number)
            baselineRunPath = PageAddress.run(held.run)
            path = hasRun ? RunRegressionsPage.path(state.run) : nil
            commit = CommitText(state.commitSha)
            finished = state.hasFinishedAt ? Moment(state.finishedAt, now: now) : nil
            regressed = hasRun ? NumberText.counted(bad, "regression") : nil
            let assessed = summary.assessed
            doubts =
                summary.hasAssessed
                ? Self.list([(assessed.uncertain, "of them uncertain"), (assessed.unassessed, "of them not assessed")])
                : bad > 0 ? "not assessed yet" : nil
            excused = Self.list([
                (assessed.flake, assessed.flake == 1 ? "flake" : "flakes"), (assessed.environment, "of the environment"),
                (assessed.noRegression, "overruled"),
            ])
            known = Self.list([(summary.stillFailing, "still failing"), (summary.fixed, "fixed"), (summary.removed, "gone")])
        }

        /// Those that there are; `nil` without any.
        private static func list(_ counts: [(number: Int64, what: String)]) -> String? {
            counts.filter { $0.number > 0 }.map { "\(NumberText.grouped($0.number)) \($0.what)" }.joined(separator: ", ").nonEmpty
        }
    }

    static func show(_ visit: Visit) async throws -> Response {
        let cursor = try visit.cursor(filter: [])
        let (project, view) = try await visit.asking {
            let project = try await ProjectHead.project(visit)
            let states = await Panel.load("Regressions") {
                try await PBRegressions.Client(wrapping: visit.upstream("execution")).listRegressionStates(
                    .with {
                        $0.project = project.id
                        $0.limit = limit
                        $0.cursor = cursor
                    })
            }
            let pager = try visit.pager(next: states.content?.page.nextCursor ?? "", filter: [], label: "More")
            return (project, View(project: project, states: states, pager: pager, now: visit.now))
        }
        return visit.page(.regressions, "Regressions of \(view.head.name)", crumbs: ProjectHead.crumbs(project, "Regressions"), view)
    }
}

extension PBAssessmentCounts {
    /// What may be somebody's change: neither chance nor machines, nor what a person says is meant.
    fileprivate var suspicious: Int64 { regression + uncertain + unassessed }
}
