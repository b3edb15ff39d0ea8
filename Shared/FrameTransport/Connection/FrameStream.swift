import GRPCCore
import NIOCore
import Synchronization

/// One call on one connection, seen from one side.
///
/// The event loop puts in what arrives; the task of the call takes it out and writes. Both go through one lock, which is never held while the
/// connection's lock is taken, nor while a task is resumed.
final class FrameStream: Sendable {
    /// What a call reads, in this order: the head, messages, and on a client the status.
    enum Part: Sendable {
        case metadata(Metadata)
        case message(FrameBytes)
        case status(Status, Metadata)
    }

    struct State {
        /// 0 until a client's request head is queued.
        var id: UInt32 = 0

        // Inbound: what was received and not read yet.
        var head: Metadata?
        var sawHead = false
        var messages = MessageQueue()
        var status: (Status, Metadata)?
        /// A client that has its status has all it can get; nothing can go wrong any more.
        var sawStatus = false
        var inboundEnded = false
        /// Why the call ended before its time. Nothing that was not read yet will be.
        var failure: RPCError?
        /// Bytes the peer may still send, and bytes read since it was last told.
        var receiveWindow: Int
        var consumed = 0
        var readers = WaitList()

        // Outbound
        var sendWindow: Int
        var outboundEnded = false
        var writers = WaitList()

        // Only on a server: what is called, and what to stop when the caller gives up.
        var handler: Task<Void, Never>?
        var cancellation: ServerContext.RPCCancellationHandle?
        /// `package.Service/Method`
        var method = ""
        var deadline: NIODeadline?
    }

    let connection: FrameConnection
    let limits: Limits
    let state: Mutex<State>

    /// Sizes of messages this call accepts, in bytes: the connection's, or less if the caller asked for less.
    struct Limits: Sendable {
        var send: Int
        var receive: Int
    }

    init(on connection: FrameConnection, limits: Limits, id: UInt32 = 0, head: Metadata? = nil, method: String = "") {
        self.connection = connection
        self.limits = limits
        var state = State(receiveWindow: connection.configuration.streamWindowBytes, sendWindow: connection.peerLimits.withLock { $0.window })
        state.id = id
        state.head = head
        state.sawHead = head != nil
        state.method = method
        self.state = Mutex(state)
    }

    // MARK: The event loop puts in

    /// - Throws: a violation if there was a head or message before.
    func receive(head: Metadata) throws(FrameViolation) {
        let woken: WaitList.Woken? = state.withLock { state in
            guard !state.sawHead else { return nil }
            state.sawHead = true
            state.head = head
            return state.readers.wake()
        }
        guard let woken else { throw FrameViolation("A stream has two heads.") }
        woken.resume()
    }

    /// - Parameter payload: nil in a frame that only ends the stream.
    /// - Throws: a violation if the peer had ended the stream or sends more than its window.
    func receive(message payload: ByteBuffer?, ends: Bool) throws(FrameViolation) {
        let result: Result<WaitList.Woken, FrameViolation> = state.withLock { state in
            if state.failure != nil { return .success(state.readers.wake()) }
            if state.inboundEnded {
                // A call that was answered early (refused, say) ends both ways here while the rest of its request is still on the way.
                if state.outboundEnded { return .success(state.readers.wake()) }
                return .failure(FrameViolation("A message comes after the end of its stream."))
            }
            if let payload {
                guard state.receiveWindow > 0 else { return .failure(FrameViolation("A stream's window is overdrawn.")) }
                let bytes = payload.readableBytes + Frame.headBytes
                state.receiveWindow -= bytes
                connection.unread.add(bytes, ordering: .relaxed)
                if !state.sawHead {
                    state.sawHead = true
                    state.head = Metadata()
                }
                state.messages.append(payload)
            }
            if ends { state.inboundEnded = true }
            return .success(state.readers.wake())
        }
        try result.get().resume()
        if let payload, payload.readableBytes > limits.receive {
            cancel(RPCError(code: .resourceExhausted, message: "A message has \(payload.readableBytes) bytes; the call accepts \(limits.receive)."))
        }
    }

    /// Ends a client's stream in both directions.
    func receive(status: Status, metadata: Metadata) {
        let (readers, writers) = state.withLock { state in
            state.status = (status, metadata)
            state.sawStatus = true
            state.inboundEnded = true
            state.outboundEnded = true
            return (state.readers.wake(), state.writers.wake())
        }
        readers.resume()
        writers.resume()
    }

    /// - Throws: a violation if the increment is 0 or the window would exceed 2³¹ − 1.
    func receive(windowIncrement increment: UInt32) throws(FrameViolation) {
        let woken: WaitList.Woken? = state.withLock { state in
            guard increment > 0, state.sendWindow + Int(increment) <= Int(Int32.max) else { return nil }
            state.sendWindow += Int(increment)
            return state.sendWindow > 0 ? state.writers.wake() : WaitList.Woken(first: nil, rest: [])
        }
        guard let woken else { throw FrameViolation("A window update has an impossible increment.") }
        woken.resume()
    }

    // MARK: Ending early

    /// Ends the stream on this side without telling the peer. A server's handler is cancelled.
    /// - Returns: the id if the peer still thinks of the stream as open.
    @discardableResult
    func fail(_ error: RPCError) -> UInt32? {
        let (id, readers, writers, handler, cancellation) = state.withLock { state in
            guard state.failure == nil else {
                return (
                    nil as UInt32?, state.readers.wake(), state.writers.wake(), nil as Task<Void, Never>?, nil as ServerContext.RPCCancellationHandle?
                )
            }
            if !state.sawStatus {
                state.failure = error
                dropUnread(&state)
            }
            let isOpen = state.id != 0 && !(state.inboundEnded && state.outboundEnded)
            state.inboundEnded = true
            state.outboundEnded = true
            return (isOpen ? state.id : nil, state.readers.wake(), state.writers.wake(), state.handler, state.cancellation)
        }
        readers.resume()
        writers.resume()
        cancellation?.cancel()
        handler?.cancel()
        return id
    }

    /// A client gives up: nothing more is read, and the server is told unless it has finished.
    func cancel(_ error: RPCError) {
        if let id = fail(error) { connection.send(.cancel, stream: id, closes: true) }
    }

    /// The client's call returned, read to its end or not.
    func close() {
        cancel(RPCError(code: .cancelled, message: "The call was left before its end."))
        state.withLock { dropUnread(&$0) }
    }

    /// Bytes that nobody will read no longer count against the connection.
    func dropUnread(_ state: inout State) {
        let bytes = state.messages.removeAll()
        if bytes > 0 { connection.read(bytes) }
    }
}
