import GRPCCore
import NIOCore
import Synchronization

/// The connections of one client to one server, and the calls that wait for a place on one of them.
///
/// A place is one stream. A call made on a thread of the event loops takes a connection of its own loop, so that it changes threads nowhere in
/// this process; where there is none it takes another's, and one is opened for the next call. Otherwise connections are filled one after the
/// other, because calls that share a connection share its system calls; a further one is opened when all places are taken, up to a cap. Nothing
/// is connected until a call wants it.
final class ClientPool: Sendable {
    private let configuration: FrameConfiguration
    private let connector: ClientConnector
    private let state: Mutex<PoolState>

    init(connector: ClientConnector, configuration: FrameConfiguration) {
        self.connector = connector
        self.configuration = configuration
        state = Mutex(PoolState(configuration, target: connector.target))
    }

    // MARK: Calls

    /// A place on a connection; to be given back with `release`.
    /// - Throws: `unavailable` when the server cannot be reached, `resourceExhausted` when too many calls wait already, `cancelled`.
    func lease(waitForReady: Bool) async throws(RPCError) -> FrameConnection {
        let home = connector.currentLoop
        let (place, isHome) = state.withLock { $0.takePlace(at: home) }
        if let home, place != nil, !isHome { act { $0.settle(at: home) } }
        if let place { return place }
        let now = NIODeadline.now()
        let waiter = Waiter(since: now, waitForReady: waitForReady)
        try act { state throws(RPCError) in
            guard state.phase == .running else { throw RPCError(code: .unavailable, message: "The client has been shut down.") }
            guard state.waiting < configuration.maximumWaitingCalls else {
                throw RPCError(code: .resourceExhausted, message: "\(state.waiting) calls wait for \(connector.target) already.")
            }
            let isHopeless = state.attempts.isEmpty && now < state.nextAttemptAt && state.isOut(now)
            if !waitForReady, isHopeless, let error = state.lastError { throw error }
            state.queue.append(waiter)
            state.waiting += 1
        }
        return try await withTaskCancellationHandler {
            await withUnsafeContinuation { continuation in
                state.withLock { _ in waiter.park(continuation) }?.resume()
            }
        } onCancel: {
            state.withLock { state in
                let resumption = waiter.finish(.failure(RPCError(code: .cancelled, message: "The call was cancelled before it had a connection.")))
                if resumption.isFirst { state.waiting -= 1 }
                return resumption
            }.resume()
        }.get()
    }

    func release(_ connection: FrameConnection) {
        act { state in
            guard let index = state.entries.firstIndex(where: { $0.connection === connection }) else { return }
            state.entries[index].taken -= 1
        }
    }

    // MARK: Connections

    func ready(_ connection: FrameConnection, attempt: Int) {
        let places = max(1, connection.peerLimits.withLock { $0.streams })
        var isWanted = false
        act { state in
            guard state.attempts.removeValue(forKey: attempt) != nil, state.phase != .stopped else { return }
            isWanted = true
            state.failures = 0
            state.outageSince = nil
            state.nextAttemptAt = .uptimeNanoseconds(0)
            state.entries.append(PoolState.Entry(connection: connection, places: places))
        }
        if !isWanted { connection.close() }
    }

    /// No new calls go to the connection; it is closed when the last one has ended.
    func drain(_ connection: FrameConnection) {
        act { state in
            guard let index = state.entries.firstIndex(where: { $0.connection === connection }) else { return }
            state.entries[index].isDraining = true
        }
    }

    func closed(_ connection: FrameConnection, attempt: Int, error: RPCError) {
        act { state in state.entries.removeAll { $0.connection === connection } }
        if connection.wasActive { failed(attempt: attempt, error: error) }
    }

    func failed(attempt: Int, error: RPCError) {
        act { state in
            guard state.attempts.removeValue(forKey: attempt) != nil else { return }
            let now = NIODeadline.now()
            let doubled = configuration.initialBackoff.nanoseconds << min(state.failures, 20)
            let pause = min(doubled, configuration.maximumBackoff.nanoseconds)
            state.failures += 1
            state.outageSince = state.outageSince ?? now
            // Clients that lost the same server must not come back in step.
            state.nextAttemptAt = now + .nanoseconds(Int64.random(in: pause / 2...pause))
            state.lastError = error
            if state.failures == 1 { configuration.report("\(connector.target) cannot be reached: \(error.message)") }
        }
    }

    // MARK: Life

    /// Returns when the pool was shut down and its last connection is closed.
    func run() async {
        let ticket = state.withLock { state in state.phase == .stopped ? nil : state.stopped.ticket() }
        guard let ticket else { return }
        await withTaskCancellationHandler {
            await withUnsafeContinuation { continuation in
                if !state.withLock({ $0.stopped.park(continuation, ticket: ticket) }) { continuation.resume() }
            }
        } onCancel: {
            stopNow()
        }
    }

    func beginGracefulShutdown() {
        act { state in if state.phase == .running { state.phase = .stopping } }
    }

    private func stopNow() {
        var resumptions: [Waiter.Resumption] = []
        act { state in
            state.phase = .stopping
            state.attempts = [:]
            for index in state.entries.indices { state.entries[index].taken = 0 }
            resumptions = state.fail(RPCError(code: .unavailable, message: "The client has been shut down.")) { _ in true }
        }
        for resumption in resumptions { resumption.resume() }
    }

    /// Changes the state, then does everything that has become possible or due.
    private func act<E: Error>(_ change: (inout PoolState) throws(E) -> Void) throws(E) {
        let result: Result<PoolState.Actions, E> = state.withLock { state in
            do throws(E) {
                try change(&state)
                return .success(state.due())
            } catch {
                return .failure(error)
            }
        }
        let actions = try result.get()
        for resumption in actions.resumptions { resumption.resume() }
        for attempt in actions.attempts { connector.connect(for: self, attempt: attempt.id, on: attempt.loop) }
        for connection in actions.closing { connection.eventLoop.execute { connection.shutDown() } }
        actions.stopped?.resume()
        if actions.tick {
            connector.group.any().scheduleTask(in: .milliseconds(20)) {
                self.act { $0.isTicking = false }
            }
        }
    }
}
