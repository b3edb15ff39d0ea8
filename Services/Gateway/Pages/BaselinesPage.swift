import CommonAPI
import Foundation
import GRPCCore
import Hummingbird
import Primitives
import ProjectsAPI
import ServiceKit
import SwiftProtobuf
import ValidationAPI

/// The runs that others of a project are held against, by branch and environment: those in force, those that were, and what waits for a decision.
enum BaselinesPage {
    static let limit: Int32 = 50
    /// Who may decide.
    static let permission = "suites.write"
    /// Who may say how many it takes.
    static let settingsPermission = "projects.write"

    struct View: Sendable {
        let head: ProjectHead
        let listPath: String
        let states: [Choice]
        let filter: Filter
        let isFiltered: Bool
        let note: String?
        let rows: [Row]
        let hasRows: Bool
        let isEmpty: Bool
        let canDecide: Bool
        let settings: Settings?
        /// What went wrong with a baseline that is not on this page.
        let refusal: String?
        let pager: Pager?
        let exports: ExportLinks?

        init(
            project: PBProject, baselines: Panel<PBListBaselinesResponse>, settings: PBBaselineSettings?, filter: Filter, canDecide: Bool,
            canSet: Bool, attempt: Attempt?, pager: Pager?, now: Date
        ) {
            head = ProjectHead(project, tab: .baselines)
            let listPath = BaselinesPage.path(project)
            self.listPath = listPath
            states = Filter.words.map { word, label, _ in
                let query = [(name: "state", value: word)] + filter.query.dropFirst()
                return Choice(label: label, path: PageAddress.of(listPath, query), isChosen: word == filter.state, count: nil)
            }
            self.filter = filter
            isFiltered = filter.isSet
            self.canDecide = canDecide
            let data = baselines.content?.data ?? []
            rows = data.map { Row($0, of: project, canDecide: canDecide, attempt: attempt?.baseline == $0.id ? attempt : nil, now: now) }
            hasRows = !rows.isEmpty
            note = baselines.note
            isEmpty = note == nil && rows.isEmpty
            self.settings = settings.map { Settings($0, path: listPath + "/settings", canSet: canSet) }
            // Beside its row where there is one.
            refusal = attempt.flatMap { attempt in data.contains { $0.id == attempt.baseline } ? nil : attempt.refusal.pageDetail }
            self.pager = pager
            exports = rows.isEmpty ? nil : ExportLinks(PageAddress.path("projects", project.slug, "baselines"), filter.query)
        }
    }

    struct Row: Sendable {
        let badge: Badge
        let isInForce: Bool
        let number: String
        let branch: String
        let environment: String?
        let runPath: String
        let regressionsPath: String
        let commit: CommitText?
        let counts: CountsBar
        let remark: String?
        let proposedBy: String
        let proposed: Moment
        let decided: Moment?
        let decidedBy: String?
        let decision: String?
        let withdrawn: Moment?
        let withdrawnBy: String?
        let withdrawal: String?
        let comparePath: String
        let decidePath: String?
        let isProposal: Bool
        /// Which of the two forms there is: an approval can be taken back.
        let isApproval: Bool
        let written: String
        let mistake: String?

        init(_ baseline: PBBaseline, of project: PBProject, canDecide: Bool, attempt: Attempt?, now: Date) {
            badge = Badge(baseline.state)
            isInForce = baseline.inForce
            number = NumberText.grouped(baseline.number)
            branch = baseline.branch.nonEmpty?.shortened(to: 200) ?? "no branch"
            environment = baseline.environment.nonEmpty?.shortened(to: 100)
            runPath = PageAddress.run(baseline.run)
            regressionsPath = RunRegressionsPage.path(baseline.run)
            commit = CommitText(baseline.commitSha)
            counts = CountsBar(baseline.counts)
            remark = baseline.note.nonEmpty?.shortened(to: 1000)
            proposedBy = baseline.proposedBy
            proposed = Moment(baseline.proposedAt, now: now)
            decided = baseline.hasDecidedAt ? Moment(baseline.decidedAt, now: now) : nil
            decidedBy = baseline.decidedBy.nonEmpty
            decision = baseline.decisionNote.nonEmpty?.shortened(to: 1000)
            withdrawn = baseline.hasWithdrawnAt ? Moment(baseline.withdrawnAt, now: now) : nil
            withdrawnBy = baseline.withdrawnBy.nonEmpty
            withdrawal = baseline.withdrawalNote.nonEmpty?.shortened(to: 1000)
            comparePath = BaselineComparePage.path(project, baseline.id)
            isProposal = baseline.state == .proposed
            isApproval = baseline.state == .approved
            let isOpen = canDecide && (isProposal || isApproval)
            decidePath = isOpen ? BaselinesPage.path(project) + PageAddress.path(baseline.id, "decide") : nil
            written = attempt?.note ?? ""
            mistake = attempt?.refusal.pageDetail
        }
    }

    struct Settings: Sendable {
        let path: String
        let twoPersons: Bool
        let version: Int64
        let canSet: Bool

        init(_ settings: PBBaselineSettings, path: String, canSet: Bool) {
            self.path = path
            twoPersons = settings.twoPersons
            version = settings.version
            self.canSet = canSet
        }
    }

    /// What the list is narrowed to, as the page's address says.
    struct Filter: Sendable {
        let state: String
        let branch: String
        let environment: String

