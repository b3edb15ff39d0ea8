import CommonAPI
import Foundation
import ProjectsAPI
import SchedulingAPI

/// What the page of suites and schedules shows.
struct SuitesView: Sendable {
    let head: ProjectHead
    let suites: [SuiteRow]
    let suitesNote: String?
    let pager: Pager?
    /// Absent where there is nothing to have.
    let exports: ExportLinks?
    let schedules: [ScheduleRow]
    let hasSchedules: Bool
    let schedulesNote: String?

    struct SuiteRow: Sendable {
        let name: String
        let description: String?
        let caseCount: String
        /// A suite without cases cannot.
        let canRun: Bool
        let runPath: String
        /// Makes the run of this very form one, however often it is sent.
        let once: String
        let cases: [CaseRow]
        let hasCases: Bool
        let casesNote: String?
    }

    struct CaseRow: Sendable {
        let name: String
        let method: String
        let url: String
        let assertions: String
    }

    struct ScheduleRow: Sendable {
        let badge: Badge
        let name: String
        let suiteName: String?
        let cron: String
        let timeZone: String
        let ticks: [Tick]
    }

    struct Tick: Sendable {
        let iso: String
        let absolute: String
        let relative: String
        let isFirst: Bool
    }

    /// As many ticks as are shown of each schedule.
    static let tickCount = 3

    init(
        project: PBProject, suites listed: Panel<PBListSuitesResponse>, cases: [String: Panel<[PBCase]>], schedules planned: Panel<[PBSchedule]>,
        pager: Pager?, now: Date
    ) {
        head = ProjectHead(project, tab: .suites)
        let listedSuites = listed.content?.data ?? []
        suites = listedSuites.map { suite in
            let own = cases[suite.id]
            let rows = own?.content ?? []
            let left = suite.caseCount - Int64(rows.count)
            return SuiteRow(
                name: suite.name.shortened(to: 200), description: suite.description_p.nonEmpty?.shortened(to: 500),
                caseCount: NumberText.counted(suite.caseCount, "case"), canRun: suite.caseCount > 0,
                runPath: PageAddress.path("projects", project.slug, "suites", suite.id, "runs"), once: PageHeaders.newNonce(),
                cases: rows.map {
                    CaseRow(
                        name: $0.name.shortened(to: 200), method: $0.http.method.nonEmpty ?? "GET", url: $0.http.url.shortened(to: 300),
                        assertions: NumberText.counted(Int64($0.http.assertions.count), "assertion"))
                },
                hasCases: !rows.isEmpty,
                casesNote: own?.note
                    ?? (rows.isEmpty
                        ? "No case yet: a suite without cases cannot run."
                        : left > 0 ? "\(NumberText.grouped(left)) further cases are not listed." : nil))
        }
        suitesNote =
            listed.note ?? (suites.isEmpty ? "No suite yet. Make one with POST /api/v1/projects/\(project.slug)/suites, then add cases to it." : nil)
        let names = Dictionary(listedSuites.map { ($0.id, $0.name) }) { first, _ in first }
        schedules = (planned.content ?? []).map { schedule in
            let times = schedule.upcoming.isEmpty && schedule.hasNextAt ? [schedule.nextAt] : schedule.upcoming
            return ScheduleRow(
                badge: Badge(isEnabled: schedule.enabled), name: schedule.name.shortened(to: 200),
                suiteName: names[schedule.suite]?.shortened(to: 200),
                cron: schedule.cron.shortened(to: 100), timeZone: schedule.timeZone.nonEmpty ?? "UTC",
                ticks: schedule.enabled
                    ? times.prefix(Self.tickCount).enumerated().map { index, time in
                        let moment = Moment(time, now: now)
                        return Tick(iso: moment.iso, absolute: moment.absolute, relative: moment.relative, isFirst: index == 0)
                    } : [])
        }
        hasSchedules = !schedules.isEmpty
        schedulesNote = planned.note ?? (schedules.isEmpty ? "Nothing is scheduled." : nil)
        self.pager = pager
        exports = suites.isEmpty ? nil : ExportLinks(PageAddress.path("projects", project.slug, "suites"))
    }
}
