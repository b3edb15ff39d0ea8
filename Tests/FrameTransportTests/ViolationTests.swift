import Foundation
import FrameTransport
import GRPCCore
import NIOCore
import TestSupport
import Testing
import TransportAPI

extension FrameTransportTests {
    @Suite("Peers that break rules") struct ViolationTests {
        /// What a client sends, and what the server says about it.
        struct Case: Sendable, CustomTestStringConvertible {
            let name: String
            let bytes: ByteBuffer
            /// Part of the reason in the go-away frame.
            let reason: String

            init(_ name: String, _ frames: [Frame], says reason: String) {
                self.init(name, raw: Self.bytes(frames), says: reason)
            }

            init(_ name: String, raw: ByteBuffer, says reason: String) {
                self.name = name
                bytes = raw
                self.reason = reason
            }

            static func bytes(_ frames: [Frame]) -> ByteBuffer { frames.reduce(into: ByteBuffer()) { $0.writeFrame($1) } }

            var testDescription: String { name }
        }

        static let hang = "assay.test.Bytes/Hang"

        /// A preface and what follows it.
        static func after(_ frames: Frame...) -> [Frame] { [.clientPreface] + frames }

        static func raw(_ head: [UInt8], after frames: [Frame] = [.clientPreface]) -> ByteBuffer {
            var bytes = Case.bytes(frames)
            bytes.writeBytes(head)
            return bytes
        }

        static let badKey = with(PBRequestHead()) {
            $0.method = hang
            $0.metadata = [
                with(PBMetadataEntry()) {
                    $0.key = "A B"; $0.text = ""
                }
            ]
        }

        static let badBinary = with(PBRequestHead()) {
            $0.method = hang
            $0.metadata = [
                with(PBMetadataEntry()) {
                    $0.key = "key"; $0.binary = .init([1])
                }
            ]
        }

        static let noValue = with(PBRequestHead()) {
            $0.method = hang
            $0.metadata = [with(PBMetadataEntry()) { $0.key = "key" }]
        }

        static func with<T>(_ value: T, _ change: (inout T) -> Void) -> T {
            var value = value
            change(&value)
            return value
        }

