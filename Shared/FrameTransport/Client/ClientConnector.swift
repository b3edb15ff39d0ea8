import GRPCCore
import NIOCore
import NIOPosix
import NIOSSL

/// Opens connections for a pool and reports how that went.
struct ClientConnector: Sendable {
    let target: FrameAddress
    let security: FrameSecurity?
    let configuration: FrameConfiguration
    let group: any EventLoopGroup
    private let loops: Set<ObjectIdentifier>

    init(target: FrameAddress, security: FrameSecurity?, configuration: FrameConfiguration, group: any EventLoopGroup) {
        self.target = target
        self.security = security
        self.configuration = configuration
        self.group = group
        loops = Set(group.makeIterator().map { ObjectIdentifier($0) })
    }

    /// The event loop of the group whose thread this is, if it is one.
    var currentLoop: (any EventLoop)? {
        guard let loop = MultiThreadedEventLoopGroup.currentEventLoop, loops.contains(ObjectIdentifier(loop)) else { return nil }
        return loop
    }

    /// - Parameter loop: where the connection shall be; any of the group's if nil.
    func connect(for pool: ClientPool, attempt: Int, on loop: (any EventLoop)? = nil) {
        // Every try of an address gets a channel, and so a connection, of its own.
        ClientBootstrap(group: loop ?? group)
            .connectTimeout(configuration.connectTimeout)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.recvAllocator, value: AdaptiveRecvByteBufferAllocator(minimum: 2_048, initial: 16_384, maximum: 262_144))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let security {
                        let handler = try NIOSSLClientHandler(context: security.context(), serverHostname: hostName)
                        try channel.pipeline.syncOperations.addHandler(handler)
                    }
                    let connection = FrameConnection(.client(pool, attempt: attempt), on: channel.eventLoop, configuration: configuration)
                    connection.expectedPeer = security?.serverIdentity
                    try channel.pipeline.syncOperations.addHandler(connection)
                }
            }
            .connect(host: target.host, port: target.port)
            .whenFailure { error in
                pool.failed(attempt: attempt, error: RPCError(code: .unavailable, message: "\(target) cannot be reached: \(error)"))
            }
    }

    /// Certificates name hosts; an address cannot be sent as a server name, it is compared with the certificate's addresses.
    private var hostName: String? {
        if let name = security?.serverName { return name }
        return (try? SocketAddress(ipAddress: target.host, port: 0)) == nil ? target.host : nil
    }
}
