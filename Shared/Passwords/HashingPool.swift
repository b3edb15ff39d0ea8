import Dispatch
import Foundation
import Primitives
import Synchronization

/// Threads of our own for work that takes tens of milliseconds of one core and megabytes of memory: not more at once than these threads, not more
/// waiting than a short queue, and the rest is refused (T42). So a flood of logins takes a bounded share of cores and memory.
package final class HashingPool: Sendable {
    /// How many wait at most.
    package static let maxWaiting = 64

    private let work = Work()

    /// - Parameter threads: twice the cores when not given.
    package init(threads: Int = 2 * ProcessInfo.processInfo.activeProcessorCount) {
        for number in 0..<max(1, threads) {
            let thread = Thread { [work] in work.serve() }
            thread.name = "hashing-\(number)"
            thread.stackSize = 512 * 1024
            thread.start()
        }
        work.state.withLock { $0.threads = max(1, threads) }
    }

    deinit { work.stop() }

    /// How many wait for a thread.
    var waiting: Int { work.state.withLock { $0.queue.count } }

    /// - Throws: `auth.busy` when the queue is full; what `body` throws.
    package func run<R: Sendable>(_ body: @escaping @Sendable () throws(Fault) -> R) async throws(Fault) -> R {
        let result = await withCheckedContinuation { (continuation: CheckedContinuation<Result<R, Fault>, Never>) in
            let isAccepted = work.push {
                continuation.resume(returning: Result { () throws(Fault) -> R in try body() })
            }
            if !isAccepted { continuation.resume(returning: .failure(.hashingBusy)) }
        }
        return try result.get()
    }

    /// What threads and pool share; it outlives the pool until the last thread has ended.
    private final class Work: Sendable {
        struct State {
            var queue: [@Sendable () -> Void] = []
            var busy = 0
            var threads = 0
            var isStopped = false
        }

        let state = Mutex(State())
        private let arrivals = DispatchSemaphore(value: 0)

        func push(_ item: @escaping @Sendable () -> Void) -> Bool {
            let isAccepted = state.withLock { state in
                // What an idle thread is about to take does not wait.
                guard !state.isStopped, state.queue.count < HashingPool.maxWaiting + max(0, state.threads - state.busy) else { return false }
                state.queue.append(item)
                return true
            }
            if isAccepted { arrivals.signal() }
            return isAccepted
        }

        func serve() {
            while true {
                arrivals.wait()
                let item = state.withLock { state -> (@Sendable () -> Void)? in
                    guard !state.queue.isEmpty else { return nil }
                    state.busy += 1
                    return state.queue.removeFirst()
                }
                // Woken without work: the pool is gone.
                guard let item else { return }
                item()
                state.withLock { $0.busy -= 1 }
            }
        }

        func stop() {
            let threads = state.withLock { state in
                state.isStopped = true
                return state.threads
            }
            for _ in 0..<threads { arrivals.signal() }
        }
    }
}

extension Fault {
    static let hashingBusy = Fault.unavailable("auth.busy", "Too many people are logging in at once. Please try again.", retryAfter: .seconds(1))
}