        static let cases: [Case] = [
            Case("HTTP", raw: ByteBuffer(string: "GET / HTTP/1.1\r\nHost: x\r\n\r\n"), says: "larger than the limit"),
            Case("HTTP/2", raw: ByteBuffer(string: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), says: "larger than the limit"),
            Case("zeros", raw: ByteBuffer(repeating: 0, count: 64), says: "shorter than its head"),
            Case("no preface", [Frame(.ping, payload: ByteBuffer(repeating: 0, count: 8))], says: "not a preface"),
            Case("two prefaces", after(.clientPreface), says: "second preface"),
            Case("other magic", [Frame(.preface, payload: ByteBuffer(string: "ASSAYRPD"))], says: "does not start with"),
            Case("short magic", [Frame(.preface, payload: ByteBuffer(string: "ASS"))], says: "does not start with"),
            Case("settings that are no protobuf", [Frame(.preface, payload: ByteBuffer(string: "ASSAYRPC\u{7}"))], says: "cannot be decoded"),
            Case("other version", [.preface { $0.version = 2 }], says: "Version 2"),
            Case("a window of nothing", [.preface { $0.initialWindowBytes = 0 }], says: "impossible"),
            Case("an endless window", [.preface { $0.initialWindowBytes = 1 << 31 }], says: "impossible"),
            Case("a large preface", [Frame(.preface, payload: ByteBuffer(repeating: 0, count: 2_000))], says: "wrong length"),
            Case("unknown type", raw: raw([0, 0, 0, 6, 10, 0, 0, 0, 0, 0]), says: "type 10"),
            Case("unknown flag", raw: raw([0, 0, 0, 6, 2, 4, 0, 0, 0, 1]), says: "flag"),
            Case("a flag of another type", raw: raw([0, 0, 0, 14, 7, 1, 0, 0, 0, 0]), says: "flag"),
            Case("a length too short", raw: raw([0, 0, 0, 5, 7, 0, 0, 0, 0, 0]), says: "shorter than its head"),
            Case("a length too long", raw: raw([0xFF, 0xFF, 0xFF, 0xFF]), says: "larger than the limit"),
            Case("a message over 4 MiB", raw: raw([0, 0x40, 0, 7, 2, 0, 0, 0, 0, 1]), says: "larger than the limit"),
            Case("a head over 16 KiB", raw: raw([0, 0, 0x40, 7, 1, 0, 0, 0, 0, 1]), says: "wrong length"),
            Case("a call on stream 0", after(.requestHead(0, hang)), says: "on stream 0"),
            Case("a ping on a stream", after(Frame(.ping, stream: 1, payload: ByteBuffer(repeating: 0, count: 8))), says: "on stream 1"),
            Case("a short ping", after(Frame(.ping, payload: ByteBuffer(repeating: 0, count: 7))), says: "wrong length"),
            Case("a cancel with content", after(Frame(.cancel, stream: 1, payload: ByteBuffer(repeating: 0, count: 1))), says: "wrong length"),
            Case("no method", after(.requestHead(1, "")), says: "names no method"),
            Case(
                "a head that is no protobuf", after(Frame(.requestHead, stream: 1, payload: ByteBuffer(string: "\u{7}"))), says: "cannot be decoded"),
            Case("a bad metadata key", after(Frame(.requestHead, stream: 1, payload: ByteBuffer().appending(badKey))), says: "characters"),
            Case("binary metadata under a text key", after(Frame(.requestHead, stream: 1, payload: ByteBuffer().appending(badBinary))), says: "-bin"),
            Case("metadata without a value", after(Frame(.requestHead, stream: 1, payload: ByteBuffer().appending(noValue))), says: "no value"),
            Case("the same stream twice", after(.requestHead(1, hang), .requestHead(1, hang)), says: "opened after"),
            Case("streams going down", after(.requestHead(7, hang), .requestHead(5, hang)), says: "opened after"),
            Case("a message on no stream", after(.message(1, [1])), says: "never opened"),
            Case("a cancel on no stream", after(Frame(.cancel, stream: 3)), says: "never opened"),
            Case("a message after the end", after(.requestHead(1, hang, ends: true), .message(1, [1])), says: "after the end"),
            Case(
                "a second end", after(.requestHead(1, hang, ends: true), Frame(.message, [.endStream, .noMessage], stream: 1)), says: "after the end"),
            Case(
                "no message but content",
                after(.requestHead(1, hang), Frame(.message, [.endStream, .noMessage], stream: 1, payload: ByteBuffer(bytes: [1]))),
                says: "wrong length"),
            Case("no message and no end", after(.requestHead(1, hang), Frame(.message, .noMessage, stream: 1)), says: "wrong length"),
            Case("a response head", after(.requestHead(1, hang), Frame(.responseHead, stream: 1)), says: "client sent a response head"),
            Case("trailers", after(.requestHead(1, hang), Frame(.trailers, .endStream, stream: 1)), says: "client sent trailers"),
            Case(
                "a window update of nothing", after(.requestHead(1, hang), Frame(.windowUpdate, stream: 1, payload: ByteBuffer(integer: UInt32(0)))),
                says: "impossible increment"),
            Case(
                "a window update too large", after(.requestHead(1, hang), Frame(.windowUpdate, stream: 1, payload: ByteBuffer(integer: UInt32.max))),
                says: "impossible increment"),
            Case("a hundred and one streams", [.clientPreface] + (1...101).map { .requestHead($0, hang) }, says: "100 streams"),
            Case(
                "empty messages nobody reads",
                [.clientPreface, .requestHead(1, hang)] + [Frame](repeating: .message(1, []), count: 256 << 10 / 10 + 2),
                says: "overdrawn"),
            Case(
                "large messages nobody reads",
                after(.requestHead(1, hang), .message(1, [UInt8](repeating: 0, count: 300_000)), .message(1, [0])), says: "overdrawn"),
        ]

        @Test("a client that breaks a rule loses its connection, hears why, and nobody else notices", arguments: cases)
        func server(_ example: Case) async throws {
            try await Rig.with { rig in
                #expect(try await rig.client.echo([1]) == [1])
                let peer = try await RawPeer(rig.address)
                try await peer.send(example.bytes)
                let frames = try await peer.waitForEnd()
                let reason = try #require(frames.last { $0.type == .goAway }).goAwayReason
                #expect(reason.contains(example.reason))
                #expect(try await rig.client.echo([2]) == [2])
                await peer.close()
                try await eventually("the end of its handlers") { rig.probe.now.inside == 0 }
            }
        }

