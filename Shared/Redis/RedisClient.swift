import Foundation
import Logging
import Primitives
import ServiceLifecycle
import Synchronization

/// One Redis or Valkey server behind `async` calls that never wait longer than their budget.
///
/// A thread owns the one connection and pipelines: what is asked while others wait for their answers is sent at once, and answers come in the same
/// order. A call that is answered too late costs the connection, because nobody can tell then whether the next answer is on time; while there is none,
/// calls fail at once instead of waiting.
package final class RedisClient: Sendable, Service {
    /// Calls that wait or are under way; beyond it further ones fail as if the server were away.
    static let maxWaiting = 16_384

    /// One call, from the task that asks to the thread that answers. Answered exactly once by whoever holds it.
    struct Call: Sendable {
        let script: RedisScript
        let keys: [[UInt8]]
        let arguments: [Int64]
        let deadline: ContinuousClock.Instant
        let answer: UnsafeContinuation<Result<[Int64], RedisError>, Never>
    }

    private struct State {
        var waiting: [Call] = []
        var isUp = false
        var isSleeping = false
        var isStopping = false
    }

    private let configuration: RedisConfiguration
    private let scripts: [RedisScript]
    private let budget: Duration
    private let logger: Logger
    private let state = Mutex(State())
    /// Wakes the thread out of `poll`.
    private let wakeUp: (read: Int32, write: Int32)

    /// - Parameter budget: the longest that a call waits for its answer.
    package init(_ configuration: RedisConfiguration, scripts: [RedisScript], budget: Duration, logger: Logger) {
        self.configuration = configuration
        self.scripts = scripts
        self.budget = budget
        self.logger = logger
        var ends: [Int32] = [-1, -1]
        pipe(&ends)
        for end in ends { _ = fcntl(end, F_SETFL, O_NONBLOCK) }
        wakeUp = (ends[0], ends[1])
    }

    deinit {
        close(wakeUp.read)
        close(wakeUp.write)
    }

    /// Keeps a connection until graceful shutdown.
    package func run() async throws {
        start()
        try? await gracefulShutdown()
        stop()
    }

    /// Keeps a connection without a service group; `stop` ends it.
    package func start() {
        let thread = Thread { self.serve() }
        thread.stackSize = 512 * 1024
        thread.name = "redis"
        thread.start()
    }

    package func stop() {
        state.withLock { $0.isStopping = true }
        wake()
    }

    /// Whether calls are being sent.
    package var isUp: Bool { state.withLock { $0.isUp } }

    /// Runs a script, which must answer with a list of integers.
    package func run(_ script: RedisScript, keys: [[UInt8]], arguments: [Int64]) async throws(RedisError) -> [Int64] {
        let deadline = ContinuousClock.now + budget
        return try await withUnsafeContinuation { continuation in
            let call = Call(script: script, keys: keys, arguments: arguments, deadline: deadline, answer: continuation)
            let (isTaken, isSleeping) = state.withLock { state in
                guard state.isUp, state.waiting.count < Self.maxWaiting else { return (false, false) }
                state.waiting.append(call)
                defer { state.isSleeping = false }
                return (true, state.isSleeping)
            }
            if isSleeping { wake() }
            if !isTaken { continuation.resume(returning: .failure(.down)) }
        }.get()
    }

    private func wake() {
        var byte: UInt8 = 1
        _ = write(wakeUp.write, &byte, 1)
    }

    // MARK: - The thread

    private func serve() {
        let backoff = Backoff(first: .milliseconds(100), limit: .seconds(2))
        var failures = 0
        while !state.withLock(\.isStopping) {
            do {
                let connection = try RedisConnection(configuration, scripts: scripts, budget: budget)
                state.withLock { $0.isUp = true }
                if failures > 0 { logger.notice("Redis answers again") }
                try serve(connection, onAnswer: { failures = 0 })
            } catch {
                failures += 1
                if failures == 1 { logger.warning("Redis does not answer in time", metadata: ["error": "\(error)"]) }
                giveUpWaiting(error)
                var random = SystemRandomNumberGenerator()
                sleep(backoff.delay(attempt: failures, using: &random))
            }
        }
        giveUpWaiting(.down)
    }

    private func serve(_ connection: RedisConnection, onAnswer: () -> Void) throws(RedisError) {
        do throws(RedisError) {
            while true {
                let (calls, isStopping) = state.withLock { state in
                    defer {
                        state.waiting.removeAll(keepingCapacity: true)
                        state.isSleeping = false
                    }
                    return (state.waiting, state.isStopping)
                }
                for call in calls { connection.append(call) }
                if isStopping, connection.isIdle { return }
                if try connection.exchange() { onAnswer() }
                let isBusy = state.withLock { state in
                    state.isSleeping = state.waiting.isEmpty
                    return !state.isSleeping || state.isStopping
                }
                try connection.wait(orFor: wakeUp.read, isBusy: isBusy)
                drainWakeUps()
            }
        } catch {
            // First nobody else comes, then those who are there are told.
            state.withLock { $0.isUp = false }
            connection.fail(error)
            throw error
        }
    }

    private func giveUpWaiting(_ error: RedisError) {
        let calls = state.withLock { state in
            state.isUp = false
            defer { state.waiting = [] }
            return state.waiting
        }
        for call in calls { call.answer.resume(returning: .failure(error)) }
    }

    private func sleep(_ delay: Duration) {
        var descriptor = pollfd(fd: wakeUp.read, events: Int16(POLLIN), revents: 0)
        poll(&descriptor, 1, Int32(max(1, delay / .milliseconds(1))))
        drainWakeUps()
    }

    private func drainWakeUps() {
        var bytes = [UInt8](repeating: 0, count: 64)
        while read(wakeUp.read, &bytes, bytes.count) == bytes.count {}
    }
}
