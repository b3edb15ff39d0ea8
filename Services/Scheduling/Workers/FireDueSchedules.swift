import Jobs
import Logging
import ServiceKit

/// Looks for due schedules once a second, in every replica. That nothing fires twice is the store's doing.
enum FireDueSchedules {
    static func ticker(firings: FiringStore, jobs: JobQueue, logger: Logger) -> Ticker {
        Ticker("fire-due-schedules", every: .seconds(1), logger: logger) {
            while try await firings.fireDue(enqueueing: jobs) == FiringStore.claimSize {}
        }
    }
}
