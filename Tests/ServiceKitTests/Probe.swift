import Contract
import GRPCCore
import GRPCProtobuf
import HealthAPI
import Primitives
import ServiceKit
import SwiftProtobuf

/// A made-up service whose methods are closures over text, so that the machinery around handlers can be tested with any of them.
///
/// `PBHealthCheckRequest` serves as message both ways: it is the one contract with a single string.
struct Probe: RegistrableRPCService {
    typealias Text = PBHealthCheckRequest

    var unary: [String: @Sendable (String) async throws -> String] = [:]
    var streaming: [String: @Sendable (RPCWriter<Text>) async throws -> Void] = [:]

    static func method(_ name: String) -> MethodDescriptor {
        MethodDescriptor(fullyQualifiedService: "assay.test.v1.Probe", method: name)
    }

    static func rule(_ name: String, _ permission: String?) -> MethodRule { MethodRule(method(name), permission: permission) }

    func registerMethods<Transport: ServerTransport>(with router: inout RPCRouter<Transport>) {
        for (name, handler) in unary {
            router.registerHandler(
                forMethod: Self.method(name), deserializer: ProtobufDeserializer<Text>(), serializer: ProtobufSerializer<Text>()
            ) { request, _ in
                let request = try await ServerRequest(stream: request)
                let answer = try await handler(request.message.service)
                return StreamingServerResponse(single: ServerResponse(message: Text.with { $0.service = answer }))
            }
        }
        for (name, handler) in streaming {
            router.registerHandler(
                forMethod: Self.method(name), deserializer: ProtobufDeserializer<Text>(), serializer: ProtobufSerializer<Text>()
            ) { _, _ in
                StreamingServerResponse(of: Text.self) { writer in
                    try await handler(writer)
                    return [:]
                }
            }
        }
    }
}

extension GRPCClient {
    /// Calls a unary method of `Probe`.
    func probe(_ method: String, _ text: String = "", metadata: Metadata = [:]) async throws -> String {
        try await unary(
            request: ClientRequest(message: Probe.Text.with { $0.service = text }, metadata: metadata), descriptor: Probe.method(method),
            serializer: ProtobufSerializer<Probe.Text>(), deserializer: ProtobufDeserializer<Probe.Text>(), options: .defaults
        ) { try $0.message.service }
    }

    /// All messages of a streaming method of `Probe`.
    func probeStream(_ method: String) async throws -> [String] {
        try await serverStreaming(
            request: ClientRequest(message: Probe.Text()), descriptor: Probe.method(method),
            serializer: ProtobufSerializer<Probe.Text>(), deserializer: ProtobufDeserializer<Probe.Text>(), options: .defaults
        ) { response in
            var all: [String] = []
            for try await message in response.messages { all.append(message.service) }
            return all
        }
    }
}

extension Caller {
    static func user(_ permissions: Set<String> = [], requestID: String = "req_test") -> Caller {
        Caller(tenant: .new(), actor: "usr_1", permissions: permissions, requestID: requestID)
    }
}
