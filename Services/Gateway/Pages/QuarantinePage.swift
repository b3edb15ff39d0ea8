import AnalyticsAPI
import CommonAPI
import Foundation
import Hummingbird
import Primitives
import ProjectsAPI
import SwiftProtobuf

/// The tests of a project whose failures break no build for a while: whose they are, why, until when, and what they cost meanwhile.
enum QuarantinePage {
    static let limit: Int32 = 50
    /// Who may put tests into quarantine and take them out.
    static let permission = "suites.write"

    struct View: Sendable {
        let head: ProjectHead
        let listPath: String
        let states: [Choice]
        /// What the form keeps; absent where it is not narrowed so: to a template an empty text is there.
        let state: String?
        let owner: String
        let within: String?
        /// `7 days`
        let withinText: String?
        /// Where the list does not show just these.
        let ending: QuarantineEnding?
        let isFiltered: Bool
        let canWrite: Bool
        let flakyPath: String
        let note: String?
        let rows: [Row]
        let hasRows: Bool
        /// Keys that decide, where any row has what they press.
        let acts: [KeyHint]
        let isEmpty: Bool
        let pager: Pager?
        /// Absent where there is nothing to have.
        let exports: ExportLinks?

        init(
            project: PBProject, quarantines: Panel<PBListQuarantinesResponse>, filter: Filter, ending: QuarantineEnding? = nil, canWrite: Bool,
            pager: Pager?, now: Date
        ) {
            head = ProjectHead(project, tab: .quarantine)
            let listPath = QuarantinePage.path(project)
            self.listPath = listPath
            flakyPath = PageAddress.path("projects", project.slug, "flaky")
            states = Filter.words.map { word, label, _ in
                let path = PageAddress.of(listPath, [("state", word), ("owner", filter.owner)])
                return Choice(label: label, path: path, isChosen: word == filter.state && filter.within == nil, count: nil)
            }
            state = filter.state.nonEmpty
            owner = filter.owner
            within = filter.withinText.nonEmpty
            withinText = filter.within.map { NumberText.counted(Int64($0), "day") }
            self.ending = filter.within == nil ? ending : nil
            isFiltered = filter.isSet
            self.canWrite = canWrite
            rows = quarantines.content?.data.map { Row($0, of: project, canWrite: canWrite, now: now) } ?? []
            hasRows = !rows.isEmpty
            acts = rows.contains { $0.formPath != nil } ? [KeyHint("r", "renew"), KeyHint("l", "lift")] : []
            note = quarantines.note
            isEmpty = note == nil && rows.isEmpty
            self.pager = pager
            exports = rows.isEmpty ? nil : ExportLinks(PageAddress.path("projects", project.slug, "quarantine"), filter.query)
        }
    }

    struct Row: Sendable {
        let badge: Badge
        let name: String
        let place: String?
        let testPath: String
        let text: QuarantineText
        /// Where it is renewed and lifted; `nil` for who may not, and when it is over.
        let formPath: String?
        let version: Int64

        init(_ quarantine: PBQuarantine, of project: PBProject, canWrite: Bool, now: Date) {
            badge = Badge(quarantine.state)
            name = quarantine.name.shortened(to: 300)
            place = TestPlace.of(suite: quarantine.suiteName, className: quarantine.className)
            testPath = PageAddress.test(quarantine.test)
            text = QuarantineText(quarantine, now: now)
            formPath = canWrite && quarantine.state != .lifted ? QuarantinePage.path(project, quarantine.test) : nil
            version = quarantine.version
        }
    }

    /// What the list is narrowed to. Without a state it shows what stands.
    struct Filter: Sendable {
        let state: String
        let owner: String
        /// Days until the last of them expires.
        let within: Int32?

        static let words: [(word: String, label: String, states: [PBQuarantine.State])] = [
            ("", "All that stand", []), ("ACTIVE", "In force", [.active]), ("EXPIRED", "Expired", [.expired]), ("LIFTED", "Lifted", [.lifted]),
        ]

        /// - Parameter within: what is no number of days that can be asked for narrows nothing.
        init(state: String?, owner: String?, within: String? = nil) {
            self.state = Self.words.contains { $0.word == state } ? state ?? "" : ""
            self.owner = (owner ?? "").trimmed.shortened(to: 200)
            self.within = within.flatMap { Int32($0) }.flatMap { (1...90).contains($0) ? $0 : nil }
        }

        var withinText: String { within.map { "\($0)" } ?? "" }

