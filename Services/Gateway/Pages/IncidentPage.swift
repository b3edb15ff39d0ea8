import AnalyticsAPI
import CommonAPI
import Foundation
import GRPCCore
import Hummingbird
import Primitives
import ProjectsAPI
import ServiceKit
import SwiftProtobuf

/// One incident of the environment: why it is believed, which failures were taken from their tests because of it, a way to give them back, and one to take
/// that back.
enum IncidentPage {
    static let limit: Int32 = 50

    struct View: Sendable {
        let badge: Badge
        let title: String
        let placePath: String?
        let from: Moment
        let to: Moment
        let stats: [StatFigure]
        let explanation: String
        /// `nil` where nothing was counted.
        let receiptPath: String?
        /// Who said last that it was the environment, and when.
        let declaration: String?
        let declaredAt: Moment?
        let dismissal: String?
        let dismissedAt: Moment?
        let dismissalReason: String?
        let isUpheld: Bool
        /// `nil` for who may only read, and where nothing can be said.
        let form: Form?
        let said: WordsPanel?
        let refusal: String?
        let note: String?
        let rows: [Row]
        let hasRows: Bool
        let isEmpty: Bool
        let pager: Pager?
        /// Absent where there is nothing to have.
        let exports: ExportLinks?

        init(
            _ incident: PBEnvironmentIncident, of project: PBProject, failures: Panel<PBListEnvironmentFailuresResponse>,
            said: Panel<PBListEnvironmentVerdictsResponse>, mayDecide: Bool, reason: String = "", refusal: FormRefusal? = nil, pager: Pager?,
            now: Date
        ) {
            badge = Badge(incident.state)
            title = IncidentText.place(incident)
            placePath = incident.kind == .run ? PageAddress.run(incident.place) : nil
            from = Moment(incident.from, now: now)
            to = Moment(incident.to, now: now)
            let evidence = incident.evidence
            let taken = StatFigure("Failures taken", NumberText.grouped(Int64(incident.failures)))
            let found = [
                StatFigure("Tests", NumberText.grouped(Int64(evidence.tests))),
                StatFigure("Groups of tests", NumberText.grouped(Int64(evidence.groups))),
                StatFigure("Expected by chance", IncidentText.expected(evidence), unit: IncidentText.unit(evidence)),
                StatFigure("Odds of that", IncidentText.odds(evidence)),
            ]
            stats = [taken] + (incident.hasEvidence ? found : [])
            receiptPath = incident.hasEvidence ? ReceiptPage.path(incident: incident.id, of: project) : nil
            declaration = incident.declaredBy.nonEmpty
            declaredAt = incident.hasDeclaredAt ? Moment(incident.declaredAt, now: now) : nil
            explanation = incident.hasEvidence ? IncidentText.explanation(evidence) : Self.saying
            dismissal = incident.state == .dismissed ? incident.dismissedBy.nonEmpty ?? "somebody" : nil
            dismissedAt = incident.hasDismissedAt ? Moment(incident.dismissedAt, now: now) : nil
            dismissalReason = incident.state == .dismissed ? incident.dismissalReason.nonEmpty?.shortened(to: 1000) : nil
            isUpheld = incident.state == .standing && incident.upheld && declaration == nil
            form = mayDecide ? Form(incident, of: project, reason: reason) : nil
            self.said = WordsPanel(said, ofIncident: incident.id, now: now)
            self.refusal = refusal.flatMap { $0["reason"] ?? $0.detail }
            rows = failures.content?.data.map { Row($0, now: now) } ?? []
            hasRows = !rows.isEmpty
            note = failures.note
            isEmpty = note == nil && rows.isEmpty
            self.pager = pager
            exports = rows.isEmpty ? nil : ExportLinks(PageAddress.path("environment-incidents", incident.id, "failures"))
        }

        private static let saying =
            "A person says so: what failed there then is taken whatever it failed with, and nothing was compared with chance."
    }

    /// To say the opposite of what holds.
    struct Form: Sendable {
        let path: String
        let label: String
        let placeholder: String
        let button: String
        let reason: String

        /// `nil` for an incident in a state that this release does not know.
        init?(_ incident: PBEnvironmentIncident, of project: PBProject, reason: String) {
            func path(_ verb: String) -> String { PageAddress.path("projects", project.slug, "incidents", incident.id, verb) }
            switch incident.state {
            case .standing:
                (self.path, label) = (path("dismiss"), "Not the environment?")
                (placeholder, button) = ("What it was instead", "Give the failures back")
            case .dismissed, .withdrawn:
                (self.path, label) = (path("reinstate"), "The environment after all?")
                (placeholder, button) = ("What is known by now", "Take the failures from their tests again")
            case .unspecified, .UNRECOGNIZED: return nil
            }
            self.reason = reason
        }
    }

