import NIOCore

/// Cuts a byte stream into frames.
///
/// Checks what can be known from a frame's head before its payload has arrived, so that a bad length never makes memory grow. Rules that need
/// to know the streams are checked by `FrameConnection`.
package struct FrameReader: Sendable {
    private let maximumMessageBytes: Int
    private let maximumMetadataBytes: Int
    private var buffer = ByteBuffer()
    /// The first frame is a preface, or a go-away to somebody whose own preface was refused; nothing else is even waited for.
    private var expectsPreface = true

    package init(maximumMessageBytes: Int, maximumMetadataBytes: Int) {
        self.maximumMessageBytes = maximumMessageBytes
        self.maximumMetadataBytes = maximumMetadataBytes
    }

    package mutating func append(_ bytes: ByteBuffer) {
        if buffer.readableBytes == 0 {
            buffer = bytes
        } else if buffer.readerIndex == 0 {
            // One unfinished frame that nobody else holds: grows in place, by doubling.
            buffer.writeImmutableBuffer(bytes)
        } else {
            // Messages already cut out of this buffer share its storage; only the rest is copied.
            var joined = ByteBufferAllocator().buffer(capacity: buffer.readableBytes + bytes.readableBytes)
            joined.writeImmutableBuffer(buffer)
            joined.writeImmutableBuffer(bytes)
            buffer = joined
        }
    }

    /// - Returns: the next whole frame, or nil until more bytes come.
    package mutating func next() throws(FrameViolation) -> Frame? {
        let start = buffer.readerIndex
        guard let length = buffer.getInteger(at: start, as: UInt32.self) else { return nil }
        guard length >= Frame.countedHeadBytes else { throw FrameViolation("A frame is shorter than its head.") }
        let payloadBytes = Int(length) - Frame.countedHeadBytes
        guard payloadBytes <= max(maximumMessageBytes, maximumMetadataBytes) else { throw FrameViolation("A frame is larger than the limit.") }
        guard let (rawType, rawFlags, stream) = buffer.getFrameKind(at: start + 4) else { return nil }
        guard let type = FrameType(rawValue: rawType) else { throw FrameViolation("Frame type \(rawType) is not known.") }
        let flags = FrameFlags(rawValue: rawFlags)
        try check(type, flags, stream: stream, payloadBytes: payloadBytes)
        guard buffer.readableBytes >= Frame.headBytes + payloadBytes else { return nil }
        buffer.moveReaderIndex(forwardBy: Frame.headBytes)
        guard let payload = buffer.readSlice(length: payloadBytes) else { return nil }
        expectsPreface = false
        return Frame(type, flags, stream: stream, payload: payload)
    }

    private func check(_ type: FrameType, _ flags: FrameFlags, stream: UInt32, payloadBytes: Int) throws(FrameViolation) {
        guard expectsPreface == (type == .preface) || type == .goAway else {
            throw FrameViolation(expectsPreface ? "The first frame is not a preface." : "There is a second preface.")
        }
        guard flags.isSubset(of: type.allowedFlags) else { throw FrameViolation("A flag is set that a \(type) frame does not have.") }
        guard (stream == 0) == type.isAboutConnection else { throw FrameViolation("A \(type) frame is on stream \(stream).") }
        let fits =
            switch type {
            case .message: flags.contains(.noMessage) ? payloadBytes == 0 && flags.contains(.endStream) : payloadBytes <= maximumMessageBytes
            case .requestHead, .responseHead, .trailers: payloadBytes <= maximumMetadataBytes
            case .cancel: payloadBytes == 0
            case .windowUpdate: payloadBytes == 4
            case .ping, .pong: payloadBytes == 8
            case .preface, .goAway: payloadBytes <= Frame.maximumControlBytes
            }
        guard fits else { throw FrameViolation("The payload of a \(type) frame has a wrong length: \(payloadBytes).") }
    }
}

extension ByteBuffer {
    fileprivate func getFrameKind(at index: Int) -> (UInt8, UInt8, UInt32)? {
        guard let type = getInteger(at: index, as: UInt8.self), let flags = getInteger(at: index + 1, as: UInt8.self),
            let stream = getInteger(at: index + 2, as: UInt32.self)
        else { return nil }
        return (type, flags, stream)
    }
}
