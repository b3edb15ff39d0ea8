import Foundation
import Jobs
import Primitives

/// Counts what each test of a project did on days that are over. Runs after midnight (UTC) for the day before, and some minutes after something has
/// come of an older one. What it counts is what facts say then, so it may be stopped anywhere and begin again. Behind it the days are looked through
/// for changes of level.
struct RollUpTestDays: JobHandler {
    struct Payload: JobPayload {
        static let kind = "roll-up-test-days"

        let project: ID<Project>
        /// Only days before it: where the job before this one has stopped. `2026-03-01`
        var before: String?
    }

    /// Seconds: all that comes of older days within one of these is counted once.
    static let pace: TimeInterval = 600
    /// Days of one job; another goes on with those before.
    static let mostDays = 30
    static let concurrency = 1

    let days: TestDayStore
    let jobs: JobQueue
    let now: @Sendable () -> Date

    init(days: TestDayStore, jobs: JobQueue, now: @escaping @Sendable () -> Date = { Date() }) {
        self.days = days
        self.jobs = jobs
        self.now = now
    }

    /// What is to be done about results that were stored at this moment.
    /// - Parameter starts: of their runs.
    static func due(after starts: [Date], of project: ID<Project>, at now: Date) -> [(key: String, delay: Duration)] {
        let today = now.day
        let seconds = now.timeIntervalSince1970
        var due: [(key: String, delay: Duration)] = []
        if starts.contains(where: { $0.day >= today }) {
            // Quarter of an hour for what is under way at midnight; the hour after it is shared by all projects.
            let untilMidnight = 86_400 - seconds.truncatingRemainder(dividingBy: 86_400)
            let turn = StableHash.of(project.description) % 3_600
            due.append(("\(project)/\(today)", .seconds(Int64(untilMidnight) + 900 + Int64(turn))))
        }
        if starts.contains(where: { $0.day < today }) {
            due.append(("\(project)/late/\(Int64(seconds / pace))", .seconds(Int64(pace) + 60)))
        }
        return due
    }

    func handle(_ payload: Payload, _ job: Job) async throws {
        let today = now().day
        let end = min(payload.before ?? today, today)
        let open = try await days.open(before: end, atMost: Self.mostDays, project: payload.project, tenant: job.tenant)
        try await days.begin(open.map(\.day), project: payload.project, tenant: job.tenant)
        for one in open {
            // A test that is not among these yet brings a result, and the day is not closed by fewer.
            let tests = try await days.tests(ranOn: one.day, project: payload.project, tenant: job.tenant)
            for start in stride(from: 0, to: tests.count, by: TestDayStore.mostTests) {
                try Task.checkCancellation()
                let page = Array(tests[start..<min(tests.count, start + TestDayStore.mostTests)])
                try await days.count(page, on: one.day, project: payload.project, tenant: job.tenant)
            }
            try await days.close(one.day, results: one.results, project: payload.project, tenant: job.tenant)
        }
        guard open.count == Self.mostDays, let last = open.last else {
            // One search for all that this round has counted, and for what a round that was stopped had.
            return try await jobs.enqueue(
                FindTrendChanges.Payload(project: payload.project), tenant: job.tenant, key: "\(payload.project)/\(job.id)")
        }
        try await jobs.enqueue(
            Payload(project: payload.project, before: last.day), tenant: job.tenant, key: "\(payload.project)/before/\(last.day)")
    }
}
