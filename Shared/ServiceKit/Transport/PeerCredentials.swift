import FrameTransport
import Logging
import Metrics
import NIOCertificateReloading
import NIOSSL
import ServiceLifecycle

/// What this process shows to other services, and whom it believes: certificate, key and authorities, loaded anew when their files change.
///
/// Connections that are open stay as they are, new ones use the new files. Several authorities in one file are all trusted, so that one can be
/// replaced by another without a moment in which half of the services do not know the other half.
package final class PeerCredentials: Sendable {
    private struct Loaded: Sendable {
        let client: NIOSSLContext
        let server: NIOSSLContext
        /// For the stock transport, which makes its contexts itself.
        let chain: [NIOSSLCertificateSource]
        let key: NIOSSLPrivateKeySource
    }

    let files: TLSFiles
    private let loaded: FileBacked<Loaded>

    /// - Throws: an error of NIOSSL when a file cannot be used.
    package init(_ files: TLSFiles, logger: Logger) throws {
        self.files = files
        let expiry = Gauge(label: "tls_certificate_expires_at", dimensions: [("name", "peer")])
        let tls = FrameTLS(certificatePath: files.certificate, privateKeyPath: files.key, authorityPath: files.authority)
        loaded = try FileBacked(
            "the certificate for other services", paths: [files.certificate, files.key, files.authority], logger: logger
        ) {
            let chain = try NIOSSLCertificate.fromPEMFile(files.certificate)
            if let own = chain.first { expiry.record(Int(own.notValidAfter)) }
            return Loaded(
                client: try tls.clientContext(), server: try tls.serverContext(), chain: chain.map { .certificate($0) },
                key: .privateKey(try NIOSSLPrivateKey(file: files.key, format: .pem)))
        }
    }

    var clientContext: NIOSSLContext { loaded.value.client }
    var serverContext: NIOSSLContext { loaded.value.server }

    /// Watches the files.
    package var service: any Service { loaded }

    package func refresh() { loaded.refresh() }
}

extension PeerCredentials: CertificateReloader {
    package var sslContextConfigurationOverride: NIOSSLContextConfigurationOverride {
        let now = loaded.value
        var override = NIOSSLContextConfigurationOverride.noChanges
        override.certificateChain = now.chain
        override.privateKey = now.key
        return override
    }
}
