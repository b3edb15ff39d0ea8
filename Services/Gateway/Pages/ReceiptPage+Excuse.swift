import ExecutionAPI
import Foundation
import GRPCCore
import Hummingbird
import Primitives
import ServiceKit
import SwiftProtobuf

/// The receipt of what a build was told of whether the failures of a run stop it.
extension ReceiptPage {
    /// Tests that are shown; an answer has up to 1,100.
    static let mostJudged = 100

    static func path(excuse id: String, of run: String) -> String { PageAddress.path("runs", run, "excuses", id) }

    static func showExcuse(_ visit: Visit) async throws -> Response {
        let (run, id) = (try visit.context.parameter("run"), try visit.context.parameter("excuse"))
        return try await visit.asking {
            let excuses = PBExcuses.Client(wrapping: visit.upstream("execution"))
            async let replay = Panel.load("What deciding it once more comes to") { try await excuses.replayExcuse(.with { $0.excuse = id }) }
            let kept = try await excuses.getExcuse(.with { $0.excuse = id })
            guard kept.run == run else { throw Fault.notFound("excuse", id) }
            let view = View(
                title: "What stops a build", aboutPath: RetryPlanPage.path(run), aboutLabel: "The retries of the run",
                sections: [excuse(kept, await replay, now: visit.now)])
            return page(visit, view, [PageFrame.Crumb("Projects", "/"), PageFrame.Crumb("Run", PageAddress.run(run))])
        }
    }

    static func excuse(_ kept: PBExcuse, _ replay: Panel<PBExcuseReplay>, now: Date) -> Section {
        Section(
            "Whether the failures were a reason to stop the build",
            facts: [
                StatFigure("A reason to stop the build", kept.excused ? "no" : "yes"),
                StatFigure("Failing tests", NumberText.grouped(kept.failingTests)),
                StatFigure("In quarantine", NumberText.grouped(kept.quarantinedTests)),
                StatFigure("Passed when tried again", NumberText.grouped(kept.passedAgainTests)), StatFigure("Rules", "edition \(kept.edition)"),
                StatFigure("SHA-256 of what it was decided on", hash(kept.inputHash)),
            ], decided: Moment(kept.decidedAt, now: now), agrees: replay.content?.agrees,
            instead: replay.content.map { $0.excused ? "It would be no reason to stop." : "It would be a reason to stop." } ?? "",
            note: replay.note, lines: lines(kept, now: now))
    }

    /// What is a reason to stop comes first, which may be one test among hundreds that are none.
    private static func lines(_ kept: PBExcuse, now: Date) -> [Section.Line] {
        let judged = kept.data.filter { !$0.quarantined } + kept.data.filter(\.quarantined)
        let shown = judged.prefix(mostJudged).map { failure in
            Section.Line(text: "\(failure.name.shortened(to: 200)): \(words(failure, now: now))", path: PageAddress.test(failure.test))
        }
        let left = Int64(judged.count - shown.count) + kept.leftOutTests
        return left > 0 ? shown + [Section.Line(text: "Not shown: \(NumberText.counted(left, "further test")).", path: nil)] : shown
    }

    /// By what a failure was excused.
    private static func words(_ failure: PBJudgedFailure, now: Date) -> String {
        guard failure.quarantined else { return "not in quarantine." }
        guard failure.hasQuarantine else { return "in quarantine." }
        let held = failure.quarantine
        let until = QuarantineText.lastDay(held.expiresAt.date, now: now)
        let owner = held.owner.isEmpty ? "" : " of \(held.owner.shortened(to: 200))"
        let reason = held.reason.isEmpty ? "." : ": \(held.reason.shortened(to: 300))"
        return "in quarantine\(owner) until \(until), version \(held.version) of \(held.id)\(reason)"
    }
}
