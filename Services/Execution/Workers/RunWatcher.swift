import Foundation
import Postgres
import Primitives
import ServiceLifecycle
import Synchronization

/// Wakes those who wait for a run to change or watch it: by PostgreSQL's notification, which a trigger on `runs` sends, and once a second in any case,
/// since notifications can be lost. One listener serves the whole process.
final class RunWatcher: Service {
    /// As in Schema/0001_runs.sql; the payload is the run's UUID.
    static let channel = "execution_runs"

    private let listener: Listener
    private let poll: Duration
    private let state = Mutex(State())

    private struct State {
        var nextTicket = 0
        var waiting: [UUID: [Int: AsyncStream<Bool>.Continuation]] = [:]
        var isOver = false
    }

    init(listener: Listener, poll: Duration = .seconds(1)) {
        self.listener = listener
        self.poll = poll
    }

    /// An element at once and whenever it is worth looking at the run again, `true` when the time is up, which ends it. Signals that nobody has taken yet are one.
    /// - Parameter time: `nil` for as long as the reader reads.
    func signals(of run: ID<Run>, for time: Duration?) -> AsyncStream<Bool> {
        let (stream, continuation) = AsyncStream.makeStream(of: Bool.self, bufferingPolicy: .bufferingNewest(1))
        let ticket: Int? = state.withLock { state in
            guard !state.isOver else { return nil }
            state.nextTicket += 1
            state.waiting[run.uuid, default: [:]][state.nextTicket] = continuation
            return state.nextTicket
        }
        guard let ticket else {
            continuation.yield(true)
            continuation.finish()
            return stream
        }
        continuation.yield(false)
        let timer = Task { [poll] in
            let deadline = time.map { ContinuousClock.now + $0 }
            while true {
                let next = ContinuousClock.now + poll
                try await Task.sleep(until: deadline.map { min($0, next) } ?? next, clock: .continuous)
                let isTimeUp = deadline.map { $0 <= .now } ?? false
                continuation.yield(isTimeUp)
                if isTimeUp { return continuation.finish() }
            }
        }
        continuation.onTermination = { _ in
            timer.cancel()
            self.state.withLock { state in
                state.waiting[run.uuid]?[ticket] = nil
                if state.waiting[run.uuid]?.isEmpty == true { state.waiting[run.uuid] = nil }
            }
        }
        return stream
    }

    /// Passes notifications on until graceful shutdown; then nobody is kept waiting.
    func run() async throws {
        await withGracefulShutdownHandler {
            await cancelWhenGracefulShutdown {
                for await payload in self.listener.notifications(on: Self.channel) {
                    guard let run = UUID(uuidString: payload) else { continue }
                    let waiting = self.state.withLock { $0.waiting[run].map { Array($0.values) } ?? [] }
                    for continuation in waiting { continuation.yield(false) }
                }
            }
        } onGracefulShutdown: {
            self.close()
        }
    }

    private func close() {
        let waiting = state.withLock { state in
            state.isOver = true
            return state.waiting.values.flatMap(\.values)
        }
        for continuation in waiting {
            continuation.yield(true)
            continuation.finish()
        }
    }
}
