import GRPCCore
import NIOCore

/// One call that waits for a place on a connection. Every method is called under the pool's lock, which is why it may be unchecked.
final class Waiter: @unchecked Sendable {
    typealias Outcome = Result<FrameConnection, RPCError>
    typealias Continuation = UnsafeContinuation<Outcome, Never>

    let since: NIODeadline
    /// The caller would rather wait until its deadline than fail while the server is out of reach.
    let waitForReady: Bool
    private var outcome: Outcome?
    private var continuation: Continuation?

    /// To be resumed after the lock was given back.
    struct Resumption: Sendable {
        let continuation: Continuation?
        let outcome: Outcome
        /// False if the waiter had its outcome before.
        let isFirst: Bool

        func resume() { continuation?.resume(returning: outcome) }
    }

    init(since: NIODeadline, waitForReady: Bool) {
        self.since = since
        self.waitForReady = waitForReady
    }

    var isFinished: Bool { outcome != nil }

    func park(_ continuation: Continuation) -> Resumption? {
        if let outcome { return Resumption(continuation: continuation, outcome: outcome, isFirst: false) }
        self.continuation = continuation
        return nil
    }

    func finish(_ outcome: Outcome) -> Resumption {
        guard self.outcome == nil else { return Resumption(continuation: nil, outcome: outcome, isFirst: false) }
        self.outcome = outcome
        defer { continuation = nil }
        return Resumption(continuation: continuation, outcome: outcome, isFirst: true)
    }
}
