import GRPCCore
import NIOCore

/// What a pool knows, and what follows from it. Only ever touched under the pool's lock; what there is to do is given back, to be done after it.
struct PoolState {
    private let configuration: FrameConfiguration
    private let target: FrameAddress

    var entries: [Entry] = []
    /// Attempts to connect that are under way, and the loop that each is for, if any.
    var attempts: [Int: (any EventLoop)?] = [:]
    private var nextAttemptID = 0
    /// Attempts that were decided on and not begun yet.
    private var pending: [Attempt] = []
    /// Oldest first. Those that gave up stay until they come to the front.
    var queue = CircularBuffer<Waiter>(initialCapacity: 16)
    var waiting = 0
    /// Failed attempts since the last that worked; when the first and the last of them failed, and why.
    var failures = 0
    var outageSince: NIODeadline?
    var nextAttemptAt = NIODeadline.uptimeNanoseconds(0)
    var lastError: RPCError?
    var isTicking = false
    var phase = Phase.running
    var stopped = WaitList()

    struct Entry {
        let connection: FrameConnection
        let places: Int
        var taken = 0
        /// The server wants no new streams on it.
        var isDraining = false

        var hasRoom: Bool { taken < places && !isDraining }
    }

    enum Phase { case running, stopping, stopped }

    struct Attempt {
        let id: Int
        /// Any of the group's if nil.
        let loop: (any EventLoop)?
    }

    /// Work found under the lock and done after it.
    struct Actions {
        var resumptions: [Waiter.Resumption] = []
        var attempts: [Attempt] = []
        var closing: [FrameConnection] = []
        var stopped: WaitList.Woken?
        var tick = false
    }

    init(_ configuration: FrameConfiguration, target: FrameAddress) {
        self.configuration = configuration
        self.target = target
    }

    // MARK: Places

    /// The first free place, at `home` before any other.
    mutating func takePlace(at home: (any EventLoop)? = nil) -> (connection: FrameConnection?, isHome: Bool) {
        guard phase == .running || waiting > 0 else { return (nil, false) }
        let atHome = home.flatMap { home in entries.firstIndex { $0.hasRoom && $0.connection.eventLoop === home } }
        guard let index = atHome ?? entries.firstIndex(where: \.hasRoom) else { return (nil, false) }
        entries[index].taken += 1
        return (entries[index].connection, atHome != nil)
    }

    /// Opens a connection on a loop whose calls had to take another's.
    mutating func settle(at home: any EventLoop) {
        let isServed = entries.contains { $0.connection.eventLoop === home && !$0.isDraining } || attempts.values.contains { $0 === home }
        guard !isServed, phase == .running, failures == 0, room > 0 else { return }
        attempt(on: home)
    }

    /// Connections that may still be opened.
    private var room: Int { configuration.maximumConnections - entries.count { !$0.isDraining } - attempts.count }

    private mutating func attempt(on loop: (any EventLoop)?) {
        attempts[nextAttemptID] = .some(loop)
        pending.append(Attempt(id: nextAttemptID, loop: loop))
        nextAttemptID += 1
    }

    /// The server was out of reach for so long that calls should not wait for it.
    func isOut(_ now: NIODeadline) -> Bool {
        guard let outageSince, entries.allSatisfy(\.isDraining) else { return false }
        return now - outageSince >= configuration.failFastAfter
    }

    mutating func fail(_ error: RPCError, where matches: (Waiter) -> Bool) -> [Waiter.Resumption] {
        var resumptions: [Waiter.Resumption] = []
        for waiter in queue where !waiter.isFinished && matches(waiter) {
            waiting -= 1
            resumptions.append(waiter.finish(.failure(error)))
        }
        return resumptions
    }

    // MARK: Decisions

    /// Everything that has become possible or due.
    mutating func due() -> Actions {
        var actions = Actions()
        if waiting > 0 {
            serve(&actions)
            // Before the calls are failed that wait in vain: they are the only reason to try again.
            connect()
            expire(&actions)
            if waiting > 0 && !isTicking {
                isTicking = true
                actions.tick = true
            }
        } else if !queue.isEmpty {
            queue.removeAll()
        }
        swap(&actions.attempts, &pending)
        for entry in entries where entry.taken == 0 && (entry.isDraining || (phase != .running && waiting == 0)) {
            actions.closing.append(entry.connection)
        }
        if phase == .stopping && waiting == 0 && entries.isEmpty && attempts.isEmpty {
            phase = .stopped
            actions.stopped = stopped.wake()
        }
        return actions
    }

    private mutating func serve(_ actions: inout Actions) {
        while let waiter = queue.first {
            if waiter.isFinished {
                queue.removeFirst()
                continue
            }
            guard let connection = takePlace().connection else { return }
            queue.removeFirst()
            waiting -= 1
            actions.resumptions.append(waiter.finish(.success(connection)))
        }
    }

    private mutating func connect() {
        var room = room
        var missing = waiting - attempts.count * configuration.maximumStreams
        if failures > 0 {
            guard attempts.isEmpty, NIODeadline.now() >= nextAttemptAt else { return }
            room = min(room, 1)
        }
        while room > 0 && missing > 0 {
            attempt(on: nil)
            room -= 1
            missing -= configuration.maximumStreams
        }
    }

    private mutating func expire(_ actions: inout Actions) {
        let now = NIODeadline.now()
        if isOut(now), let lastError {
            actions.resumptions += fail(lastError) { !$0.waitForReady }
        }
        let oldest = now - configuration.maximumWait
        if let first = queue.first, first.since <= oldest {
            let error = RPCError(code: .unavailable, message: "No connection with \(target) had a place for the call.")
            actions.resumptions += fail(error) { $0.since <= oldest && !$0.waitForReady }
        }
    }
}
