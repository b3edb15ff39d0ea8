import GRPCCore
import NIOCore
import NIOPosix
import Synchronization

/// The client's end of Assay's RPC wire: protobuf frames over TCP or TLS, as `README.md` beside this file describes.
///
/// Connects when the first call wants it and again after a loss, with a growing pause; calls wait for that up to their deadline, but once the
/// server was out of reach for two seconds they fail at once with `unavailable`.
///
/// Unary calls run GRPCCore's part (interceptors and coding) on the connection's event loop, calls with streams on the caller's threads.
package struct FrameClientTransport: ClientTransport {
    package typealias Bytes = FrameBytes

    private let pool: ClientPool
    private let configuration: FrameConfiguration

    /// - Throws: an error of NIOSSL if a certificate or key cannot be read.
    package init(
        target: FrameAddress, tls: FrameTLS? = nil, configuration: FrameConfiguration = .defaults,
        eventLoopGroup: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton
    ) throws {
        let security = try tls.map { tls in
            let context = try tls.clientContext()
            return FrameSecurity(serverName: tls.serverName) { context }
        }
        self.init(target: target, security: security, configuration: configuration, eventLoopGroup: eventLoopGroup)
    }

    package init(
        target: FrameAddress, security: FrameSecurity?, configuration: FrameConfiguration = .defaults,
        eventLoopGroup: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton
    ) {
        self.configuration = configuration
        let connector = ClientConnector(target: target, security: security, configuration: configuration, group: eventLoopGroup)
        pool = ClientPool(connector: connector, configuration: configuration)
    }

    /// Retries are the caller's business.
    package var retryThrottle: RetryThrottle? { nil }

    package func config(forMethod descriptor: MethodDescriptor) -> MethodConfig? { nil }

    /// Returns after a graceful shutdown; cancelling it closes all connections at once.
    package func connect() async throws { await pool.run() }

    package func beginGracefulShutdown() { pool.beginGracefulShutdown() }

    package func withStream<T: Sendable>(
        descriptor: MethodDescriptor, options: CallOptions, _ closure: (RPCStream<Inbound, Outbound>, ClientContext) async throws -> T
    ) async throws -> T {
        let connection = try await pool.lease(waitForReady: options.waitForReady ?? false)
        guard descriptor.type == .unary else { return try await run(descriptor, options, on: connection, closure) }
        return try await withTaskExecutorPreference(connection) { try await run(descriptor, options, on: connection, closure) }
    }

    private func run<T: Sendable>(
        _ descriptor: MethodDescriptor, _ options: CallOptions, on connection: FrameConnection,
        _ closure: (RPCStream<Inbound, Outbound>, ClientContext) async throws -> T
    ) async throws -> T {
        let stream = FrameStream(on: connection, limits: limits(options, connection))
        defer {
            stream.close()
            pool.release(connection)
        }
        let rpc = RPCStream(
            descriptor: descriptor, inbound: RPCAsyncSequence(wrapping: ClientInbound(stream: stream)),
            outbound: RPCWriter.Closable(wrapping: ClientWriter(stream: stream, method: descriptor)))
        let context = ClientContext(descriptor: descriptor, remotePeer: connection.remoteAddress, localPeer: connection.localAddress)
        return try await withTaskCancellationHandler {
            try await closure(rpc, context)
        } onCancel: {
            stream.cancel(RPCError(code: .cancelled, message: "The caller cancelled the call."))
        }
    }

    private func limits(_ options: CallOptions, _ connection: FrameConnection) -> FrameStream.Limits {
        let peer = connection.peerLimits.withLock { $0.messageBytes }
        return FrameStream.Limits(
            send: min(options.maxRequestMessageBytes ?? .max, peer),
            receive: min(options.maxResponseMessageBytes ?? .max, configuration.maximumMessageBytes))
    }
}
