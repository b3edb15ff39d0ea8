import NIOCore

/// What a frame is for; the second field of its head.
package enum FrameType: UInt8, Sendable, CaseIterable {
    case preface = 0
    case requestHead = 1
    case message = 2
    case responseHead = 3
    case trailers = 4
    case cancel = 5
    case windowUpdate = 6
    case ping = 7
    case pong = 8
    case goAway = 9

    /// Frames about the connection carry stream 0, all others a stream that was opened.
    var isAboutConnection: Bool {
        switch self {
        case .preface, .ping, .pong, .goAway: true
        case .requestHead, .message, .responseHead, .trailers, .cancel, .windowUpdate: false
        }
    }

    /// Flags that mean something on this type; any other bit breaks the protocol.
    var allowedFlags: FrameFlags {
        switch self {
        case .message: [.endStream, .noMessage]
        case .requestHead, .trailers: .endStream
        default: []
        }
    }
}

/// Bits of the third field of a frame's head.
package struct FrameFlags: OptionSet, Sendable {
    package let rawValue: UInt8

    package init(rawValue: UInt8) { self.rawValue = rawValue }

    /// The sender says nothing more on this stream.
    package static let endStream = FrameFlags(rawValue: 1)
    /// A message frame that only ends the stream: it carries no message, not an empty one.
    package static let noMessage = FrameFlags(rawValue: 2)
}

/// One frame without its length, as received.
package struct Frame: Hashable, Sendable {
    package var type: FrameType
    package var flags: FrameFlags
    package var stream: UInt32
    package var payload: ByteBuffer

    package init(_ type: FrameType, _ flags: FrameFlags = [], stream: UInt32 = 0, payload: ByteBuffer = ByteBuffer()) {
        self.type = type
        self.flags = flags
        self.stream = stream
        self.payload = payload
    }

    /// Length, type, flags and stream.
    package static let headBytes = 10
    /// What the length field counts besides the payload.
    static let countedHeadBytes = 6
    /// First bytes of a preface's payload.
    package static let magic: StaticString = "ASSAYRPC"
    package static let version: UInt32 = 1
    /// A preface or go-away is smaller than this, so a stranger's first bytes are refused before anything is allocated for them.
    static let maximumControlBytes = 1_024
}

extension FrameFlags: Hashable {}

extension ByteBuffer {
    mutating func writeFrameHead(_ type: FrameType, _ flags: FrameFlags, stream: UInt32, payloadBytes: Int) {
        writeMultipleIntegers(UInt32(payloadBytes + Frame.countedHeadBytes), type.rawValue, flags.rawValue, stream)
    }

    /// For tests and recordings; connections write heads and payloads into their queue.
    package mutating func writeFrame(_ frame: Frame) {
        writeFrameHead(frame.type, frame.flags, stream: frame.stream, payloadBytes: frame.payload.readableBytes)
        writeImmutableBuffer(frame.payload)
    }
}
