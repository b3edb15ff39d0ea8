import COutbound
import Foundation
import Synchronization

/// The engine's own side: what its thread holds and does. Never leaves that thread.
///
/// At most `OutboundLimits.inFlight` transfers run; the others wait here in order of arrival, until their deadline.
final class EngineLoop {
    /// Handles kept for the next transfer; a handle is some 10 KiB.
    private static let maximumIdleHandles = 256
    /// How long the thread sleeps when libcurl has no timer of its own, in milliseconds.
    private static let longestSleep: Int32 = 1000
    private static let sleepWhileFull: Int32 = 100
    /// How often waiting transfers are looked through for passed deadlines.
    private static let sweepInterval = Duration.milliseconds(100)

    private let multi: UnsafeMutableRawPointer
    private let limits: OutboundLimits
    /// Reports transfers ended, takes new mail.
    private let mailbox: (_ ended: Int) -> Engine.Mailbox
    private var running: [UnsafeMutableRawPointer: EasyHandle] = [:]
    private var idleHandles: [EasyHandle] = []
    private var waiting: [Transfer] = []
    /// First of `waiting` that has not been taken; what stands before it is dropped in bulk.
    private var head = 0
    private var ended = 0
    private var lastSweep = ContinuousClock.now

    init(multi: UnsafeMutableRawPointer, limits: OutboundLimits, mailbox: @escaping (Int) -> Engine.Mailbox) {
        self.multi = multi
        self.limits = limits
        self.mailbox = mailbox
        _ = outbound_multi_set_long(multi, CURLMOPT_MAXCONNECTS, limits.idleConnections)
    }

    func run() {
        Self.blockBrokenPipe()
        while true {
            var count: Int32 = 0
            curl_multi_perform(multi, &count)
            collect()
            let mail = mailbox(ended)
            ended = 0
            if mail.isStopping { return shutDown(mail) }
            for transfer in mail.submitted { receive(transfer) }
            for transfer in mail.cancelled { cancel(transfer) }
            let started = startWaiting()
            // Sleep only after a look that found nothing: whoever submits after it wakes the thread.
            if !started, mail.isEmpty {
                curl_multi_poll(multi, nil, 0, head < waiting.count ? Self.sleepWhileFull : Self.longestSleep, nil)
            }
        }
    }

    /// With CURLOPT_NOSIGNAL libcurl leaves this to us: TLS writes to a closed socket would end the process.
    static func blockBrokenPipe() {
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGPIPE)
        pthread_sigmask(SIG_BLOCK, &signals, nil)
    }

    private func receive(_ transfer: Transfer) {
        transfer.isHeld = true
        if transfer.isCancelled.load(ordering: .acquiring) { return end(transfer, .failure(.cancelled)) }
        waiting.append(transfer)
    }

    /// Whether libcurl has got something new to do.
    private func startWaiting() -> Bool {
        guard head < waiting.count else { return false }
        let now = ContinuousClock.now
        let first = head
        while running.count < limits.inFlight, head < waiting.count {
            start(waiting[head], now)
            head += 1
        }
        let started = head > first
        if head == waiting.count {
            waiting.removeAll(keepingCapacity: true)
            head = 0
        } else if now - lastSweep > Self.sweepInterval {
            lastSweep = now
            waiting = waiting[head...].filter { transfer in
                if transfer.deadline <= now { end(transfer, .failure(.timeout(.queue))) }
                return transfer.continuation != nil
            }
            head = 0
        }
        return started
    }

    private func start(_ transfer: Transfer, _ now: ContinuousClock.Instant) {
        guard transfer.continuation != nil else { return }
        if transfer.deadline <= now { return end(transfer, .failure(.timeout(.queue))) }
        guard let handle = idleHandles.popLast() ?? EasyHandle() else { return end(transfer, .failure(.saturated)) }
        guard handle.prepare(transfer, authorities: limits.authorities, userAgent: limits.userAgent, now: now),
            curl_multi_add_handle(multi, handle.pointer) == CURLM_OK
        else {
            recycle(handle)
            return end(transfer, .failure(.invalidRequest("The request cannot be sent in this form.")))
        }
        running[handle.pointer] = handle
    }

    private func collect() {
        var code = CURLE_OK
        while let pointer = outbound_next_ended(multi, &code) {
            guard let handle = running.removeValue(forKey: pointer), let transfer = handle.transfer else { continue }
            let outcome = handle.outcome(code, of: transfer)
            curl_multi_remove_handle(multi, pointer)
            recycle(handle)
            end(transfer, outcome)
        }
    }

    /// A transfer that runs is taken out, its connection closed; one that waits is ended and skipped when its turn comes.
    private func cancel(_ transfer: Transfer) {
        guard transfer.isHeld else { return }
        if let pointer = transfer.easy, let handle = running.removeValue(forKey: pointer) {
            curl_multi_remove_handle(multi, pointer)
            recycle(handle)
        }
        end(transfer, .failure(.cancelled))
    }

    private func recycle(_ handle: EasyHandle) {
        handle.reset()
        if idleHandles.count < Self.maximumIdleHandles { idleHandles.append(handle) }
    }

    private func end(_ transfer: Transfer, _ result: Result<Exchange, OutboundError>) {
        guard transfer.continuation != nil else { return }
        ended += 1
        transfer.finish(result)
    }

    private func shutDown(_ mail: Engine.Mailbox) {
        for transfer in Array(waiting[head...]) + mail.submitted { end(transfer, .failure(.cancelled)) }
        for handle in running.values {
            curl_multi_remove_handle(multi, handle.pointer)
            if let transfer = handle.transfer { end(transfer, .failure(.cancelled)) }
            handle.reset()
        }
        running = [:]
        idleHandles = []
        curl_multi_cleanup(multi)
    }
}
