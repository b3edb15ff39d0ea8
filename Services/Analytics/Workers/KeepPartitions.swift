import Logging
import ServiceKit

/// Makes the partitions of the coming months, sweeps the inbox, what failed where and old rollups, changes of level, days of tests, sheets and
/// commits, at start and every hour.
enum KeepPartitions {
    static func ticker(
        facts: FactStore, rollups: RollupStore, levels: LevelChangeStore, testDays: TestDayStore, sheets: SheetStore, commits: CommitStore,
        logger: Logger
    ) -> Ticker {
        Ticker("keep-partitions", every: .seconds(3600), logger: logger) {
            try await facts.ensurePartitions()
            try await facts.sweepInbox()
            try await facts.sweepEnvironments()
            try await rollups.sweep()
            try await levels.sweep()
            try await testDays.sweep()
            try await sheets.sweep()
            try await commits.sweep()
        }
    }
}
