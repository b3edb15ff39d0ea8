import GRPCCore
import NIOCore
import SwiftProtobuf
import Synchronization
import TransportAPI

extension FrameStream {
    // MARK: Client

    /// Sends the request head. The timeout leaves the metadata and becomes a field of the head.
    func open(_ method: MethodDescriptor, metadata: Metadata) throws(RPCError) {
        var metadata = metadata
        var head = PBRequestHead()
        head.method = method.fullyQualifiedMethod
        // 0 would mean no deadline.
        if let timeout = metadata.takeTimeout() { head.timeoutMs = max(1, timeout) }
        head.metadata = try metadata.entries()
        let encoded = try encode(head)
        let deadline = head.timeoutMs > 0 ? NIODeadline.now() + .milliseconds(Int64(clamping: min(head.timeoutMs, Self.longestTimeout))) : nil
        let failure = state.withLock { state in
            state.deadline = deadline
            return state.failure
        }
        if let failure { throw failure }
        let id = try connection.open(self, head: encoded)
        let failedMeanwhile = state.withLock { state in
            state.id = id
            return state.failure != nil
        }
        if failedMeanwhile { connection.send(.cancel, stream: id, closes: true) }
    }

    /// The client has said everything.
    func endRequest() {
        let id: UInt32? = state.withLock { state in
            guard !state.outboundEnded, state.id != 0 else { return nil }
            state.outboundEnded = true
            return state.id
        }
        if let id { connection.send(.message, [.endStream, .noMessage], stream: id) }
    }

    // MARK: Server

    func sendHead(_ metadata: Metadata) throws(RPCError) {
        var head = PBResponseHead()
        head.metadata = try metadata.entries()
        let encoded = try encode(head)
        let (id, error) = state.withLock { ($0.id, $0.outboundEnded ? $0.failure ?? .streamEnded : nil) }
        if let error { throw error }
        connection.send(.responseHead, stream: id, encoded: encoded)
    }

    /// Ends the call. Does nothing if it has ended.
    func sendTrailers(_ status: Status, _ metadata: Metadata) {
        let id: UInt32? = state.withLock { state in
            guard !state.outboundEnded else { return nil }
            state.outboundEnded = true
            state.inboundEnded = true
            dropUnread(&state)
            return state.id
        }
        if let id { connection.send(.trailers, .endStream, stream: id, encoded: trailers(status, metadata), closes: true) }
    }

    private func trailers(_ status: Status, _ metadata: Metadata) -> [UInt8] {
        if status.code == .ok && metadata.isEmpty { return [] }
        var trailers = PBTrailers()
        trailers.code = UInt32(status.code.rawValue)
        trailers.message = status.message
        if let entries = try? metadata.entries() {
            trailers.metadata = entries
            if let encoded = try? encode(trailers) { return encoded }
        }
        // A status must never get lost because what came with it is too large or malformed.
        trailers.metadata = []
        trailers.message = String(status.message.prefix(512))
        return (try? trailers.serializedBytes()) ?? []
    }

    // MARK: Both

    /// Sends one message; waits while the peer's window or the connection's queue is full.
    func send(_ message: FrameBytes, ends: Bool = false) async throws(RPCError) {
        guard message.count <= limits.send else {
            throw RPCError(code: .resourceExhausted, message: "A message has \(message.count) bytes; the limit is \(limits.send).")
        }
        while true {
            switch reserve(message.count + Frame.headBytes, ends: ends) {
            case .granted(let id):
                if connection.send(.message, ends ? .endStream : [], stream: id, payload: message.buffer) { await connection.waitForRoom() }
                return
            case .failed(let error): throw error
            case .wait(let ticket):
                await wait(ticket)
                if Task.isCancelled { throw RPCError(code: .cancelled, message: "The task that wrote to the call was cancelled.") }
            }
        }
    }

    private enum Reservation: Sendable {
        case granted(UInt32)
        case failed(RPCError)
        case wait(UInt64)
    }

    /// A positive window admits one message of any size, so that a message larger than the window cannot wait for ever.
    private func reserve(_ bytes: Int, ends: Bool) -> Reservation {
        state.withLock { state in
            if state.outboundEnded { return .failed(state.failure ?? .streamEnded) }
            guard state.id != 0 else { return .failed(RPCError(code: .internalError, message: "A message was written before the metadata.")) }
            guard state.sendWindow > 0 else { return .wait(state.writers.ticket()) }
            state.sendWindow -= bytes
            if ends { state.outboundEnded = true }
            return .granted(state.id)
        }
    }

    private func wait(_ ticket: UInt64) async {
        await withTaskCancellationHandler {
            await withUnsafeContinuation { continuation in
                if !state.withLock({ $0.writers.park(continuation, ticket: ticket) }) { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.writers.cancel(ticket: ticket) }?.resume()
        }
    }

    private func encode(_ message: some SwiftProtobuf.Message) throws(RPCError) -> [UInt8] {
        let encoded: [UInt8]
        do { encoded = try message.serializedBytes() } catch {
            throw RPCError(code: .internalError, message: "A head cannot be encoded.", cause: error)
        }
        let limit = connection.peerLimits.withLock { $0.metadataBytes }
        guard encoded.count <= limit else {
            throw RPCError(code: .resourceExhausted, message: "Metadata has \(encoded.count) bytes; the limit is \(limit).")
        }
        return encoded
    }

    /// 30 days; keeps arithmetic on deadlines away from overflow whatever a peer sends.
    static let longestTimeout: UInt64 = 30 * 24 * 3_600_000
}

extension RPCError {
    static let streamEnded = RPCError(code: .cancelled, message: "The call has ended; nothing more can be written.")
}
