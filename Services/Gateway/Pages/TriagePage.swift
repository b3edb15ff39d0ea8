import CommonAPI
import Foundation
import GRPCCore
import Hummingbird
import Primitives
import ProjectsAPI
import ServiceKit
import SwiftProtobuf
import ValidationAPI

/// What broke in a project: groups of failures that are taken for the same trouble, the latest first. Keys go from group to group and decide (`triage.js`).
enum TriagePage {
    static let limit: Int32 = 50
    /// Who may decide.
    static let permission = "failures.triage"

    struct View: Sendable {
        let head: ProjectHead
        let note: String?
        let isEmpty: Bool
        let states: [Choice]
        let categories: [Filter.Option]
        let filter: Filter
        let isFiltered: Bool
        let listPath: String
        let rows: [Row]
        let hasRows: Bool
        let canDecide: Bool
        let applyPath: String
        /// Where a decision about one group leads back to.
        let backPath: String
        /// What came of a decision about all.
        let done: String?
        let refusal: String?
        let pager: Pager?
        /// Absent where there is nothing to have.
        let exports: ExportLinks?

        init(
            project: PBProject, groups: Panel<PBListFailureGroupsResponse>, filter: Filter, cursor: String = "", canDecide: Bool, done: String?,
            refusal: String?, pager: Pager?, now: Date
        ) {
            head = ProjectHead(project, tab: .failures)
            listPath = TriagePage.path(project.slug)
            let back = PageAddress.of(listPath, filter.query + [("cursor", cursor)])
            rows = groups.content?.data.enumerated().map { Row($0.element, project: project.slug, index: $0.offset, back: back, now: now) } ?? []
            hasRows = !rows.isEmpty
            note = groups.note
            isEmpty = note == nil && rows.isEmpty
            self.filter = filter
            isFiltered = filter.isSet
            states = filter.choices(at: listPath)
            categories = filter.categoryOptions
            self.canDecide = canDecide
            applyPath = listPath + "/apply"
            backPath = back
            self.done = done
            self.refusal = refusal
            self.pager = pager
            exports = rows.isEmpty ? nil : ExportLinks(PageAddress.path("projects", project.slug, "failure-groups"), filter.exported)
        }
    }

    struct Row: Sendable {
        let path: String
        /// To where a person says what it is, and back to the list.
        let categoryPath: String
        let badge: Badge
        let title: String
        let location: String?
        let category: String
        let failures: String
        let tests: String
        let lastSeen: Moment
        let firstSeen: Moment
        let branch: String?
        /// Where it began.
        let commit: CommitText?
        let owner: String?
        /// Where there is none: whose most of its tests are.
        let proposedOwner: String?
        /// What must not wait; other severities say nothing that the list does not.
        let urgent: String?
        let urgentCSS: String
        let isResolved: Bool
        /// Counts from 0 on the page, for the way back to it.
        let index: Int

        init(_ group: PBFailureGroup, project: String, index: Int, back: String, now: Date) {
            self.index = index
            path = PageAddress.path("projects", project, "failures", group.id)
            categoryPath = PageAddress.of(path, [("back", "\(back)#row-\(index)")], fragment: "category")
            badge = Badge(group.state)
            title = GroupText.title(group)
            location = group.location.nonEmpty?.shortened(to: 200)
            category = JudgementText.category(group.category)
            failures = NumberText.counted(group.failures, "failure")
            tests = NumberText.counted(group.tests, "test")
            lastSeen = Moment(group.lastSeen.at, now: now)
            firstSeen = Moment(group.firstSeen.at, now: now)
            branch = group.lastSeen.branch.nonEmpty?.shortened(to: 100)
            commit = CommitText(group.firstSeen.commitSha)
            owner = group.owner.nonEmpty?.shortened(to: 100)
            proposedOwner = owner == nil ? group.proposedOwners.first?.shortened(to: 100) : nil
            let severity = JudgementText.severity(group.severity)
            urgent = group.severity == .high || group.severity == .critical ? severity.label : nil
            urgentCSS = severity.css
            isResolved = group.state == .resolved
        }
    }

    static func path(_ project: String) -> String { PageAddress.path("projects", project, "failures") }

    // MARK: - Showing

    static func show(_ visit: Visit) async throws -> Response {
        let values = try Dictionary(uniqueKeysWithValues: Filter.names.map { ($0, try visit.context.query($0)) })
        return try await page(visit, Filter { values[$0] ?? nil })
    }

