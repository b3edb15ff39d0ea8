import FrameTransport
import GRPCNIOTransportCore
import GRPCNIOTransportHTTP2Posix
import Logging
import NIOCore
import NIOPosix

/// Whether connections between services are in the clear (loopback, the default) or mutual TLS, and the transports made accordingly.
///
/// With TLS both sides show a certificate that `authority` has signed; clients also check that the name or address they dialled is in it.
package enum PeerSecurity: Sendable {
    case plaintext
    case mutualTLS(TLSFiles)

    package init(_ files: TLSFiles?) {
        self = files.map { .mutualTLS($0) } ?? .plaintext
    }

    /// Why connections end that should not; the label says who is talking, since a client and a server may log the same break.
    private static func configuration(_ label: String) -> FrameConfiguration {
        let logger = Logger(label: label)
        var configuration = FrameConfiguration.defaults
        configuration.report = { logger.notice("connection closed", metadata: ["reason": "\($0)"]) }
        configuration.drainTimeout = .seconds(RPCServer.grace.components.seconds)
        return configuration
    }

    private func frameTLS() -> FrameTLS? {
        guard case .mutualTLS(let files) = self else { return nil }
        return FrameTLS(certificatePath: files.certificate, privateKeyPath: files.key, authorityPath: files.authority)
    }

    func frameClient(to endpoint: Endpoint, eventLoopGroup: MultiThreadedEventLoopGroup) throws -> FrameClientTransport {
        try FrameClientTransport(
            target: FrameAddress(host: endpoint.host, port: endpoint.port), tls: frameTLS(), configuration: Self.configuration("rpc.client"),
            eventLoopGroup: eventLoopGroup)
    }

    func frameServer(at endpoint: Endpoint, eventLoopGroup: MultiThreadedEventLoopGroup) throws -> FrameServerTransport {
        try FrameServerTransport(
            address: FrameAddress(host: endpoint.host, port: endpoint.port), tls: frameTLS(), configuration: Self.configuration("rpc.server"),
            eventLoopGroup: eventLoopGroup)
    }

    func http2Client(to endpoint: Endpoint, eventLoopGroup: MultiThreadedEventLoopGroup) throws -> HTTP2ClientTransport.Posix {
        let security: HTTP2ClientTransport.Posix.TransportSecurity =
            switch self {
            case .plaintext:
                .plaintext
            case .mutualTLS(let files):
                .mTLS(
                    certificateChain: [.file(path: files.certificate, format: .pem)], privateKey: .file(path: files.key, format: .pem)
                ) { $0.trustRoots = .certificates([.file(path: files.authority, format: .pem)]) }
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
            case .mutualTLS(let files):
                .mTLS(
                    certificateChain: [.file(path: files.certificate, format: .pem)], privateKey: .file(path: files.key, format: .pem)
                ) { $0.trustRoots = .certificates([.file(path: files.authority, format: .pem)]) }
            }
        return HTTP2ServerTransport.Posix(
            address: try endpoint.socketAddress, transportSecurity: security,
            config: .defaults { $0.http2.maxConcurrentStreams = 100 }, eventLoopGroup: eventLoopGroup)
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
