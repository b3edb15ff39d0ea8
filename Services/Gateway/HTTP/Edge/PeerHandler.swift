import NIOCore

/// The first handler of a connection: sees the bytes that come and go, and cuts off a peer that is too slow.
///
/// Event loop only, as all channel handlers are.
final class PeerHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = IOData

    private let keeper: PaceKeeper
    private(set) var pace: PeerPace
    private var context: ChannelHandlerContext?
    /// Answers a body that comes too slowly; the one above knows how.
    var refuseBody: (() -> Void)?

    init(_ limits: EdgeLimits, keeper: PaceKeeper) {
        self.keeper = keeper
        pace = PeerPace(limits, now: .now())
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        keeper.watch(self)
    }

    func handlerRemoved(context: ChannelHandlerContext) { leave() }

    func channelInactive(context: ChannelHandlerContext) {
        leave()
        context.fireChannelInactive()
    }

    private func leave() {
        context = nil
        refuseBody = nil
        keeper.forget(self)
    }

    func read(context: ChannelHandlerContext) {
        pace.listens(at: .now())
        context.read()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data).readableBytesView
        let endsLine = pace.isInFirstLine && bytes.contains(UInt8(ascii: "\n"))
        pace.received(bytes.count, endsLine: endsLine, at: .now())
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        pace.wrote(unwrapOutboundIn(data).readableBytes)
        context.write(data, promise: promise)
    }

    var isInFirstLine: Bool { pace.isInFirstLine }

    func headEnded() { pace.headEnded() }
    func requestEnded() { pace.requestEnded() }

    func look(at now: NIODeadline) {
        guard let context else { return }
        let unsent = (try? context.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
        switch pace.verdict(unsent: unsent, at: now) {
        case .fine: break
        case .slowBody: if let refuseBody { refuseBody() } else { context.close(promise: nil) }
        case .slowHeaders, .stalled: context.close(promise: nil)
        }
    }
}
