import AnalyticsAPI
import CommonAPI
import ExecutionAPI
import Foundation
import GRPCCore
import Hummingbird
import Primitives
import ProjectsAPI
import ServiceKit
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
        let run: RunFacts?
        let testPath: String
        let hasReason: Bool
        let judgement: Judgement?
        let judgementNote: String?
        /// What a person filed it as; only where it is filed.
        let person: FailureVerdictPanel?
        let said: WordsPanel?
        let receiptPath: String?
        let group: GroupFacts?
        /// What is thought of the test; only beside what did not pass.
        let verdict: StabilityText?
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
            artifacts: Panel<PBListArtifactsResponse> = .content(PBListArtifactsResponse()), context: Context = Context(), now: Date
        ) {
            self.artifacts = ArtifactList(artifacts)
            badge = Badge(result.outcome)
            name = result.name
            place = TestPlace.of(suite: result.suiteName, className: result.className)
            source = result.file.nonEmpty.map { $0 + (result.hasLine ? ":\(result.line)" : "") }
            duration = TestPlace.duration(result)
            attempt = result.attempt > 1 ? "Attempt \(result.attempt)" : nil
            recorded = Moment(result.recordedAt, now: now)
            run = context.run.map { RunFacts($0, now: now) }
            testPath = PageAddress.test(result.test)
            hasReason = result.outcome == .failed || result.outcome == .errored
            judgement = hasReason ? failure.content.map { Judgement($0, rules: rules, receipt: context.receipt) } : nil
            let isImported = context.run?.hasImportedAt ?? false
            let unfiled = isImported ? "Failures of imported runs are not judged." : "This failure has not been filed yet."
            judgementNote = hasReason && judgement == nil ? unfiled : nil
            person = hasReason ? context.person : nil
            said = hasReason ? context.said : nil
            receiptPath = judgement == nil ? nil : ReceiptPage.path(result: result.id)
            group = hasReason ? context.group.map { GroupFacts($0, now: now) } : nil
            verdict = hasReason ? context.stability.map(StabilityText.init) : nil
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

    /// What stands around the result, as far as it could be had.
    struct Context: Sendable {
        var run: PBRun?
        var project: PBProject?
        var group: PBFailureGroup?
        var stability: PBStability?
        var person: FailureVerdictPanel?
        var said: WordsPanel?
        /// Of a failure that no rule knew.
        var receipt: PBReceipt?
    }

    struct RunFacts: Sendable {
        let path: String
        let title: String
        let branch: String?
        let commit: CommitText?
        let environment: String?
        let started: Moment?

        init(_ run: PBRun, now: Date) {
            path = PageAddress.run(run.id)
            title = RunTitle.of(run)
            branch = run.branch.nonEmpty?.shortened(to: 200)
            commit = CommitText(run.commitSha)
            environment = run.environment.nonEmpty?.shortened(to: 200)
            started = run.hasStartedAt ? Moment(run.startedAt, now: now) : nil
        }
    }

    /// The trouble that this failure is part of: since when, how widely, and who looks after it.
    struct GroupFacts: Sendable {
        let path: String
        let badge: Badge
        let title: String
        let words: String

        init(_ group: PBFailureGroup, now: Date) {
            path = PageAddress.path("projects", group.project, "failures", group.id)
            badge = Badge(group.state)
            title = GroupText.title(group)
            let owner = group.owner.nonEmpty.map { ", looked after by \($0.shortened(to: 100))" } ?? ""
            let commit = group.firstSeen.commitSha.nonEmpty.map { " at \($0.prefix(10))" } ?? ""
            let count = "\(NumberText.counted(group.failures, "failure")) in \(NumberText.counted(group.tests, "test"))"
            words = "\(count), first seen \(Moment(group.firstSeen.at, now: now).relative)\(commit)\(owner)"
        }
    }

    static func show(_ visit: Visit) async throws -> Response { try await page(visit) }

    private static func page(_ visit: Visit, _ attempt: (fields: [String: String], fault: Fault)? = nil) async throws -> Response {
        let id = try visit.context.parameter("result")
        let back = attempt?.fields["back"].map { ReturnPath($0).text }
        let (result, context, view) = try await visit.asking {
            let failures = PBFailures.Client(wrapping: visit.upstream("validation"))
            async let failure = Panel.load("Failures") { try await failures.getFailure(.with { $0.result = id }) }
            async let verdict = Panel.load("What people say of it") { try await verdicts(visit).getVerdict(.with { $0.result = id }) }
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
            async let stability = Panel.load("The verdict on this test") {
                try await PBTests.Client(wrapping: visit.upstream("analytics")).getTest(.with { $0.test = result.test }).stability
            }
            let filed = await failure
            let known = await run.content
            async let project = Panel.load("Projects") {
                try await PBProjects.Client(wrapping: visit.upstream("projects")).getProject(.with { $0.project = known?.project ?? "" })
            }
            async let receipt = receipt(visit, of: filed.content)
            async let said = words(visit, of: filed.content)
            let group = await group(visit, of: filed.content)
            let found = await project.content
            let mayJudge = found.map { visit.may(TriagePage.permission, in: $0) } ?? false
            let person = await verdict.content.map {
                FailureVerdictPanel($0, beside: $0.result, canWrite: mayJudge, back: back, attempt: attempt, now: visit.now)
            }
            let context = Context(
                run: known, project: found, group: group, stability: await stability.content, person: person, said: await said,
                receipt: await receipt)
            let view = View(
                result, failure: filed, rules: await rules.content?.data ?? [], history: await history, artifacts: await artifacts,
                context: context, now: visit.now)
            return (result, context, view)
        }
        let crumbs =
            [PageFrame.Crumb("Projects", "/")] + (context.project.map { [PageFrame.Crumb($0.name, PageAddress.project($0.slug))] } ?? [])
            + [PageFrame.Crumb(context.run.map(RunTitle.of) ?? "Run", PageAddress.run(result.run)), PageFrame.Crumb(view.name)]
        let status = attempt.map { Problem.status(of: $0.fault) } ?? .ok
        return visit.page(.result, view.name, crumbs: crumbs, scripts: [visit.site.assets.paths.triage], status: status, view)
    }

    private static func verdicts(_ visit: Visit) -> PBVerdicts.Client<ServiceTransport> {
        PBVerdicts.Client(wrapping: visit.upstream("validation"))
    }

    /// Files the failure as what a person says, or gives it back to the machine.
    static func decide(_ visit: Visit) async throws -> Response {
        let fields = try await visit.form()
        let id = try visit.context.parameter("result")
        do {
            try await visit.asking {
                if fields["action"] == "give_back" {
                    _ = try await verdicts(visit).deleteVerdict(
                        .with {
                            $0.result = id
                            $0.version = Visit.version(fields)
                        })
                } else {
                    _ = try await verdicts(visit).putVerdict(
                        .with {
                            $0.result = id
                            $0.category = FailureVerdictPanel.category(fields)
                            $0.severity = FailureVerdictPanel.severity(fields)
                            $0.note = String((fields["note"] ?? "").trimmed)
                            $0.version = Visit.version(fields)
                        })
                }
            }
            return visit.redirect(to: fields["back"].map { ReturnPath($0).text } ?? PageAddress.result(id))
        } catch let fault as Fault where fault.isRefusal {
            return try await page(visit, (fields, fault))
        }
    }

    /// Only of what is filed can anybody have said anything.
    private static func words(_ visit: Visit, of failure: PBFailure?) async -> WordsPanel? {
        guard let failure else { return nil }
        let said = await Panel.load("What people said") {
            try await verdicts(visit).listVerdicts(
                .with {
                    $0.result = failure.result
                    $0.limit = WordsPanel.limit
                })
        }
        return WordsPanel(said, ofResult: failure.result, now: visit.now)
    }

    /// Rules say all there is to say in the failure itself.
    private static func receipt(_ visit: Visit, of failure: PBFailure?) async -> PBReceipt? {
        guard let failure, failure.rule == LearnedFrom.rule else { return nil }
        return await FailureGroupPage.receipt(visit, of: failure.result)
    }

    private static func group(_ visit: Visit, of failure: PBFailure?) async -> PBFailureGroup? {
        guard let failure, !failure.group.isEmpty else { return nil }
        let panel = await Panel.load("Failures") {
            try await PBFailureGroups.Client(wrapping: visit.upstream("validation")).getFailureGroup(
                .with {
                    $0.project = failure.project
                    $0.group = failure.group
                })
        }
        return panel.content
    }
}
