import NIOCore
import NIOPosix
import Synchronization

/// A port of 127.0.0.1 that leads to another one, as slowly as the test says: what a server looks like that has too much to do; or a line that breaks.
package final class SlowRoad: Sendable {
    package let port: Int
    private let group: MultiThreadedEventLoopGroup
    private let delay: Delay

    fileprivate final class Delay: Sendable {
        let value = Mutex(Duration.zero)
        let cuts = Mutex((left: 0, after: 0, made: 0))
    }

    package static func to(port target: Int) async throws -> SlowRoad {
        // One loop: the two ends of a connection talk to each other without a lock.
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let delay = Delay()
        let channel = try await ServerBootstrap(group: group)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { inner in
                ClientBootstrap(group: inner.eventLoop).connect(host: "127.0.0.1", port: target).flatMapThrowing { outer in
                    try inner.pipeline.syncOperations.addHandler(Relay(to: outer, delay, isWayThere: true))
                    try outer.pipeline.syncOperations.addHandler(Relay(to: inner, delay, isWayThere: false))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return SlowRoad(port: channel.localAddress?.port ?? 0, group: group, delay: delay)
    }

    private init(port: Int, group: MultiThreadedEventLoopGroup, delay: Delay) {
        self.port = port
        self.group = group
        self.delay = delay
    }

    /// From now on every byte takes this much longer, each way.
    package func slowDown(by duration: Duration) { delay.value.withLock { $0 = duration } }

    /// The next connections break, `count` of them, each when so many bytes have gone to the server.
    package func cut(_ count: Int, after bytes: Int) { delay.cuts.withLock { $0 = (count, bytes, 0) } }

    package var cutsMade: Int { delay.cuts.withLock { $0.made } }

    package func stop() { group.shutdownGracefully { _ in } }

    private final class Relay: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        private let peer: any Channel
        private let delay: Delay
        private let isWayThere: Bool
        private var gone = 0

        init(to peer: any Channel, _ delay: Delay, isWayThere: Bool) {
            self.peer = peer
            self.delay = delay
            self.isWayThere = isWayThere
        }

        private func breaks(_ count: Int) -> Bool {
            guard isWayThere else { return false }
            gone += count
            return delay.cuts.withLock { cuts in
                guard cuts.left > 0, gone > cuts.after else { return false }
                cuts.left -= 1
                cuts.made += 1
                return true
            }
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let bytes = unwrapInboundIn(data)
            let peer = peer
            if breaks(bytes.readableBytes) {
                peer.close(promise: nil)
                context.close(promise: nil)
                return
            }
            context.eventLoop.scheduleTask(in: TimeAmount(delay.value.withLock { $0 })) { peer.writeAndFlush(bytes, promise: nil) }
        }

        func channelInactive(context: ChannelHandlerContext) { peer.close(promise: nil) }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }
}
