import AnalyticsAPI
import CommonAPI
import ExecutionAPI
import Foundation
import Hummingbird
import SwiftProtobuf
import ValidationAPI

/// One result: what the test said, what it did, why that is, and how it went before.
enum ResultPage {
    struct View: Sendable {
        let badge: Badge
        let name: String
        let place: String?
        let source: String?
        let duration: String
        let attempt: String?
        let recorded: Moment
        let testPath: String
        let hasReason: Bool
        let judgement: Judgement?
        let judgementNote: String?
        let history: HistoryStrip?
        let historyNote: String?
        let message: String?
        let type: String?
        let exchange: ExchangeView?
        let trace: String?
        let systemOut: String?
        let systemErr: String?
        let artifacts: ArtifactList?

        init(
            _ result: PBResult, failure: Panel<PBFailure>, rules: [PBRule], history: Panel<[PBTestExecution]>,
            artifacts: Panel<PBListArtifactsResponse> = .content(PBListArtifactsResponse()), now: Date
        ) {
            self.artifacts = ArtifactList(artifacts)
            badge = Badge(result.outcome)
            name = result.name
            place = TestPlace.of(suite: result.suiteName, className: result.className)
            source = result.file.nonEmpty.map { $0 + (result.hasLine ? ":\(result.line)" : "") }
            duration = TestPlace.duration(result)
            attempt = result.attempt > 1 ? "Attempt \(result.attempt)" : nil
            recorded = Moment(result.recordedAt, now: now)
            testPath = PageAddress.test(result.test)
            hasReason = result.outcome == .failed || result.outcome == .errored
            judgement = hasReason ? failure.content.map { Judgement($0, rules: rules) } : nil
            judgementNote = hasReason && judgement == nil ? "This failure has not been filed yet." : nil
            self.history = history.content.map { HistoryStrip(newestFirst: $0, current: result.id, now: now) }
            historyNote = history.note ?? (history.content?.isEmpty == true ? "No execution has been counted yet." : nil)
            message = result.message.withoutTerminalColours.nonEmpty
            type = result.type.nonEmpty?.shortened(to: 200)
            exchange = result.hasHTTP ? ExchangeView(result.http) : nil
            trace = result.trace.withoutTerminalColours.nonEmpty
            systemOut = result.systemOut.withoutTerminalColours.nonEmpty
            systemErr = result.systemErr.withoutTerminalColours.nonEmpty
        }
    }

    static func show(_ visit: Visit) async throws -> Response {
        let id = try visit.context.parameter("result")
        let (result, run, view) = try await visit.asking {
            let failures = PBFailures.Client(wrapping: visit.upstream("validation"))
            async let failure = Panel.load("Failures") { try await failures.getFailure(.with { $0.result = id }) }
            async let rules = Panel.load("Rules") { try await failures.listRules(PBListRulesRequest()) }
            let executions = PBResults.Client(wrapping: visit.upstream("execution"))
            let result = try await executions.getResult(.with { $0.result = id })
            async let run = Panel.load("Runs") {
                try await PBRuns.Client(wrapping: visit.upstream("execution")).getRun(.with { $0.run = result.run })
            }
            async let artifacts = Panel.load("Artifacts") {
                try await PBArtifacts.Client(wrapping: visit.upstream("execution")).listArtifacts(
                    .with {
                        $0.run = result.run
                        $0.result = id
                        $0.limit = ArtifactList.limit
                    })
            }
            async let history = Panel.load("Executions") {
                try await TestPage.history(visit, test: result.test, limit: Int32(HistoryStrip.length)).data
            }
            let view = View(
                result, failure: await failure, rules: await rules.content?.data ?? [], history: await history, artifacts: await artifacts,
                now: visit.now)
            return (result, await run.content, view)
        }
        let crumbs = [
            PageFrame.Crumb("Projects", "/"), PageFrame.Crumb(run.map(RunTitle.of) ?? "Run", PageAddress.run(result.run)), PageFrame.Crumb(view.name),
        ]
        return visit.page(.result, view.name, crumbs: crumbs, view)
    }
}
