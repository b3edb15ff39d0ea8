import CommonAPI
import ExecutionAPI
import Hummingbird
import ProjectsAPI
import SchedulingAPI
import SwiftProtobuf

/// The suites of a project with their cases, a button that runs one, and when they run by themselves.
enum SuitesPage {
    /// One call is made for the cases of each suite, and one for the ticks of each schedule.
    static let limit: Int32 = 20
    static let caseLimit: Int32 = 100

    static func show(_ visit: Visit) async throws -> Response {
        let cursor = try visit.cursor(filter: [])
        let (project, view) = try await visit.asking {
            let project = try await ProjectHead.project(visit)
            async let schedules = Panel.load("Schedules") { try await listSchedules(project, visit) }
            async let suites = Panel.load("Suites") {
                try await PBSuites.Client(wrapping: visit.upstream("projects")).listSuites(
                    .with {
                        $0.project = project.id
                        $0.limit = limit
                        $0.cursor = cursor
                    })
            }
            let listed = await suites
            let cases = await Self.cases(of: listed.content?.data ?? [], visit)
            let view = SuitesView(
                project: project, suites: listed, cases: cases, schedules: await schedules,
                pager: try visit.pager(next: listed.content?.page.nextCursor ?? "", filter: []), now: visit.now)
            return (project, view)
        }
        return visit.page(.suites, "Suites of \(project.name)", crumbs: ProjectHead.crumbs(project, "Suites and schedules"), view)
    }

    /// Starts a run and goes to it. The form carries a value that was made with the page, so that a second click finds the first run.
    static func run(_ visit: Visit) async throws -> Response {
        let fields = try await visit.form()
        let suite = try visit.context.parameter("suite")
        let run = try await visit.asking(once: Visit.once(fields)) {
            let project = try await ProjectHead.project(visit)
            return try await PBRuns.Client(wrapping: visit.upstream("execution")).startRun(
                .with {
                    $0.project = project.id
                    $0.suite = suite
                })
        }
        return visit.redirect(to: PageAddress.run(run.id))
    }

    private static func cases(of suites: [PBSuite], _ visit: Visit) async -> [String: Panel<[PBCase]>] {
        await withTaskGroup(of: (String, Panel<[PBCase]>).self) { group in
            for suite in suites {
                group.addTask {
                    let cases = await Panel.load("Cases") {
                        try await PBCases.Client(wrapping: visit.upstream("projects")).listCases(
                            .with {
                                $0.suite = suite.id
                                $0.limit = caseLimit
                            }
                        ).data
                    }
                    return (suite.id, cases)
                }
            }
            return await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
        }
    }

    /// Only a schedule that is asked for by itself tells its next ticks; without them it is shown all the same.
    private static func listSchedules(_ project: PBProject, _ visit: Visit) async throws -> [PBSchedule] {
        let client = PBSchedules.Client(wrapping: visit.upstream("scheduling"))
        let listed = try await client.listSchedules(
            .with {
                $0.project = project.id
                $0.limit = limit
            }
        ).data
        return await withTaskGroup(of: (Int, PBSchedule).self) { group in
            for (index, schedule) in listed.enumerated() {
                group.addTask { (index, (try? await client.getSchedule(.with { $0.schedule = schedule.id })) ?? schedule) }
            }
            return await group.reduce(into: []) { $0.append($1) }.sorted { $0.0 < $1.0 }.map(\.1)
        }
    }
}
