import HTTPTypes
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import Primitives

/// Sees requests as they are parsed: tells `PeerHandler` where one ends, and answers by itself what must not get any further. Such a connection
/// is closed behind the answer, because nobody knows what else is on it.
final class RequestGuard: ChannelDuplexHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let limits: EdgeLimits
    private let peer: PeerHandler
    /// Heads of answers that were begun for requests, so that a refusal is never put into another answer.
    private var isAnswering = false
    private var isRefused = false

    init(_ limits: EdgeLimits, peer: PeerHandler) {
        self.limits = limits
        self.peer = peer
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
            if (head.path?.utf8.count ?? 0) > limits.target { return refuse(.targetTooLong(limits.target), context) }
        case .body: break
        case .end: peer.requestEnded()
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(let head): isAnswering = head.status.kind != .informational
        case .body: break
        case .end: isAnswering = false
        }
        context.write(data, promise: promise)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch error {
        case HTTPParserError.headerOverflow: refuse(.headersTooLarge, context)
        case is HTTPParserError: refuse(.httpMalformed, context)
        default: context.fireErrorCaught(error)
        }
    }

    private func refuse(_ fault: Fault, _ context: ChannelHandlerContext) {
        guard !isRefused else { return }
        isRefused = true
        guard !isAnswering else { return context.close(promise: nil) }
        let problem = Problem(fault)
        let body = ByteBuffer(string: problem.json(instance: "", requestID: ""))
        var fields: HTTPFields = [.contentType: Problem.mediaType, .connection: "close"]
        fields[.contentLength] = String(body.readableBytes)
        context.write(wrapOutboundOut(.head(HTTPResponse(status: problem.status, headerFields: fields))), promise: nil)
        context.write(wrapOutboundOut(.body(body)), promise: nil)
        let done = context.eventLoop.makePromise(of: Void.self)
        let loopBound = NIOLoopBound(context, eventLoop: context.eventLoop)
        done.futureResult.whenComplete { _ in loopBound.value.close(promise: nil) }
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: done)
    }
}
