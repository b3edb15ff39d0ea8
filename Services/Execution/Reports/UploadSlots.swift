import Primitives
import Synchronization

/// Places in the database for uploads. A large upload keeps its connection until the client has sent everything, so these connections are a pool of
/// their own, and who finds them taken waits a bounded time instead of queueing behind slow clients (R21).
final class UploadSlots: Sendable {
    static let maxWaiting = 64

    private let patience: Duration
    private let state: Mutex<State>

    private struct State {
        var free: Int
        var nextTicket = 0
        /// In the order of arrival.
        var waiting: [(ticket: Int, continuation: CheckedContinuation<Void, any Error>)] = []
    }

    init(count: Int, patience: Duration) {
        self.patience = patience
        state = Mutex(State(free: count))
    }

    /// - Throws: `upload.busy` when no place became free in time.
    func with<R>(_ body: () async throws -> R) async throws -> R {
        try await take()
        defer { giveBack() }
        return try await body()
    }

    private func take() async throws {
        let ticket: Int? = state.withLock { state in
            if state.free > 0 {
                state.free -= 1
                return nil
            }
            state.nextTicket += 1
            return state.nextTicket
        }
        guard let ticket else { return }
        let timer = Task { [patience] in
            try await Task.sleep(for: patience)
            self.fail(ticket, Fault.uploadBusy)
        }
        defer { timer.cancel() }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in wait(ticket, continuation) }
        } onCancel: {
            fail(ticket, CancellationError())
        }
    }

    private func wait(_ ticket: Int, _ continuation: CheckedContinuation<Void, any Error>) {
        let answer: Result<Void, any Error>? = state.withLock { state in
            // A place may have become free since it was looked for, and the task may have been cancelled.
            if Task.isCancelled { return .failure(CancellationError()) }
            if state.free > 0 {
                state.free -= 1
                return .success(())
            }
            guard state.waiting.count < Self.maxWaiting else { return .failure(Fault.uploadBusy) }
            state.waiting.append((ticket, continuation))
            return nil
        }
        if let answer { continuation.resume(with: answer) }
    }

    private func fail(_ ticket: Int, _ error: any Error) {
        let waiter = state.withLock { state in
            state.waiting.firstIndex { $0.ticket == ticket }.map { state.waiting.remove(at: $0).continuation }
        }
        waiter?.resume(throwing: error)
    }

    private func giveBack() {
        let next = state.withLock { state -> CheckedContinuation<Void, any Error>? in
            guard !state.waiting.isEmpty else {
                state.free += 1
                return nil
            }
            return state.waiting.removeFirst().continuation
        }
        next?.resume()
    }
}