        static let words: [(word: String, label: String, states: [PBBaseline.State])] = [
            ("", "All", []), ("PROPOSED", "Proposed", [.proposed]), ("APPROVED", "Approved", [.approved]), ("REJECTED", "Rejected", [.rejected]),
            ("WITHDRAWN", "Withdrawn", [.withdrawn]),
        ]

        init(state: String? = nil, branch: String? = nil, environment: String? = nil) {
            self.state = Self.words.contains { $0.word == state } ? state ?? "" : ""
            self.branch = (branch ?? "").trimmed.shortened(to: 255)
            self.environment = (environment ?? "").trimmed.shortened(to: 100)
        }

        var states: [PBBaseline.State] { Self.words.first { $0.word == state }?.states ?? [] }
        var isSet: Bool { !(state + branch + environment).isEmpty }
        var query: [(name: String, value: String)] { [("state", state), ("branch", branch), ("environment", environment)] }
    }

    /// A decision that was not taken.
    struct Attempt: Sendable {
        /// Empty for the settings.
        let baseline: String
        let note: String
        let refusal: Fault
    }

    static func path(_ project: PBProject) -> String { PageAddress.path("projects", project.slug, "baselines") }

    // MARK: - Showing

    static func show(_ visit: Visit) async throws -> Response {
        let filter = Filter(
            state: try visit.context.query("state"), branch: try visit.context.query("branch"), environment: try visit.context.query("environment"))
        return try await page(visit, filter)
    }

    private static func page(_ visit: Visit, _ filter: Filter = Filter(), _ attempt: Attempt? = nil) async throws -> Response {
        let cursor = attempt == nil ? try visit.cursor(filter: filter.query) : ""
        let (project, view) = try await visit.asking {
            let project = try await ProjectHead.project(visit)
            async let settings = Panel.load("Settings") {
                try await baselines(visit).getBaselineSettings(.with { $0.project = project.id })
            }
            let listed = await Panel.load("Baselines") {
                try await baselines(visit).listBaselines(
                    .with {
                        $0.project = project.id
                        $0.limit = limit
                        $0.cursor = cursor
                        $0.state = filter.states
                        if let branch = filter.branch.nonEmpty { $0.branch = branch }
                        if let environment = filter.environment.nonEmpty { $0.environment = environment }
                    })
            }
            let next = attempt == nil ? listed.content?.page.nextCursor ?? "" : ""
            let view = View(
                project: project, baselines: listed, settings: await settings.content, filter: filter, canDecide: visit.may(permission, in: project),
                canSet: visit.may(settingsPermission, in: project), attempt: attempt, pager: try visit.pager(next: next, filter: filter.query),
                now: visit.now)
            return (project, view)
        }
        let status = attempt.map { Problem.status(of: $0.refusal) } ?? .ok
        return visit.page(
            .baselines, "Baselines of \(view.head.name)", crumbs: ProjectHead.crumbs(project, "Baselines"), status: status, view)
    }

    private static func baselines(_ visit: Visit) -> PBBaselines.Client<ServiceTransport> {
        PBBaselines.Client(wrapping: visit.upstream("validation"))
    }

    // MARK: - Deciding

    static func decide(_ visit: Visit) async throws -> Response {
        let fields = try await visit.form()
        let id = try visit.context.parameter("baseline")
        let note = String((fields["note"] ?? "").trimmed)
        do {
            let project = try await visit.asking {
                let project = try await ProjectHead.project(visit)
                // Of this project: an id from elsewhere leads nowhere here.
                guard try await baselines(visit).getBaseline(.with { $0.baseline = id }).project == project.id else {
                    throw Fault.notFound("baseline", id)
                }
                try await decide(fields["action"] ?? "", id, note, visit)
                return project
            }
            return visit.redirect(to: path(project))
        } catch let fault as Fault where fault.isRefusal {
            return try await page(visit, Filter(), Attempt(baseline: id, note: note, refusal: fault))
        }
    }

    private static func decide(_ action: String, _ id: String, _ note: String, _ visit: Visit) async throws {
        switch action {
        case "approve":
            _ = try await baselines(visit).approveBaseline(
                .with {
                    $0.baseline = id
                    $0.note = note
                })
        case "withdraw":
            _ = try await baselines(visit).withdrawBaseline(
                .with {
                    $0.baseline = id
                    $0.note = note
                })
        default:
            _ = try await baselines(visit).rejectBaseline(
                .with {
                    $0.baseline = id
                    $0.note = note
                })
        }
    }

    /// How many persons it takes.
    static func set(_ visit: Visit) async throws -> Response {
        let fields = try await visit.form()
        do {
            let project = try await visit.asking {
                let project = try await ProjectHead.project(visit)
                _ = try await baselines(visit).putBaselineSettings(
                    .with {
                        $0.project = project.id
                        $0.twoPersons = fields["two_persons"] != nil
                        $0.version = Visit.version(fields)
                    })
                return project
            }
            return visit.redirect(to: path(project))
        } catch let fault as Fault where fault.isRefusal {
            return try await page(visit, Filter(), Attempt(baseline: "", note: "", refusal: fault))
        }
    }
}

extension Badge {
    init(_ state: PBBaseline.State) {
        switch state {
        case .proposed: self = Badge(css: "pending", glyph: "○", label: "Proposed")
        case .approved: self = Badge(css: "passed", glyph: "✓", label: "Approved")
        case .rejected: self = Badge(css: "skipped", glyph: "–", label: "Rejected")
        case .withdrawn: self = Badge(css: "skipped", glyph: "↩", label: "Withdrawn")
        case .unspecified, .UNRECOGNIZED: self = .unknown
        }
    }
}
