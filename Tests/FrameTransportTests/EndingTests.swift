import FrameTransport
import GRPCCore
import NIOCore
import TestSupport
import Testing
import TransportAPI

extension FrameTransportTests {
    @Suite("Deadlines and cancellation") struct EndingTests {
        @Test("a call ends at its deadline and its handler is cancelled", arguments: [true, false])
        func deadline(fromOptions: Bool) async throws {
            try await Rig.with { rig in
                let start = ContinuousClock.now
                let ended = await code {
                    try await rig.client.unary(
                        BytesService.hang, [], metadata: fromOptions ? [:] : ["grpc-timeout": "100m"], timeout: fromOptions ? .milliseconds(100) : nil
                    )
                }
                #expect(ended == .deadlineExceeded)
                #expect(ContinuousClock.now - start < .seconds(5))
                try await eventually("the handler's cancellation") { rig.probe.now.cancelled == 1 }
            }
        }

        @Test("a handler may read what its caller still waits for")
        func timeoutReachesHandler() async throws {
            try await Rig.with { rig in
                _ = try await rig.client.unary(BytesService.describe, [], timeout: .seconds(60))
                let text = rig.probe.now.metadata[stringValues: "assay-timeout-ms"].first { _ in true } ?? ""
                #expect((59_000...60_000).contains(Int(text) ?? 0))
            }
        }

        @Test("the server keeps deadlines by itself")
        func serverDeadline() async throws {
            try await Rig.with { rig in
                let peer = try await RawPeer(rig.address)
                try await peer.send([.clientPreface, .requestHead(1, "assay.test.Bytes/Hang", timeout: 50, ends: true)])
                let trailers = try await peer.frames(until: .trailers)
                #expect(trailers.last?.stream == 1)
                #expect(trailers.last.flatMap { try? $0.trailers.code } == 4)
                try await eventually("the handler's cancellation") { rig.probe.now.cancelled == 1 }
                await peer.close()
            }
        }

        @Test("a cancelled call ends at once and cancels its handler", arguments: [BytesService.hang, BytesService.method("Hang", .serverStreaming)])
        func cancellation(method: MethodDescriptor) async throws {
            try await Rig.with { rig in
                let call = Task { await code { try await rig.client.unary(method, []) } }
                try await eventually("the handler's start") { rig.probe.now.inside == 1 }
                call.cancel()
                #expect(await call.value == .cancelled)
                try await eventually("the handler's cancellation") { rig.probe.now.cancelled == 1 }
                #expect(try await rig.client.echo([1]) == [1])
            }
        }

        @Test("a client that loses interest in a stream stops its handler")
        func leaving() async throws {
            try await Rig.with { rig in
                let first: UInt8? = try await rig.client.serverStreaming(
                    request: ClientRequest(message: [255, 255, 64]), descriptor: BytesService.count, serializer: BytesCoder(),
                    deserializer: BytesCoder(), options: .defaults
                ) { response in
                    for try await message in response.messages { return message[0] }
                    return nil
                }
                #expect(first == 0)
                #expect(rig.probe.now.written < 1_000)
                #expect(try await rig.client.echo([1]) == [1])
            }
        }

        @Test("a lost connection fails its calls as unavailable and cancels their handlers")
        func lostConnection() async throws {
            try await Rig.with { rig in
                let peer = try await RawPeer(rig.address)
                try await peer.send([.clientPreface, .requestHead(1, "assay.test.Bytes/Hang", ends: true)])
                try await eventually("the handler's start") { rig.probe.now.inside == 1 }
                await peer.close()
                try await eventually("the handler's cancellation") { rig.probe.now.cancelled == 1 }
            }
        }

        @Test("a slow handler stops a fast client; all bytes arrive in the end")
        func clientBackPressure() async throws {
            try await Rig.with { rig in
                let written = Probe()
                let answer = Task {
                    try await rig.client.clientStreaming(
                        request: StreamingClientRequest { writer in
                            for _ in 0..<1_000 {
                                try await writer.write([UInt8](repeating: 1, count: 16 << 10))
                                written.wrote()
                            }
                        }, descriptor: BytesService.swallowSlowly, serializer: BytesCoder(), deserializer: BytesCoder(), options: .defaults
                    ) { try $0.message }
                }
                try await eventually("the handler's start") { rig.probe.now.inside == 1 }
                try await expectStandstill(of: written, atMost: 256 / 16 + 2)
                rig.probe.gate.open()
                #expect(try await answer.value == Array("\(1_000 * 16 << 10)".utf8))
            }
        }

        @Test("a slow client stops a fast handler; all messages arrive in the end")
        func serverBackPressure() async throws {
            try await Rig.with { rig in
                let gate = Gate()
                let count = Task {
                    try await rig.client.serverStreaming(
                        request: ClientRequest(message: [4, 0, 16]), descriptor: BytesService.count, serializer: BytesCoder(),
                        deserializer: BytesCoder(), options: .defaults
                    ) { response in
                        await gate.wait()
                        var count = 0
                        for try await _ in response.messages { count += 1 }
                        return count
                    }
                }
                try await expectStandstill(of: rig.probe, atMost: 256 / 16 + 2)
                // Other calls on the same connection are not held up.
                #expect(try await rig.client.echo([1]) == [1])
                gate.open()
                #expect(try await count.value == 1_024)
            }
        }

        /// The writer has begun and then writes nothing more.
        private func expectStandstill(of probe: Probe, atMost limit: Int) async throws {
            try await eventually("the first writes") { probe.now.written > 0 }
            var before = -1
            try await eventually("a standstill") {
                defer { before = probe.now.written }
                guard before == probe.now.written else { return false }
                try await Task.sleep(for: .milliseconds(100))
                return before == probe.now.written
            }
            #expect(probe.now.written <= limit)
        }
    }
}
