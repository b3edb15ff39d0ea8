import FrameTransport
import GRPCCore
import Testing

extension FrameTransportTests {
    @Suite("Calls") struct CallTests {
        @Test("a unary call is answered", arguments: [0, 1, 1_000, 100_000, 4 << 20])
        func unary(size: Int) async throws {
            try await Rig.with { rig in
                let message = (0..<size).map { UInt8(truncatingIfNeeded: $0) }
                let answer = try await rig.client.echo(message)
                #expect(answer == message)
            }
        }

        @Test("a client's stream is collected, whatever it is cut into", arguments: [(0, 5), (300, 0), (300, 1_000), (3, 1 << 20)])
        func clientStreaming(count: Int, size: Int) async throws {
            try await Rig.with { rig in
                let answer = try await rig.client.clientStreaming(
                    request: StreamingClientRequest { writer in
                        for index in 0..<count { try await writer.write([UInt8](repeating: UInt8(truncatingIfNeeded: index), count: size)) }
                    }, descriptor: BytesService.collect, serializer: BytesCoder(), deserializer: BytesCoder(), options: .defaults
                ) { try $0.message }
                #expect(answer.count == count * size)
                #expect(answer.last == (size > 0 && count > 0 ? UInt8(truncatingIfNeeded: count - 1) : nil))
            }
        }

        @Test("a server's stream arrives in order and whole", arguments: [(0, 0), (1, 1), (1_000, 0), (200, 16)])
        func serverStreaming(count: Int, kibibytes: Int) async throws {
            try await Rig.with { rig in
                let firsts = try await rig.client.serverStreaming(
                    request: ClientRequest(message: [UInt8(count / 256), UInt8(count % 256), UInt8(kibibytes)]), descriptor: BytesService.count,
                    serializer: BytesCoder(), deserializer: BytesCoder(), options: .defaults
                ) { response in
                    var firsts: [UInt8] = []
                    for try await message in response.messages {
                        #expect(message.count == kibibytes * 1_024 + 1)
                        firsts.append(message[0])
                    }
                    return firsts
                }
                #expect(firsts == (0..<count).map { UInt8(truncatingIfNeeded: $0) })
            }
        }

        @Test("both sides of a stream talk in turn")
        func bidirectional() async throws {
            try await Rig.with { rig in
                let (answers, turn) = AsyncStream.makeStream(of: [UInt8].self)
                let last = try await rig.client.bidirectionalStreaming(
                    request: StreamingClientRequest { writer in
                        try await writer.write([1, 2])
                        for await answer in answers {
                            if answer.count > 50 { return }
                            try await writer.write(answer + [9])
                        }
                    }, descriptor: BytesService.chat, serializer: BytesCoder(), deserializer: BytesCoder(), options: .defaults
                ) { response in
                    var last: [UInt8] = []
                    for try await message in response.messages {
                        last = message
                        turn.yield(message)
                    }
                    return last
                }
                #expect(last.count == 51)
            }
        }

        @Test("metadata arrives both ways, with its order and its bytes")
        func metadata() async throws {
            try await Rig.with { rig in
                let response = try await rig.client.response(
                    BytesService.describe, [], metadata: ["a-key": "one", "a-key": "two", "UPPER": "ü", "raw-bin": [0, 255], "empty": ""])
                let seen = rig.probe.now.metadata
                #expect(Array(seen[stringValues: "a-key"]) == ["one", "two"])
                #expect(Array(seen[stringValues: "upper"]) == ["ü"])
                #expect(Array(seen[binaryValues: "raw-bin"]) == [[0, 255]])
                #expect(Array(seen[stringValues: "empty"]) == [""])
                #expect(Array(response.metadata[stringValues: "initial"]) == ["1"])
                #expect(Array(response.metadata[binaryValues: "initial-bin"]) == [[1, 2, 0]])
                #expect(Array(response.trailingMetadata[stringValues: "final"]) == ["a", "b"])
                #expect(rig.probe.now.context?.remotePeer.hasPrefix("ipv4:127.0.0.1:") == true)
            }
        }

        @Test("an error keeps its code, its text and its details; details that are too large are dropped, the code is not")
        func errors() async throws {
            try await Rig.with { rig in
                await #expect {
                    _ = try await rig.client.unary(BytesService.refuse, [1])
                } throws: { error in
                    guard let error = error as? RPCError else { return false }
                    return error.code == .failedPrecondition && error.message == "not now"
                        && error.metadata[binaryValues: "grpc-status-details-bin"].first { _ in true }?.count == 1_027
                }
                #expect(await code { try await rig.client.unary(BytesService.refuse, [20]) } == .failedPrecondition)
            }
        }

        @Test("a method nobody serves is unimplemented")
        func unimplemented() async throws {
            try await Rig.with { rig in
                #expect(await code { try await rig.client.unary(BytesService.method("Nothing", .unary), []) } == .unimplemented)
                #expect(
                    await code { try await rig.client.unary(MethodDescriptor(fullyQualifiedService: "", method: "x", type: .unary), []) }
                        == .unimplemented)
            }
        }

        @Test("what is too large fails its own call only")
        func tooLarge() async throws {
            try await Rig.with { rig in
                #expect(await code { try await rig.client.echo([UInt8](repeating: 0, count: 4 << 20 + 1)) } == .resourceExhausted)
                let long = String(repeating: "x", count: 17 << 10)
                #expect(await code { try await rig.client.unary(BytesService.echo, [], metadata: ["long": "\(long)"]) } == .resourceExhausted)
                #expect(await code { try await rig.client.unary(BytesService.echo, [], metadata: ["no spaces": "x"]) } == .invalidArgument)
                let answer = try await rig.client.echo([1])
                #expect(answer == [1])
            }
        }

        @Test("ten thousand calls at once are all answered, each with its own answer")
        func tenThousand() async throws {
            try await Rig.with { rig in
                let sum = try await withThrowingTaskGroup(of: Int.self) { group in
                    for index in 0..<10_000 {
                        group.addTask {
                            let message = [UInt8(truncatingIfNeeded: index >> 8), UInt8(truncatingIfNeeded: index)]
                            return try await rig.client.echo(message) == message ? 1 : 0
                        }
                    }
                    return try await group.reduce(0, +)
                }
                #expect(sum == 10_000)
            }
        }
    }
}
