import HTTPTypes
import NIOCore
import NIOHTTP1
import Primitives

/// Sees requests as they are parsed: tells `PeerHandler` where one ends, and answers by itself what must not get any further. Such a connection
/// is closed behind the answer, because nobody knows what else is on it.
final class RequestGuard: ChannelDuplexHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    private let limits: EdgeLimits
    private let peer: PeerHandler
    private let address: ClientAddress
    private let quick: QuickRefusal
    /// What is written here is not encoded any more.
    private let encoder: ChannelHandlerContext
    /// The last answer was 429: only then is it worth asking whether the next one can be given on the spot, and nobody else pays for the question.
    private var wasRefused = false
    /// Requests that have been passed on and not been answered.
    private var underWay = 0
    /// The request was answered when its head was seen; what is left of it is nobody's.
    private var isAnswered = false
    /// An answer has been begun, and a refusal must not be put into it.
    private var isAnswering = false
    /// The answer is a stream of events, which has no end of its own.
    private var isStreaming = false
    private var isRefused = false

    init(_ limits: EdgeLimits, peer: PeerHandler, address: ClientAddress, quick: QuickRefusal, encoder: ChannelHandlerContext) {
        self.limits = limits
        self.peer = peer
        self.address = address
        self.quick = quick
        self.encoder = encoder
    }

    func handlerAdded(context: ChannelHandlerContext) {
        let loopBound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        peer.refuseBody = {
            let (handler, context) = loopBound.value
            handler.refuse(.bodyTooSlow, context)
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isRefused else { return }
        switch unwrapInboundIn(data) {
        case .head(let head):
            peer.headEnded()
            if let fault = refusal(of: head) { return refuse(fault, context) }
            // Answers leave in the order of their requests.
            if wasRefused, underWay == 0, let answer = quick.answer(to: head, from: address) {
                isAnswered = true
                return encoder.writeAndFlush(NIOAny(IOData.byteBuffer(answer)), promise: nil)
            }
            underWay += 1
        case .body: if isAnswered { return }
        case .end:
            peer.requestEnded()
            if isAnswered {
                isAnswered = false
                return
            }
        }
        context.fireChannelRead(data)
    }

    /// What the parser lets through and we do not.
    private func refusal(of head: HTTPRequestHead) -> Fault? {
        guard head.version.major == 1 else { return .httpMalformed }
        guard head.uri.utf8.count <= limits.target else { return .targetTooLong(limits.target) }
        var host: String?
        for (name, value) in head.headers {
            if name.utf8.count + value.utf8.count > limits.headerField { return .headersTooLarge }
            guard name.utf8.count == 4, name.lowercased() == "host" else { continue }
            // Two hosts are an attempt to make two readers see different ones.
            guard host == nil else { return .httpMalformed }
            host = value
        }
        // A target in absolute form (RFC 9112, section 3.2.2) names its host itself; a Host header that says something else is another such attempt.
        if let scheme = ["http://", "https://"].first(where: { head.uri.hasPrefix($0) }) {
            let named = head.uri.dropFirst(scheme.count).prefix { $0 != "/" && $0 != "?" }
            guard named.lowercased() == host?.lowercased() else { return .misdirected }
        }
        return nil
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(let head):
            isAnswering = head.status.code >= 200
            wasRefused = head.status == .tooManyRequests
            isStreaming = head.headers.first(name: "Content-Type") == "text/event-stream"
        case .body: break
        case .end:
            (isAnswering, isStreaming) = (false, false)
            underWay -= 1
        }
        context.write(data, promise: promise)
    }

    /// A client may say that it has nothing more to ask and wait for its answer; one that hears events says with it that it has left.
    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case ChannelEvent.inputClosed = event, isStreaming { context.close(promise: nil) }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch error {
        case HTTPParserError.headerOverflow: refuse(peer.isInFirstLine ? .targetTooLong(limits.target) : .headersTooLarge, context)
        case is HTTPParserError: refuse(.httpMalformed, context)
        default: context.fireErrorCaught(error)
        }
    }

    private func refuse(_ fault: Fault, _ context: ChannelHandlerContext) {
        guard !isRefused else { return }
        isRefused = true
        guard !isAnswering else { return context.close(promise: nil) }
        let problem = Problem(fault, publicURL: limits.publicURL)
        let body = ByteBuffer(string: problem.json(instance: "", requestID: ""))
        let headers: HTTPHeaders = [
            "Content-Type": Problem.mediaType, "Connection": "close", "Content-Length": String(body.readableBytes),
        ]
        let head = HTTPResponseHead(version: .http1_1, status: HTTPResponseStatus(statusCode: problem.status.code), headers: headers)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil)
        let done = context.eventLoop.makePromise(of: Void.self)
        let loopBound = NIOLoopBound(context, eventLoop: context.eventLoop)
        done.futureResult.whenComplete { _ in loopBound.value.close(promise: nil) }
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: done)
    }
}
