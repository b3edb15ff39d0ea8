import NIOCore
import NIOPosix
import Synchronization

/// A port of 127.0.0.1 that leads to another one, as slowly as the test says: what a server looks like that has too much to do.
package final class SlowRoad: Sendable {
    package let port: Int
    private let group: MultiThreadedEventLoopGroup
    private let delay: Delay

    fileprivate final class Delay: Sendable {
        let value = Mutex(Duration.zero)
    }

    package static func to(port target: Int) async throws -> SlowRoad {
        // One loop: the two ends of a connection talk to each other without a lock.
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let delay = Delay()
        let channel = try await ServerBootstrap(group: group)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { inner in
                ClientBootstrap(group: inner.eventLoop).connect(host: "127.0.0.1", port: target).flatMapThrowing { outer in
                    try inner.pipeline.syncOperations.addHandler(Relay(to: outer, delay))
                    try outer.pipeline.syncOperations.addHandler(Relay(to: inner, delay))
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

    package func stop() { group.shutdownGracefully { _ in } }

    private final class Relay: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        private let peer: any Channel
        private let delay: Delay

        init(to peer: any Channel, _ delay: Delay) {
            self.peer = peer
            self.delay = delay
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let bytes = unwrapInboundIn(data)
            let peer = peer
            context.eventLoop.scheduleTask(in: TimeAmount(delay.value.withLock { $0 })) { peer.writeAndFlush(bytes, promise: nil) }
        }

        func channelInactive(context: ChannelHandlerContext) { peer.close(promise: nil) }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }
}
