import Foundation
import FrameTransport
import GRPCCore
import Logging
import Primitives
import Synchronization
import TestSupport
import Testing

@testable import ServiceKit

extension PeerSecurity {
    /// With the certificate that the authority of these tests issued to a service.
    static func of(_ service: String, _ certificates: DevelopmentCertificates? = nil) throws -> PeerSecurity {
        .mutualTLS(try PeerCredentials((certificates ?? Peers.shared.get()).files(of: service), logger: .silent))
    }
}

/// Certificates that are made once for all tests of this target.
enum Peers {
    static let shared = Result { try made() }
    static let foreign = Result { try made() }
    static let expired = Result {
        let certificates = DevelopmentCertificates(in: try shared.get().folder)
        try certificates.issue("old", days: -1)
        return certificates
    }

    static func made() throws -> DevelopmentCertificates {
        let certificates = DevelopmentCertificates()
        try certificates.issue()
        return certificates
    }
}

/// Who may call under mutual TLS (T117, R17), over both transports and real sockets.
@Suite struct PeerTests {
    typealias Row = (certificate: String, issuer: String, callee: String, fault: String?)

    static let rows: [Row] = [
        ("gateway", "gateway", "projects", nil),
        ("execution", "execution", "projects", nil),
        ("gateway", "gateway", "gateway", nil),
        // Not to the right, or not needed.
        ("scheduling", "scheduling", "projects", "caller.not_allowed"),
        ("analytics", "analytics", "projects", "caller.not_allowed"),
        ("projects", "projects", "gateway", "caller.not_allowed"),
        ("projects", "projects", "projects", "caller.not_allowed"),
        // The key that signs callers is everybody's: the certificate tells who signs in whose name.
        ("execution", "gateway", "projects", "caller.refused"),
        ("gateway", "execution", "projects", "caller.refused"),
    ]

    @Test("the certificate decides which service may call which, and speaks for no other", arguments: RPCTransport.allCases, rows.indices)
    func matrix(transport: RPCTransport, index: Int) async throws {
        let row = Self.rows[index]
        let log = LogLines()
        try await TransportTests.serve(transport, .of(row.callee), service: row.callee, logger: log.logger) { endpoint, _ in
            let keys = CallerKeys(service: row.issuer, key: Secret(Data(repeating: 3, count: 32)))
            try await TransportTests.connect(transport, .of(row.certificate), to: [endpoint], keys, service: row.callee, expecting: row.callee) {
                (client) async throws in
                guard let expected = row.fault else {
                    #expect(try await client.probe("GetEcho", "hello") == "usr_1 hello")
                    return
                }
                let fault = try await InProcess.fault { try await client.probe("GetEcho") }
                #expect(fault.code == expected && fault.kind == (expected == "caller.refused" ? .unauthenticated : .forbidden))
                #expect(log.all.contains { $0.hasPrefix("refused a call") })
            }
        }
    }

    enum Stranger: CaseIterable { case noCertificate, otherAuthority, expired }

    @Test("without a valid certificate of our authority nobody gets as far as a call", arguments: RPCTransport.allCases, Stranger.allCases)
    func strangers(transport: RPCTransport, stranger: Stranger) async throws {
        let security: PeerSecurity =
            switch stranger {
            case .noCertificate: .plaintext
            case .otherAuthority: try .of("gateway", Peers.foreign.get())
            case .expired: try .of("old", Peers.expired.get())
            }
        try await TransportTests.serve(transport, .of("projects"), service: "projects") { (endpoint, keys) async throws in
            try await TransportTests.connect(transport, security, to: [endpoint], keys, service: "projects") { (client) async throws in
                try await CallContext.withDeadline(in: .seconds(3)) { () async throws in
                    let fault = try await InProcess.fault { try await client.probe("GetEcho") }
                    #expect(fault.kind == .unavailable)
                }
            }
        }
    }

    @Test("a client gives nothing to a server that is another service, though the authority signed its certificate")
    func impostor() async throws {
        let calls = Atomic(0)
        let probe = Probe(unary: ["GetEcho": { _ in "\(calls.add(1, ordering: .relaxed).newValue)" }])
        try await TransportTests.serve(.frame, .of("analytics"), probe, service: "projects") { (endpoint, keys) async throws in
            try await TransportTests.connect(.frame, .of("gateway"), to: [endpoint], keys, service: "projects", expecting: "projects") {
                (client) async throws in
                try await CallContext.withDeadline(in: .seconds(3)) { () async throws in
                    let fault = try await InProcess.fault { try await client.probe("GetEcho") }
                    #expect(fault.kind == .unavailable)
                }
            }
        }
        #expect(calls.load(ordering: .relaxed) == 0)
    }

    @Test("a replaced certificate is used by the next connection; one that cannot be loaded leaves the last one in use")
    func reload() async throws {
        let certificates = try Peers.made()
        defer { certificates.remove() }
        let files = certificates.files(of: "projects")
        let log = LogLines()
        let credentials = try PeerCredentials(files, logger: log.logger)
        let server = PeerSecurity.mutualTLS(credentials)
        try await TransportTests.serve(.frame, server, service: "projects") { (endpoint, keys) async throws in
            func call(_ security: PeerSecurity) async throws -> Bool {
                var isAnswered = false
                try await TransportTests.connect(.frame, security, to: [endpoint], keys, service: "projects") { (client) async throws in
                    let answer = await CallContext.withDeadline(in: .seconds(3)) { try? await client.probe("GetEcho", "x") }
                    isAnswered = answer != nil
                }
                return isAnswered
            }
            let old = try PeerSecurity.of("gateway", certificates)
            #expect(try await call(old))

            // A certificate without its key, as in the middle of a careless replacement.
            let good = try Data(contentsOf: URL(filePath: files.certificate))
            try Data("nonsense".utf8).write(to: URL(filePath: files.certificate))
            credentials.refresh()
            credentials.refresh()
            #expect(log.all.filter { $0.contains("cannot be loaded") }.count == 1)
            #expect(try await call(old))
            try good.write(to: URL(filePath: files.certificate))

            // Both authorities are believed until the old one is forgotten.
            try certificates.trust()
            credentials.refresh()
            try certificates.issue("gateway")
            let new = try PeerSecurity.of("gateway", certificates)
            #expect(try await call(old))
            #expect(try await call(new))
            try certificates.issue("projects")
            try certificates.forget()
            credentials.refresh()
            #expect(try await call(new))
            #expect(try await call(old) == false)
        }
    }

    @Test("a process does not start with a certificate that is not its key's")
    func mismatch() throws {
        let certificates = try Peers.shared.get()
        let files = TLSFiles(
            certificate: certificates.path("gateway.pem"), key: certificates.path("projects.key"), authority: certificates.path("authority.pem"))
        #expect(throws: (any Error).self) { try PeerCredentials(files, logger: .silent) }
    }
}

/// Remembers the messages that a logger was given.
final class LogLines: Sendable {
    private let lines = Mutex<[String]>([])

    var all: [String] { lines.withLock { $0 } }

    var logger: Logger { Logger(label: "test") { _ in Handler(lines: self) } }

    private struct Handler: LogHandler {
        let lines: LogLines
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) { lines.lines.withLock { $0.append("\(event.message)") } }
    }
}
