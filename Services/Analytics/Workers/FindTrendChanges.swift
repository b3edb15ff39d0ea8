import Foundation
import Jobs
import Primitives

/// Looks through the last days of a project that are over for changes of level, and keeps what it finds: of the whole project, and of its suites,
/// branches, environments and tags with most results; then through the newest executions of the tests that took most time, so that what has become
/// slower is found without anybody asking. Runs when days of the project have been counted. What it keeps is what rollups and facts say then, so it may be
/// stopped anywhere and begin again.
struct FindTrendChanges: JobHandler {
    struct Payload: JobPayload {
        static let kind = "find-trend-changes"

        let project: ID<Project>
    }

    static let concurrency = 1

    let rollups: RollupStore
    let levels: LevelChangeStore
    let now: @Sendable () -> Date

    private var days: TestDayStore { TestDayStore(database: rollups.database) }
    private var facts: FactStore { FactStore(database: rollups.database, stabilities: StabilityStore(database: rollups.database)) }

    init(rollups: RollupStore, levels: LevelChangeStore, now: @escaping @Sendable () -> Date = { Date() }) {
        self.rollups = rollups
        self.levels = levels
        self.now = now
    }

    func handle(_ payload: Payload, _ job: Job) async throws {
        let (project, tenant, now) = (payload.project, job.tenant, now())
        let busiest = try await rollups.busiest(LevelLook.mostValues, of: project, last: LevelLook.days, tenant: tenant)
        var looks: [LevelLook] = []
        for part in [TrendPart.whole] + busiest {
            try Task.checkCancellation()
            // The last of them is today.
            let days = try await rollups.days(part.dimension, part.value, project: project, last: LevelLook.days + 1, tenant: tenant)
            looks.append(LevelLook(part, days: days, at: now))
        }
        try await levels.keep(looks, of: project, tenant: tenant)
        for test in try await days.busiest(TestLook.mostTests, of: project, last: TestLook.days, tenant: tenant) {
            try Task.checkCancellation()
            let at = self.now()
            let newest = try await facts.latest(TestLook.mostExecutions, of: [test], branch: "", tenant: tenant)
            try await levels.keep(TestLook(test, newest: newest[test] ?? [], at: at), of: project, tenant: tenant)
        }
    }
}
