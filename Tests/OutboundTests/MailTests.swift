import Foundation
import NIOCore
import NIOSSL
import Outbound
import Primitives
import TestSupport
import Testing

@Suite("Mail over SMTP")
struct MailTests {
    private static let open = EgressPolicy(allowedNetworks: Open.loopback, ports: .mail)
    private static let message = Data("Subject: x\r\n\r\nfirst\r\n.hidden dot\r\nlast\r\n".utf8)

    private static func client(
        _ url: String, isPlain: Bool = true, user: String? = nil, policy: EgressPolicy = open
    ) throws -> MailClient {
        MailClient(relay: try MailRelay(url, isPlain: isPlain, user: user, password: user.map { _ in Secret("geheim") }), policy: policy)
    }

    @Test("a mail arrives byte for byte, with its envelope, and after logging in where there is a user")
    func delivered() async throws {
        let sink = try await MailSink.start(offers: ["AUTH PLAIN", "8BITMIME"])
        defer { sink.stop() }
        try await Self.client("smtp://127.0.0.1:\(sink.port)", user: "assay").send(Self.message, from: "assay@example.com", to: "ann@example.com")
        let mail = try #require(sink.mails.first)
        #expect(mail.from == "assay@example.com" && mail.to == ["ann@example.com"])
        #expect(mail.data == "Subject: x\n\nfirst\n.hidden dot\nlast\n")
        #expect(sink.commands.contains { $0.hasPrefix("AUTH PLAIN") })
    }

    @Test("what the relay refuses for good is told from what it puts off, and from a relay that is not there")
    func refused() async throws {
        let sink = try await MailSink.start()
        defer { sink.stop() }
        let client = try Self.client("smtp://127.0.0.1:\(sink.port)")
        let later = await #expect(throws: MailError.self) { try await client.send(Self.message, from: "a@example.com", to: "x@later.test") }
        #expect(later?.isPassing == true)
        let never = await #expect(throws: MailError.self) { try await client.send(Self.message, from: "a@example.com", to: "x@never.test") }
        #expect(never?.isPassing == false)
        let nobody = try Self.client("smtp://127.0.0.1:\(FreePort.next())")
        let away = await #expect(throws: MailError.self) { try await nobody.send(Self.message, from: "a@example.com", to: "x@example.com") }
        #expect(away?.isPassing == true)
        #expect(sink.mails.isEmpty)
    }

    @Test("a relay that does not offer STARTTLS hears nothing of the mail, nor of the password")
    func noTLS() async throws {
        let sink = try await MailSink.start(offers: ["AUTH PLAIN"])
        defer { sink.stop() }
        let client = try Self.client("smtp://127.0.0.1:\(sink.port)", isPlain: false, user: "assay")
        await #expect(throws: MailError.self) { try await client.send(Self.message, from: "a@example.com", to: "x@example.com") }
        #expect(sink.mails.isEmpty && !sink.commands.contains { $0.hasPrefix("AUTH") || $0.hasPrefix("MAIL") })
    }

    @Test("over TLS a mail arrives where the certificate is good, and nothing does where nobody vouches for it")
    func security() async throws {
        let chain = try NIOSSLCertificate.fromPEMFile(TLSTests.certificate).map { NIOSSLCertificateSource.certificate($0) }
        let context = try NIOSSLContext(
            configuration: .makeServerConfiguration(
                certificateChain: chain, privateKey: .privateKey(try NIOSSLPrivateKey(file: TLSTests.key, format: .pem))))
        let sink = try await MailSink.start(secure: { try $0.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: context)) })
        defer { sink.stop() }
        let client = try Self.client("smtps://127.0.0.1:\(sink.port)")
        await #expect(throws: MailError.self) { try await client.send(Self.message, from: "a@example.com", to: "x@example.com") }
        #expect(sink.commands.isEmpty)
        let trusting = MailClient(
            relay: try MailRelay("smtps://127.0.0.1:\(sink.port)"), policy: Self.open, authorities: TLSTests.certificate)
        try await trusting.send(Self.message, from: "a@example.com", to: "x@example.com")
        #expect(sink.mails.count == 1)
    }

    @Test("a relay outside of what the policy allows is not connected to")
    func blocked() async throws {
        let sink = try await MailSink.start()
        defer { sink.stop() }
        let client = try Self.client("smtp://127.0.0.1:\(sink.port)", policy: EgressPolicy(ports: .mail))
        let error = await #expect(throws: MailError.self) { try await client.send(Self.message, from: "a@example.com", to: "x@example.com") }
        #expect(error?.isPassing == false && error?.detail.contains("blocked") == true)
        #expect(sink.commands.isEmpty)
        #expect(PortRule.mail.allows(587, isOwnNetwork: false) && !PortRule.mail.allows(80, isOwnNetwork: false))
        #expect(!PortRule.web.allows(587, isOwnNetwork: true))
    }

    @Test(
        "nothing in an address of the envelope can begin another command",
        arguments: ["", "a@example.com\r\nRCPT TO:<b@example.com>", "a@example.com>", "a b@example.com", "a@ex\u{E4}mple.com"])
    func injection(address: String) async throws {
        let sink = try await MailSink.start()
        defer { sink.stop() }
        let client = try Self.client("smtp://127.0.0.1:\(sink.port)")
        await #expect(throws: MailError.self) { try await client.send(Self.message, from: "a@example.com", to: address) }
        await #expect(throws: MailError.self) { try await client.send(Self.message, from: address, to: "a@example.com") }
        #expect(sink.commands.isEmpty)
    }

    @Test(
        "a relay is named by a URL without user and password", arguments: ["http://x", "smtp://a@b", "smtp://", "smtp://x:0", "x:25", "smtp://1.2"])
    func urls(url: String) {
        #expect(throws: OutboundError.self) { try MailRelay(url) }
    }
}
