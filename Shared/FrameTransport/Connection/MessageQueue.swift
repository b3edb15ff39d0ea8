import NIOCore

/// Messages of one stream in the order they arrived. The first needs no allocation: most calls have one message each way.
struct MessageQueue: Sendable {
    private var first: ByteBuffer?
    private var rest = CircularBuffer<ByteBuffer>(initialCapacity: 0)

    mutating func append(_ message: ByteBuffer) {
        if first == nil && rest.isEmpty { first = message } else { rest.append(message) }
    }

    mutating func popFirst() -> ByteBuffer? {
        guard let first else { return nil }
        self.first = rest.popFirst()
        return first
    }

    /// - Returns: the bytes of the frames that were dropped.
    mutating func removeAll() -> Int {
        var bytes = 0
        while let message = popFirst() { bytes += message.readableBytes + Frame.headBytes }
        return bytes
    }

    var isEmpty: Bool { first == nil }
}
