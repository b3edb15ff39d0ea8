import Foundation
import Primitives
import Synchronization

/// A read of little cost, such as one by primary key, that may travel with others: what waits together is sent in one round trip and one
/// transaction, each look-up with the scope of its own.
///
/// A cancelled task leaves at once; its statement is not cancelled at the server, because others share the connection.
final class LookUp: Sendable {
    let scope: Scope
    let statement: SQL

    private enum State {
        case new
        case waiting(UnsafeContinuation<ResultSet, any Error>)
        case done
    }

    private let state = Mutex<StateBox>(StateBox())

    private struct StateBox: @unchecked Sendable {
        var value = State.new
    }

    init(_ scope: Scope, _ statement: SQL) {
        self.scope = scope
        self.statement = statement
    }

    /// Queues the look-up, and waits.
    func value(queueing push: () throws -> Void) async throws -> ResultSet {
        try Task.checkCancellation()
        return try await withTaskCancellationHandler {
            try await withUnsafeThrowingContinuation { continuation in
                let isCancelled = state.withLock { box in
                    if case .done = box.value { return true }
                    box.value = .waiting(continuation)
                    return false
                }
                if isCancelled { return continuation.resume(throwing: CancellationError()) }
                do {
                    try push()
                } catch {
                    finish(.failure(error))
                }
            }
        } onCancel: {
            finish(.failure(CancellationError()))
        }
    }

    /// False once the task has left; then nothing need be sent.
    var isWanted: Bool {
        state.withLock { box in
            if case .waiting = box.value { true } else { false }
        }
    }

    func finish(_ result: Result<ResultSet, any Error>) {
        let continuation = state.withLock { box -> UnsafeContinuation<ResultSet, any Error>? in
            defer { box.value = .done }
            if case .waiting(let continuation) = box.value { return continuation }
            return nil
        }
        continuation?.resume(with: result)
    }
}
