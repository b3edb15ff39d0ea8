import GRPCCore
import Primitives

/// Deadlines on the serving side (R18): every call has one, and work stops when it passes or when the caller is gone.
package enum ServerDeadline {
    /// For callers that name none (T118). Covers the handler up to its first answer; a response stream may last longer.
    package static let standard = Duration.seconds(10)
    /// Less is not worth starting for (T119).
    static let minimum = Duration.milliseconds(50)

    /// - Throws: `rpc.deadline_exceeded` before any work when less than 50 ms are left.
    static func deadline(of metadata: InboundMetadata, received: ContinuousClock.Instant) throws(Fault) -> ContinuousClock.Instant? {
        guard let timeout = metadata.timeout else { return nil }
        guard timeout >= minimum else { throw .deadlineExceeded }
        return received + timeout
    }

    /// Runs `work` in this task and cancels the task when `deadline` passes or the caller cancels the RPC; libpq, timers and further calls
    /// end with it. GRPCCore itself only raises a flag that a handler would have to look at.
    /// - Throws: `rpc.deadline_exceeded` when the deadline passed, whatever came of the work; else what `work` throws.
    static func run<R: Sendable>(until deadline: ContinuousClock.Instant?, _ work: @Sendable () async throws -> R) async throws -> R {
        try await withUnsafeCurrentTask { task in
            let task = RunningTask(task: task)
            let expiry = Expiry { task.cancel() }
            let gone = Expiry { task.cancel() }
            let id = deadline.map { DeadlineQueue.shared.add(expiry, at: $0) }
            defer {
                expiry.disarm()
                gone.disarm()
                if let id { DeadlineQueue.shared.remove(id) }
            }
            do {
                let result = try await withRPCCancellationHandler {
                    try await work()
                } onCancelRPC: {
                    gone.fire()
                }
                guard !expiry.hasFired else { throw Fault.deadlineExceeded }
                return result
            } catch {
                // The transport keeps the same deadline with a clock of its own, and may be the one to end the call.
                let isDue = deadline.map { ContinuousClock.now >= $0 - PropagateDeadline.margin } ?? false
                throw expiry.hasFired || gone.hasFired && isDue ? Fault.deadlineExceeded : error
            }
        }
    }

    /// The task that `withUnsafeCurrentTask` lends. Cancelling it from another task is allowed while that scope lasts, and `Expiry.disarm`
    /// closes the scope: nothing refers to the task afterwards. This saves a child task for each call.
    private struct RunningTask: @unchecked Sendable {
        let task: UnsafeCurrentTask?

        func cancel() { task?.cancel() }
    }
}
