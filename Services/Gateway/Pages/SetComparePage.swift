import AnalyticsAPI
import CommonAPI
import Foundation
import GRPCCore
import Hummingbird
import ProjectsAPI
import SwiftProtobuf

/// Two branches or environments of a project held against each other over some weeks, test by test; or one of them against itself some weeks ago.
enum SetComparePage {
    static let limit: Int32 = 100
    /// Branches and environments that are offered; any other can be typed.
    static let offered: Int32 = 200

    /// What is compared, as the address says.
    struct Filter: Sendable {
        var branch: String
        var environment: String
        var baseBranch: String
        var baseEnvironment: String
        let weeks: Int32
        let ago: Int32
        let kind: String

        static let weekChoices: [Int32] = [1, 2, 4, 8, 13]
        static let agoChoices: [Int32] = [0, 1, 2, 4, 8, 13, 26, 52]

        init(_ query: (String) throws -> String?) rethrows {
            func text(_ name: String) throws -> String { (try query(name) ?? "").trimmed.shortened(to: 255) }
            (branch, environment) = (try text("branch"), try text("environment"))
            (baseBranch, baseEnvironment) = (try text("base_branch"), try text("base_environment"))
            weeks = try query("weeks").flatMap { Int32($0) }.flatMap { Self.weekChoices.contains($0) ? $0 : nil } ?? 4
            ago = try query("base_weeks_ago").flatMap { Int32($0) }.flatMap { Self.agoChoices.contains($0) ? $0 : nil } ?? 0
            let word = try query("kind") ?? ""
            kind = SetComparePage.kinds.contains { $0.word == word } ? word : ""
        }

        var isEmpty: Bool { branch.isEmpty && environment.isEmpty && baseBranch.isEmpty && baseEnvironment.isEmpty }

        /// Both sides name something.
        var isComplete: Bool { !(branch.isEmpty && environment.isEmpty) && !(baseBranch.isEmpty && baseEnvironment.isEmpty) }

        var query: [(name: String, value: String)] {
            [
                ("branch", branch), ("environment", environment), ("base_branch", baseBranch), ("base_environment", baseEnvironment),
                ("weeks", weeks == 4 ? "" : "\(weeks)"), ("base_weeks_ago", ago == 0 ? "" : "\(ago)"), ("kind", kind),
            ]
        }

        func with(kind: String) -> [(name: String, value: String)] { query.map { ($0.name, $0.name == "kind" ? kind : $0.value) } }
    }

    /// Words of the page's address, as of the API.
    static let kinds: [(word: String, label: String, kinds: [PBSetDifference.Kind], count: @Sendable (PBSetComparisonSummary) -> Int64?)] = [
        ("", "All differences", [], { _ in nil }), ("FAILS_MORE", "Fail more", [.failsMore], { $0.failsMore }),
        ("FAILS_LESS", "Fail less", [.failsLess], { $0.failsLess }), ("SLOWER", "Slower", [.slower], { $0.slower }),
        ("FASTER", "Faster", [.faster], { $0.faster }), ("ADDED", "Only here", [.added], { $0.added }),
        ("REMOVED", "Only in the base", [.removed], { $0.removed }), ("ALIKE", "Alike", [.alike], { $0.alike }),
    ]

    static func address(project: String, branch: String, base: String) -> String {
        PageAddress.of(PageAddress.path("projects", project, "compare"), branch == base ? [] : [("branch", branch), ("base_branch", base)])
    }

    static func show(_ visit: Visit) async throws -> Response {
        var filter = try Filter { try visit.context.query($0) }
        // The cursor belongs to what the address says, whatever is filled in for what it leaves out.
        let asked = filter.query
        let cursor = try visit.cursor(filter: asked)
        let (project, view) = try await visit.asking {
            let project = try await ProjectHead.project(visit)
            let trends = PBTrends.Client(wrapping: visit.upstream("analytics"))
            let days = 7 * max(filter.weeks, 4)
            let branches = await names(.branch, of: project.id, days: days, trends)
            let environments = await names(.environment, of: project.id, days: days, trends)
            if filter.isEmpty, branches.count > 1 { (filter.baseBranch, filter.branch) = (branches[0], branches[1]) }
            let chosen = filter
            var comparison: Panel<PBCompareSetsResponse>?
            if chosen.isComplete {
                comparison = await Panel.load("The comparison") {
                    try await PBSetComparisons.Client(wrapping: visit.upstream("analytics")).compareSets(
                        .with {
                            $0.project = project.id
                            ($0.branch, $0.environment) = (chosen.branch, chosen.environment)
                            ($0.baseBranch, $0.baseEnvironment) = (chosen.baseBranch, chosen.baseEnvironment)
                            ($0.weeks, $0.baseWeeksAgo) = (chosen.weeks, chosen.ago)
                            $0.kind = kinds.first { $0.word == chosen.kind }?.kinds ?? []
                            $0.limit = limit
                            $0.cursor = cursor
                        })
                }
            }
            let pager = try visit.pager(next: comparison?.content?.page.nextCursor ?? "", filter: asked, label: "More")
            let view = SetCompareView(
                project: project, filter: chosen, branches: branches, environments: environments, comparison: comparison, pager: pager)
            return (project, view)
        }
        return visit.page(.setComparison, "Comparison in \(view.head.name)", crumbs: ProjectHead.crumbs(project, "Comparison"), view)
    }

    /// Those with most results first. Without them the page is there all the same: any name can be typed.
    private static func names(
        _ dimension: PBTrendDimension.Value, of project: String, days: Int32, _ trends: PBTrends.Client<some ClientTransport>
    ) async -> [String] {
        let listed = await Panel.load("Parts") {
            try await trends.listTrendValues(
                .with {
                    $0.project = project
                    $0.dimension = dimension
                    $0.days = days
                    $0.limit = offered
                })
        }
        return (listed.content?.data ?? []).sorted { $0.counts.total > $1.counts.total }.map(\.value)
    }
}
