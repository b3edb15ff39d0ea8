import GRPCCore
import NIOCore
import SwiftProtobuf

/// The bytes of one message as GRPCCore's serializers see them.
///
/// A received message is a slice of the buffer the socket was read into, so nothing is copied until it is decoded.
package struct FrameBytes: GRPCContiguousBytes, Hashable, Sendable {
    package var buffer: ByteBuffer

    package init(_ buffer: ByteBuffer) { self.buffer = buffer }

    package init(repeating byte: UInt8, count: Int) {
        buffer = ByteBuffer(repeating: byte, count: count)
    }

    package init<Bytes: Sequence>(_ sequence: Bytes) where Bytes.Element == UInt8 {
        buffer = ByteBuffer(bytes: sequence)
    }

    package var count: Int { buffer.readableBytes }

    package func withUnsafeBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
        try buffer.withUnsafeReadableBytes(body)
    }

    package mutating func withUnsafeMutableBytes<R>(_ body: (UnsafeMutableRawBufferPointer) throws -> R) rethrows -> R {
        try buffer.withUnsafeMutableReadableBytes(body)
    }
}

/// Heads and trailers are decoded in place too.
extension FrameBytes: SwiftProtobufContiguousBytes {}
