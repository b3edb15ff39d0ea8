import GRPCCore
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

/// The server's end of Assay's RPC wire: protobuf frames over TCP or TLS, as `README.md` beside this file describes.
///
/// A graceful shutdown stops accepting, tells clients to go elsewhere and lets calls under way end. Handlers run in tasks of their own, not in
/// children of the task that serves, so task-local values of that task do not reach them.
package final class FrameServerTransport: ServerTransport {
    package typealias Bytes = FrameBytes

    private let address: FrameAddress
    private let security: FrameSecurity?
    private let configuration: FrameConfiguration
    private let group: any EventLoopGroup
    private let state = Mutex(State())

    private struct State {
        var methods: [MethodDescriptor] = []
        var listener: ServerListener?
        var isStopped = false
        var listening: Result<FrameAddress, RPCError>?
        var waiters = WaitList()
    }

    /// - Throws: an error of NIOSSL if a certificate or key cannot be read, `FrameTLSError` if one is missing.
    package convenience init(
        address: FrameAddress, tls: FrameTLS? = nil, configuration: FrameConfiguration = .defaults,
        eventLoopGroup: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton
    ) throws {
        let security = try tls.map { tls in
            let context = try tls.serverContext()
            return FrameSecurity { context }
        }
        self.init(address: address, security: security, configuration: configuration, eventLoopGroup: eventLoopGroup)
    }

    package init(
        address: FrameAddress, security: FrameSecurity?, configuration: FrameConfiguration = .defaults,
        eventLoopGroup: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton
    ) {
        self.address = address
        self.security = security
        self.configuration = configuration
        group = eventLoopGroup
    }

    /// Where the server listens, with the real port if it was given port 0. Waits until it does.
    /// - Throws: `unavailable` if it could not or has stopped.
    package var listeningAddress: FrameAddress {
        get async throws {
            while true {
                try Task.checkCancellation()
                let (known, ticket) = state.withLock { state in
                    (state.listening, state.listening == nil ? state.waiters.ticket() : 0)
                }
                if let known { return try known.get() }
                await withTaskCancellationHandler {
                    await withUnsafeContinuation { continuation in
                        if !state.withLock({ $0.waiters.park(continuation, ticket: ticket) }) { continuation.resume() }
                    }
                } onCancel: {
                    state.withLock { $0.waiters.cancel(ticket: ticket) }?.resume()
                }
            }
        }
    }

    package func configure(context: GRPCServerContext) {
        state.withLock { $0.methods = context.methods }
    }

    /// Serves until a graceful shutdown has ended; cancelling the task cancels all calls.
    package func listen(streamHandler: @escaping @Sendable (RPCStream<Inbound, Outbound>, ServerContext) async -> Void) async throws {
        let listener: ServerListener? = state.withLock { state in
            guard !state.isStopped else { return nil }
            let listener = ServerListener(configuration: configuration, methods: state.methods, handler: streamHandler)
            state.listener = listener
            return listener
        }
        defer { resolve(.failure(RPCError(code: .unavailable, message: "The server does not listen."))) }
        guard let listener else { return }
        let channel = try await bind(listener)
        resolve(.success(FrameAddress(host: channel.localAddress?.ipAddress ?? address.host, port: channel.localAddress?.port ?? address.port)))
        guard listener.listens(on: channel) else {
            channel.close(promise: nil)
            return await listener.waitUntilDone()
        }
        await listener.waitUntilDone()
    }

    package func beginGracefulShutdown() {
        let listener = state.withLock { state in
            state.isStopped = true
            return state.listener
        }
        listener?.beginGracefulShutdown()
    }

    private func bind(_ listener: ServerListener) async throws -> any Channel {
        let (security, configuration) = (security, configuration)
        return try await ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 256)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.recvAllocator, value: AdaptiveRecvByteBufferAllocator(minimum: 2_048, initial: 16_384, maximum: 262_144))
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let connection = FrameConnection(.server(listener), on: channel.eventLoop, configuration: configuration)
                    if let security { try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: security.context())) }
                    guard listener.admit(connection) else {
                        throw RPCError(code: .resourceExhausted, message: "No further connections are accepted.")
                    }
                    try channel.pipeline.syncOperations.addHandler(connection)
                }
            }
            .bind(host: address.host, port: address.port)
            .get()
    }

    /// A later resolution replaces an earlier one: a server that has stopped has no address.
    private func resolve(_ result: Result<FrameAddress, RPCError>) {
        state.withLock { state in
            state.listening = result
            return state.waiters.wake()
        }.resume()
    }
}
