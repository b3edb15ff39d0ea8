import Foundation
import NIOCore
import NIOPosix
import Synchronization
import TestSupport
import Testing

@testable import GatewayService

/// A reader of events that does not read (T38).
@Suite("Readers of events that fall behind", .database(GatewayProgram.schema), .timeLimit(.minutes(1)))
struct EventBacklogTests {
    private static func event(_ size: Int) -> ByteBuffer { ByteBuffer(repeating: UInt8(ascii: "a"), count: size) }

    @Test("256 events wait, and not one more; what was taken makes room")
    func events() async throws {
        let backlog = EventBacklog()
        for _ in 0..<EventBacklog.maxEvents { #expect(backlog.offer(Self.event(10))) }
        #expect(!backlog.offer(Self.event(10)))
        var reader = backlog.events.makeAsyncIterator()
        let first = try #require(try await reader.next())
        backlog.wrote(first)
        #expect(backlog.offer(Self.event(10)))
        #expect(!backlog.offer(Self.event(10)))
    }

    @Test("1 MiB waits, and not a byte more; a larger event passes when nothing else waits")
    func bytes() async throws {
        let backlog = EventBacklog()
        for _ in 0..<16 { #expect(backlog.offer(Self.event(65_536))) }
        #expect(!backlog.offer(Self.event(1)))
        let large = EventBacklog()
        #expect(large.offer(Self.event(3 << 20)))
        #expect(!large.offer(Self.event(1)))
    }

    @Test("whoever opens a stream and reads nothing is disconnected as soon as it is full; the service that publishes is not held up")
    func flood() async throws {
        try await GatewayStand.with { stand in
            let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .channelOption(.autoRead, value: false).channelOption(.socketOption(.so_rcvbuf), value: 65_536)
                .connect(host: "127.0.0.1", port: stand.port).get()
            let head = "GET /api/v1/runs/run_flood/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer \(stand.key)\r\n\r\n"
            try await channel.writeAndFlush(ByteBuffer(string: head))
            // Far below the 30 seconds after which anybody who reads nothing is let go.
            try await eventually(within: .seconds(15)) { stand.fake.seen.withLock { $0.floods } == 1 }
            let isClosed = Atomic(false)
            channel.closeFuture.whenComplete { _ in isClosed.store(true, ordering: .relaxed) }
            try await channel.setOption(.autoRead, value: true).get()
            channel.read()
            try await eventually(within: .seconds(5)) { isClosed.load(ordering: .relaxed) }
            // Others are served as before.
            #expect(try await stand.api.get("/runs/run_1").status == 200)
        }
    }
}
