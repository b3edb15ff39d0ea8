import AnalyticsAPI
import CommonAPI
import ExecutionAPI
import Foundation
import Hummingbird
import ProjectsAPI
import SwiftProtobuf

/// All projects, each with its last run and how its pass rate has been.
enum ProjectsPage {
    /// Two calls are made for every row, all at once.
    static let limit: Int32 = 24

    struct View: Sendable {
        let rows: [Row]
        let isEmpty: Bool
        let pager: Pager?
        let origin: String

        init(_ rows: [Row], pager: Pager?, origin: String) {
            self.rows = rows
            self.pager = pager
            self.origin = origin
            isEmpty = rows.isEmpty
        }
    }

    struct Row: Sendable {
        let name: String
        let slug: String
        let description: String?
        let path: String
        let lastRun: LastRun?
        let lastRunNote: String
        let lastCounts: CountsBar?
        let spark: Sparkline?

        init(_ project: PBProject, lastRun: Panel<PBRun?>, trend: Panel<PBTrend>, now: Date) {
            name = project.name
            slug = project.slug
            description = project.description_p.nonEmpty?.shortened(to: 300)
            path = PageAddress.project(project.slug)
            let run = lastRun.content.flatMap { $0 }
            self.lastRun = run.map { LastRun(path: PageAddress.run($0.id), badge: Badge($0.state), created: Moment($0.createdAt, now: now)) }
            lastRunNote = lastRun.note == nil ? "No run yet" : "Not available"
            lastCounts = run.map { CountsBar($0.counts) }
            spark = trend.content.flatMap(Sparkline.init)
        }
    }

    struct LastRun: Sendable {
        let path: String
        let badge: Badge
        let created: Moment
    }

    static func show(_ visit: Visit) async throws -> Response {
        let cursor = try visit.cursor(filter: [])
        let view = try await visit.asking {
            let listed = try await PBProjects.Client(wrapping: visit.upstream("projects")).listProjects(
                .with {
                    $0.limit = limit
                    $0.cursor = cursor
                })
            let rows = await Self.rows(of: listed.data, visit)
            return View(rows, pager: try visit.pager(next: listed.page.nextCursor, filter: []), origin: visit.site.publicURL)
        }
        return visit.page(.projects, "Projects", view)
    }

    private static func rows(of projects: [PBProject], _ visit: Visit) async -> [Row] {
        await withTaskGroup(of: (Int, Row).self) { group in
            for (index, project) in projects.enumerated() {
                group.addTask {
                    async let run = lastRun(project, visit)
                    async let trend = Panel.load("Trends") {
                        try await PBTrends.Client(wrapping: visit.upstream("analytics")).getTrend(
                            .with {
                                $0.project = project.id
                                $0.days = 14
                            })
                    }
                    return (index, await Row(project, lastRun: run, trend: trend, now: visit.now))
                }
            }
            return await group.reduce(into: []) { $0.append($1) }.sorted { $0.0 < $1.0 }.map(\.1)
        }
    }

    private static func lastRun(_ project: PBProject, _ visit: Visit) async -> Panel<PBRun?> {
        await Panel.load("Runs") {
            try await PBRuns.Client(wrapping: visit.upstream("execution")).listRuns(
                .with {
                    $0.project = project.id
                    $0.limit = 1
                }
            ).data.first
        }
    }
}
