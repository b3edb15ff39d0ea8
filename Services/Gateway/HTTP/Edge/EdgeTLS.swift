import Logging
import Metrics
import NIOCore
import NIOSSL
import ServiceKit

/// HTTPS by the gateway itself, for installations without a proxy that ends TLS in front. HTTP/1.1 only: HTTP/2 is not offered, so none of its
/// abuses (rapid reset, floods of CONTINUATION, PING or SETTINGS) has anything to work on.
///
/// TLS 1.2 with forward secrecy and authenticated encryption, and TLS 1.3. The files are watched, and the next connection gets the new certificate.
struct EdgeTLS: Sendable {
    /// Paths of PEM files; the chain with the own certificate first.
    struct Files: Sendable {
        let certificate: String
        let key: String
    }

    /// Mozilla's intermediate list, as far as it needs no finite-field Diffie-Hellman. Those of TLS 1.3 are always offered.
    private static let ciphers: [NIOTLSCipher] = [
        .TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, .TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, .TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
        .TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, .TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, .TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    ]

    /// Watches the files; to be run.
    let contexts: FileBacked<NIOSSLContext>

    /// - Throws: in words for the operator.
    init(_ files: Files, logger: Logger) throws(ConfigFault) {
        let expiry = Gauge(label: "tls_certificate_expires_at", dimensions: [("name", "edge")])
        do {
            contexts = try FileBacked("the certificate for clients", paths: [files.certificate, files.key], logger: logger) {
                let chain = try NIOSSLCertificate.fromPEMFile(files.certificate)
                if let own = chain.first { expiry.record(Int(own.notValidAfter)) }
                var configuration = TLSConfiguration.makeServerConfiguration(
                    certificateChain: chain.map { .certificate($0) },
                    privateKey: .privateKey(try NIOSSLPrivateKey(file: files.key, format: .pem)))
                configuration.minimumTLSVersion = .tlsv12
                configuration.cipherSuiteValues = Self.ciphers
                configuration.applicationProtocols = ["http/1.1"]
                // A peer that is cut off need not say goodbye first.
                configuration.shutdownTimeout = .seconds(1)
                return try NIOSSLContext(configuration: configuration)
            }
        } catch {
            throw ConfigFault("ASSAY_GATEWAY_TLS_CERTIFICATE_FILE and ASSAY_GATEWAY_TLS_KEY_FILE cannot be used: \(error)")
        }
    }

    func handler() -> NIOSSLServerHandler { NIOSSLServerHandler(context: contexts.value) }
}