    struct Row: Sendable {
        let path: String
        let name: String
        let place: String?
        let testPath: String
        let runPath: String
        let machine: String?
        let branch: String?
        let commit: CommitText?
        /// On a further try within the run.
        let passedAtLast: Bool
        let started: Moment

        init(_ failure: PBEnvironmentFailure, now: Date) {
            path = PageAddress.result(failure.result)
            name = failure.name.shortened(to: 300)
            place = TestPlace.of(suite: failure.suiteName, className: failure.className)
            testPath = PageAddress.test(failure.test)
            runPath = PageAddress.run(failure.run)
            machine = [failure.host, failure.zone].filter { !$0.isEmpty }.joined(separator: ", ").nonEmpty?.shortened(to: 200)
            branch = failure.branch.nonEmpty?.shortened(to: 200)
            commit = CommitText(failure.commitSha)
            passedAtLast = failure.passed
            started = Moment(failure.startedAt, now: now)
        }
    }

    static func show(_ visit: Visit) async throws -> Response { try await page(visit) }

    private static func page(_ visit: Visit, reason: String = "", refusal: Fault? = nil) async throws -> Response {
        let id = try visit.context.parameter("incident")
        let cursor = refusal == nil ? try visit.cursor(filter: []) : ""
        let (project, view) = try await visit.asking {
            let project = try await ProjectHead.project(visit)
            async let failures = Panel.load("Failures") {
                try await incidents(visit).listEnvironmentFailures(
                    .with {
                        $0.incident = id
                        $0.limit = limit
                        $0.cursor = cursor
                    })
            }
            async let said = Panel.load("What people said") {
                try await incidents(visit).listEnvironmentVerdicts(
                    .with {
                        $0.incident = id
                        $0.limit = WordsPanel.limit
                    })
            }
            let incident = try await get(id, of: project, visit)
            let (listed, words) = await (failures, said)
            let next = refusal == nil ? listed.content?.page.nextCursor ?? "" : ""
            let view = View(
                incident, of: project, failures: listed, said: words, mayDecide: visit.may(TriagePage.permission, in: project), reason: reason,
                refusal: refusal.map { FormRefusal($0, fields: ["reason"]) },
                pager: try visit.pager(next: next, filter: [], label: "More", fragment: "failures"), now: visit.now)
            return (project, view)
        }
        let status = refusal.map { Problem.status(of: $0) } ?? .ok
        let crumbs = ProjectHead.crumbs(project, ("Environment", IncidentsPage.path(project)), view.title)
        return visit.page(.incident, view.title, crumbs: crumbs, scripts: [visit.site.assets.paths.triage], status: status, view)
    }

    /// - Throws: `environment_incident.not_found`, also for one of another project.
    static func get(_ id: String, of project: PBProject, _ visit: Visit) async throws -> PBEnvironmentIncident {
        let incident = try await incidents(visit).getEnvironmentIncident(.with { $0.incident = id })
        guard incident.project == project.id else { throw Fault.notFound("environment_incident", id) }
        return incident
    }

    private static func incidents(_ visit: Visit) -> PBEnvironmentIncidents.Client<ServiceTransport> {
        PBEnvironmentIncidents.Client(wrapping: visit.upstream("analytics"))
    }

    /// Gives the failures back to their tests.
    static func dismiss(_ visit: Visit) async throws -> Response {
        try await decide(visit) { id, reason in
            _ = try await incidents(visit).dismissEnvironmentIncident(
                .with {
                    $0.incident = id
                    $0.reason = reason
                })
        }
    }

    /// Takes them from their tests again.
    static func reinstate(_ visit: Visit) async throws -> Response {
        try await decide(visit) { id, reason in
            _ = try await incidents(visit).reinstateEnvironmentIncident(
                .with {
                    $0.incident = id
                    $0.reason = reason
                })
        }
    }

    private static func decide(
        _ visit: Visit, _ say: @Sendable (_ incident: String, _ reason: String) async throws -> Void
    ) async throws -> Response {
        let fields = try await visit.form()
        let id = try visit.context.parameter("incident")
        let reason = String((fields["reason"] ?? "").trimmed)
        do {
            let project = try await visit.asking {
                let project = try await ProjectHead.project(visit)
                _ = try await get(id, of: project, visit)
                try await say(id, reason)
                return project
            }
            return visit.redirect(to: PageAddress.path("projects", project.slug, "incidents", id))
        } catch let fault as Fault where fault.isRefusal {
            return try await page(visit, reason: reason, refusal: fault)
        }
    }
}
