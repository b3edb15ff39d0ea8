import Logging
import ServiceLifecycle

/// The last service to start and so the first to stop: turns the process unready and, where `delay` says so, gives load balancers time to
/// notice before anything stops accepting (R25).
struct DrainGate: Service {
    let readiness: Readiness
    let delay: Duration
    let logger: Logger

    func run() async throws {
        try? await gracefulShutdown()
        readiness.drain()
        logger.info("stopping")
        // A cancelled group does not wait.
        try? await Task.sleep(for: delay)
    }
}
