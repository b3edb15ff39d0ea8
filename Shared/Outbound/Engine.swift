import COutbound
import Foundation
import Synchronization

/// The thread that runs every transfer of a client, and the mailbox through which tasks reach it.
///
/// Tasks only append to the mailbox; the first one to find the thread asleep wakes it, so a burst of requests costs one wake-up.
final class Engine: Sendable {
    struct Mailbox {
        var submitted: [Transfer] = []
        var cancelled: [Transfer] = []
        /// The thread is in `curl_multi_poll`, or about to be, and has seen everything above.
        var isAsleep = false
        var isStopping = false
        /// Transfers submitted and not ended; bounded by `OutboundLimits`.
        var open = 0

        var isEmpty: Bool { submitted.isEmpty && cancelled.isEmpty && !isStopping }
    }

    /// libcurl set up for this process; false if it could not be.
    static let isReady = outbound_start() == 0

    private let mailbox = Mutex(Mailbox())
    /// Shared with the thread, which alone uses it except for `curl_multi_wakeup`; that one is called under the mailbox's lock and never
    /// after `isStopping`, since the thread may then have freed it.
    private nonisolated(unsafe) let multi: UnsafeMutableRawPointer
    private let limits: OutboundLimits

    init(limits: OutboundLimits) {
        guard Self.isReady, let multi = curl_multi_init() else { fatalError("libcurl cannot be initialised: out of memory") }
        self.multi = multi
        self.limits = limits
        let thread = Thread { [self] in
            EngineLoop(multi: self.multi, limits: limits, mailbox: { self.exchangeMail(ended: $0) }).run()
        }
        thread.name = "outbound"
        thread.start()
    }

    /// Runs one transfer to its end. `saturated` at once when too many are open; `cancelled` soon after the task was.
    func run(_ transfer: Transfer) async -> Result<Exchange, OutboundError> {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                transfer.continuation = continuation
                if let refusal = submit(transfer) { transfer.finish(.failure(refusal)) }
            }
        } onCancel: {
            // Marked first: a cancellation that overtakes its own submission is then seen when the transfer arrives.
            transfer.isCancelled.store(true, ordering: .releasing)
            mailbox.withLock { mailbox in
                mailbox.cancelled.append(transfer)
                wake(&mailbox)
            }
        }
    }

    /// Ends all transfers with `cancelled` and lets the thread go.
    func stop() {
        mailbox.withLock { mailbox in
            wake(&mailbox)
            mailbox.isStopping = true
        }
    }

    private func submit(_ transfer: Transfer) -> OutboundError? {
        mailbox.withLock { mailbox in
            guard !mailbox.isStopping else { return .cancelled }
            guard mailbox.open < limits.inFlight + limits.waiting else { return .saturated }
            mailbox.open += 1
            mailbox.submitted.append(transfer)
            wake(&mailbox)
            return nil
        }
    }

    private func wake(_ mailbox: inout Mailbox) {
        guard mailbox.isAsleep, !mailbox.isStopping else { return }
        mailbox.isAsleep = false
        curl_multi_wakeup(multi)
    }

    /// Called by the thread: says how many transfers it ended since the last time and takes what has arrived. If nothing has, the thread
    /// counts as asleep from here on.
    private func exchangeMail(ended: Int) -> Mailbox {
        mailbox.withLock { mailbox in
            mailbox.open -= ended
            let mail = mailbox
            mailbox.submitted = []
            mailbox.cancelled = []
            mailbox.isAsleep = mail.isEmpty
            return mail
        }
    }
}
