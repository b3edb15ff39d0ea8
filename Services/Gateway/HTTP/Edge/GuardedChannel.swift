import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1
import NIOHTTPTypesHTTP1

/// Hummingbird's HTTP/1.1 connection, guarded by the limits of the edge and handled on the thread of its own event loop.
struct GuardedChannel: ServerChildChannel {
    private let inner: HTTP1Channel
    private let limits: EdgeLimits
    private let tls: EdgeTLS?
    private let quick: QuickRefusal
    private let count: ConnectionCount
    private let loops: [ObjectIdentifier: (executor: LoopExecutor, keeper: PaceKeeper)]

    init(_ inner: HTTP1Channel, limits: EdgeLimits, tls: EdgeTLS?, quick: QuickRefusal, on group: any EventLoopGroup) {
        self.inner = inner
        self.limits = limits
        self.tls = tls
        self.quick = quick
        count = ConnectionCount(limits)
        loops = Dictionary(uniqueKeysWithValues: group.makeIterator().map { (ObjectIdentifier($0), (LoopExecutor($0), PaceKeeper($0))) })
    }

    struct TooManyConnections: Error {}

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<HTTP1Channel.Value> {
        let address = ClientAddress(channel.remoteAddress)
        guard count.enter(address) else { return refuse(channel, TooManyConnections()) }
        channel.closeFuture.whenComplete { [count] _ in count.leave(address) }
        // A connection owes its request from the beginning: a handshake that does not get on is late headers.
        let encryption = tls?.handler()
        if let encryption {
            do {
                try channel.pipeline.syncOperations.addHandler(encryption)
            } catch {
                return refuse(channel, error)
            }
        }
        let bound = encryption.map { NIOLoopBound($0, eventLoop: channel.eventLoop) }
        return inner.setup(channel: channel, logger: logger).flatMapThrowing { value in
            let peer = PeerHandler(limits, keeper: keeper(of: channel.eventLoop))
            let pipeline = channel.pipeline.syncOperations
            // Pace is what arrives of the request, not of its envelope.
            try pipeline.addHandler(peer, position: bound.map { .after($0.value) } ?? .first)
            let codec = try pipeline.handler(type: HTTP1ToHTTPServerCodec.self)
            let encoder = try pipeline.context(handlerType: HTTPResponseEncoder.self)
            let guarding = RequestGuard(limits, peer: peer, address: address, quick: quick, encoder: encoder)
            try pipeline.addHandler(guarding, position: .before(codec))
            return value
        }.flatMapError { refuse(channel, $0) }
    }

    /// The server forgets a connection whose setup failed without closing it: its socket would stay open as long as the process.
    private func refuse(_ channel: any Channel, _ error: any Error) -> EventLoopFuture<HTTP1Channel.Value> {
        channel.close().flatMapThrowing { throw error }
    }

    func handle(value: HTTP1Channel.Value, logger: Logger) async {
        await withTaskExecutorPreference(loops[ObjectIdentifier(value.channel.eventLoop)]?.executor) {
            await inner.handle(value: value, logger: logger)
        }
    }

    private func keeper(of loop: any EventLoop) -> PaceKeeper {
        guard let known = loops[ObjectIdentifier(loop)] else { preconditionFailure("a connection on an event loop of another group") }
        return known.keeper
    }
}
