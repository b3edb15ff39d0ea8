import GRPCCore
import NIOCore
import Synchronization

/// The connections of one server and the calls running on them.
final class ServerListener: Sendable {
    typealias Handler = @Sendable (RPCStream<FrameServerTransport.Inbound, FrameServerTransport.Outbound>, ServerContext) async -> Void

    private let configuration: FrameConfiguration
    private let methods: [String: MethodDescriptor]
    private let handler: Handler
    /// Handlers that have not returned, over all connections.
    private let running = Atomic(0)
    private let state = Mutex(State())

    private struct State {
        var channel: (any Channel)?
        var connections: [ObjectIdentifier: FrameConnection] = [:]
        var isStopping = false
        var isDone = false
        var finished = WaitList()
    }

    init(configuration: FrameConfiguration, methods: [MethodDescriptor], handler: @escaping Handler) {
        self.configuration = configuration
        self.methods = Dictionary(methods.map { ($0.fullyQualifiedMethod, $0) }, uniquingKeysWith: { first, _ in first })
        self.handler = handler
    }

    // MARK: Connections

    /// - Returns: false if the connection must be refused.
    func admit(_ connection: FrameConnection) -> Bool {
        state.withLock { state in
            guard !state.isStopping, state.connections.count < configuration.maximumAcceptedConnections else { return false }
            state.connections[ObjectIdentifier(connection)] = connection
            return true
        }
    }

    /// A connection that became ready while the server was told to stop is told as well.
    func ready(_ connection: FrameConnection) {
        if state.withLock({ $0.isStopping }) { connection.drain() }
    }

    func closed(_ connection: FrameConnection) {
        state.withLock { _ = $0.connections.removeValue(forKey: ObjectIdentifier(connection)) }
        finishIfDone()
    }

    // MARK: Calls

    /// Starts the handler of a call on the connection's event loop.
    ///
    /// A small request that is whole is handled right here until its handler first waits for something: most calls then need no other thread at
    /// all, or only that of the database's answer. Everything else goes to the thread pool.
    func start(_ stream: FrameStream, on connection: FrameConnection) {
        guard let start = stream.start else { return }
        running.add(1, ordering: .relaxed)
        connection.handlers.add(1, ordering: .relaxed)
        let method = methods[start.method] ?? Self.descriptor(start.method)
        let context = (remote: connection.remoteAddress, local: connection.localAddress, peer: connection.peer)
        let work: @Sendable () async -> Void = { [self] in
            await withServerContextRPCCancellationHandle { cancellation in
                stream.attach(cancellation)
                var call = ServerContext(descriptor: method, remotePeer: context.remote, localPeer: context.local, cancellation: cancellation)
                call.transportSpecific = context.peer
                let writer = ServerWriter(stream: stream, sendsEmptyHead: method.type != .unary && method.type != .clientStreaming)
                let rpc = RPCStream(
                    descriptor: method, inbound: RPCAsyncSequence(wrapping: ServerInbound(stream: stream)),
                    outbound: RPCWriter.Closable(wrapping: writer))
                await handler(rpc, call)
            }
            stream.handlerReturned()
            returned(on: connection)
        }
        if start.isInline, #available(macOS 26.0, *) {
            stream.attach(Task.immediate(executorPreference: connection, operation: work))
        } else {
            stream.attach(Task(operation: work))
        }
    }

    private func returned(on connection: FrameConnection) {
        connection.handlers.subtract(1, ordering: .relaxed)
        if running.subtract(1, ordering: .acquiringAndReleasing).newValue == 0 { finishIfDone() }
    }

    /// A method no service registered: GRPCCore answers `unimplemented`.
    private static func descriptor(_ path: String) -> MethodDescriptor {
        guard let slash = path.lastIndex(of: "/") else { return MethodDescriptor(fullyQualifiedService: "", method: path) }
        return MethodDescriptor(fullyQualifiedService: String(path[..<slash]), method: String(path[path.index(after: slash)...]))
    }

    // MARK: Life

    /// - Returns: false if the server was stopped before it listened.
    func listens(on channel: any Channel) -> Bool {
        state.withLock { state in
            state.channel = channel
            return !state.isStopping
        }
    }

    /// No new connections or calls; returns at once. `waitUntilDone` returns when the last call has ended.
    func beginGracefulShutdown() { stop { connection in connection.drain() } }

    /// Cancels everything.
    func stopNow() { stop { connection in connection.abandon() } }

    private func stop(_ each: @escaping @Sendable (FrameConnection) -> Void) {
        let (channel, connections) = state.withLock { state in
            state.isStopping = true
            return (state.channel, Array(state.connections.values))
        }
        channel?.close(promise: nil)
        for connection in connections { connection.eventLoop.execute { each(connection) } }
        finishIfDone()
    }

    func waitUntilDone() async {
        finishIfDone()
        let ticket = state.withLock { state in state.isDone ? nil : state.finished.ticket() }
        guard let ticket else { return }
        await withTaskCancellationHandler {
            await withUnsafeContinuation { continuation in
                if !state.withLock({ $0.finished.park(continuation, ticket: ticket) }) { continuation.resume() }
            }
        } onCancel: {
            stopNow()
        }
    }

    private func finishIfDone() {
        let woken: WaitList.Woken? = state.withLock { state in
            guard state.isStopping, state.connections.isEmpty, running.load(ordering: .acquiring) == 0 else { return nil }
            state.isDone = true
            return state.finished.wake()
        }
        woken?.resume()
    }
}
