import Synchronization

/// Runs an action when a deadline passes; made for thousands of calls a second of which almost none expire.
///
/// `Task.sleep` leaves a timer behind for the rest of its time when it is cancelled: at 8,000 calls a second with 10 s each that is 80,000
/// timers. Here a call that ends in time costs an insertion and a removal; one sleeper waits for the earliest deadline of all.
package final class DeadlineQueue: Sendable {
    package static let shared = DeadlineQueue()

    /// A sleeper wakes this much after the deadline it waits for, so that deadlines close together share it.
    static let granularity = Duration.milliseconds(5)

    private struct State {
        var entries: [UInt64: Entry] = [:]
        var nextID: UInt64 = 0
        /// When the next sleeper wakes.
        var wake: ContinuousClock.Instant?
    }

    private struct Entry {
        let deadline: ContinuousClock.Instant
        let expiry: Expiry
    }

    private let state = Mutex(State())

    /// `expiry.fire()` will be called soon after `deadline` unless the entry is removed first.
    func add(_ expiry: Expiry, at deadline: ContinuousClock.Instant) -> UInt64 {
        let (id, wake) = state.withLock { state -> (UInt64, ContinuousClock.Instant?) in
            let id = state.nextID
            state.nextID &+= 1
            state.entries[id] = Entry(deadline: deadline, expiry: expiry)
            if let wake = state.wake, wake <= deadline + Self.granularity { return (id, nil) }
            let wake = deadline + Self.granularity
            state.wake = wake
            return (id, wake)
        }
        if let wake { sleep(until: wake) }
        return id
    }

    func remove(_ id: UInt64) {
        state.withLock { _ = $0.entries.removeValue(forKey: id) }
    }

    var count: Int { state.withLock { $0.entries.count } }

    private func sleep(until wake: ContinuousClock.Instant) {
        Task.detached { [self] in
            try? await Task.sleep(until: wake, tolerance: .zero, clock: .continuous)
            fireExpired(wokenFor: wake)
        }
    }

    private func fireExpired(wokenFor wake: ContinuousClock.Instant) {
        let now = ContinuousClock.now
        let (expired, next) = state.withLock { state -> ([Expiry], ContinuousClock.Instant?) in
            // An earlier sleeper has taken over; it scans, and starts the next one.
            guard state.wake == wake else { return ([], nil) }
            var expired: [Expiry] = []
            var earliest: ContinuousClock.Instant?
            for (id, entry) in state.entries {
                if entry.deadline <= now {
                    expired.append(entry.expiry)
                    state.entries.removeValue(forKey: id)
                } else if earliest.map({ entry.deadline < $0 }) ?? true {
                    earliest = entry.deadline
                }
            }
            state.wake = earliest.map { $0 + Self.granularity }
            return (expired, state.wake)
        }
        if let next { sleep(until: next) }
        for expiry in expired { expiry.fire() }
    }
}

/// One action that runs at most once, and never after `disarm` has returned.
final class Expiry: Sendable {
    private let action: Mutex<(@Sendable () -> Void)?>
    private let flag = Atomic(false)

    init(_ action: @escaping @Sendable () -> Void) {
        self.action = Mutex(action)
    }

    var hasFired: Bool { flag.load(ordering: .acquiring) }

    func fire() {
        action.withLock { action in
            guard let run = action else { return }
            flag.store(true, ordering: .releasing)
            action = nil
            run()
        }
    }

    /// Waits for an action that is running; whatever the action refers to may go away afterwards.
    func disarm() {
        action.withLock { $0 = nil }
    }
}
