import GRPCCore
import NIOCore

/// Frames that wait for the event loop, and what the event loop must know before it sends them. Lives inside the connection's lock.
///
/// Writers on any thread put encoded frames here; one turn of the event loop takes them all and hands them to the socket in one flush.
struct OutboundQueue {
    /// Larger payloads are handed to the socket as they are instead of being copied behind the other frames.
    private static let maximumCopiedBytes = 64 << 10

    private var chunks: [ByteBuffer] = []
    private var tail = ByteBuffer()
    private(set) var bytes = 0
    /// Streams whose request head is among the bytes: the event loop must know them before the first answer can come.
    private(set) var opened: [(id: UInt32, stream: FrameStream)] = []
    /// Streams whose last frame is among the bytes: their places are free before the peer can know.
    private(set) var closed: [UInt32] = []
    /// Client only. Ids grow by one, so the order in which heads are queued is the order of ids.
    private var nextStream: UInt32 = 1
    /// Set once; nothing can be sent any more.
    private(set) var failure: RPCError?
    var waiters = WaitList()

    mutating func append(_ type: FrameType, _ flags: FrameFlags, stream: UInt32, payload: ByteBuffer) {
        guard failure == nil else { return }
        let count = payload.readableBytes
        tail.writeFrameHead(type, flags, stream: stream, payloadBytes: count)
        bytes += Frame.headBytes + count
        if count <= Self.maximumCopiedBytes {
            tail.writeImmutableBuffer(payload)
        } else {
            chunks.append(tail)
            chunks.append(payload)
            tail = ByteBuffer()
        }
    }

    mutating func append(_ type: FrameType, _ flags: FrameFlags, stream: UInt32, encoded: [UInt8]) {
        guard failure == nil else { return }
        tail.writeFrameHead(type, flags, stream: stream, payloadBytes: encoded.count)
        tail.writeBytes(encoded)
        bytes += Frame.headBytes + encoded.count
    }

    /// Queues the head that opens a stream.
    mutating func open(_ stream: FrameStream, _ flags: FrameFlags, head: [UInt8]) -> UInt32 {
        let id = nextStream
        nextStream += 1
        append(.requestHead, flags, stream: id, encoded: head)
        opened.append((id, stream))
        return id
    }

    var lastOpened: UInt32 { nextStream - 1 }

    mutating func close(_ id: UInt32) { if failure == nil { closed.append(id) } }

    /// Exchanges what was collected for two empty lists, whose storage is used again.
    mutating func takeStreams(opened: inout [(id: UInt32, stream: FrameStream)], closed: inout [UInt32]) {
        if !self.opened.isEmpty { swap(&self.opened, &opened) }
        if !self.closed.isEmpty { swap(&self.closed, &closed) }
    }

    /// - Parameter spare: an empty buffer to go on with; spares an allocation per flush.
    mutating func takeBytes(spare: ByteBuffer) -> (chunks: [ByteBuffer], tail: ByteBuffer) {
        let taken = (chunks, tail)
        if !chunks.isEmpty { chunks = [] }
        tail = spare
        bytes = 0
        return taken
    }

    mutating func fail(_ error: RPCError) {
        guard failure == nil else { return }
        failure = error
        chunks = []
        tail = ByteBuffer()
        bytes = 0
        opened = []
        closed = []
    }
}
