import ExecutionAPI
import Foundation
import GRPCCore
import Hummingbird
import Primitives
import ServiceKit
import SwiftProtobuf

/// The receipt of a plan of tries that a build was given.
extension ReceiptPage {
    /// Decisions that are shown; a plan has up to 500.
    static let mostDecisions = 100

    static func path(retryPlan id: String, of run: String) -> String { PageAddress.path("runs", run, "retry-plans", id) }

    static func showRetryPlan(_ visit: Visit) async throws -> Response {
        let (run, id) = (try visit.context.parameter("run"), try visit.context.parameter("plan"))
        return try await visit.asking {
            let plans = PBRetryPlans.Client(wrapping: visit.upstream("execution"))
            async let replay = Panel.load("What making it once more comes to") { try await plans.replayRetryPlan(.with { $0.retryPlan = id }) }
            let kept = try await plans.getKeptRetryPlan(.with { $0.retryPlan = id })
            guard kept.run == run else { throw Fault.notFound("retry_plan", id) }
            let view = View(
                title: "Retry plan", aboutPath: RetryPlanPage.path(run), aboutLabel: "The retries of the run",
                sections: [retryPlan(kept, await replay, now: visit.now)])
            return page(visit, view, [PageFrame.Crumb("Projects", "/"), PageFrame.Crumb("Run", PageAddress.run(run))])
        }
    }

    static func retryPlan(_ kept: PBKeptRetryPlan, _ replay: Panel<PBRetryReplay>, now: Date) -> Section {
        let plan = kept.plan
        return Section(
            "Which failed tests are worth another try",
            facts: [
                StatFigure("Uploads asked about", NumberText.grouped(Int64(kept.uploads.count))),
                StatFigure("Failing tests", NumberText.grouped(plan.failingTests)),
                StatFigure("Worth another try", NumberText.grouped(plan.retryTests)),
                StatFigure("A reason to stop the build", plan.excused ? "no" : "yes"),
                StatFigure("Rules", "edition \(kept.edition)"), StatFigure("SHA-256 of what it was made from", hash(kept.inputHash)),
            ], decided: Moment(kept.decidedAt, now: now), agrees: replay.content?.agrees,
            instead: replay.content.map { "It would be \(NumberText.counted($0.plan.retryTests, "test")) worth another try." } ?? "",
            note: replay.note,
            lines: plan.data.prefix(mostDecisions).map { decision in
                let words = decision.retry ? "Another try" : "No further try"
                return Section.Line(
                    text: "\(words): \(decision.name.shortened(to: 200)). \(decision.detail.shortened(to: 500))",
                    path: PageAddress.test(decision.test))
            })
    }
}