    private static func page(_ visit: Visit, _ filter: Filter, done: String? = nil, refusal: Fault? = nil) async throws -> Response {
        let cursor = done == nil && refusal == nil ? try visit.cursor(filter: filter.query) : ""
        let (project, view) = try await visit.asking {
            let project = try await ProjectHead.project(visit)
            let groups = await Panel.load("Failures") {
                try await PBFailureGroups.Client(wrapping: visit.upstream("validation")).listFailureGroups(
                    .with {
                        $0.project = project.id
                        $0.limit = limit
                        $0.cursor = cursor
                        $0.sort = filter.isByFailures ? .failures : .lastSeen
                        $0.state = filter.states
                        $0.category = filter.categories
                        $0.branch = filter.branch
                        $0.owner = filter.owner
                        $0.q = filter.q
                    })
            }
            let isList = done == nil && refusal == nil
            let pager = isList ? try visit.pager(next: groups.content?.page.nextCursor ?? "", filter: filter.query) : nil
            let view = View(
                project: project, groups: groups, filter: filter, cursor: isList ? try visit.context.query("cursor") ?? "" : "",
                canDecide: visit.may(permission, in: project), done: done, refusal: refusal?.pageDetail, pager: pager, now: visit.now)
            return (project, view)
        }
        let status = refusal.map { Problem.status(of: $0) } ?? .ok
        return visit.page(
            .triage, "Failures of \(view.head.name)", crumbs: ProjectHead.crumbs(project, "Failures"), scripts: [visit.site.assets.paths.triage],
            status: status, view)
    }

    // MARK: - Deciding

    /// Does one thing to all groups that fulfil the filter when it is done, not to those that the page showed.
    static func apply(_ visit: Visit) async throws -> Response {
        let fields = try await visit.form()
        let filter = Filter { fields[$0] }
        do {
            let answer = try await visit.asking {
                let project = try await ProjectHead.project(visit)
                return try await PBFailureTriage.Client(wrapping: visit.upstream("validation")).applyToFailureGroups(
                    .with {
                        $0.project = project.id
                        $0.filter = .with {
                            $0.state = filter.states
                            $0.category = filter.categories
                            $0.branch = filter.branch
                            $0.owner = filter.owner
                            $0.q = filter.q
                        }
                        switch fields["action"] {
                        case "resolve":
                            $0.action = .resolve
                            $0.commitSha = String((fields["commit"] ?? "").trimmed)
                            $0.branch = String((fields["mended_on"] ?? "").trimmed)
                        case "reopen": $0.action = .reopen
                        default:
                            $0.action = .assign
                            $0.owner = (fields["assignee"] ?? "").trimmed.shortened(to: 100)
                        }
                    })
            }
            let more = answer.hasMore_p ? " More match: do it again to go on." : ""
            return try await page(visit, filter, done: "\(NumberText.counted(answer.changed, "group")) changed.\(more)")
        } catch let fault as Fault where fault.isRefusal {
            return try await page(visit, filter, refusal: fault)
        }
    }
}

/// What a group is called.
enum GroupText {
    /// What was reported, as long as it looks like the rest of the group; else what its failures have in common: type and template are those of its first
    /// signature, the message is that of its latest, and a person may have put together what has not a word in common.
    static func title(_ group: PBFailureGroup) -> String {
        let said = isAlike(group.sampleMessage, group.template) ? group.sampleMessage.firstLine : ""
        let text = said.nonEmpty ?? tidied(group.template.withoutTerminalColours).nonEmpty ?? "No message"
        let isTyped = group.errorType.isEmpty || text.hasPrefix(group.errorType)
        return (isTyped ? "" : group.errorType + ": ") + text.shortened(to: 300)
    }

    /// Whether the message holds the first words of the template.
    private static func isAlike(_ message: String, _ template: String) -> Bool {
        template.split(separator: " ").filter { $0.count > 1 && $0.allSatisfy(\.isLetter) }.prefix(3).allSatisfy { message.contains($0) }
    }

    /// A template as people would write it: its words stand apart, punctuation too, for a machine to compare.
    static func tidied(_ template: String) -> String {
        var text = ""
        for word in template.split(separator: " ") {
            let isClosing = word.count == 1 && ".,:;)]}>!?".contains(word)
            let isOpen = text.last.map { "([{<".contains($0) } ?? true
            if !isOpen, !isClosing { text += " " }
            text += word
        }
        return text
    }
}

extension Badge {
    init(_ state: PBFailureGroup.State) {
        switch state {
        case .new: self = Badge(css: "failed", glyph: "★", label: "New")
        case .ongoing: self = Badge(css: "errored", glyph: "●", label: "Ongoing")
        case .regressed: self = Badge(css: "failed", glyph: "↺", label: "Regressed")
        case .resolved: self = Badge(css: "passed", glyph: "✓", label: "Resolved")
        case .unspecified, .UNRECOGNIZED: self = .unknown
        }
    }
}
