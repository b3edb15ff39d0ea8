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
    /// Baselines to choose from; any other can be named in the address.
    static let otherLimit: Int32 = 25
    /// Who may propose a run.
    static let permission = "results.write"
    /// Who may say what a failure is.
    static let triagePermission = "failures.triage"

    /// In the address of the page: what the run was told is to be judged once more.
    static let checking = "check"

    static func path(_ run: String) -> String { PageAddress.path("runs", run, "regressions") }

    // MARK: - Showing

    static func show(_ visit: Visit) async throws -> Response {
        let filter = RegressionFilter(
            run: try visit.context.parameter("run"), branch: try visit.context.query("branch") ?? "", show: try visit.context.query("show") ?? "",
            baseline: try visit.context.query("baseline") ?? "")
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
            let others = await Panel.load("Baselines") {
                try await PBBaselines.Client(wrapping: visit.upstream("validation")).listBaselines(
                    .with {
                        $0.project = run.project
                        $0.limit = otherLimit
                    })
            }
            let (listed, lacksBaseline) = await found
            let again = try await replay(listed.content, visit)
            let next = isShown ? listed.content?.page.nextCursor ?? "" : ""
            let mayPropose = project.map { visit.may(permission, in: $0) } ?? false
            let proposal = mayPropose || refusal != nil ? BaselineProposal(run, note: note, refusal: refusal) : nil
            let view = View(
                run, project: project, found: listed, lacksBaseline: lacksBaseline, filter: filter, others: others.content?.data ?? [],
                replay: again, canTriage: project.map { visit.may(triagePermission, in: $0) } ?? false, attempt: attempt,
                proposal: proposal,
                pager: try visit.pager(next: next, filter: filter.query, label: "More"), now: visit.now)
            return (project, view)
        }
        let way = project.map { [PageFrame.Crumb($0.name, PageAddress.project($0.slug))] } ?? []
        let crumbs = [PageFrame.Crumb("Projects", "/")] + way + [PageFrame.Crumb(view.row.title, view.runPath), PageFrame.Crumb("Regressions")]
        let status = (refusal ?? attempt?.fault).map { Problem.status(of: $0) } ?? .ok
        return visit.page(
            .runRegressions, "Regressions of \(view.row.title)", crumbs: crumbs, scripts: [visit.site.assets.paths.triage], status: status, view)
    }

    /// Of exactly what is shown: whoever asks meanwhile may get another answer, which would be the newest.
    /// - Returns: `nil` unless the address asks for it, and where nothing is kept.
    private static func replay(_ shown: PBListRegressionsResponse?, _ visit: Visit) async throws -> Panel<PBRegressionReplay>? {
        guard try visit.context.query(checking) == "1", let hash = shown?.receipt.inputHash.nonEmpty else { return nil }
        let run = try visit.context.parameter("run")
        return await Panel.load("What is kept of it") {
            try await PBRegressions.Client(wrapping: visit.upstream("execution")).replayRegressions(
                .with {
                    $0.run = run
                    $0.inputHash = hash
                })
        }
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
                    $0.baseline = filter.baseline
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
            return try await page(visit, RegressionFilter(run: id), note: note, refusal: fault)
        }
    }

    // MARK: - Saying what it is

    /// Overrules the machine on one test of the run, or leaves it to the machine again.
    static func decide(_ visit: Visit) async throws -> Response {
        let fields = try await visit.form()
        let (id, test) = (try visit.context.parameter("run"), try visit.context.parameter("test"))
        let filter = RegressionFilter(run: id, branch: fields["branch"] ?? "", show: fields["show"] ?? "", baseline: fields["against"] ?? "")
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
                            $0.commitSha = String((fields["commit"] ?? "").trimmed)
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
