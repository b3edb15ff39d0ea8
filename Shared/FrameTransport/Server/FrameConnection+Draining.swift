import GRPCCore
import NIOCore
import Synchronization

/// The end of a server's connection. Event loop only.
extension FrameConnection {
    /// Lets the calls under way end. The client closes the connection when it has its answers: were we the first to close, answers that it has not
    /// read yet could be lost.
    func drain() {
        guard context != nil else { return }
        guard isReady else { return close() }
        goAway()
        checkDrained(by: .now() + configuration.drainTimeout)
    }

    private func checkDrained(by deadline: NIODeadline) {
        guard context != nil else { return }
        let now = NIODeadline.now()
        if now >= deadline { return abandon() }
        let isIdle = streams.isEmpty && handlers.load(ordering: .relaxed) == 0
        if isIdle && now - lastRead > .seconds(1) { return close() }
        eventLoop.scheduleTask(in: .milliseconds(100)) { self.checkDrained(by: deadline) }
    }

    /// Cancels all calls, tells their callers and closes the connection.
    func abandon() {
        guard let context else { return }
        let error = RPCError(code: .unavailable, message: "The server is shutting down.")
        for stream in streams.values {
            stream.sendTrailers(Status(code: .unavailable, message: error.message), [:])
            stream.fail(error)
        }
        beginTurn()
        endTurn()
        // What was just flushed leaves before the channel closes, but a client that does not read must not keep us.
        let promise = eventLoop.makePromise(of: Void.self)
        promise.futureResult.whenComplete { _ in self.close() }
        context.writeAndFlush(NIOAny(ByteBuffer()), promise: promise)
        eventLoop.scheduleTask(in: .seconds(1)) { self.close() }
    }
}
