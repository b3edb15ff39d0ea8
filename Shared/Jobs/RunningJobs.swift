import Primitives
import Synchronization

/// What one process has claimed and not yet given up: the jobs at work, and those that ended but whose end is not yet written.
///
/// A slot is taken from the claim until the end is written, so a database that is away stops the claiming rather than piling up ends.
final class RunningJobs: Sendable {
    enum Interruption: Sendable {
        /// Another process has the job; whatever comes of this try is thrown away.
        case lost
        case overdue
        case stopping
    }

    private struct Entry {
        let kind: String
        let deadline: ContinuousClock.Instant
        var task: Task<Void, Never>?
        var outcome: JobOutcome?
        var interruption: Interruption?
    }

    private struct State {
        var entries: [JobLease: Entry] = [:]
        /// The tenant that was served last, by kind.
        var cursors: [String: ID<Tenant>] = [:]
    }

    private let state = Mutex(State())
    private let concurrency: [String: Int]

    init(concurrency: [String: Int]) {
        self.concurrency = concurrency
    }

    var isEmpty: Bool { state.withLock { $0.entries.isEmpty } }

    /// What may be claimed now.
    func wanted() -> [JobStore.Wanted] {
        state.withLock { state in
            var free = concurrency
            for entry in state.entries.values { free[entry.kind, default: 0] -= 1 }
            return free.filter { $0.value > 0 }.map { kind, slots in
                JobStore.Wanted(kind: kind, slots: slots, cursor: state.cursors[kind] ?? ID(uuid: .init(high: 0, low: 0)))
            }
        }
    }

    /// Takes a slot; `start` follows. The two are apart so that a job that ends at once finds its entry.
    func add(_ job: Job, timeLimit: Duration) {
        state.withLock { state in
            state.entries[job.lease] = Entry(kind: job.kind, deadline: .now + timeLimit)
            state.cursors[job.kind] = job.tenant
        }
    }

    func start(_ lease: JobLease, _ task: Task<Void, Never>) {
        state.withLock { $0.entries[lease]?.task = task }
    }

    /// - Parameter outcome: is told why the try was interrupted, if it was.
    /// - Returns: what will be written, `nil` when the job belongs to somebody else by now.
    func end(_ lease: JobLease, _ outcome: (Interruption?) -> JobOutcome) -> JobOutcome? {
        state.withLock { state in
            guard let entry = state.entries[lease] else { return nil }
            guard entry.interruption != .lost else {
                state.entries[lease] = nil
                return nil
            }
            let outcome = outcome(entry.interruption)
            state.entries[lease]?.outcome = outcome
            return outcome
        }
    }

    /// Ends that are still to be written.
    func ended() -> [(lease: JobLease, outcome: JobOutcome)] {
        state.withLock { state in state.entries.compactMap { lease, entry in entry.outcome.map { (lease, $0) } } }
    }

    /// The end is written, or was refused. Frees the slot.
    /// - Returns: the kind.
    @discardableResult
    func remove(_ lease: JobLease) -> String {
        state.withLock { $0.entries.removeValue(forKey: lease)?.kind ?? "" }
    }

    /// Leases worth holding on to; jobs past their time limit are cancelled instead, and their leases left to run out.
    func renewable(now: ContinuousClock.Instant) -> [JobLease] {
        let overdue = state.withLock { state in state.entries.filter { $0.value.outcome == nil && $0.value.deadline <= now }.map(\.key) }
        interrupt(overdue, .overdue)
        return state.withLock { state in state.entries.filter { $0.value.interruption != .overdue && $0.value.interruption != .lost }.map(\.key) }
    }

    /// Cancels jobs that are at work.
    /// - Returns: the kinds of those it cancelled; a job is interrupted once.
    @discardableResult
    func interrupt(_ leases: some Sequence<JobLease>, _ interruption: Interruption) -> [String] {
        let entries = state.withLock { state in
            leases.compactMap { lease -> Entry? in
                guard let entry = state.entries[lease], entry.outcome == nil, entry.interruption == nil else { return nil }
                state.entries[lease]?.interruption = interruption
                return entry
            }
        }
        entries.forEach { $0.task?.cancel() }
        return entries.map(\.kind)
    }

    /// Leases of jobs that have not ended.
    func atWork() -> [JobLease] {
        state.withLock { state in state.entries.filter { $0.value.outcome == nil }.map(\.key) }
    }
}