        var states: [PBQuarantine.State] { Self.words.first { $0.word == state }?.states ?? [] }
        var isSet: Bool { !(state + owner).isEmpty || within != nil }
        var query: [(name: String, value: String)] { [("state", state), ("owner", owner), (withinName, withinText)] }
    }

    /// As the API calls it.
    static let withinName = "expires_within_days"

    static func path(_ project: PBProject) -> String { PageAddress.path("projects", project.slug, "quarantine") }
    static func path(_ project: PBProject, expiringWithin days: Int32) -> String { PageAddress.of(path(project), [(withinName, "\(days)")]) }
    static func path(_ project: PBProject, _ test: String) -> String { PageAddress.path("projects", project.slug, "quarantine", test) }

    static func show(_ visit: Visit) async throws -> Response {
        let filter = Filter(
            state: try visit.context.query("state"), owner: try visit.context.query("owner"), within: try visit.context.query(withinName))
        let cursor = try visit.cursor(filter: filter.query)
        let (project, view) = try await visit.asking {
            let project = try await ProjectHead.project(visit)
            async let ending = QuarantineEnding.find(visit, in: project, isWanted: filter.within == nil)
            let quarantines = await Panel.load("Tests in quarantine") {
                try await PBQuarantines.Client(wrapping: visit.upstream("analytics")).listQuarantines(
                    .with {
                        $0.project = project.id
                        $0.limit = limit
                        $0.cursor = cursor
                        $0.state = filter.states
                        $0.owner = filter.owner
                        if let within = filter.within { $0.expiresWithinDays = within }
                    })
            }
            let pager = try visit.pager(next: quarantines.content?.page.nextCursor ?? "", filter: filter.query)
            let view = View(
                project: project, quarantines: quarantines, filter: filter, ending: await ending, canWrite: visit.may(permission, in: project),
                pager: pager, now: visit.now)
            return (project, view)
        }
        return visit.page(
            .quarantine, "Quarantine of \(view.head.name)", crumbs: ProjectHead.crumbs(project, "Quarantine"),
            scripts: [visit.site.assets.paths.triage], view)
    }
}

/// A quarantine in words.
struct QuarantineText: Sendable {
    let owner: String
    let reason: String
    let ticket: String?
    /// Where the ticket is an address of the web; nothing else becomes a link.
    let ticketURL: String?
    let expires: Moment
    /// The day of it, in UTC.
    let lastDay: String
    let cost: String
    let failures: String
    let created: Moment
    let createdBy: String?
    let lifted: Moment?
    let liftedBy: String?

    init(_ quarantine: PBQuarantine, now: Date) {
        owner = quarantine.owner.shortened(to: 200)
        reason = quarantine.reason.shortened(to: 1000)
        ticket = quarantine.ticket.nonEmpty?.shortened(to: 200)
        ticketURL = quarantine.ticket.hasPrefix("https://") || quarantine.ticket.hasPrefix("http://") ? quarantine.ticket : nil
        expires = Moment(quarantine.expiresAt, now: now)
        lastDay = Self.lastDay(quarantine.expiresAt.date, now: now)
        cost = NumberText.minutes(quarantine.costMinutes)
        failures =
            quarantine.executions == 0
            ? "not executed since"
            : "\(NumberText.grouped(quarantine.failures)) of \(NumberText.counted(quarantine.executions, "execution")) failed"
        created = Moment(quarantine.createdAt, now: now)
        createdBy = quarantine.createdBy.nonEmpty
        lifted = quarantine.hasLiftedAt ? Moment(quarantine.liftedAt, now: now) : nil
        liftedBy = quarantine.liftedBy.nonEmpty
    }

    /// In UTC. An end at midnight is that of the day before.
    static func lastDay(_ end: Date, now: Date) -> String { String(Moment(end.addingTimeInterval(-1), now: now).iso.prefix(10)) }
}

extension NumberText {
    /// `36.5 CI minutes`
    static func minutes(_ minutes: Double) -> String {
        let tenths = (max(0, min(minutes, 1e12)) * 10).rounded()
        let whole = grouped(Int64(tenths) / 10)
        let rest = Int64(tenths) % 10
        return rest == 0 ? "\(whole) CI \(whole == "1" ? "minute" : "minutes")" : "\(whole).\(rest) CI minutes"
    }
}

extension Badge {
    init(_ state: PBQuarantine.State) {
        switch state {
        case .active: self = Badge(css: "pending", glyph: "◇", label: "In quarantine")
        case .expired: self = Badge(css: "failed", glyph: "!", label: "Expired")
        case .lifted: self = Badge(css: "skipped", glyph: "–", label: "Lifted")
        case .unspecified, .UNRECOGNIZED: self = .unknown
        }
    }
}
