import Primitives
import Synchronization

/// Addresses by host name, kept for a fixed time, with one look-up per name however many requests wait for it.
///
/// Holds what was answered, not what was allowed: every request puts every address to its own policy. `getaddrinfo` does not tell the
/// time to live, so there is one lifetime for all, short enough for fail-over.
final class AddressCache: Sendable {
    typealias Answer = Result<[IPAddress], OutboundError>

    /// Names remembered; at the limit those that have expired go, and if none has, all that are known.
    private static let maximumNames = 4096
    /// Requests that may wait for look-ups; more are refused with `outbound_saturated`.
    private static let maximumWaiters = 8192
    /// A failed look-up is remembered this long, so that a dead name does not occupy the resolver's threads.
    private static let failureLifetime = Duration.seconds(2)

    private enum Slot {
        case known(Answer, until: ContinuousClock.Instant)
        case pending([UInt64: CheckedContinuation<Answer, Never>])
    }

    private struct State {
        var slots: [String: Slot] = [:]
        var lastWaiter: UInt64 = 0
        var waiters = 0
    }

    private let resolver: Resolver
    private let lifetime: Duration
    private let state = Mutex(State())

    init(resolver: Resolver, lifetime: Duration) {
        self.resolver = resolver
        self.lifetime = lifetime
    }

    /// The addresses of a name, or `dns`, `timeout(.dns)` at the deadline, `cancelled` as soon as the task is.
    func addresses(of host: String, until deadline: ContinuousClock.Instant) async throws(OutboundError) -> [IPAddress] {
        if let known = known(host) { return try known.get() }
        let waiter = state.withLock { state -> UInt64? in
            guard state.waiters < Self.maximumWaiters else { return nil }
            state.waiters += 1
            state.lastWaiter += 1
            return state.lastWaiter
        }
        guard let waiter else { throw .saturated }
        defer { state.withLock { $0.waiters -= 1 } }
        let alarm = Task {
            try await Task.sleep(until: deadline, clock: .continuous)
            leave(host, waiter, with: .timeout(.dns))
        }
        defer { alarm.cancel() }
        let answer = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                wait(for: host, waiter, continuation)
                // A cancellation that came before the waiter was known found nobody to wake.
                if Task.isCancelled { leave(host, waiter, with: .cancelled) }
            }
        } onCancel: {
            leave(host, waiter, with: .cancelled)
        }
        return try answer.get()
    }

    private func known(_ host: String) -> Answer? {
        state.withLock { state in
            guard case .known(let answer, let until) = state.slots[host], until > .now else { return nil }
            return answer
        }
    }

    private func wait(for host: String, _ waiter: UInt64, _ continuation: CheckedContinuation<Answer, Never>) {
        let isFirst = state.withLock { state -> Bool in
            switch state.slots[host] {
            case .pending(var waiters):
                waiters[waiter] = continuation
                state.slots[host] = .pending(waiters)
                return false
            case .known(let answer, let until) where until > .now:
                continuation.resume(returning: answer)
                return false
            case .known, nil:
                if state.slots.count >= Self.maximumNames { Self.makeRoom(&state.slots) }
                state.slots[host] = .pending([waiter: continuation])
                return true
            }
        }
        guard isFirst else { return }
        Task {
            do throws(OutboundError) {
                finish(host, .success(try await resolver.addresses(host)))
            } catch {
                finish(host, .failure(error))
            }
        }
    }

    private func finish(_ host: String, _ answer: Answer) {
        let waiters = state.withLock { state in
            guard case .pending(let waiters) = state.slots[host] else { return [:] as [UInt64: CheckedContinuation<Answer, Never>] }
            let life = if case .success = answer { lifetime } else { min(lifetime, Self.failureLifetime) }
            state.slots[host] = .known(answer, until: .now + life)
            return waiters
        }
        for continuation in waiters.values { continuation.resume(returning: answer) }
    }

    private func leave(_ host: String, _ waiter: UInt64, with error: OutboundError) {
        let continuation = state.withLock { state -> CheckedContinuation<Answer, Never>? in
            guard case .pending(var waiters) = state.slots[host] else { return nil }
            let continuation = waiters.removeValue(forKey: waiter)
            state.slots[host] = .pending(waiters)
            return continuation
        }
        continuation?.resume(returning: .failure(error))
    }

    private static func makeRoom(_ slots: inout [String: Slot]) {
        func keep(_ slot: Slot, known: Bool) -> Bool {
            if case .known(_, let until) = slot { known && until > .now } else { true }
        }
        slots = slots.filter { keep($0.value, known: true) }
        if slots.count >= maximumNames { slots = slots.filter { keep($0.value, known: false) } }
    }
}
