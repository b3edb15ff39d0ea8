import GRPCCore
import NIOCore
import Synchronization
import TransportAPI

/// One TCP or TLS connection: the last handler of its channel, and the place where the streams of any thread meet its event loop.
///
/// Two rules keep it fast. Whatever happens in one turn of the event loop leaves in one flush, so a burst of calls costs one system call. And
/// whoever writes from another thread wakes the event loop only if nobody has done so since its last turn.
///
/// Unchecked, because the properties under "Event loop only" are guarded by discipline: callbacks of the channel and `turn` touch them, and
/// both run on `eventLoop`.
final class FrameConnection: @unchecked Sendable {
    /// What a connection reports to.
    enum Side {
        case client(ClientPool, attempt: Int)
        case server(ServerListener)
    }

    /// What the peer's preface told us.
    struct PeerLimits: Sendable {
        var window: Int
        var messageBytes: Int
        var metadataBytes: Int
        var streams: Int
    }

    // Any thread
    let eventLoop: any EventLoop
    let configuration: FrameConfiguration
    let side: Side
    let isServer: Bool
    let outbound = Mutex(OutboundQueue())
    let peerLimits: Mutex<PeerLimits>
    /// Bytes of messages received and not read yet, over all streams.
    let unread = Atomic(0)
    /// Handlers that have not returned, those of cancelled streams included.
    let handlers = Atomic(0)
    private let isScheduled = Atomic(false)
    private let jobs = Mutex<[UnownedJob]>([])

    // Event loop only
    var context: ChannelHandlerContext?
    var reader: FrameReader
    var streams: [UInt32: FrameStream] = [:]
    /// Server: the highest id a client opened. Ids only grow, so lower ones that are not in `streams` are over.
    var lastStream: UInt32 = 0
    /// Server: streams opened in this turn, whose handlers start at its end, when the whole request is usually here.
    var starting: [FrameStream] = []
    /// The channel was connected, so that its close is not a failed attempt's.
    var wasActive = false
    var isReady = false
    var isDraining = false
    var isReadingPaused = false
    var lastRead = NIODeadline.now()
    var timers = ConnectionTimers()
    var peer: FramePeer?
    /// Client: the URI that the server's certificate must carry.
    var expectedPeer: String?
    var remoteAddress = "unknown"
    var localAddress = "unknown"
    private var inTurn = false
    // Storage that is used again in every turn.
    private var spare = ByteBuffer()
    private var batch: [UnownedJob] = []
    private var opened: [(id: UInt32, stream: FrameStream)] = []
    private var ended: [UInt32] = []
    private(set) var lastError: (any Error)?

    init(_ side: Side, on eventLoop: any EventLoop, configuration: FrameConfiguration) {
        self.side = side
        self.eventLoop = eventLoop
        self.configuration = configuration
        if case .server = side { isServer = true } else { isServer = false }
        reader = FrameReader(maximumMessageBytes: configuration.maximumMessageBytes, maximumMetadataBytes: configuration.maximumMetadataBytes)
        peerLimits = Mutex(PeerLimits(window: 0, messageBytes: 0, metadataBytes: 0, streams: 0))
    }

    // MARK: Any thread

    /// - Parameter closes: the frame is the last of its stream.
    /// - Returns: true if the writer should wait for room before it writes more.
    @discardableResult
    func send(_ type: FrameType, _ flags: FrameFlags = [], stream: UInt32 = 0, payload: ByteBuffer = .empty, closes: Bool = false) -> Bool {
        let isFull = outbound.withLock { outbound in
            outbound.append(type, flags, stream: stream, payload: payload)
            if closes { outbound.close(stream) }
            return outbound.bytes > configuration.maximumUnsentBytes
        }
        wake()
        return isFull
    }

    func send(_ type: FrameType, _ flags: FrameFlags = [], stream: UInt32 = 0, encoded: [UInt8], closes: Bool = false) {
        outbound.withLock { outbound in
            outbound.append(type, flags, stream: stream, encoded: encoded)
            if closes { outbound.close(stream) }
        }
        wake()
    }

    func sendWindowUpdate(_ increment: Int, stream: UInt32) {
        var payload = ByteBufferAllocator().buffer(capacity: 4)
        payload.writeInteger(UInt32(increment))
        send(.windowUpdate, stream: stream, payload: payload)
    }

    /// - Returns: the id of the stream whose head is now queued.
    func open(_ stream: FrameStream, head: [UInt8]) throws(RPCError) -> UInt32 {
        let result: Result<UInt32, RPCError> = outbound.withLock { outbound in
            if let failure = outbound.failure { return .failure(failure) }
            return .success(outbound.open(stream, [], head: head))
        }
        let id = try result.get()
        wake()
        // 65,536 ids are left for the calls that were given this connection before it drains.
        if id == UInt32.max - (1 << 16), case .client(let pool, _) = side { pool.drain(self) }
        return id
    }

