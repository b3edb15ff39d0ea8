import Foundation
import NIOCore
import NIOPosix

/// HTTP as bytes, for what no decent client sends.
enum RawHTTP {
    private typealias Connection = NIOAsyncChannel<ByteBuffer, ByteBuffer>

    /// Sends `bytes` and gives back all that comes until the server closes or `until` has been seen.
    /// - Parameter pause: how long nothing is read.
    static func exchange(port: Int, _ bytes: [UInt8], until: String = "\u{0}never", readingAfter pause: Duration = .zero) async throws -> String {
        try await with(port) { connection in
            try await connection.executeThenClose { inbound, outbound in
                // The server may close before it has read everything: then its answer is what counts.
                try? await outbound.write(ByteBuffer(bytes: bytes))
                try await Task.sleep(for: pause)
                return try await text(inbound, until: until)
            }
        }
    }

    /// Sends `bytes` and closes the connection without waiting for anything.
    static func abandon(port: Int, _ bytes: [UInt8]) async throws {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton).connect(host: "127.0.0.1", port: port).get()
        try await channel.writeAndFlush(ByteBuffer(bytes: bytes))
        try await channel.close()
    }

    /// Sends `bytes`, then one byte after the other until the server has had enough of it.
    static func drip(port: Int, _ bytes: [UInt8], every pause: Duration) async throws -> String {
        try await with(port) { connection in
            try await connection.executeThenClose { inbound, outbound in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask {
                        try? await outbound.write(ByteBuffer(bytes: bytes))
                        while !Task.isCancelled {
                            try await Task.sleep(for: pause)
                            guard (try? await outbound.write(ByteBuffer(string: "a"))) != nil else { return }
                        }
                    }
                    let answer = try await text(inbound, until: "\u{0}never")
                    group.cancelAll()
                    return answer
                }
            }
        }
    }

    /// Runs `body` while `count` connections are open on which `request` was said and nothing else.
    static func holding<R>(_ count: Int, port: Int, sending request: String = "", _ body: () async throws -> R) async throws -> R {
        var channels: [any Channel] = []
        for _ in 0..<count {
            let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton).connect(host: "127.0.0.1", port: port).get()
            try await channel.writeAndFlush(ByteBuffer(string: request))
            channels.append(channel)
        }
        // Connected is not yet accepted.
        try await Task.sleep(for: .milliseconds(100))
        let result = try await body()
        for channel in channels { try? await channel.close() }
        return result
    }

    private static func with<R: Sendable>(_ port: Int, _ body: (Connection) async throws -> R) async throws -> R {
        let connection = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.socketOption(.so_rcvbuf), value: 65_536)
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture { try Connection(wrappingChannelSynchronously: channel) }
            }
        let closing = connection.channel.eventLoop.scheduleTask(in: .seconds(15)) { connection.channel.close(promise: nil) }
        defer { closing.cancel() }
        return try await body(connection)
    }

    private static func text(_ inbound: NIOAsyncChannelInboundStream<ByteBuffer>, until: String) async throws -> String {
        var text = ""
        do {
            for try await piece in inbound {
                text += String(buffer: piece)
                if text.contains(until) { break }
            }
        } catch is IOError {}
        return text
    }
}
