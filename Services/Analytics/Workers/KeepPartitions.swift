import Logging
import ServiceKit

/// Makes the partitions of the coming months, sweeps the inbox, what failed where and old rollups, changes of level, days of tests, sheets and commits,
/// and lets tests rest that do not run any more, at start and every hour.
enum KeepPartitions {
    struct Step: Sendable {
        let name: String
        let run: @Sendable () async throws -> Void

        init(_ name: String, run: @escaping @Sendable () async throws -> Void) {
            self.name = name
            self.run = run
        }
    }

    static func ticker(
        facts: FactStore, rollups: RollupStore, levels: LevelChangeStore, testDays: TestDayStore, sheets: SheetStore, commits: CommitStore,
        tests: TestStore, logger: Logger
    ) -> Ticker {
        let steps = [
            Step("partitions") { try await facts.ensurePartitions() },
            Step("inbox") { try await facts.sweepInbox() },
            Step("environments") { try await facts.sweepEnvironments() },
            Step("rollups") { try await rollups.sweep() },
            Step("changes of level") { try await levels.sweep() },
            Step("days of tests") { try await testDays.sweep() },
            Step("sheets") { try await sheets.sweep() },
            Step("commits") { try await commits.sweep() },
            Step("resting tests") { try await tests.rest() },
        ]
        return Ticker("keep-partitions", every: .seconds(3600), logger: logger) { try await round(steps, logger: logger) }
    }

    /// One that fails is logged, and keeps none behind it from its turn.
    static func round(_ steps: [Step], logger: Logger) async throws {
        for step in steps {
            do {
                try await step.run()
            } catch let error as CancellationError {
                throw error
            } catch {
                logger.error("keeping \(step.name) failed", metadata: ["cause": "\(String(reflecting: error))"])
            }
        }
    }
}
