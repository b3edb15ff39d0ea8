import ExecutionAPI
import Hummingbird
import NIOCore
import Primitives
import ServiceKit
import Synchronization

/// One request on its way to its endpoint: what was asked, and what has been found out about who asks.
struct Exchange: Sendable {
    let request: Request
    let head: RequestHead
    var target: RequestTarget
    let address: ClientAddress
    let requestID: String
    let trace: Trace
    /// Of the path, still percent-encoded.
    var parameters: [(name: String, value: Substring)] = []
    /// `nil` on public routes for whoever shows nothing.
    var principal: Principal?
    /// What the request counts towards.
    var metrics: RouteMetrics
    /// The upload in pieces that the body is taken into, where that was announced.
    var partialUpload: PBPartialUpload?
    let body: BodyReader
    let connection: any Channel

    /// The connection's end: whoever waits for something else than the client learns here that it has left.
    var closed: EventLoopFuture<Void> { connection.closeFuture }

    /// - Throws: `request.malformed_path` when it is not percent-encoded UTF-8 without NUL.
    func parameter(_ name: String) throws(Fault) -> String {
        guard let raw = parameters.first(where: { $0.name == name })?.value, let text = PercentEncoding.decode(raw, plusIsSpace: false) else {
            throw .pathMalformed
        }
        return text
    }

    /// The caller for calls upstream.
    /// - Throws: `auth.key_missing` on a public route without identity.
    func caller(idempotencyKey: String? = nil) throws(Fault) -> Caller {
        guard let principal else { throw .keyMissing }
        return Caller(identity: principal.caller, requestID: requestID, idempotencyKey: idempotencyKey)
    }

    /// What the client says of itself, fit for a header, a log and a table.
    var userAgent: String {
        guard let text = head.userAgent else { return "" }
        return String(decoding: text.utf8.lazy.filter { (0x20...0x7E).contains($0) }.prefix(200), as: UTF8.self)
    }

    /// Runs `operation` with the caller, request id and trace bound for calls upstream, which get at most `limit`.
    func calling<R>(as caller: Caller?, limit: Duration, _ operation: () async throws -> R) async rethrows -> R {
        let context = CallContext(
            caller: caller, requestID: requestID, address: address.description, userAgent: userAgent, trace: trace, deadline: .now + limit)
        return try await CallContext.$current.withValue(context, operation: operation)
    }
}

/// The body of one request, read once, never beyond a cap, and known to be read to its end or not: the connection can only be used again
/// when it was.
final class BodyReader: Sendable {
    private let body: RequestBody
    private let declared: Int?
    private let connection: any Channel
    private let state: Mutex<State>

    private struct State {
        var taken: Int = 0
        /// Bytes that have come, dropped ones among them.
        var received: Int = 0
        var isFinished: Bool
        /// A read was given up or failed: the iterator went with it, and there is only one.
        var isLost = false
        var iterator: RequestBody.AsyncIterator?
    }

    init(_ request: Request, _ head: RequestHead, _ connection: any Channel) {
        body = request.body
        self.connection = connection
        declared = head.contentLength.flatMap(Int.init)
        state = Mutex(State(isFinished: !head.hasBody))
    }

    var isFinished: Bool { state.withLock { $0.isFinished } }

    /// Bytes that have come so far.
    var taken: Int { state.withLock { $0.taken } }

    /// The whole body.
    /// - Throws: `tooLarge` before anything is read when the declared length is over the cap, else at the byte that crosses it (T03).
    func collect(limit: Int, tooLarge: Fault) async throws -> ByteBuffer {
        var whole = ByteBuffer()
        while var part = try await next(limit: limit, tooLarge: tooLarge) {
            if whole.readableBytes == 0 { whole = part } else { whole.writeBuffer(&part) }
        }
        return whole
    }

    /// The next piece as it arrived; back-pressure reaches the client, because nothing is read ahead.
    func next(limit: Int, tooLarge: Fault) async throws -> ByteBuffer? {
        if let declared, declared > limit { throw tooLarge }
        guard let part = try await next() else { return nil }
        let taken = state.withLock { state in
            state.taken += part.readableBytes
            return state.taken
        }
        guard taken <= limit else { throw tooLarge }
        return part
    }

    /// Reads and drops at most `limit` bytes of what is left.
    /// - Returns: whether the end was reached.
    func drain(limit: Int) async throws -> Bool {
        var dropped = 0
        while state.withLock({ !$0.isFinished && !$0.isLost }), dropped <= limit {
            guard let part = try await next() else { break }
            dropped += part.readableBytes
        }
        return isFinished
    }

    /// One reader at a time: an endpoint, and after it the front that drains.
    ///
    /// - Throws: `rpc.cancelled` when the connection has ended before the body has. Hummingbird takes both ends for one, and half a report would be
    ///   stored for a whole one.
    private func next() async throws -> ByteBuffer? {
        let (isFinished, isLost) = state.withLock { ($0.isFinished, $0.isLost) }
        if isFinished { return nil }
        if isLost { throw CancellationError() }
        var iterator = state.withLock { state in
            let iterator = state.iterator ?? body.makeAsyncIterator()
            state.iterator = nil
            return UncheckedIterator(iterator: iterator)
        }.iterator
        let part: ByteBuffer?
        do {
            part = try await iterator.next()
        } catch {
            state.withLock { $0.isLost = true }
            throw error
        }
        let kept = UncheckedIterator(iterator: iterator)
        let isBroken = state.withLock { state in
            state.iterator = kept.iterator
            if let part {
                state.received += part.readableBytes
                return false
            }
            state.isFinished = true
            // Without a declared length nothing but the connection tells; whoever has closed it does not wait for an answer either.
            return declared.map { state.received < $0 } ?? !connection.isActive
        }
        guard !isBroken else { throw Fault.cancelled }
        return part
    }

    /// Hummingbird's iterator is a value around NIO's, which is made for one reader; this class is that one.
    private struct UncheckedIterator: @unchecked Sendable {
        let iterator: RequestBody.AsyncIterator
    }
}
