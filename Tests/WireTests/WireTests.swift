import CommonAPI
import ExecutionAPI
import Foundation
import FrameTransport
import GRPCCore
import NIOCore
import NIOPosix
import SwiftProtobuf
import Testing

/// The wire is honest for other languages as long as a program that shares no code with us understands it.
@Suite("The wire, seen from C", .serialized) struct WireTests {
    static let mirror = MethodDescriptor(fullyQualifiedService: "assay.execution.v1.Runs", method: "Mirror", type: .unary)
    static let refuse = MethodDescriptor(fullyQualifiedService: "assay.execution.v1.Runs", method: "Refuse", type: .unary)

    static let settings = "version=1 streams=100 message=4194304 window=262144 metadata=16384"

    @Test("a C reader understands what our client sends")
    func recording() async throws {
        let program = try CProgram("reader")
        defer { program.remove() }
        var run = PBRun()
        run.id = "run_0000"
        run.name = "nächtlich"
        run.state = .failed
        run.durationMs = 5_000_000_000
        run.counts.total = 7
        run.counts.failed = 0
        run.createdAt.seconds = 1_700_000_000
        run.createdAt.nanos = 5
        run.tags = ["team": "checkout"]
        let bytes = try await Recorder.record { client in
            try await client.unary(
                request: ClientRequest(message: run, metadata: ["x-request-id": "r1", "trace-bin": [0, 255], "grpc-timeout": "1500m"]),
                descriptor: Self.mirror, serializer: ProtobufCoder<PBRun>(), deserializer: ProtobufCoder<PBRun>(), options: .defaults
            ) { try $0.message }
        }
        #expect(
            try program.lines(input: bytes) == [
                "preface stream=0 end=0 \(Self.settings)",
                "request-head stream=1 end=0 method=assay.execution.v1.Runs/Mirror timeout_ms=1500 x-request-id=r1 trace-bin=00ff",
                "message stream=1 end=1 id=run_0000 name=nächtlich state=4 duration_ms=5000000000 total=7 failed=0 created_at=1700000000.000000005 team=checkout",
            ])
    }

    @Test("a C client calls our server")
    func live() async throws {
        let program = try CProgram("client")
        defer { program.remove() }
        let transport = try FrameServerTransport(address: FrameAddress(host: "127.0.0.1", port: 0))
        let lines = try await withGRPCServer(transport: transport, services: [RunsMirror()]) { _ in
            let port = try await transport.listeningAddress.port
            return try program.lines(["\(port)", Self.mirror.fullyQualifiedMethod, Self.refuse.fullyQualifiedMethod, "no.such.Service/Method"])
        }
        #expect(
            lines == [
                "preface stream=0 end=0 \(Self.settings)",
                "response-head stream=2 end=0 language=C",
                "message stream=2 end=0 id=run_c name=mirrored: from C state=3 duration_ms=42",
                "trailers stream=2 end=1 code=0 text= seen=1",
                "trailers stream=3 end=1 code=9 text=not this run grpc-status-details-bin=0102",
                "trailers stream=4 end=1 code=12 text=Requested RPC isn't implemented by this server.",
            ])
    }
}

/// Answers a run with a changed one, or refuses it.
private struct RunsMirror: RegistrableRPCService {
    func registerMethods<Transport: ServerTransport>(with router: inout RPCRouter<Transport>) {
        router.registerHandler(
            forMethod: WireTests.mirror, deserializer: ProtobufCoder<PBRun>(), serializer: ProtobufCoder<PBRun>()
        ) { request, _ in
            var answers: [PBRun] = []
            for try await var run in request.messages {
                run.name = "mirrored: \(run.name)"
                run.state = .passed
                run.durationMs += 1
                answers.append(run)
            }
            let language = request.metadata[stringValues: "x-language"].first { _ in true } ?? ""
            return StreamingServerResponse(metadata: ["language": "\(language)"]) { [answers] writer in
                try await writer.write(contentsOf: answers)
                return ["seen": "\(answers.count)"]
            }
        }
        router.registerHandler(
            forMethod: WireTests.refuse, deserializer: ProtobufCoder<PBRun>(), serializer: ProtobufCoder<PBRun>()
        ) { _, _ in
            throw RPCError(code: .failedPrecondition, message: "not this run", metadata: ["grpc-status-details-bin": [1, 2]])
        }
    }
}

struct ProtobufCoder<Message: SwiftProtobuf.Message>: MessageSerializer, MessageDeserializer {
    func serialize<Bytes: GRPCContiguousBytes>(_ message: Message) throws -> Bytes { Bytes(try message.serializedBytes() as [UInt8]) }
    func deserialize<Bytes: GRPCContiguousBytes>(_ bytes: Bytes) throws -> Message {
        try Message(serializedBytes: bytes.withUnsafeBytes { Array($0) })
    }
}

/// A server that keeps every byte of the first connection and answers its call with an empty message.
enum Recorder {
    static func record(_ call: (GRPCClient<FrameClientTransport>) async throws -> some Sendable) async throws -> Data {
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton).bind(host: "127.0.0.1", port: 0) { channel in
            channel.eventLoop.makeCompletedFuture { try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel) }
        }
        let address = FrameAddress(host: "127.0.0.1", port: server.channel.localAddress?.port ?? 0)
        async let recording = record(server)
        _ = try await withGRPCClient(transport: FrameClientTransport(target: address), handleClient: call)
        return try await recording
    }

    private static func record(_ server: NIOAsyncChannel<NIOAsyncChannel<ByteBuffer, ByteBuffer>, Never>) async throws -> Data {
        try await server.executeThenClose { connections in
            for try await connection in connections { return try await record(connection) }
            return Data()
        }
    }

    private static func record(_ connection: NIOAsyncChannel<ByteBuffer, ByteBuffer>) async throws -> Data {
        try await connection.executeThenClose { inbound, outbound in
            var recording = Data()
            var reader = FrameReader(maximumMessageBytes: 4 << 20, maximumMetadataBytes: 16 << 10)
            for try await bytes in inbound {
                recording.append(contentsOf: bytes.readableBytesView)
                reader.append(bytes)
                var answer = ByteBuffer()
                while let frame = try reader.next() {
                    // Our limits suit the other side too, so its preface can be sent back.
                    if frame.type == .preface { answer.writeFrame(frame) }
                    if frame.flags.contains(.endStream) {
                        answer.writeFrame(Frame(.message, stream: frame.stream))
                        answer.writeFrame(Frame(.trailers, .endStream, stream: frame.stream))
                    }
                }
                if answer.readableBytes > 0 { try await outbound.write(answer) }
            }
            return recording
        }
    }
}
