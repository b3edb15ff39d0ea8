import Logging
import ServiceKit
import ServiceLifecycle

/// Makes the partitions of the coming months and sweeps the inbox, at start and every hour.
struct KeepPartitions: Service {
    let facts: FactStore
    let logger: Logger

    func run() async throws {
        try await Ticker.every(.seconds(3600)) {
            do {
                try await facts.ensurePartitions()
                try await facts.sweepInbox()
            } catch {
                logger.warning("partitions were not kept; trying again in an hour", metadata: ["error": "\(error)"])
            }
        }
    }
}
