import GRPCCore
import NIOCore
import NIOSSL

/// Who is at the other end of a connection; for server interceptors: `context.transportSpecific as? FramePeer`.
///
/// With mutual TLS the names come from a certificate that was verified against the trusted roots, so an allow-list of callers may rely on them.
package struct FramePeer: ServerContext.TransportSpecific, Hashable {
    /// DNS names and URIs of the peer's certificate. Empty without mutual TLS.
    package let subjectAlternativeNames: [String]
    package let isEncrypted: Bool

    /// Only right after the TLS handshake, on the channel's event loop.
    init(pipeline: ChannelPipeline.SynchronousOperations) {
        guard let handler = try? pipeline.handler(type: NIOSSLHandler.self) else {
            subjectAlternativeNames = []
            isEncrypted = false
            return
        }
        isEncrypted = true
        subjectAlternativeNames = handler.peerCertificate.map(Self.names) ?? []
    }

    private static func names(of certificate: NIOSSLCertificate) -> [String] {
        certificate._subjectAlternativeNames().compactMap { name in
            guard name.nameType == .dnsName || name.nameType == .uri else { return nil }
            return name.contents.withUnsafeBufferPointer { String(validating: $0, as: UTF8.self) }
        }
    }
}
