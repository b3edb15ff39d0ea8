import CommonAPI
import Foundation
import GRPCCore
import Hummingbird
import Primitives
import ProjectsAPI
import SwiftProtobuf
import ValidationAPI

/// One group of failures: since when, how often, in which tests, why they are one group, and what somebody decided about it.
enum FailureGroupPage {
    static let failureLimit: Int32 = 25
    static let testLimit: Int32 = 50
    static let mergeLimit: Int32 = 50
    static let days: Int32 = 30

    struct View: Sendable {
        let badge: Badge
        let title: String
        let stats: [StatFigure]
        let first: SightingText
        let last: SightingText
        let regression: SightingText?
        let resolution: String?
        let owner: String
        let sample: String?
        let location: String?
        let isResolved: Bool
        let canDecide: Bool
        let decidePath: String
        let refusal: String?
        let chart: OccurrenceChart?
        let tests: [TestRow]
        let testsNote: String?
        let failures: [FailureRow]
        let failuresNote: String?
        let pager: Pager?
        let merges: [MergeRow]
        let hasMerges: Bool
        let mergesNote: String?

        init(
            _ group: PBFailureGroup, project: String, parts: Parts, canDecide: Bool, refusal: String?, pager: Pager?, now: Date
        ) {
            badge = Badge(group.state)
            title = GroupText.title(group)
            stats = [
                StatFigure("Failures", NumberText.grouped(group.failures)), StatFigure("Tests", NumberText.grouped(group.tests)),
                StatFigure("Category", JudgementText.category(group.category)), StatFigure("Severity", JudgementText.severity(group.severity).label),
                StatFigure("Signatures", NumberText.grouped(group.signatures)),
            ]
            first = SightingText(group.firstSeen, now: now)
            last = SightingText(group.lastSeen, now: now)
            regression = group.hasRegression ? SightingText(group.regression, now: now) : nil
            resolution = group.hasResolution ? Self.words(group.resolution, now: now) : nil
            owner = group.owner.shortened(to: 100)
            sample = group.sampleMessage.withoutTerminalColours.nonEmpty
            location = group.location.nonEmpty?.shortened(to: 300)
            isResolved = group.state == .resolved
            self.canDecide = canDecide
            decidePath = PageAddress.path("projects", project, "failures", group.id, "decide")
            self.refusal = refusal
            chart = parts.occurrences.content.flatMap { OccurrenceChart($0) }
            tests = parts.tests.content?.data.map { TestRow($0, now: now) } ?? []
            testsNote = parts.tests.note ?? Self.more(parts.tests.content?.page.hasMore_p, "tests")
            failures = parts.failures.content?.data.map { FailureRow($0, now: now) } ?? []
            failuresNote = parts.failures.note
            self.pager = pager
            merges = parts.merges.content?.data.map(MergeRow.init) ?? []
            hasMerges = !merges.isEmpty
            mergesNote = parts.merges.note ?? Self.more(parts.merges.content?.page.hasMore_p, "merges")
        }

        private static func more(_ hasMore: Bool?, _ what: String) -> String? { hasMore == true ? "There are more \(what): the API lists all." : nil }

        private static func words(_ resolution: PBResolution, now: Date) -> String {
            let when = Moment(resolution.at, now: now).relative
            if resolution.absent { return "Resolved \(when): it has not been seen for a week and 20 runs." }
            let commit = resolution.commitSha.nonEmpty.map { " with \($0.prefix(10))" } ?? ""
            let branch = resolution.branch.nonEmpty.map { " on \($0.shortened(to: 100))" } ?? ""
            return "Resolved \(when) by \(resolution.by.shortened(to: 100))\(commit)\(branch)."
        }
    }

    /// What the page is put together from.
    struct Parts: Sendable {
        var failures: Panel<PBListGroupFailuresResponse>
        var tests: Panel<PBListGroupTestsResponse>
        var merges: Panel<PBListGroupMergesResponse>
        var occurrences: Panel<PBGroupOccurrences>
    }

    struct SightingText: Sendable {
        let at: Moment
        let runPath: String
        let resultPath: String
        let branch: String?
        let commit: String?

        init(_ sighting: PBSighting, now: Date) {
            at = Moment(sighting.at, now: now)
            runPath = PageAddress.run(sighting.run)
            resultPath = PageAddress.result(sighting.result)
            branch = sighting.branch.nonEmpty?.shortened(to: 100)
            commit = sighting.commitSha.nonEmpty.map { String($0.prefix(10)) }
        }
    }

    struct TestRow: Sendable {
        let path: String
        let name: String
        let place: String?
        let failures: String
        let lastSeen: Moment

        init(_ test: PBFailureGroupTest, now: Date) {
            path = PageAddress.test(test.test)
            name = test.testName.shortened(to: 300)
            place = test.className.nonEmpty?.shortened(to: 300)
            failures = NumberText.counted(test.failures, "failure")
            lastSeen = Moment(test.lastSeenAt, now: now)
        }
    }

    struct FailureRow: Sendable {
        let path: String
        let runPath: String
        let name: String
        let message: String?
        let judged: Moment

