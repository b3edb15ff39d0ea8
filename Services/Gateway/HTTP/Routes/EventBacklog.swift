import NIOCore
import Synchronization

/// The events of one stream that its reader has not taken yet (T38). Whoever publishes never waits: what does not fit is told, and the reader is cut
/// off; it comes back and goes on from what it has seen.
final class EventBacklog: Sendable {
    /// Waiting at once, heartbeats among them.
    static let maxEvents = 256
    static let maxBytes = 1 << 20

    /// For one reader, which tells of each when it has been written: `wrote`.
    let events: AsyncThrowingStream<ByteBuffer, any Error>
    private let continuation: AsyncThrowingStream<ByteBuffer, any Error>.Continuation
    private let bytes = Atomic(0)

    init() { (events, continuation) = AsyncThrowingStream.makeStream(bufferingPolicy: .bufferingOldest(Self.maxEvents)) }

    /// `body` runs once there is nobody to read any more, or nothing.
    func onEnd(_ body: @escaping @Sendable () -> Void) { continuation.onTermination = { _ in body() } }

    /// - Returns: whether there was room. An event that is too large by itself is let through when nothing waits.
    func offer(_ event: ByteBuffer) -> Bool {
        let size = event.readableBytes
        if bytes.add(size, ordering: .relaxed).newValue <= max(Self.maxBytes, size) {
            if case .enqueued = continuation.yield(event) { return true }
        }
        bytes.subtract(size, ordering: .relaxed)
        return false
    }

    func wrote(_ event: ByteBuffer) { bytes.subtract(event.readableBytes, ordering: .relaxed) }

    /// What waits is still read.
    func finish(throwing error: (any Error)? = nil) { continuation.finish(throwing: error) }
}