    /// Returns when the queue is short again, or the connection or the calling task is over.
    func waitForRoom() async {
        let ticket: UInt64? = outbound.withLock { outbound in
            guard outbound.failure == nil, outbound.bytes > configuration.maximumUnsentBytes else { return nil }
            return outbound.waiters.ticket()
        }
        guard let ticket else { return }
        await withTaskCancellationHandler {
            await withUnsafeContinuation { continuation in
                if !outbound.withLock({ $0.waiters.park(continuation, ticket: ticket) }) { continuation.resume() }
            }
        } onCancel: {
            outbound.withLock { $0.waiters.cancel(ticket: ticket) }?.resume()
        }
    }

    /// `bytes` of messages were read or dropped.
    func read(_ bytes: Int) {
        let before = unread.subtract(bytes, ordering: .relaxed).oldValue
        let low = configuration.maximumUnreadBytes / 2
        if before > low && before - bytes <= low { eventLoop.execute { self.resumeReading() } }
    }

    /// Makes the event loop take a turn soon, unless it is in one: what was queued then leaves at its end.
    private func wake() {
        if eventLoop.inEventLoop && inTurn { return }
        if !isScheduled.exchange(true, ordering: .acquiringAndReleasing) { eventLoop.execute { self.takeTurn() } }
    }

    // MARK: Event loop

    func takeTurn() {
        isScheduled.store(false, ordering: .sequentiallyConsistent)
        beginTurn()
        endTurn()
    }

    func beginTurn() { inTurn = true }

    /// Runs what became runnable, then sends everything that was written.
    func endTurn() {
        startHandlers()
        runJobs()
        flush()
        inTurn = false
    }

    private func runJobs() {
        // A job may make others runnable; after a few rounds they wait for the next turn, so that the socket is not starved.
        for _ in 0..<16 {
            jobs.withLock { swap(&$0, &batch) }
            if batch.isEmpty { return }
            for job in batch { job.runSynchronously(on: asUnownedTaskExecutor()) }
            batch.removeAll(keepingCapacity: true)
        }
        if !isScheduled.exchange(true, ordering: .acquiringAndReleasing) { eventLoop.execute { self.takeTurn() } }
    }

    private func startHandlers() {
        guard !starting.isEmpty, case .server(let listener) = side else { return }
        // A handler runs until it first waits; it cannot open streams, so the list does not change meanwhile.
        for stream in starting { listener.start(stream, on: self) }
        starting.removeAll(keepingCapacity: true)
    }

    func flush() {
        guard let context else { return }
        let isWritable = context.channel.isWritable
        let next = spare
        spare = ByteBuffer()
        let (chunks, tail, woken, unsent) = outbound.withLock { outbound in
            outbound.takeStreams(opened: &opened, closed: &ended)
            guard isWritable, outbound.bytes > 0 else { return ([ByteBuffer](), ByteBuffer?.none, WaitList.Woken?.none, outbound.bytes) }
            let (chunks, tail) = outbound.takeBytes(spare: next)
            return (chunks, tail, outbound.waiters.wake(), 0)
        }
        for (id, stream) in opened { register(stream, id: id) }
        for id in ended { streams[id] = nil }
        opened.removeAll(keepingCapacity: true)
        ended.removeAll(keepingCapacity: true)
        guard var tail else {
            spare = next
            // Control frames are not bound by windows; a peer that makes us queue them without reading is not served any longer.
            if unsent > configuration.maximumUnsentBytes + (64 << 20) { violated(FrameViolation("The peer does not read what it asked for.")) }
            return
        }
        for chunk in chunks where chunk.readableBytes > 0 { context.write(NIOAny(chunk), promise: nil) }
        if tail.readableBytes > 0 { context.write(NIOAny(tail), promise: nil) }
        context.flush()
        woken?.resume()
        // Usually the socket has taken everything by now and the storage is ours again; `clear` allocates if not.
        if tail.capacity <= 256 << 10 {
            tail.clear()
            spare = tail
        }
    }

    private func register(_ stream: FrameStream, id: UInt32) {
        streams[id] = stream
        if let deadline = stream.deadline { expect(deadline) }
    }

    /// Remembers the first error of the channel; it explains the close that follows.
    func note(_ error: any Error) { if lastError == nil { lastError = error } }
}

/// Runs the jobs of unary client calls on the connection's event loop, between reading and flushing.
///
/// A unary call then changes threads twice, on the way in and on the way out, instead of once more for each of GRPCCore's child tasks.
extension FrameConnection: TaskExecutor {
    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        jobs.withLock { $0.append(job) }
        wake()
    }
}

extension ByteBuffer {
    static let empty = ByteBuffer()
}
