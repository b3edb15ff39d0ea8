import GRPCCore
import NIOCore
import Synchronization

/// A server's view of a stream: the task that handles it, and its deadline.
extension FrameStream {
    /// Cancelled at once if the caller gave up before.
    func attach(_ handle: ServerContext.RPCCancellationHandle) {
        let failed = state.withLock { state in
            state.cancellation = handle
            return state.failure != nil
        }
        if failed { handle.cancel() }
    }

    func attach(_ task: Task<Void, Never>) {
        let failed = state.withLock { state in
            state.handler = task
            return state.failure != nil
        }
        if failed { task.cancel() }
    }

    /// The handler returned. A handler that did not end the call is a bug, which its caller must not wait for.
    func handlerReturned() {
        sendTrailers(Status(code: .internalError, message: "The handler returned without a status."), [:])
        state.withLock { state in
            state.handler = nil
            state.cancellation = nil
        }
    }

    var deadline: NIODeadline? { state.withLock { $0.deadline } }

    /// How to start the handler; nil if the caller has given up before.
    ///
    /// Inline if the whole request is here and small, so that decoding it does not hold up the connection.
    var start: (method: String, isInline: Bool)? {
        state.withLock { state in
            guard state.failure == nil, !state.outboundEnded else { return nil }
            let bytes = connection.configuration.streamWindowBytes - state.receiveWindow
            return (state.method, state.inboundEnded && bytes <= connection.configuration.maximumInlineBytes)
        }
    }

    /// The time is over, on either side. Each tells the other, because their clocks need not agree.
    func expire() {
        let error = RPCError(code: .deadlineExceeded, message: "The deadline of the call has passed.")
        guard connection.isServer else { return cancel(error) }
        // The trailers go first: the handler, once cancelled, would answer with a status of its own.
        sendTrailers(Status(code: .deadlineExceeded, message: error.message), [:])
        fail(error)
    }
}
