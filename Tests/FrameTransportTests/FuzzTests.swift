import FrameTransport
import GRPCCore
import NIOCore
import TestSupport
import Testing

/// Seeded, so that a failure can be repeated.
struct Dice: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

extension FrameTransportTests {
    @Suite("Random input") struct FuzzTests {
        /// A conversation that breaks no rule.
        static let conversation: [Frame] = [
            .clientPreface, .requestHead(1, "assay.test.Bytes/Echo"), .message(1, Array(0..<50), ends: true),
            .requestHead(2, "assay.test.Bytes/Chat", timeout: 300), .message(2, []), .message(2, [1, 2, 3]),
            Frame(.message, [.endStream, .noMessage], stream: 2), Frame(.ping, payload: ByteBuffer(repeating: 1, count: 8)),
            .requestHead(5, "assay.test.Bytes/Count"), .message(5, [0, 9, 1], ends: true),
            Frame(.windowUpdate, stream: 5, payload: ByteBuffer(integer: UInt32(100))), Frame(.cancel, stream: 5),
            .requestHead(6, "assay.test.Bytes/Hang", timeout: 20), Frame(.goAway),
        ]

        static func reader() -> FrameReader { FrameReader(maximumMessageBytes: 4 << 20, maximumMetadataBytes: 16 << 10) }

        @Test("it does not matter how bytes are cut on their way")
        func slicing() throws {
            var whole = ByteBuffer()
            for frame in Self.conversation { whole.writeFrame(frame) }
            var dice = Dice(seed: 1)
            for round in 0..<500 {
                var reader = Self.reader()
                var rest = whole
                var frames: [Frame] = []
                while rest.readableBytes > 0 {
                    let length = round == 0 ? 1 : Int.random(in: 1...min(rest.readableBytes, 200), using: &dice)
                    let slice = rest.readSlice(length: length)
                    reader.append(try #require(slice))
                    while let frame = try reader.next() { frames.append(frame) }
                }
                #expect(frames == Self.conversation)
            }
        }

        @Test("the reader survives 20,000 mutilated conversations")
        func reader() {
            var dice = Dice(seed: 2)
            var accepted = 0
            for _ in 0..<20_000 {
                var reader = Self.reader()
                reader.append(Self.mutilated(using: &dice))
                do throws(FrameViolation) { while try reader.next() != nil { accepted += 1 } } catch { #expect(!error.reason.isEmpty) }
            }
            #expect(accepted > 20_000)
        }

        @Test("a server survives 3,000 mutilated conversations and goes on serving")
        func server() async throws {
            try await Rig.with { rig in
                await withTaskGroup(of: Void.self) { group in
                    for worker in 0..<6 {
                        group.addTask {
                            var dice = Dice(seed: 3 + UInt64(worker))
                            for _ in 0..<500 {
                                guard let peer = try? await RawPeer(rig.address) else { continue }
                                try? await peer.send(Self.mutilated(using: &dice))
                                await peer.close()
                            }
                        }
                    }
                }
                #expect(try await rig.client.echo([1]) == [1])
                try await eventually("the end of all handlers") { rig.probe.now.inside == 0 }
            }
        }

        @Test("a client survives 200 mutilated answers")
        func client() async throws {
            let number = Probe()
            try await RawServer.with { peer in
                number.wrote()
                var dice = Dice(seed: 100 + UInt64(number.now.written))
                let answer: [Frame] = [
                    .clientPreface, Frame(.responseHead, stream: 1), .message(1, [1]), Frame(.trailers, .endStream, stream: 1), Frame(.goAway),
                ]
                try? await peer.send(Self.mutilated(answer, using: &dice))
                await peer.close()
            } _: { address in
                var configuration = FrameConfiguration.defaults
                configuration.maximumBackoff = .milliseconds(1)
                configuration.initialBackoff = .milliseconds(1)
                try await withGRPCClient(transport: FrameClientTransport(target: address, configuration: configuration)) { client in
                    for _ in 0..<200 { _ = try? await client.unary(BytesService.echo, [1], timeout: .seconds(5), waitForReady: true) }
                }
            }
            #expect(number.now.written >= 100)
        }

        static func mutilated(_ frames: [Frame] = conversation, using dice: inout Dice) -> ByteBuffer {
            var frames = frames
            for _ in 0..<Int.random(in: 0...2, using: &dice) {
                let index = Int.random(in: 0..<frames.count, using: &dice)
                switch Int.random(in: 0..<5, using: &dice) {
                case 0: frames.remove(at: index)
                case 1: frames.insert(frames[index], at: index)
                case 2: frames.swapAt(index, Int.random(in: 0..<frames.count, using: &dice))
                case 3: frames[index].stream = UInt32.random(in: 0...7, using: &dice)
                default: frames[index].type = FrameType.allCases.randomElement(using: &dice) ?? .ping
                }
                if frames.isEmpty { break }
            }
            var bytes = ByteBuffer()
            for frame in frames { bytes.writeFrame(frame) }
            var array = Array(bytes.readableBytesView)
            for _ in 0..<Int.random(in: 0...3, using: &dice) where !array.isEmpty {
                array[Int.random(in: 0..<array.count, using: &dice)] = UInt8.random(in: 0...255, using: &dice)
            }
            if Bool.random(using: &dice) { array = Array(array.prefix(Int.random(in: 0...array.count, using: &dice))) }
            return ByteBuffer(bytes: array)
        }
    }
}
