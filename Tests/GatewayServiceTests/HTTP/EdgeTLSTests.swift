import Foundation
import TestSupport
import Testing

@testable import GatewayService

/// HTTPS by the gateway itself, asked by curl and openssl.
@Suite("The edge over TLS", .database(GatewayProgram.schema), .timeLimit(.minutes(2)))
struct EdgeTLSTests {
    /// Runs `body` with a gateway that has a certificate for 127.0.0.1.
    static func with(_ settings: [String: String] = [:], _ body: (GatewayStand, DevelopmentCertificates) async throws -> Void) async throws {
        let certificates = DevelopmentCertificates()
        defer { certificates.remove() }
        try certificates.issue("edge")
        let own = [
            "ASSAY_GATEWAY_TLS_CERTIFICATE_FILE": certificates.path("edge.pem"), "ASSAY_GATEWAY_TLS_KEY_FILE": certificates.path("edge.key"),
        ]
        try await GatewayStand.with(settings: own.merging(settings) { $1 }) { stand in try await body(stand, certificates) }
    }

    /// What a command prints; `input` stays open until the command ends.
    static func run(_ command: String, input: String = "") async throws -> String {
        let process = Process()
        process.executableURL = URL(filePath: "/bin/bash")
        process.arguments = ["-c", command]
        let (output, stdin) = (Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = output
        process.standardInput = stdin
        try process.run()
        try stdin.fileHandleForWriting.write(contentsOf: Data(input.utf8))
        return await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                let data = output.fileHandleForReading.readDataToEndOfFile()
                process.waitUntilExit()
                try? stdin.fileHandleForWriting.close()
                continuation.resume(returning: String(decoding: data, as: UTF8.self))
            }
        }
    }

    @Test("requests are answered over TLS, by HTTP/1.1 even for clients that would rather have HTTP/2, and browsers are told to come back so")
    func https() async throws {
        try await Self.with { stand, certificates in
            let answer = try await Self.run(
                "curl -sS --http2 --cacert \(certificates.path("authority.pem")) -H 'Authorization: Bearer \(stand.key)' -D - "
                    + "-w '\\nversion %{http_version}' https://127.0.0.1:\(stand.port)/api/v1/me")
            #expect(answer.hasPrefix("HTTP/1.1 200"), "\(answer)")
            #expect(answer.contains("version 1.1"))
            #expect(answer.lowercased().contains("strict-transport-security: max-age=31536000"))
            let plain = try await stand.raw("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            #expect(!plain.contains("HTTP/1.1 200"))
        }
    }

    @Test("TLS below 1.2, and suites without forward secrecy, are not spoken", arguments: ["-tls1", "-tls1_1", "-tls1_2 -cipher AES128-GCM-SHA256"])
    func weak(_ option: String) async throws {
        try await Self.with { stand, _ in
            let answer = try await Self.run("timeout 10 openssl s_client -connect 127.0.0.1:\(stand.port) \(option) </dev/null")
            #expect(answer.contains("Cipher is (NONE)") || answer.contains("no protocols available"), "\(answer)")
        }
    }

    @Test("a handshake that does not get on is cut off like late headers", arguments: ["", "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}"])
    func stalledHandshake(_ beginning: String) async throws {
        try await Self.with(["ASSAY_GATEWAY_HEADERS_SECONDS": "1"]) { stand, _ in
            let started = ContinuousClock.now
            _ = try await stand.raw(beginning)
            #expect(started.duration(to: .now) < .seconds(10))
        }
    }

    @Test("slow headers are cut off inside TLS as outside, and a slow body is answered")
    func slow() async throws {
        try await Self.with(["ASSAY_GATEWAY_HEADERS_SECONDS": "1", "ASSAY_GATEWAY_BODY_SECONDS": "1"]) { stand, _ in
            let client = "timeout 30 openssl s_client -quiet -connect 127.0.0.1:\(stand.port)"
            let started = ContinuousClock.now
            _ = try await Self.run(client, input: "GET / HTTP/1.1\r\nHost: ")
            #expect(started.duration(to: .now) < .seconds(10))
            let head = "POST /api/v1/projects HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer \(stand.key)\r\n"
            let slow = try await Self.run(client, input: head + "Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{")
            #expect(slow.contains("HTTP/1.1 408"), "\(slow)")
        }
    }

    @Test("one connection more than an address may have is closed before its handshake")
    func connections() async throws {
        try await Self.with(["ASSAY_GATEWAY_CONNECTIONS_PER_ADDRESS": "1"]) { stand, certificates in
            let ask = "curl -s --max-time 10 --cacert \(certificates.path("authority.pem")) https://127.0.0.1:\(stand.port)/healthz; echo status $?"
            try await RawHTTP.holding(1, port: stand.port) {
                let answer = try await Self.run(ask)
                // Cut off in the handshake; 28 would be curl's patience.
                #expect(answer.hasSuffix("status 35\n") || answer.hasSuffix("status 56\n"), "\(answer)")
            }
            try await eventually("room again") {
                let answer = try await Self.run(ask)
                return answer.hasSuffix("status 0\n")
            }
        }
    }

    @Test("a replaced certificate is shown to the next client")
    func reload() async throws {
        try await Self.with { stand, certificates in
            func serial() async throws -> String {
                try await Self.run("openssl s_client -connect 127.0.0.1:\(stand.port) </dev/null 2>/dev/null | openssl x509 -noout -serial")
            }
            let first = try await serial()
            #expect(first.hasPrefix("serial="))
            try certificates.issue("edge")
            try await eventually {
                let next = try await serial()
                return next.hasPrefix("serial=") && next != first
            }
        }
    }
}
