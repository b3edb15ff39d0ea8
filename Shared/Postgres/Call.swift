import Foundation
import Primitives
import Synchronization

/// One piece of work for a connection's thread, and the task that waits for it.
///
/// A cancelled task does not leave its statement running: work that has not begun is dropped, work that runs is cancelled at the server.
final class Call: Sendable {
    private enum State {
        case new
        /// In the queue; `run` does the work and resumes the task.
        case waiting(run: @Sendable (Connection) -> Void, fail: @Sendable (any Error) -> Void)
        /// On a thread. `cancelRunning` may be called on the connection as long as this state holds.
        case running(Connection, cancelled: Bool)
        case done
        case cancelled
    }

    /// `Connection` is touched under this lock by a canceller, and the owner leaves `running` under it before it goes on.
    private let state = Mutex<StateBox>(StateBox())

    private struct StateBox: @unchecked Sendable {
        var value = State.new
    }

    /// Queues the call, and waits.
    func value<R: Sendable>(
        queueing push: () throws -> Void, running body: @escaping @Sendable (Connection) throws -> R
    ) async throws -> R {
        try Task.checkCancellation()
        do {
            return try await resumed(queueing: push, running: body)
        } catch let error as PostgresError where error.sqlState == "57014" && Task.isCancelled {
            throw CancellationError()
        }
    }

    private func resumed<R: Sendable>(
        queueing push: () throws -> Void, running body: @escaping @Sendable (Connection) throws -> R
    ) async throws -> R {
        try await withTaskCancellationHandler {
            try await withUnsafeThrowingContinuation { (continuation: UnsafeContinuation<R, any Error>) in
                let isCancelled = state.withLock { box in
                    if case .cancelled = box.value { return true }
                    box.value = .waiting(
                        run: { connection in continuation.resume(with: Swift.Result { try body(connection) }) },
                        fail: { continuation.resume(throwing: $0) })
                    return false
                }
                if isCancelled { return continuation.resume(throwing: CancellationError()) }
                do {
                    try push()
                } catch {
                    fail(error)
                }
            }
        } onCancel: {
            cancel()
        }
    }

    /// On the owning thread: does the work, unless nobody waits for it any more.
    /// - Returns: whether a cancellation was sent to the server meanwhile; it may arrive late.
    func run(on connection: Connection) -> Bool {
        let run = state.withLock { box -> (@Sendable (Connection) -> Void)? in
            guard case .waiting(let run, _) = box.value else { return nil }
            box.value = .running(connection, cancelled: false)
            return run
        }
        guard let run else { return false }
        run(connection)
        return state.withLock { box in
            defer { box.value = .done }
            if case .running(_, let cancelled) = box.value { return cancelled }
            return false
        }
    }

    func fail(_ error: any Error) {
        let fail = state.withLock { box -> (@Sendable (any Error) -> Void)? in
            guard case .waiting(_, let fail) = box.value else { return nil }
            box.value = .done
            return fail
        }
        fail?(error)
    }

    private func cancel() {
        let fail = state.withLock { box -> (@Sendable (any Error) -> Void)? in
            switch box.value {
            case .new:
                box.value = .cancelled
            case .waiting(_, let fail):
                box.value = .cancelled
                return fail
            case .running(let connection, _):
                connection.cancelRunning()
                box.value = .running(connection, cancelled: true)
            case .done, .cancelled:
                break
            }
            return nil
        }
        fail?(CancellationError())
    }
}
