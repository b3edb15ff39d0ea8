import Foundation
import NIOCore
import NIOSSL
import Outbound
import TestSupport
import Testing

@Suite struct TLSTests {
    static let certificate = Bundle.module.bundlePath + "/Fixtures/loopback-certificate.pem"
    static let key = Bundle.module.bundlePath + "/Fixtures/loopback-key.pem"
    static let resolver = Resolver.table(["loopback.test": [[Open.address("127.0.0.1")]], "other.test": [[Open.address("127.0.0.1")]]])

    /// A server with a certificate for loopback.test that no authority of the system knows.
    static func server(
        minimum: TLSVersion = .tlsv12, maximum: TLSVersion? = nil,
        handler: @escaping LoopbackServer.Handler = { .text($0.header("host") ?? "") }
    ) async throws -> LoopbackServer {
        let chain = try NIOSSLCertificate.fromPEMFile(certificate).map { NIOSSLCertificateSource.certificate($0) }
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain, privateKey: .privateKey(try NIOSSLPrivateKey(file: key, format: .pem)))
        configuration.minimumTLSVersion = minimum
        configuration.maximumTLSVersion = maximum
        let context = try NIOSSLContext(configuration: configuration)
        return try await LoopbackServer.start(
            secure: { try $0.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: context)) }, handler: handler)
    }

    @Test("a certificate is checked against the name, while the socket goes to the address")
    func trusted() async throws {
        let server = try await Self.server()
        defer { server.stop() }
        let client = Open.client(authorities: Self.certificate, resolver: Self.resolver)
        let response = try await client.get("https://loopback.test:\(server.port)/")
        #expect(response.text == "loopback.test:\(server.port)")
        #expect(response.phases.connect < response.phases.tls && response.phases.tls < response.phases.firstByte)
    }

    @Test("a certificate for another name is refused")
    func wrongName() async throws {
        let server = try await Self.server()
        defer { server.stop() }
        let client = Open.client(authorities: Self.certificate, resolver: Self.resolver)
        #expect(await client.failure("https://other.test:\(server.port)/")?.code == "tls_failed")
        #expect(server.count == 0)
    }

    @Test("a certificate nobody vouches for is refused")
    func unknownAuthority() async throws {
        let server = try await Self.server()
        defer { server.stop() }
        #expect(await Open.client(resolver: Self.resolver).failure("https://loopback.test:\(server.port)/")?.code == "tls_failed")
    }

    @Test("a protocol version from before 2008 is refused")
    func oldVersion() async throws {
        let server = try await Self.server(minimum: .tlsv1, maximum: .tlsv11)
        defer { server.stop() }
        let client = Open.client(authorities: Self.certificate, resolver: Self.resolver)
        #expect(await client.failure("https://loopback.test:\(server.port)/")?.code == "tls_failed")
    }

    @Test("a server that does not speak TLS is a TLS failure")
    func plain() async throws {
        let server = try await LoopbackServer.start { _ in .text("") }
        defer { server.stop() }
        #expect(await Open.client().failure("https://127.0.0.1:\(server.port)/")?.code == "tls_failed")
    }

    @Test("a redirect from https to http is followed by tests and refused where the policy says so")
    func downgrade() async throws {
        let plain = try await LoopbackServer.start { _ in .text("plain") }
        let secure = try await Self.server { _ in .redirect(to: plain.url) }
        defer {
            plain.stop()
            secure.stop()
        }
        let client = Open.client(authorities: Self.certificate, resolver: Self.resolver)
        let url = "https://loopback.test:\(secure.port)/"
        #expect(try await client.get(url).text == "plain")
        let strict = EgressPolicy(allowedNetworks: Open.loopback, maximumRedirects: 3, allowsDowngrade: false)
        #expect(await client.failure(url, policy: strict) == .blockedTarget(.downgrade))
        #expect(plain.count == 1)
    }
}
