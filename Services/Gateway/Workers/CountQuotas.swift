import Foundation
import Logging
import ServiceKit
import ServiceLifecycle

/// Adds up once a second what this gateway has counted of quotas, and once more when it stops.
struct CountQuotas: Service {
    let quotas: Quotas
    let logger: Logger

    func run() async throws {
        try await Ticker("count quotas", every: .seconds(1), logger: logger) { try await quotas.flush(now: Date()) }.run()
        try? await quotas.flush(now: Date())
    }
}
