import CReports
import Primitives

/// Unfolds one deflate stream (RFC 1951) of an archive.
final class RawInflater {
    private let stream: UnsafeMutablePointer<z_stream>
    private(set) var isOver = false

    init() {
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        let status = inflateInit2_(stream, -15, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        // Out of memory is the only failure, and then nothing else works either.
        precondition(status == Z_OK, "zlib has no memory for an inflater")
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
    }

    /// - Returns: `nil` when the data is damaged.
    func inflate(_ input: UnsafeBufferPointer<UInt8>, into output: UnsafeMutableBufferPointer<UInt8>) -> (consumed: Int, produced: Int)? {
        guard !isOver else { return (0, 0) }
        stream.pointee.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
        stream.pointee.avail_in = UInt32(input.count)
        stream.pointee.next_out = output.baseAddress
        stream.pointee.avail_out = UInt32(output.count)
        let status = CReports.inflate(stream, Z_NO_FLUSH)
        guard status == Z_OK || status == Z_STREAM_END || status == Z_BUF_ERROR else { return nil }
        isOver = status == Z_STREAM_END
        return (input.count - Int(stream.pointee.avail_in), output.count - Int(stream.pointee.avail_out))
    }
}
