import Foundation
import NIOCore

/// A file as a sequence of pieces, read one at a time: memory does not grow with it, and it can be gone through again for a second try.
struct FilePieces: AsyncSequence, Sendable {
    static let piece = 256 << 10

    let descriptor: CInt
    /// Of the file.
    let range: Range<Int64>

    init(descriptor: CInt, range: Range<Int64>) {
        self.descriptor = descriptor
        self.range = range
    }

    init(descriptor: CInt, count: Int64) { self.init(descriptor: descriptor, range: 0..<count) }

    var count: Int64 { range.upperBound - range.lowerBound }

    subscript(range: Range<Int64>) -> FilePieces { FilePieces(descriptor: descriptor, range: range) }

    struct Iterator: AsyncIteratorProtocol {
        let descriptor: CInt
        let end: Int64
        var offset: Int64

        mutating func next() async throws -> ByteBuffer? {
            let wanted = Int(Swift.min(Int64(FilePieces.piece), end - offset))
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

    func makeAsyncIterator() -> Iterator { Iterator(descriptor: descriptor, end: range.upperBound, offset: range.lowerBound) }
}
