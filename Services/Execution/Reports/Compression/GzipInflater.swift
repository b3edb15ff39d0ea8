import CReports
import Primitives

/// Unfolds gzip (RFC 1952) as its bytes arrive, one bounded piece at a time, so that a bomb costs no memory. Several members in a row are one file.
final class GzipInflater {
    private let file: String
    /// zlib's state points back at the stream, so it must not move.
    private let stream: UnsafeMutablePointer<z_stream>
    private var isBetweenMembers = false
    private var isOver = false
    /// zlib may hold more than fitted into the last output.
    private var hasMore = false

    init(file: String) {
        self.file = file
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        // 15 bits of window, and 16 for a gzip header.
        let status = inflateInit2_(stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        // Out of memory is the only failure, and then nothing else works either.
        precondition(status == Z_OK, "zlib has no memory for an inflater")
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
    }

    /// The last member has its end: the file was not cut off.
    var isComplete: Bool { isOver || isBetweenMembers }

    /// - Returns: bytes taken from `input` and written to `output`. Nothing written means that more input is needed.
    /// - Throws: `upload.gzip_corrupt`.
    func inflate(
        _ input: UnsafeBufferPointer<UInt8>, into output: UnsafeMutableBufferPointer<UInt8>
    ) throws(Fault) -> (consumed: Int, produced: Int) {
        guard !isOver, !input.isEmpty || hasMore else { return (input.count, 0) }
        if isBetweenMembers {
            // What is no further member is padding.
            guard input.first == 0x1F else {
                isOver = true
                return (input.count, 0)
            }
            inflateReset(stream)
            isBetweenMembers = false
        }
        stream.pointee.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
        stream.pointee.avail_in = UInt32(input.count)
        stream.pointee.next_out = output.baseAddress
        stream.pointee.avail_out = UInt32(output.count)
        let status = CReports.inflate(stream, Z_NO_FLUSH)
        guard status == Z_OK || status == Z_STREAM_END || status == Z_BUF_ERROR else { throw .gzipCorrupt(file) }
        if status == Z_STREAM_END { isBetweenMembers = true }
        hasMore = status != Z_STREAM_END && stream.pointee.avail_out == 0
        return (input.count - Int(stream.pointee.avail_in), output.count - Int(stream.pointee.avail_out))
    }
}
