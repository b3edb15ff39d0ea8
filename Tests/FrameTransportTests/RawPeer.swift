import Foundation
import FrameTransport
import NIOCore
import NIOPosix
import SwiftProtobuf
import Synchronization
import TestSupport
import Testing
import TransportAPI

/// The other side of a connection, speaking bytes instead of calls: it can break every rule.
final class RawPeer: Sendable {
    private let channel: NIOAsyncChannel<ByteBuffer, ByteBuffer>
    private let inbox = Inbox()
    private let reading: Task<Void, Never>

    /// Connects to a server.
    convenience init(_ address: FrameAddress) async throws {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton).connect(host: address.host, port: address.port) {
            channel in
            channel.eventLoop.makeCompletedFuture { try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel) }
        }
        self.init(channel)
    }

    init(_ channel: NIOAsyncChannel<ByteBuffer, ByteBuffer>) {
        self.channel = channel
        let inbox = inbox
        reading = Task {
            try? await channel.executeThenClose { inbound, outbound in
                inbox.open(outbound)
                do { for try await bytes in inbound { inbox.append(bytes) } } catch {}
                inbox.end()
            }
            inbox.end()
        }
    }

    func send(_ frames: [Frame]) async throws {
        var buffer = ByteBuffer()
        for frame in frames { buffer.writeFrame(frame) }
        try await send(buffer)
    }

    func send(_ bytes: ByteBuffer) async throws {
        while inbox.writer == nil && !inbox.isEnded { try await Task.sleep(for: .milliseconds(1)) }
        try await inbox.writer?.write(bytes)
    }

    /// Frames received so far, once one of the type is among them or the connection has ended.
    func frames(until type: FrameType) async throws -> [Frame] {
        try await eventually("a \(type) frame") { inbox.isEnded || inbox.frames.contains { $0.type == type } }
        return inbox.frames
    }

    func waitForEnd() async throws -> [Frame] {
        try await eventually("the end of the connection") { inbox.isEnded }
        return inbox.frames
    }

    var isEnded: Bool { inbox.isEnded }
    var frames: [Frame] { inbox.frames }

    func close() async {
        try? await channel.channel.close().get()
        await reading.value
    }

    private final class Inbox: Sendable {
        private struct State {
            var reader = FrameReader(maximumMessageBytes: 8 << 20, maximumMetadataBytes: 8 << 20)
            var frames: [Frame] = []
            var isEnded = false
            var writer: NIOAsyncChannelOutboundWriter<ByteBuffer>?
        }
        private let state = Mutex(State())

        var frames: [Frame] { state.withLock { $0.frames } }
        var isEnded: Bool { state.withLock { $0.isEnded } }
        var writer: NIOAsyncChannelOutboundWriter<ByteBuffer>? { state.withLock { $0.writer } }

        func open(_ writer: NIOAsyncChannelOutboundWriter<ByteBuffer>) { state.withLock { $0.writer = writer } }

        func append(_ bytes: ByteBuffer) {
            state.withLock { state in
                state.reader.append(bytes)
                while let frame = try? state.reader.next() { state.frames.append(frame) }
            }
        }

        func end() { state.withLock { $0.isEnded = true } }
    }
}

extension Frame {
    static func preface(_ change: (inout PBSettings) -> Void) -> Frame {
        var settings = PBSettings()
        settings.version = Frame.version
        settings.maxStreams = 100
        settings.maxMessageBytes = 4 << 20
        settings.initialWindowBytes = 256 << 10
        settings.maxMetadataBytes = 16 << 10
        change(&settings)
        return Frame(.preface, payload: ByteBuffer(staticString: Frame.magic).appending(settings))
    }

    static var clientPreface: Frame { preface { _ in } }

    static func requestHead(_ stream: UInt32, _ method: String, timeout: UInt64? = nil, ends: Bool = false) -> Frame {
        var head = PBRequestHead()
        head.method = method
        if let timeout { head.timeoutMs = timeout }
        return Frame(.requestHead, ends ? .endStream : [], stream: stream, payload: ByteBuffer().appending(head))
    }

    static func message(_ stream: UInt32, _ bytes: [UInt8], ends: Bool = false) -> Frame {
        Frame(.message, ends ? .endStream : [], stream: stream, payload: ByteBuffer(bytes: bytes))
    }

    var trailers: PBTrailers { get throws { try PBTrailers(serializedBytes: Array(payload.readableBytesView)) } }
    var goAwayReason: String { get throws { try PBGoAway(serializedBytes: Array(payload.readableBytesView)).reason } }
}

extension ByteBuffer {
    func appending(_ message: some SwiftProtobuf.Message) -> ByteBuffer {
        var copy = self
        let encoded: [UInt8] = (try? message.serializedBytes()) ?? []
        copy.writeBytes(encoded)
        return copy
    }
}

/// Accepts one connection after the other and hands each to `serve`; speaks bytes like `RawPeer`.
struct RawServer {
    /// Somewhere nobody listens.
    static var vacantAddress: FrameAddress {
        get async throws {
            try await with { _ in
            } _: {
                $0
            }
        }
    }

    static func with<R: Sendable>(_ serve: @escaping @Sendable (RawPeer) async throws -> Void, _ body: (FrameAddress) async throws -> R) async throws
        -> R
    {
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .bind(host: "127.0.0.1", port: 0) { channel in
                channel.eventLoop.makeCompletedFuture { try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel) }
            }
        let address = FrameAddress(host: "127.0.0.1", port: server.channel.localAddress?.port ?? 0)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try? await server.executeThenClose { inbound in
                    for try await channel in inbound {
                        let peer = RawPeer(channel)
                        Task { try await serve(peer) }
                    }
                }
            }
            let result = try await body(address)
            group.cancelAll()
            return result
        }
    }
}
