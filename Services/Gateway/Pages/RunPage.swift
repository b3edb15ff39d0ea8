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

/// One run: what it is, how its tests ended, why some failed, and all results. Fills in by itself while the run is under way.
enum RunPage {
    static let limit: Int32 = 50
    /// Failures that are looked at to make groups; the rest is in the list of results.
    static let failureLimit: Int32 = 200

    static func show(_ visit: Visit) async throws -> Response {
        let id = try visit.context.parameter("run")
        let filter = Filter(outcome: try visit.context.query("outcome"), search: try visit.context.query("q"))
        let cursor = try visit.cursor(filter: filter.query)
        let (project, view) = try await visit.asking {
            async let validation = Panel.load("Failures") { try await failures(visit).getValidation(.with { $0.run = id }) }
            async let failing = Panel.load("Failures") {
                try await failures(visit).listFailures(
                    .with {
                        $0.run = id
                        $0.limit = failureLimit
                    })
            }
            async let results = Panel.load("Results") {
                try await PBResults.Client(wrapping: visit.upstream("execution")).listResults(
                    .with {
                        $0.run = id
                        $0.limit = limit
                        $0.cursor = cursor
                        $0.outcome = filter.outcome.map { [$0] } ?? []
                        $0.search = filter.search
                    })
            }
            async let artifacts = Panel.load("Artifacts") {
                try await PBArtifacts.Client(wrapping: visit.upstream("execution")).listArtifacts(
                    .with {
                        $0.run = id
                        $0.limit = ArtifactList.limit
                    })
            }
            let run = try await PBRuns.Client(wrapping: visit.upstream("execution")).getRun(.with { $0.run = id })
            // Only the way back to the project needs it.
            let project = await Panel.load("Projects") {
                try await PBProjects.Client(wrapping: visit.upstream("projects")).getProject(.with { $0.project = run.project })
            }
            // Only beside failures: what of them need not stop a build.
            let excuse =
                run.counts.failed + run.counts.errored == 0
                ? nil
                : await Panel.load("Quarantine") {
                    try await PBQuarantineChecks.Client(wrapping: visit.upstream("execution")).getQuarantinedFailures(
                        .with {
                            $0.run = id
                            // Its numbers are those of the whole run.
                            $0.limit = 1
                            // Whoever looks acts on nothing.
                            $0.unkept = true
                        })
                }.content.flatMap(RunExcuse.init)
            let listed = await results
            let mayPropose = project.content.map { visit.may(RunRegressionsPage.permission, in: $0) } ?? false
            let view = RunView(
                run, validation: await validation, failures: await failing, results: listed, artifacts: await artifacts, excuse: excuse,
                filter: filter,
                pager: try visit.pager(next: listed.content?.page.nextCursor ?? "", filter: filter.query, label: "Next", fragment: "results"),
                proposal: mayPropose ? BaselineProposal(run) : nil,
                declarePath: project.content.flatMap { visit.may(TriagePage.permission, in: $0) ? IncidentForm.path($0, run: run.id) : nil },
                now: visit.now)
            return (project.content, view)
        }
        let crumbs = (project.map { Array(ProjectHead.crumbs($0, view.title)) } ?? [PageFrame.Crumb("Projects", "/"), PageFrame.Crumb(view.title)])
        return visit.page(.run, view.title, crumbs: crumbs, scripts: view.events == nil ? [] : [visit.site.assets.paths.live], view)
    }

    /// Cancels the run and shows it. One that has ended meanwhile, or is cancelled already, is shown as it is.
    static func cancel(_ visit: Visit) async throws -> Response {
        _ = try await visit.form()
        let id = try visit.context.parameter("run")
        try await visit.asking {
            do {
                _ = try await PBRuns.Client(wrapping: visit.upstream("execution")).cancelRun(.with { $0.run = id })
            } catch let error as RPCError where Fault(error).code == "runs.already_finished" {}
        }
        return visit.redirect(to: PageAddress.run(id))
    }

    private static func failures(_ visit: Visit) -> PBFailures.Client<ServiceTransport> {
        PBFailures.Client(wrapping: visit.upstream("validation"))
    }

    /// What the list of results is narrowed to, as the page's address says.
    struct Filter: Sendable {
        let outcome: PBOutcome.Value?
        let search: String

        init(outcome: String?, search: String?) {
            self.outcome = Self.words.first { $0.word == outcome }?.outcome
            self.search = (search ?? "").trimmed.shortened(to: 200)
        }

        static let words: [(word: String, outcome: PBOutcome.Value)] = [
            ("FAILED", .failed), ("ERRORED", .errored), ("PASSED", .passed), ("SKIPPED", .skipped),
        ]

        var word: String { Self.words.first { $0.outcome == outcome }?.word ?? "" }
        var query: [(name: String, value: String)] { [("outcome", word), ("q", search)] }
    }
}
