import Foundation
import GRPCCore
import HealthAPI
import Logging
import NIOPosix
import Primitives
import SwiftProtobuf
import Synchronization
import TestSupport
import Testing

@testable import ServiceKit

@Suite struct TransportTests {
    static let rules = [Probe.rule("GetEcho", "runs.read"), Probe.rule("GetMany", "runs.read"), Probe.rule("GetSlow", "runs.read")]

    static let probe = Probe(
        unary: [
            "GetEcho": { text in "\(Caller.current.actor) \(text)" },
            "GetSlow": { _ in
                try await Task.sleep(for: .seconds(60))
                return "late"
            },
        ],
        streaming: ["GetMany": { writer in for index in 0..<100 { try await writer.write(Probe.Text.with { $0.service = "\(index)" }) } }])

    /// A server on a free port, real sockets.
    static func serve(
        _ transport: RPCTransport, _ security: PeerSecurity, _ probe: Probe = probe, service: String = "probe",
        deadline: Duration = ServerDeadline.standard, logger: Logger = .silent,
        body: (Endpoint, CallerKeys) async throws -> Void
    ) async throws {
        let key = Secret(Data(repeating: 3, count: 32))
        let (ports, bound) = AsyncStream<Int>.makeStream()
        let server = RPCServer(
            transport, at: Endpoint(host: "127.0.0.1", port: 0), security: security, services: [probe],
            // Only services of the call graph can be held against it.
            interceptor: ServerCallInterceptor(
                keys: CallerKeys(service: service, key: key), rules: rules, mutualTLS: CallGraph.calls[service] != nil, standardDeadline: deadline,
                logger: logger)
        ) { bound.yield($0) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run() }
            let port = try #require(await ports.first { _ in true })
            try await body(Endpoint(host: "127.0.0.1", port: port), CallerKeys(service: "gateway", key: key))
            group.cancelAll()
        }
    }

    static func connect(
        _ transport: RPCTransport, _ security: PeerSecurity, to endpoints: [Endpoint], _ keys: CallerKeys, service: String = "probe",
        expecting: String? = nil,
        body: (GRPCClient<ServiceTransport>) async throws -> Void
    ) async throws {
        let client = GRPCClient(
            transport: try ServiceTransport(transport, to: endpoints, security: security, service: expecting),
            interceptors: [ClientCallInterceptor(audience: service, keys: keys)])
        try await withThrowingDiscardingTaskGroup { group in
            group.addTask { try await client.runConnections() }
            defer { client.beginGracefulShutdown() }
            try await Caller.with(.user(["runs.read"])) { try await body(client) }
        }
    }

    @Test(
        "both transports carry calls, streams, faults and deadlines, in the clear and under mutual TLS",
        arguments: RPCTransport.allCases, [false, true])
    func calls(transport: RPCTransport, encrypted: Bool) async throws {
        let security = encrypted ? try PeerSecurity.of("gateway") : .plaintext
        try await Self.serve(transport, security) { (endpoint, keys) async throws in
            try await Self.connect(transport, security, to: [endpoint], keys) { (client) async throws in
                #expect(try await client.probe("GetEcho", "hello") == "usr_1 hello")
                let large = String(repeating: "x", count: 1_000_000)
                #expect(try await client.probe("GetEcho", large) == "usr_1 \(large)")
                #expect(try await client.probeStream("GetMany") == (0..<100).map(String.init))
                try await Caller.with(.user()) { () async throws in
                    #expect(try await InProcess.fault { try await client.probe("GetEcho") } == .permissionMissing("runs.read"))
                }
                let started = ContinuousClock.now
                let late = try await InProcess.fault {
                    try await CallContext.withDeadline(in: .milliseconds(700)) { try await client.probe("GetSlow") }
                }
                #expect(late == .deadlineExceeded && started.duration(to: .now) < .seconds(10))
            }
        }
    }

    @Test("a caller that names no deadline gets the server's", arguments: RPCTransport.allCases)
    func standardDeadline(transport: RPCTransport) async throws {
        try await Self.serve(transport, .plaintext, deadline: .milliseconds(300)) { endpoint, keys in
            // Like a stock gRPC client: nothing but the token.
            let bare = GRPCClient(transport: try PeerSecurity.plaintext.http2Client(to: endpoint, eventLoopGroup: .singleton))
            let ours = GRPCClient(transport: PeerSecurity.plaintext.frameClient(to: endpoint, eventLoopGroup: .singleton))
            let token = try keys.token(for: .service("gateway", tenant: .new()), audience: "probe")
            try await withThrowingDiscardingTaskGroup { group in
                if transport == .http2 { group.addTask { try await bare.runConnections() } }
                if transport == .frame { group.addTask { try await ours.runConnections() } }
                defer {
                    bare.beginGracefulShutdown()
                    ours.beginGracefulShutdown()
                }
                let metadata: Metadata = ["assay-caller": .string(token)]
                let fault = try await InProcess.fault {
                    transport == .http2
                        ? try await bare.probe("GetSlow", metadata: metadata) : try await ours.probe("GetSlow", metadata: metadata)
                }
                #expect(fault == .deadlineExceeded)
            }
        }
    }

    @Test("calls go round the replicas, and one that is away is skipped", arguments: RPCTransport.allCases)
    func replicas(transport: RPCTransport) async throws {
        func named(_ name: String) -> Probe { Probe(unary: ["GetEcho": { _ in name }]) }
        try await Self.serve(transport, .plaintext, named("a")) { a, keys in
            try await Self.serve(transport, .plaintext, named("b")) { b, _ in
                let away = Endpoint(host: "127.0.0.1", port: FreePort.next())
                try await Self.connect(transport, .plaintext, to: [a, away, b], keys) { (client) async throws in
                    var answers: [String: Int] = [:]
                    for _ in 0..<30 { answers[try await client.probe("GetEcho"), default: 0] += 1 }
                    #expect(answers["a", default: 0] >= 5 && answers["b", default: 0] >= 5)
                }
            }
        }
    }
}
