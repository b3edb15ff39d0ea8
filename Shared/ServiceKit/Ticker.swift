import Logging
import ServiceLifecycle

/// Work that is looked for again and again: due schedules, lost leases, old rows. Ends with the process, between two rounds.
///
/// The pause is off by up to a tenth, so that replicas do not all come at once. A round that throws is logged; the next one comes all the same.
package struct Ticker: Service {
    private let name: String
    private let interval: Duration
    private let logger: Logger
    private let round: @Sendable () async throws -> Void

    package init(_ name: String, every interval: Duration, logger: Logger, round: @escaping @Sendable () async throws -> Void) {
        self.name = name
        self.interval = interval
        self.logger = logger
        self.round = round
    }

    package func run() async throws {
        while !Task.isCancelled && !Task.isShuttingDownGracefully {
            do {
                try await round()
            } catch is CancellationError {
                return
            } catch {
                logger.error("a round of \(name) failed", metadata: ["cause": "\(String(reflecting: error))"])
            }
            let pause = interval * Double.random(in: 0.9...1.1)
            do {
                try await cancelWhenGracefulShutdown { try await Task.sleep(for: pause) }
            } catch {
                return
            }
        }
    }
}