        init(_ failure: PBFailure, now: Date) {
            path = PageAddress.result(failure.result)
            runPath = PageAddress.run(failure.run)
            name = failure.testName.shortened(to: 300)
            message = failure.message.withoutTerminalColours.nonEmpty?.shortened(to: 500)
            judged = Moment(failure.judgedAt, now: now)
        }
    }

    struct MergeRow: Sendable {
        let kept: String
        let joined: String
        let detail: String

        init(_ merge: PBFailureGroupMerge) {
            kept = merge.kept.text.shortened(to: 300)
            joined = merge.joined.text.shortened(to: 300)
            detail = merge.detail.shortened(to: 500)
        }
    }

    /// How often the group was seen on each day, as a drawing and in words.
    struct OccurrenceChart: Sendable {
        let summary: String
        let width: Int
        let bars: [Bar]

        struct Bar: Sendable {
            let x: Int
            let y: Double
            let height: Double
            let label: String
        }

        /// `nil` when nothing was seen in these days.
        init?(_ occurrences: PBGroupOccurrences) {
            let points = occurrences.data
            guard let most = points.map(\.failures).max(), most > 0 else { return nil }
            bars = points.enumerated().map { index, point in
                let height = NumberText.coordinate(Double(point.failures) / Double(most) * 96)
                let day = point.at.date.formatted(.iso8601.year().month().day())
                return Bar(
                    x: index * 10 + 1, y: NumberText.coordinate(100 - height), height: height,
                    label: "\(day): \(NumberText.counted(point.failures, "failure"))")
            }
            width = max(1, points.count) * 10
            summary = "Failures of each of \(points.count) days, at most \(NumberText.grouped(most))"
        }
    }

    // MARK: - Showing

    static func show(_ visit: Visit) async throws -> Response { try await page(visit) }

    private static func page(_ visit: Visit, refusal: Fault? = nil) async throws -> Response {
        let id = try visit.context.parameter("group")
        let cursor = refusal == nil ? try visit.cursor(filter: []) : ""
        let (project, view) = try await visit.asking {
            let project = try await ProjectHead.project(visit)
            let groups = PBFailureGroups.Client(wrapping: visit.upstream("validation"))
            let group = try await groups.getFailureGroup(
                .with {
                    $0.project = project.id
                    $0.group = id
                })
            async let failures = Panel.load("Failures") {
                try await groups.listGroupFailures(
                    .with {
                        $0.project = project.id
                        $0.group = group.id
                        $0.limit = failureLimit
                        $0.cursor = cursor
                    })
            }
            async let tests = Panel.load("Tests") {
                try await groups.listGroupTests(
                    .with {
                        $0.project = project.id
                        $0.group = group.id
                        $0.limit = testLimit
                    })
            }
            async let merges = Panel.load("Merges") {
                try await groups.listGroupMerges(
                    .with {
                        $0.project = project.id
                        $0.group = group.id
                        $0.limit = mergeLimit
                    })
            }
            async let occurrences = Panel.load("Occurrences") {
                try await groups.getGroupOccurrences(
                    .with {
                        $0.project = project.id
                        $0.group = group.id
                        $0.days = days
                    })
            }
            let parts = Parts(failures: await failures, tests: await tests, merges: await merges, occurrences: await occurrences)
            let next = refusal == nil ? parts.failures.content?.page.nextCursor ?? "" : ""
            let view = View(
                group, project: project.slug, parts: parts, canDecide: TriagePage.canDecide(visit), refusal: refusal?.pageDetail,
                pager: try visit.pager(next: next, filter: [], fragment: "failures"), now: visit.now)
            return (project, view)
        }
        let crumbs = [
            PageFrame.Crumb("Projects", "/"), PageFrame.Crumb(project.name, PageAddress.project(project.slug)),
            PageFrame.Crumb("Failures", TriagePage.path(project.slug)), PageFrame.Crumb(view.title.shortened(to: 80)),
        ]
        let status = refusal.map { Problem.status(of: $0) } ?? .ok
        return visit.page(.failureGroup, view.title, crumbs: crumbs, scripts: [visit.site.assets.paths.triage], status: status, view)
    }

    // MARK: - Deciding

    static func decide(_ visit: Visit) async throws -> Response {
        let fields = try await visit.form()
        let id = try visit.context.parameter("group")
        do {
            let project = try await visit.asking {
                let project = try await ProjectHead.project(visit)
                let triage = PBFailureTriage.Client(wrapping: visit.upstream("validation"))
                switch fields["action"] {
                case "resolve":
                    _ = try await triage.resolveFailureGroup(
                        .with {
                            $0.project = project.id
                            $0.group = id
                            $0.commitSha = String((fields["commit"] ?? "").trimmed)
                        })
                case "reopen":
                    _ = try await triage.reopenFailureGroup(
                        .with {
                            $0.project = project.id
                            $0.group = id
                        })
                default:
                    _ = try await triage.assignFailureGroup(
                        .with {
                            $0.project = project.id
                            $0.group = id
                            $0.owner = String((fields["assignee"] ?? "").trimmed)
                        })
                }
                return project
            }
            let list = TriagePage.path(project.slug)
            return visit.redirect(to: fields["back"] == "list" ? list : list + "/" + PercentEncoding.encode(id))
        } catch let fault as Fault where fault.isRefusal {
            return try await page(visit, refusal: fault)
        }
    }
}
