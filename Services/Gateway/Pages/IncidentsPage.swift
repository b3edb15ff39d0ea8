import AnalyticsAPI
import CommonAPI
import Foundation
import Hummingbird
import Primitives
import ProjectsAPI
import SwiftProtobuf

/// Machines, zones, hours and runs that tests of a project failed because of, rather than because of themselves, and a form to name another.
enum IncidentsPage {
    static let limit: Int32 = 50

    struct View: Sendable {
        let head: ProjectHead
        let chips: [Choice]
        let isFiltered: Bool
        let note: String?
        let rows: [Row]
        let hasRows: Bool
        /// Keys that decide, where any row has what they press.
        let acts: [KeyHint]
        let isEmpty: Bool
        let pager: Pager?
        /// Absent where there is nothing to have.
        let exports: ExportLinks?
        /// `nil` for who may only read.
        let form: IncidentForm?

        init(
            project: PBProject, incidents: Panel<PBListEnvironmentIncidentsResponse>, state: String, form: IncidentForm? = nil, pager: Pager?,
            now: Date
        ) {
            self.form = form
            head = ProjectHead(project, tab: .incidents)
            let path = IncidentsPage.path(project)
            chips = IncidentsPage.states.map { word, label, _ in
                Choice(label: label, path: PageAddress.of(path, [("state", word)]), isChosen: word == state, count: nil)
            }
            isFiltered = !state.isEmpty
            rows = incidents.content?.data.map { Row($0, of: project, mayDecide: form != nil, now: now) } ?? []
            hasRows = !rows.isEmpty
            acts = rows.contains { $0.decision != nil } ? [KeyHint("d", "dismiss or reinstate")] : []
            note = incidents.note
            isEmpty = note == nil && rows.isEmpty
            self.pager = pager
            exports = rows.isEmpty ? nil : ExportLinks(PageAddress.path("projects", project.slug, "environment-incidents"), [("state", state)])
        }
    }

    struct Row: Sendable {
        let badge: Badge
        let path: String
        let place: String
        let failures: String
        let tests: String
        let compared: String
        let from: Moment
        let to: Moment
        /// What may be said of it; absent for who may only read.
        let decision: Decision?

        init(_ incident: PBEnvironmentIncident, of project: PBProject, mayDecide: Bool, now: Date) {
            badge = Badge(incident.state)
            path = PageAddress.path("projects", project.slug, "incidents", incident.id)
            place = IncidentText.place(incident)
            failures = NumberText.counted(Int64(incident.failures), "failure")
            let evidence = incident.evidence
            tests =
                incident.hasEvidence
                ? "\(NumberText.counted(Int64(evidence.tests), "test")) of \(NumberText.counted(Int64(evidence.groups), "group"))" : "declared"
            compared =
                incident.hasEvidence
                ? "\(evidence.there) \(IncidentText.unit(evidence)), by chance \(IncidentText.expected(evidence))" : "not compared"
            from = Moment(incident.from, now: now)
            to = Moment(incident.to, now: now)
            decision = mayDecide ? Decision(incident, of: project) : nil
        }
    }

    /// A link to where the opposite of what holds is said, with a reason.
    struct Decision: Sendable {
        let reasonPath: String
        let label: String

        /// `nil` for an incident in a state that this release does not know.
        init?(_ incident: PBEnvironmentIncident, of project: PBProject) {
            switch incident.state {
            case .standing: label = "Dismiss…"
            case .dismissed, .withdrawn: label = "Reinstate…"
            case .unspecified, .UNRECOGNIZED: return nil
            }
            reasonPath = PageAddress.of(PageAddress.path("projects", project.slug, "incidents", incident.id), [], fragment: "reason")
        }
    }

    static let states: [(word: String, label: String, states: [PBEnvironmentIncident.State])] = [
        ("", "All", []), ("STANDING", "Standing", [.standing]), ("DISMISSED", "Dismissed", [.dismissed]), ("WITHDRAWN", "Withdrawn", [.withdrawn]),
    ]

    static func path(_ project: PBProject) -> String { PageAddress.path("projects", project.slug, "incidents") }

    static func show(_ visit: Visit) async throws -> Response {
        let (kind, place) = (try visit.context.query("kind"), try visit.context.query("place"))
        return try await page(visit, written: ["kind": kind ?? "", "place": String((place ?? "").prefix(1000))])
    }