        /// What a server may answer the first call with, the stream being 1.
        static let answers: [Case] = [
            Case("a request head", [.requestHead(1, hang)], says: ""),
            Case("two heads", [Frame(.responseHead, stream: 1), Frame(.responseHead, stream: 1)], says: ""),
            Case("a head after a message", [.message(1, [1]), Frame(.responseHead, stream: 1)], says: ""),
            Case("a message that ends", [.message(1, [1], ends: true)], says: ""),
            Case("a cancel", [Frame(.cancel, stream: 1)], says: ""),
            Case("a stream nobody opened", [Frame(.trailers, .endStream, stream: 2)], says: ""),
            Case("trailers that are no protobuf", [Frame(.trailers, .endStream, stream: 1, payload: ByteBuffer(string: "\u{7}"))], says: ""),
            Case("garbage", raw: ByteBuffer(string: "HTTP/1.1 400 Bad Request\r\n\r\n"), says: ""),
        ]

        @Test("a server that breaks a rule fails the call as unavailable; the next connection works", arguments: answers)
        func client(_ answer: Case) async throws {
            let accepted = Probe()
            try await RawServer.with { peer in
                accepted.wrote()
                try await peer.send([.clientPreface])
                _ = try await peer.frames(until: .message)
                if accepted.now.written == 1 { return try await peer.send(answer.bytes) }
                try await peer.send([.message(1, [7]), Frame(.trailers, .endStream, stream: 1)])
            } _: { address in
                try await withGRPCClient(transport: FrameClientTransport(target: address)) { client in
                    #expect(await code { try await client.echo([1]) } == .unavailable)
                    let answer = try await client.echo([1])
                    #expect(answer == [7])
                }
            }
        }

        @Test("frames that cross the end of their stream are no violation")
        func crossing() async throws {
            try await Rig.with { rig in
                let peer = try await RawPeer(rig.address)
                try await peer.send([.clientPreface, .requestHead(1, "assay.test.Bytes/Echo"), .message(1, [1], ends: true)])
                _ = try await peer.frames(until: .trailers)
                try await peer.send([
                    .message(1, [1]), Frame(.cancel, stream: 1), Frame(.windowUpdate, stream: 1, payload: ByteBuffer(integer: UInt32(5))),
                    Frame(.pong, payload: ByteBuffer(repeating: 0, count: 8)), Frame(.ping, payload: ByteBuffer(repeating: 3, count: 8)),
                ])
                let pong = try await peer.frames(until: .pong).last
                #expect(pong?.payload == ByteBuffer(repeating: 3, count: 8))
                #expect(!peer.isEnded)
                await peer.close()
            }
        }

        @Test("somebody who says nothing is not waited for; more than so many are not accepted")
        func strangers() async throws {
            var configuration = FrameConfiguration.defaults
            configuration.prefaceTimeout = .milliseconds(150)
            configuration.maximumAcceptedConnections = 3
            try await Rig.with(server: configuration) { rig in
                let first = try await RawPeer(rig.address)
                let second = try await RawPeer(rig.address)
                try await second.send(ByteBuffer(bytes: [0, 0, 0]))
                #expect(try await rig.client.echo([1]) == [1])
                let fourth = try await RawPeer(rig.address)
                #expect(try await fourth.waitForEnd().isEmpty)
                #expect(try await first.waitForEnd().first?.goAwayReason.contains("in time") == true)
                _ = try await second.waitForEnd()
                #expect(try await rig.client.echo([1]) == [1])
            }
        }

        @Test("opening and cancelling streams in a loop does not pile up handlers")
        func rapidCancel() async throws {
            try await Rig.with { rig in
                let peer = try await RawPeer(rig.address)
                try await peer.send([.clientPreface])
                for start in stride(from: UInt32(1), to: 20_000, by: 100) {
                    try await peer.send(
                        (start..<start + 100).flatMap { [.requestHead($0, ViolationTests.hang, ends: true), Frame(.cancel, stream: $0)] })
                }
                #expect(try await rig.client.echo([1]) == [1])
                #expect(rig.probe.now.mostInside <= 200)
                await peer.close()
                try await eventually("the end of its handlers") { rig.probe.now.inside == 0 }
            }
        }
    }
}
