import FrameTransport
import GRPCNIOTransportCore
import GRPCNIOTransportHTTP2Posix
import Logging
import NIOCore
import NIOPosix

/// Whether connections between services are in the clear (loopback, the default) or mutual TLS, and the transports made accordingly.
///
/// With TLS both sides show a certificate that one of the authorities has signed; clients also check that the name or address they dialled is
/// in it, and that it is the certificate of the service they mean. The stock transport has no place for the last check, and keeps the
/// authorities that it was made with: under it, replacing an authority takes a restart, while certificates and keys are loaded anew as under ours.
package enum PeerSecurity: Sendable {
    case plaintext
    case mutualTLS(PeerCredentials)

    var isMutualTLS: Bool { if case .mutualTLS = self { true } else { false } }

    /// Why connections end that should not; the label says who is talking, since a client and a server may log the same break.
    private static func configuration(_ label: String) -> FrameConfiguration {
        let logger = Logger(label: label)
        var configuration = FrameConfiguration.defaults
        configuration.report = { logger.notice("connection closed", metadata: ["reason": "\($0)"]) }
        configuration.drainTimeout = .seconds(RPCServer.grace.components.seconds)
        return configuration
    }

    /// - Parameter service: the one that must answer there.
    func frameClient(to endpoint: Endpoint, service: String? = nil, eventLoopGroup: MultiThreadedEventLoopGroup) -> FrameClientTransport {
        FrameClientTransport(
            target: FrameAddress(host: endpoint.host, port: endpoint.port),
            security: credentials.map { credentials in
                FrameSecurity(serverIdentity: service.map(CallGraph.identity)) { credentials.clientContext }
            }, configuration: Self.configuration("rpc.client"), eventLoopGroup: eventLoopGroup)
    }

    func frameServer(at endpoint: Endpoint, eventLoopGroup: MultiThreadedEventLoopGroup) -> FrameServerTransport {
        FrameServerTransport(
            address: FrameAddress(host: endpoint.host, port: endpoint.port),
            security: credentials.map { credentials in FrameSecurity { credentials.serverContext } },
            configuration: Self.configuration("rpc.server"), eventLoopGroup: eventLoopGroup)
    }

    private var credentials: PeerCredentials? { if case .mutualTLS(let credentials) = self { credentials } else { nil } }

    func http2Client(to endpoint: Endpoint, eventLoopGroup: MultiThreadedEventLoopGroup) throws -> HTTP2ClientTransport.Posix {
        let security: HTTP2ClientTransport.Posix.TransportSecurity =
            switch self {
            case .plaintext:
                .plaintext
            case .mutualTLS(let credentials):
                try .mTLS(certificateReloader: credentials) {
                    $0.trustRoots = .certificates([.file(path: credentials.files.authority, format: .pem)])
                }
            }
        return try HTTP2ClientTransport.Posix(
            target: endpoint.target, transportSecurity: security,
            config: .defaults {
                $0.connection.keepalive = .init(time: .seconds(30), timeout: .seconds(10), allowWithoutCalls: false)
                $0.backoff.initial = .milliseconds(25)
                $0.backoff.max = .seconds(1)
            }, eventLoopGroup: eventLoopGroup)
    }

    func http2Server(at endpoint: Endpoint, eventLoopGroup: MultiThreadedEventLoopGroup) throws -> HTTP2ServerTransport.Posix {
        let security: HTTP2ServerTransport.Posix.TransportSecurity =
            switch self {
            case .plaintext:
                .plaintext
            case .mutualTLS(let credentials):
                try .mTLS(certificateReloader: credentials) {
                    $0.trustRoots = .certificates([.file(path: credentials.files.authority, format: .pem)])
                }
            }
        return HTTP2ServerTransport.Posix(
            address: try endpoint.socketAddress, transportSecurity: security,
            config: .defaults {
                // The library bounds neither streams nor the life of a connection.
                $0.http2.maxConcurrentStreams = 100
                $0.rpc.maxRequestPayloadSize = 4 << 20
                $0.connection.maxIdleTime = .seconds(300)
                $0.connection.maxAge = .seconds(Int.random(in: 720...1080))
                $0.connection.maxGraceTime = .seconds(RPCServer.grace.components.seconds)
                $0.connection.keepalive.time = .seconds(30)
                $0.connection.keepalive.timeout = .seconds(10)
                $0.connection.keepalive.clientBehavior.minPingIntervalWithoutCalls = .seconds(10)
            }, eventLoopGroup: eventLoopGroup)
    }
}

extension Endpoint {
    /// Where the stock transport connects. An address must not go through its DNS resolver, which would name it in the TLS handshake (SNI), where
    /// only host names are allowed; the certificate is checked against the address then.
    fileprivate var target: any ResolvableTarget {
        switch try? NIOCore.SocketAddress(ipAddress: host, port: port) {
        case .v4: .ipv4(address: host, port: port)
        case .v6: .ipv6(address: host, port: port)
        default: .dns(host: host, port: port)
        }
    }

    /// The stock transport listens on literal addresses only; a name (`execution:7102`) is looked up here.
    fileprivate var socketAddress: GRPCNIOTransportCore.SocketAddress {
        get throws {
            let address = try NIOCore.SocketAddress.makeAddressResolvingHost(host, port: port)
            guard let literal = address.ipAddress else { throw ConfigFault("\(self) is not an address to listen on") }
            return address.protocol == .inet6 ? .ipv6(host: literal, port: port) : .ipv4(host: literal, port: port)
        }
    }
}
