import Jobs
import Logging
import ServiceKit
import ServiceLifecycle

/// Looks for due schedules once a second, in every replica. That nothing fires twice is the store's doing.
struct FireDueSchedules: Service {
    let firings: FiringStore
    let jobs: JobQueue
    let logger: Logger

    func run() async throws {
        try await Ticker.every(.seconds(1)) {
            do {
                while try await firings.fireDue(enqueueing: jobs) == FiringStore.claimSize {}
            } catch {
                logger.warning("due schedules could not be fired; trying again", metadata: ["error": "\(error)"])
            }
        }
    }
}
