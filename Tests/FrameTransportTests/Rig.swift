import FrameTransport
import GRPCCore
import Testing

/// One test after the other: many of them measure time or fill queues, and would disturb each other on a small machine.
@Suite("Frame transport", .serialized) struct FrameTransportTests {}

/// A server on a port of its own and clients for it, taken down at the end of `with`.
struct Rig: Sendable {
    let address: FrameAddress
    let probe: Probe
    let server: GRPCServer<FrameServerTransport>
    let client: GRPCClient<FrameClientTransport>

    /// - Parameter port: 0 for a free one.
    static func with<R: Sendable>(
        server serverConfiguration: FrameConfiguration = .defaults, client clientConfiguration: FrameConfiguration = .defaults,
        serverTLS: FrameTLS? = nil, clientTLS: FrameTLS? = nil, _ body: (Rig) async throws -> R
    ) async throws -> R {
        let probe = Probe()
        let transport = try FrameServerTransport(
            address: FrameAddress(host: "127.0.0.1", port: 0), tls: serverTLS, configuration: serverConfiguration)
        let server = GRPCServer(transport: transport, services: [BytesService(probe: probe)])
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.serve() }
            let address = try await transport.listeningAddress
            let client = GRPCClient(
                transport: try FrameClientTransport(target: address, tls: clientTLS, configuration: clientConfiguration))
            group.addTask { try await client.runConnections() }
            let result: R
            do {
                result = try await body(Rig(address: address, probe: probe, server: server, client: client))
            } catch {
                probe.gate.open()
                group.cancelAll()
                throw error
            }
            probe.gate.open()
            client.beginGracefulShutdown()
            server.beginGracefulShutdown()
            try await group.waitForAll()
            return result
        }
    }
}

extension GRPCClient where Transport == FrameClientTransport {
    func unary(
        _ method: MethodDescriptor, _ message: [UInt8], metadata: Metadata = [:], timeout: Duration? = nil, waitForReady: Bool? = nil
    ) async throws -> [UInt8] {
        try await response(method, message, metadata: metadata, timeout: timeout, waitForReady: waitForReady).message
    }

    func response(
        _ method: MethodDescriptor, _ message: [UInt8], metadata: Metadata = [:], timeout: Duration? = nil, waitForReady: Bool? = nil
    ) async throws -> ClientResponse<[UInt8]> {
        var options = CallOptions.defaults
        options.timeout = timeout
        options.waitForReady = waitForReady
        return try await unary(
            request: ClientRequest(message: message, metadata: metadata), descriptor: method, serializer: BytesCoder(),
            deserializer: BytesCoder(), options: options
        ) { $0 }
    }

    func echo(_ message: [UInt8]) async throws -> [UInt8] { try await unary(BytesService.echo, message) }
}

/// The code of the RPC error that `body` throws.
func code(_ body: () async throws -> some Sendable) async -> RPCError.Code? {
    do {
        let answer = try await body()
        Issue.record("there was an answer instead of an error: \(answer)")
        return nil
    } catch let error as RPCError {
        return error.code
    } catch {
        Issue.record("\(error) is not an RPC error")
        return nil
    }
}
