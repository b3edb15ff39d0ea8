import HummingbirdCore
import Logging
import NIOCore

/// Hummingbird's HTTP/1.1 connection, handled on the thread of its own event loop.
struct LoopBoundChannel: ServerChildChannel {
    private let inner: HTTP1Channel
    private let executors: [ObjectIdentifier: LoopExecutor]

    init(_ inner: HTTP1Channel, on group: any EventLoopGroup) {
        self.inner = inner
        executors = Dictionary(uniqueKeysWithValues: group.makeIterator().map { (ObjectIdentifier($0), LoopExecutor($0)) })
    }

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<HTTP1Channel.Value> { inner.setup(channel: channel, logger: logger) }

    func handle(value: HTTP1Channel.Value, logger: Logger) async {
        await withTaskExecutorPreference(executors[ObjectIdentifier(value.channel.eventLoop)]) {
            await inner.handle(value: value, logger: logger)
        }
    }
}
