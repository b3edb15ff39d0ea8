import Foundation
import NIOCore

/// A file as a sequence of pieces, read one at a time: memory does not grow with it, and it can be gone through again for a second try.
struct FilePieces: AsyncSequence, Sendable {
    static let piece = 256 << 10

    let descriptor: CInt
    let count: Int64

    struct Iterator: AsyncIteratorProtocol {
        let descriptor: CInt
        let count: Int64
        var offset: Int64 = 0

        mutating func next() async throws -> ByteBuffer? {
            let wanted = Int(Swift.min(Int64(FilePieces.piece), count - offset))
            guard wanted > 0 else { return nil }
            var buffer = ByteBuffer()
            let (descriptor, offset) = (descriptor, offset)
            try buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: wanted) { space in
                let read = pread(descriptor, space.baseAddress, wanted, off_t(offset))
                guard read > 0 else { throw ClientFailure.local("what was to be sent has become shorter meanwhile") }
                return read
            }
            self.offset += Int64(buffer.readableBytes)
            return buffer
        }
    }

    func makeAsyncIterator() -> Iterator { Iterator(descriptor: descriptor, count: count) }
}
