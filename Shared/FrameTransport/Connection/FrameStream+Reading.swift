import GRPCCore
import NIOCore
import Synchronization

extension FrameStream {
    private enum Step: Sendable {
        case part(Part, windowIncrement: Int, id: UInt32, bytes: Int)
        case end
        case failed(RPCError)
        case wait(UInt64)
    }

    /// The next part, or nil after the last.
    /// - Throws: why the call ended early; `cancelled` if the reading task is cancelled while it waits.
    func next() async throws(RPCError) -> Part? {
        while true {
            switch step() {
            case .part(let part, let increment, let id, let bytes):
                if bytes > 0 { connection.read(bytes) }
                if increment > 0 { connection.sendWindowUpdate(increment, stream: id) }
                return part
            case .end: return nil
            case .failed(let error): throw error
            case .wait(let ticket):
                await wait(ticket)
                if Task.isCancelled { throw failure ?? RPCError(code: .cancelled, message: "The task that read the call was cancelled.") }
            }
        }
    }

    private var failure: RPCError? { state.withLock { $0.failure } }

    private func step() -> Step {
        state.withLock { state in
            if let failure = state.failure { return .failed(failure) }
            if let head = state.head {
                state.head = nil
                return .part(.metadata(head), windowIncrement: 0, id: 0, bytes: 0)
            }
            if let message = state.messages.popFirst() {
                let bytes = message.readableBytes + Frame.headBytes
                return .part(.message(FrameBytes(message)), windowIncrement: increment(&state, after: bytes), id: state.id, bytes: bytes)
            }
            if let (status, metadata) = state.status {
                state.status = nil
                return .part(.status(status, metadata), windowIncrement: 0, id: 0, bytes: 0)
            }
            if state.inboundEnded { return .end }
            return .wait(state.readers.ticket())
        }
    }

    /// Half a window is given back at once: a frame per message would double the traffic of small messages.
    private func increment(_ state: inout State, after bytes: Int) -> Int {
        guard !state.inboundEnded else { return 0 }
        state.consumed += bytes
        guard state.consumed * 2 >= connection.configuration.streamWindowBytes else { return 0 }
        defer { state.consumed = 0 }
        state.receiveWindow += state.consumed
        return state.consumed
    }

    private func wait(_ ticket: UInt64) async {
        await withTaskCancellationHandler {
            await withUnsafeContinuation { continuation in
                if !state.withLock({ $0.readers.park(continuation, ticket: ticket) }) { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.readers.cancel(ticket: ticket) }?.resume()
        }
    }
}