    private static func page(_ visit: Visit, written: [String: String], refusal: Fault? = nil) async throws -> Response {
        let asked = try visit.context.query("state")
        let (word, _, wanted) = states.first { $0.word == asked } ?? states[0]
        let filter = [(name: "state", value: word)]
        let cursor = try visit.cursor(filter: filter)
        let (project, view) = try await visit.asking {
            let project = try await ProjectHead.project(visit)
            let listed = await Panel.load("Incidents") {
                try await PBEnvironmentIncidents.Client(wrapping: visit.upstream("analytics")).listEnvironmentIncidents(
                    .with {
                        $0.project = project.id
                        $0.limit = limit
                        $0.cursor = cursor
                        $0.state = wanted
                    })
            }
            let pager = try visit.pager(next: listed.content?.page.nextCursor ?? "", filter: filter)
            let form =
                visit.may(TriagePage.permission, in: project)
                ? IncidentForm(project, written: written, refusal: refusal.map { FormRefusal($0, fields: IncidentForm.fields) }) : nil
            return (project, View(project: project, incidents: listed, state: word, form: form, pager: pager, now: visit.now))
        }
        return visit.page(
            .incidents, "Environment of \(view.head.name)", crumbs: ProjectHead.crumbs(project, "Environment"),
            scripts: [visit.site.assets.paths.triage], status: refusal.map { Problem.status(of: $0) } ?? .ok, view)
    }

    /// Takes what failed in a place from its tests, and shows the incident that has it.
    static func declare(_ visit: Visit) async throws -> Response {
        let fields = try await visit.form()
        do {
            let (project, incident) = try await visit.asking {
                let project = try await ProjectHead.project(visit)
                let incident = try await PBEnvironmentIncidents.Client(wrapping: visit.upstream("analytics")).declareEnvironmentIncident(
                    IncidentForm.request(fields, of: project))
                return (project, incident)
            }
            return visit.redirect(to: PageAddress.path("projects", project.slug, "incidents", incident.id))
        } catch let fault as Fault where fault.isRefusal {
            return try await page(visit, written: fields, refusal: fault)
        }
    }
}

/// An incident in words.
enum IncidentText {
    static func place(_ incident: PBEnvironmentIncident) -> String {
        switch incident.kind {
        case .host: "Host \(incident.place.shortened(to: 200))"
        case .zone: "Zone \(incident.place.shortened(to: 200))"
        case .hour: "The hour from \(incident.place.replacing("T", with: " ").replacing("Z", with: " UTC").shortened(to: 60))"
        case .run: "Run \(incident.place.suffix(6))"
        case .unspecified, .UNRECOGNIZED: incident.place.shortened(to: 200)
        }
    }

    /// What is counted of what failed.
    static func unit(_ evidence: PBEnvironmentEvidence) -> String { evidence.contrast == .otherCommits ? "commits" : "groups" }

    static func explanation(_ evidence: PBEnvironmentEvidence) -> String {
        let compared = Int64(evidence.compared)
        let found = "\(NumberText.grouped(Int64(evidence.there))) failed here, where chance would bring \(expected(evidence))."
        guard evidence.contrast == .otherCommits else {
            return "Of \(NumberText.counted(compared, "group")) of tests that failed in one place only of their commit, \(found) "
                + "Related tests fail together, so it is groups (classes or suites) that are counted."
        }
        return "Of \(NumberText.counted(compared, "commit")) on which tests of several groups (classes or suites) failed that passed elsewhere on "
            + "the commits before and after, \(found) One commit may break all that fails on it, so it is commits that are counted."
    }

    /// One digit after the point, and never none where there is some.
    static func expected(_ evidence: PBEnvironmentEvidence) -> String {
        let tenths = (max(0, min(evidence.expected, 1e9)) * 10).rounded()
        if tenths < 1, evidence.expected > 0 { return "below 0.1" }
        let whole = NumberText.grouped(Int64(tenths) / 10)
        let rest = Int64(tenths) % 10
        return rest == 0 ? whole : "\(whole).\(rest)"
    }

    /// `1 in 50,000`
    static func odds(_ evidence: PBEnvironmentEvidence) -> String {
        guard evidence.chance > 0 else { return "next to none" }
        let odds = 1 / evidence.chance
        return odds > 1_000_000_000 ? "below 1 in a billion" : odds < 1.5 ? "about even" : "1 in \(NumberText.grouped(Int64(odds.rounded())))"
    }
}

extension Badge {
    init(_ state: PBEnvironmentIncident.State) {
        switch state {
        case .standing: self = Badge(css: "pending", glyph: "▢", label: "Standing")
        case .dismissed: self = Badge(css: "skipped", glyph: "–", label: "Dismissed")
        case .withdrawn: self = Badge(css: "skipped", glyph: "↶", label: "Withdrawn")
        case .unspecified, .UNRECOGNIZED: self = .unknown
        }
    }
}
