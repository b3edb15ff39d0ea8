import NIOSSL

/// Certificates of one side, as paths of PEM files. A transport made from this reads them once; whoever wants to replace them while connections
/// live makes the contexts and hands them over as `FrameSecurity`.
package struct FrameTLS: Sendable {
    /// Our certificate, intermediates after it. Servers need one, clients only for mutual TLS.
    package var certificatePath: String?
    package var privateKeyPath: String?
    /// The authorities that sign our peers. Clients without one trust the system's; a server with one asks every client for a certificate.
    package var authorityPath: String?
    /// The name that the server's certificate must carry, if it is not the host we connect to.
    package var serverName: String?

    package init(certificatePath: String? = nil, privateKeyPath: String? = nil, authorityPath: String? = nil, serverName: String? = nil) {
        self.certificatePath = certificatePath
        self.privateKeyPath = privateKeyPath
        self.authorityPath = authorityPath
        self.serverName = serverName
    }

    /// Lets a server on a shared port tell our protocol from others before the first byte of it.
    static let applicationProtocol = "assay-frame/1"

    package func clientContext() throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        if let certificatePath {
            configuration.certificateChain = try NIOSSLCertificate.fromPEMFile(certificatePath).map { .certificate($0) }
        }
        if let privateKeyPath {
            configuration.privateKey = .privateKey(try NIOSSLPrivateKey(file: privateKeyPath, format: .pem))
        }
        return try context(&configuration)
    }

    package func serverContext() throws -> NIOSSLContext {
        guard let certificatePath, let privateKeyPath else { throw FrameTLSError.noServerCertificate }
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: try NIOSSLCertificate.fromPEMFile(certificatePath).map { .certificate($0) },
            privateKey: .privateKey(try NIOSSLPrivateKey(file: privateKeyPath, format: .pem)))
        // Clients are named by their certificate, not by the host they call from.
        configuration.certificateVerification = authorityPath == nil ? .none : .noHostnameVerification
        return try context(&configuration)
    }

    private func context(_ configuration: inout TLSConfiguration) throws -> NIOSSLContext {
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = [Self.applicationProtocol]
        if let authorityPath {
            configuration.trustRoots = .certificates(try NIOSSLCertificate.fromPEMFile(authorityPath))
        }
        return try NIOSSLContext(configuration: configuration)
    }
}

/// TLS settings that cannot work, found when a transport is made.
package enum FrameTLSError: Error, CustomStringConvertible {
    case noServerCertificate

    package var description: String { "A server with TLS needs a certificate and its private key." }
}

/// TLS of one side as a transport uses it.
package struct FrameSecurity: Sendable {
    /// Asked with each new connection.
    let context: @Sendable () -> NIOSSLContext
    /// The name that the server's certificate must carry, if it is not the host we connect to. Clients only.
    let serverName: String?
    /// A URI that the server's certificate must carry as well: who it is, wherever it runs. Clients only.
    let serverIdentity: String?

    package init(serverName: String? = nil, serverIdentity: String? = nil, context: @escaping @Sendable () -> NIOSSLContext) {
        self.context = context
        self.serverName = serverName
        self.serverIdentity = serverIdentity
    }
}
