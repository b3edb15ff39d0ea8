import NIOCore
import NIOPosix
import Synchronization

/// A TCP server on a free port of 127.0.0.1 that answers the first bytes of every connection as no server should (T76).
package final class NastyServer: Sendable {
    /// What is done once something has been received.
    package struct Script: Sendable {
        package enum Ending: Sendable {
            case keepOpen, close, reset
        }

        package let name: String
        let opening: [UInt8]
        /// Written for ever after the opening, as fast as it is read, or once per `interval`.
        let repeated: [UInt8]
        let interval: Duration?
        let ending: Ending

        package init(_ name: String, opening: [UInt8], repeated: [UInt8] = [], interval: Duration? = nil, ending: Ending = .keepOpen) {
            self.name = name
            self.opening = opening
            self.repeated = repeated
            self.interval = interval
            self.ending = ending
        }

        package init(_ name: String, _ opening: String, repeated: String = "", interval: Duration? = nil, ending: Ending = .keepOpen) {
            self.init(name, opening: Array(opening.utf8), repeated: Array(repeated.utf8), interval: interval, ending: ending)
        }
    }

    package let port: Int
    private let group: MultiThreadedEventLoopGroup
    private let talking: Counter

    private init(port: Int, group: MultiThreadedEventLoopGroup, talking: Counter) {
        self.port = port
        self.group = group
        self.talking = talking
    }

    package static func start(_ script: Script) async throws -> NastyServer {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let talking = Counter()
        let channel = try await ServerBootstrap(group: group)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(NastyHandler(script, talking)) }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return NastyServer(port: channel.localAddress?.port ?? 0, group: group, talking: talking)
    }

    package var url: String { "http://127.0.0.1:\(port)" }

    /// Connections that have sent something so far.
    package var connections: Int { talking.value.load(ordering: .relaxed) }

    /// Closes the port and every connection; returns at once.
    package func stop() {
        group.shutdownGracefully { _ in }
    }

    fileprivate final class Counter: Sendable {
        let value = Atomic(0)
    }
}

extension NastyServer.Script: CustomStringConvertible {
    package var description: String { name }
}

extension NastyServer.Script {
    private static let ok = "HTTP/1.1 200 OK\r\n"
    private static let filler = String(repeating: "x", count: 16 << 10)

    package static let endlessBody = Self("endless body", ok + "\r\n", repeated: filler)
    package static let endlessChunks = Self(
        "endless chunks", ok + "transfer-encoding: chunked\r\n\r\n", repeated: "1000\r\n" + filler.prefix(4096) + "\r\n")
    package static let endlessHeaders = Self("endless headers", ok, repeated: "x-more: and more\r\n")
    package static let endlessInformational = Self("endless informational", "", repeated: "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n")
    package static let hugeHeader = Self("huge header", ok + "x-huge: " + String(repeating: "h", count: 300_000) + "\r\n\r\n")
    package static let endlessHeaderLine = Self("endless header line", ok + "x-huge: ", repeated: filler)
    package static let hugeAnnounced = Self("ten gibibytes announced", ok + "content-length: 10737418240\r\n\r\n", repeated: filler)
    package static let silent = Self("silent", "")
    package static let neverCloses = Self("never closes", ok + "\r\nall there is")
    package static let garbage = Self("garbage", "SSH-2.0-OpenSSH_9.2p1\r\n\r\n", ending: .close)
    package static let garbageLength = Self("garbage length", ok + "content-length: twelve\r\n\r\nhello world!", ending: .close)
    package static let garbageChunk = Self("garbage chunk", ok + "transfer-encoding: chunked\r\n\r\nzz\r\nhello\r\n", ending: .close)
    package static let shortBody = Self("wrong length", ok + "content-length: 100\r\n\r\nhello", ending: .close)
    package static let closesAtOnce = Self("closes at once", "", ending: .close)
    package static let resetsAtOnce = Self("resets at once", "", ending: .reset)
    package static let resetsInBody = Self("resets in the body", ok + "content-length: 100000\r\n\r\n" + filler, ending: .reset)
    package static let zstandard = Self(
        "zstd nobody asked for", ok + "content-encoding: zstd\r\ncontent-length: 4\r\n\r\n(\u{1}\u{1}\u{1}", ending: .close)
    package static let gzipBomb = Self(
        "gzip bomb", opening: Array((ok + "content-encoding: gzip\r\n\r\n").utf8) + bomb(matches: 400_000), ending: .close)

    /// One byte of body per interval, without end.
    package static func drip(every interval: Duration) -> Self {
        Self("drip", ok + "content-length: 100000\r\n\r\n", repeated: "x", interval: interval)
    }

    /// A gzip stream of one byte and then copies of 258 bytes at distance 1, each of which takes 13 bits: 158 times its size unpacked.
    private static func bomb(matches: Int) -> [UInt8] {
        var bytes: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255]
        var bits: UInt32 = 0
        var count = 0
        func put(_ value: UInt32, _ width: Int) {
            bits |= value << UInt32(count)
            count += width
            while count >= 8 {
                bytes.append(UInt8(truncatingIfNeeded: bits))
                bits >>= 8
                count -= 8
            }
        }
        put(0b011, 3)  // the last block, fixed Huffman codes (RFC 1951, section 3.2.6)
        put(0b0000_1100, 8)  // literal 0: code 00110000, sent from its first bit on
        for _ in 0..<matches {
            put(0b1010_0011, 8)  // length 258: code 11000101
            put(0, 5)  // distance 1
        }
        put(0, 7)
        put(0, 7)
        return bytes
    }
}

private final class NastyHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let script: NastyServer.Script
    private let talking: NastyServer.Counter
    private var hasStarted = false

    init(_ script: NastyServer.Script, _ talking: NastyServer.Counter) {
        self.script = script
        self.talking = talking
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !hasStarted else { return }
        hasStarted = true
        talking.value.add(1, ordering: .relaxed)
        let channel = context.channel
        let script = script
        channel.writeAndFlush(ByteBuffer(bytes: script.opening)).whenSuccess {
            if script.repeated.isEmpty { Self.end(script.ending, channel) } else { Self.repeatForEver(script, channel) }
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    /// The next piece goes out when the one before is in the kernel, so a reader that stops stops this too.
    private static func repeatForEver(_ script: NastyServer.Script, _ channel: any Channel) {
        let piece = ByteBuffer(bytes: script.repeated)
        channel.writeAndFlush(piece).whenSuccess {
            channel.eventLoop.scheduleTask(in: script.interval.map { TimeAmount($0) } ?? .zero) { repeatForEver(script, channel) }
        }
    }

    private static func end(_ ending: NastyServer.Script.Ending, _ channel: any Channel) {
        switch ending {
        case .keepOpen: return
        case .close: channel.close(promise: nil)
        case .reset:
            let linger = (channel as? any SocketOptionProvider)?.setSoLinger(linger(l_onoff: 1, l_linger: 0))
            linger?.whenComplete { _ in channel.close(promise: nil) }
        }
    }
}
