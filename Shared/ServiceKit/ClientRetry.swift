import GRPCCore
import Primitives
import Synchronization

/// One quick second try for calls that may be repeated without harm and were not answered (R19). Held by whoever is outermost, one for each
/// service it calls: the gateway. Jobs have a schedule of their own, and a service in the middle that retried too would make eight calls of one.
///
/// gRPC's own retries are not used: the buffer of its `RetryExecutor` may end before its first element when producer and consumer meet at the
/// wrong moment (grpc-swift-2 2.4.3, `BroadcastAsyncSequence`), which loses the request. A replica that cannot be reached at all is skipped by
/// `ServiceTransport`, for every kind of call.
package final class ClientRetry: Sendable {
    /// One retry for every ten good calls, and ten in stock: a service that is down or overloaded is not asked twice by everybody.
    private static let stock = 10.0
    private static let refill = 0.1
    private static let pause = Duration.milliseconds(50)...Duration.milliseconds(150)

    private let budget = Mutex(stock)

    package init() {}

    /// - Parameter call: makes the whole call anew each time.
    package func run<R>(
        _ method: MethodDescriptor, isolation: isolated (any Actor)? = #isolation, call: () async throws -> R
    ) async throws -> R {
        do {
            let result = try await call()
            budget.withLock { $0 = min(Self.stock, $0 + Self.refill) }
            return result
        } catch let error as RPCError where error.code == .unavailable && Self.isRepeatable(method) {
            let granted = budget.withLock { budget in
                guard budget >= 1 else { return false }
                budget -= 1
                return true
            }
            guard granted else { throw error }
            try await Task.sleep(for: Self.pause.lowerBound + (Self.pause.upperBound - Self.pause.lowerBound) * Double.random(in: 0...1))
            return try await call()
        }
    }

    /// Reads, which house rule names so, and calls under an idempotency key.
    static func isRepeatable(_ method: MethodDescriptor) -> Bool {
        CallContext.current?.caller?.idempotencyKey != nil || reading.contains { method.method.hasPrefix($0) }
    }

    private static let reading = ["Get", "List", "Find", "Check", "Search", "Count"]
}
