import Foundation
import FrameTransport
import GRPCCore
import NIOCore
import Testing

extension FrameTransportTests {
    @Suite("TLS") struct TLSTests {
        @Test("calls work over TLS, and the server's name is checked")
        func serverOnly() async throws {
            let certificates = try Certificates()
            defer { certificates.remove() }
            let server = certificates.tls("server", trusting: nil)
            try await Rig.with(serverTLS: server, clientTLS: FrameTLS(authorityPath: certificates.path("ca.pem"), serverName: "localhost")) { rig in
                let message = [UInt8](repeating: 3, count: 300_000)
                #expect(try await rig.client.echo(message) == message)
                _ = try await rig.client.unary(BytesService.describe, [])
                let peer = try #require(rig.probe.now.context?.transportSpecific as? FramePeer)
                #expect(peer.isEncrypted && peer.subjectAlternativeNames.isEmpty)
            }
        }

        @Test("with mutual TLS the server knows the client's names")
        func mutual() async throws {
            let certificates = try Certificates()
            defer { certificates.remove() }
            var client = certificates.tls("client", trusting: "ca.pem")
            client.serverName = "localhost"
            try await Rig.with(serverTLS: certificates.tls("server", trusting: "ca.pem"), clientTLS: client) { rig in
                _ = try await rig.client.unary(BytesService.describe, [])
                let peer = try #require(rig.probe.now.context?.transportSpecific as? FramePeer)
                #expect(peer.subjectAlternativeNames == ["execution.assay", "spiffe://assay/execution"])
            }
        }

        enum Stranger: CaseIterable { case noCertificate, otherAuthority, otherName, plaintext }

        @Test("strangers get no answer", arguments: Stranger.allCases)
        func strangers(_ stranger: Stranger) async throws {
            let certificates = try Certificates()
            let others = try Certificates()
            defer {
                certificates.remove()
                others.remove()
            }
            let tls: FrameTLS? =
                switch stranger {
                case .noCertificate: FrameTLS(authorityPath: certificates.path("ca.pem"), serverName: "localhost")
                case .otherAuthority:
                    FrameTLS(
                        certificatePath: others.path("client.pem"), privateKeyPath: others.path("client.key"),
                        authorityPath: certificates.path("ca.pem"), serverName: "localhost")
                case .otherName:
                    FrameTLS(
                        certificatePath: certificates.path("client.pem"), privateKeyPath: certificates.path("client.key"),
                        authorityPath: certificates.path("ca.pem"), serverName: "elsewhere.example")
                case .plaintext: nil
                }
            var configuration = FrameConfiguration.defaults
            configuration.failFastAfter = .milliseconds(200)
            try await Rig.with(client: configuration, serverTLS: certificates.tls("server", trusting: "ca.pem"), clientTLS: tls) { rig in
                #expect(await code { try await rig.client.echo([1]) } == .unavailable)
            }
        }

        @Test("a server with TLS needs a certificate")
        func noCertificate() {
            #expect(throws: FrameTLSError.self) {
                try FrameServerTransport(address: FrameAddress(host: "127.0.0.1", port: 0), tls: FrameTLS())
            }
        }
    }
}

/// An authority with a server and a client certificate, made with the openssl command.
struct Certificates {
    private let folder: URL

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "frame-transport-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try openssl("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=authority")
        try issue("server", names: "DNS:localhost")
        try issue("client", names: "DNS:execution.assay,URI:spiffe://assay/execution")
    }

    private func issue(_ name: String, names: String) throws {
        try "subjectAltName=\(names)".write(to: folder.appending(path: "\(name).ext"), atomically: true, encoding: .utf8)
        try openssl("req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout \(name).key -out \(name).csr -subj /CN=\(name)")
        try openssl("x509 -req -in \(name).csr -CA ca.pem -CAkey ca.key -CAcreateserial -out \(name).pem -days 2 -extfile \(name).ext")
    }

    private func openssl(_ arguments: String) throws {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/openssl")
        process.arguments = arguments.split(separator: " ").map(String.init)
        process.currentDirectoryURL = folder
        process.standardError = Pipe()
        process.standardOutput = Pipe()
        try process.run()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0, "openssl \(arguments)")
    }

    func path(_ name: String) -> String { folder.appending(path: name).path }

    func tls(_ name: String, trusting authority: String?) -> FrameTLS {
        FrameTLS(certificatePath: path("\(name).pem"), privateKeyPath: path("\(name).key"), authorityPath: authority.map(path))
    }

    func remove() { try? FileManager.default.removeItem(at: folder) }
}
