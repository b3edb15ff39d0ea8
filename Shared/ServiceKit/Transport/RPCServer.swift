import FrameTransport
import GRPCCore
import GRPCNIOTransportCore
import GRPCNIOTransportHTTP2Posix
import NIOPosix
import ServiceLifecycle

/// The serving side over either transport. Stops in order: no new calls, then up to 30 s for those in flight, then they are cancelled.
package struct RPCServer: Service {
    /// What a call in flight gets when the process stops (R25).
    static let grace = Duration.seconds(30)

    package let transport: RPCTransport
    package let endpoint: Endpoint
    package let security: PeerSecurity
    package let services: [any RegistrableRPCService]
    package let interceptor: ServerCallInterceptor
    /// Told the port once bound, for those who asked for any free one.
    package let onBound: @Sendable (Int) -> Void
    package let eventLoopGroup: MultiThreadedEventLoopGroup

    package init(
        _ transport: RPCTransport, at endpoint: Endpoint, security: PeerSecurity, services: [any RegistrableRPCService],
        interceptor: ServerCallInterceptor, eventLoopGroup: MultiThreadedEventLoopGroup = .singletonMultiThreadedEventLoopGroup,
        onBound: @escaping @Sendable (Int) -> Void = { _ in }
    ) {
        self.transport = transport
        self.endpoint = endpoint
        self.security = security
        self.services = services
        self.interceptor = interceptor
        self.eventLoopGroup = eventLoopGroup
        self.onBound = onBound
    }

    package func run() async throws {
        switch transport {
        case .frame:
            let transport = security.frameServer(at: endpoint, eventLoopGroup: eventLoopGroup)
            try await serve(transport) { try await transport.listeningAddress.port }
        case .http2:
            let transport = try security.http2Server(at: endpoint, eventLoopGroup: eventLoopGroup)
            try await serve(transport) {
                let address = try await transport.listeningAddress
                return address.ipv4?.port ?? address.ipv6?.port ?? 0
            }
        }
    }

    private func serve(_ transport: some ServerTransport, port: @escaping @Sendable () async throws -> Int) async throws {
        let server = GRPCServer(transport: transport, services: services, interceptors: [interceptor])
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.serve() }
            group.addTask {
                onBound(try await port())
                // Ends with the group when the server does.
                try? await gracefulShutdown()
                guard !Task.isCancelled else { return }
                server.beginGracefulShutdown()
                try? await Task.sleep(for: Self.grace)
            }
            // Whichever ends first decides: the server is done, or its time is up.
            defer { group.cancelAll() }
            try await group.next()
        }
    }
}
