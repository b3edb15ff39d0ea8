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
    private let state: Mutex<State>

    private struct State {
        var entries: [Entry] = []
        /// Attempts to connect that are under way, and the loop that each is for, if any.
        var attempts: [Int: (any EventLoop)?] = [:]
        var nextAttemptID = 0
        /// Oldest first. Those that gave up stay until they come to the front.
        var queue = CircularBuffer<Waiter>(initialCapacity: 16)
        var waiting = 0
        /// Failed attempts since the last that worked; when the first and the last of them failed, and why.
        var failures = 0
        var outageSince: NIODeadline?
        var nextAttemptAt = NIODeadline.uptimeNanoseconds(0)
        var lastError: RPCError?
        var isTicking = false
        /// Attempts to be begun once the lock is given back.
        var settling: [(id: Int, loop: (any EventLoop)?)] = []
        var phase = Phase.running
        var stopped = WaitList()
    }

    private struct Entry {
        let connection: FrameConnection
        let places: Int
        var taken = 0
        /// The server wants no new streams on it.
        var isDraining = false
    }

    private enum Phase { case running, stopping, stopped }

    /// Work found under the lock and done after it.
    private struct Actions {
        var resumptions: [Waiter.Resumption] = []
        var attempts: [(id: Int, loop: (any EventLoop)?)] = []
        var closing: [FrameConnection] = []
        var stopped: WaitList.Woken?
        var tick = false
    }

    init(connector: ClientConnector, configuration: FrameConfiguration) {
        self.connector = connector
        self.configuration = configuration
        state = Mutex(State())
    }

    // MARK: Calls

    /// A place on a connection; to be given back with `release`.
    /// - Throws: `unavailable` when the server cannot be reached, `resourceExhausted` when too many calls wait already, `cancelled`.
    func lease(waitForReady: Bool) async throws(RPCError) -> FrameConnection {
        let home = connector.currentLoop
        let (place, isHome) = state.withLock { Self.takePlace(&$0, at: home) }
        if let home, place != nil, !isHome { act { settle(&$0, at: home) } }
        if let place { return place }
        let now = NIODeadline.now()
        let waiter = Waiter(since: now, waitForReady: waitForReady)
        try act { state throws(RPCError) in
            guard state.phase == .running else { throw RPCError(code: .unavailable, message: "The client has been shut down.") }
            guard state.waiting < configuration.maximumWaitingCalls else {
                throw RPCError(code: .resourceExhausted, message: "\(state.waiting) calls wait for \(connector.target) already.")
            }
            let isHopeless = state.attempts.isEmpty && now < state.nextAttemptAt && isOut(state, now)
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
            state.entries.append(Entry(connection: connection, places: places))
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
            resumptions = fail(&state, RPCError(code: .unavailable, message: "The client has been shut down.")) { _ in true }
        }
        for resumption in resumptions { resumption.resume() }
    }

    // MARK: Decisions

    /// Changes the state, then does everything that has become possible or due.
    private func act<E: Error>(_ change: (inout State) throws(E) -> Void) throws(E) {
        let result: Result<Actions, E> = state.withLock { state in
            do throws(E) {
                try change(&state)
                return .success(due(&state))
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

    private func due(_ state: inout State) -> Actions {
        var actions = Actions()
        swap(&actions.attempts, &state.settling)
        if state.waiting > 0 {
            serve(&state, &actions)
            // Before the calls are failed that wait in vain: they are the only reason to try again.
            connect(&state, &actions)
            expire(&state, &actions)
            if state.waiting > 0 && !state.isTicking {
                state.isTicking = true
                actions.tick = true
            }
        } else if !state.queue.isEmpty {
            state.queue.removeAll()
        }
        for entry in state.entries where entry.taken == 0 && (entry.isDraining || (state.phase != .running && state.waiting == 0)) {
            actions.closing.append(entry.connection)
        }
        if state.phase == .stopping && state.waiting == 0 && state.entries.isEmpty && state.attempts.isEmpty {
            state.phase = .stopped
            actions.stopped = state.stopped.wake()
        }
        return actions
    }

    /// The first free place, at `home` before any other.
    private static func takePlace(_ state: inout State, at home: (any EventLoop)? = nil) -> (FrameConnection?, isHome: Bool) {
        guard state.phase == .running || state.waiting > 0 else { return (nil, false) }
        var found: Int?
        for index in state.entries.indices where state.entries[index].taken < state.entries[index].places && !state.entries[index].isDraining {
            guard let home, state.entries[index].connection.eventLoop !== home else {
                state.entries[index].taken += 1
                return (state.entries[index].connection, home != nil)
            }
            found = found ?? index
        }
        guard let found else { return (nil, false) }
        state.entries[found].taken += 1
        return (state.entries[found].connection, false)
    }

    /// Opens a connection on a loop whose calls had to take another's.
    private func settle(_ state: inout State, at home: any EventLoop) {
        let isServed =
            state.entries.contains { $0.connection.eventLoop === home && !$0.isDraining } || state.attempts.values.contains { $0 === home }
        guard !isServed, state.phase == .running, state.failures == 0 else { return }
        let usable = state.entries.count { !$0.isDraining }
        guard usable + state.attempts.count < configuration.maximumConnections else { return }
        state.attempts[state.nextAttemptID] = home
        state.settling.append((state.nextAttemptID, home))
        state.nextAttemptID += 1
    }

    private func serve(_ state: inout State, _ actions: inout Actions) {
        while let waiter = state.queue.first {
            if waiter.isFinished {
                state.queue.removeFirst()
                continue
            }
            guard let connection = Self.takePlace(&state).0 else { return }
            state.queue.removeFirst()
            state.waiting -= 1
            actions.resumptions.append(waiter.finish(.success(connection)))
        }
    }

    private func expire(_ state: inout State, _ actions: inout Actions) {
        let now = NIODeadline.now()
        if isOut(state, now), let error = state.lastError {
            actions.resumptions += fail(&state, error) { !$0.waitForReady }
        }
        let oldest = now - configuration.maximumWait
        if let first = state.queue.first, first.since <= oldest {
            let error = RPCError(code: .unavailable, message: "No connection with \(connector.target) had a place for the call.")
            actions.resumptions += fail(&state, error) { $0.since <= oldest && !$0.waitForReady }
        }
    }

    /// The server was out of reach for so long that calls should not wait for it.
    private func isOut(_ state: State, _ now: NIODeadline) -> Bool {
        guard let since = state.outageSince, state.entries.allSatisfy(\.isDraining) else { return false }
        return now - since >= configuration.failFastAfter
    }

    private func connect(_ state: inout State, _ actions: inout Actions) {
        let usable = state.entries.count { !$0.isDraining }
        var room = configuration.maximumConnections - usable - state.attempts.count
        var missing = state.waiting - state.attempts.count * configuration.maximumStreams
        if state.failures > 0 {
            guard state.attempts.isEmpty, NIODeadline.now() >= state.nextAttemptAt else { return }
            room = min(room, 1)
        }
        while room > 0 && missing > 0 {
            state.attempts[state.nextAttemptID] = .some(nil)
            actions.attempts.append((state.nextAttemptID, nil))
            state.nextAttemptID += 1
            room -= 1
            missing -= configuration.maximumStreams
        }
    }

    private func fail(_ state: inout State, _ error: RPCError, where matches: (Waiter) -> Bool) -> [Waiter.Resumption] {
        var resumptions: [Waiter.Resumption] = []
        for waiter in state.queue where !waiter.isFinished && matches(waiter) {
            state.waiting -= 1
            resumptions.append(waiter.finish(.failure(error)))
        }
        return resumptions
    }
}
