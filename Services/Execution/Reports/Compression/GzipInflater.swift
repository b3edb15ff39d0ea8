import CZlib
import Primitives

/// Unfolds gzip (RFC 1952) as its bytes arrive, one bounded piece at a time, so that a bomb costs no memory. Several members in a row are one file.
final class GzipInflater {
    private let file: String
    private let stream: UnsafeMutableRawPointer
    private var isBetweenMembers = false
    private var isOver = false
    /// zlib may hold more than fitted into the last output.
    private var hasMore = false

    init(file: String) {
        self.file = file
        // 15 bits of window, and 16 for a gzip header. Out of memory is the only failure, and then nothing else works either.
        guard let stream = zlib_inflater(15 + 16) else { preconditionFailure("zlib has no memory for an inflater") }
        self.stream = stream
    }

    deinit { zlib_inflater_free(stream) }

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
            zlib_inflater_reset(stream)
            isBetweenMembers = false
        }
        let step = zlib_inflate(stream, input.baseAddress, input.count, output.baseAddress, output.count)
        guard [Z_OK, Z_STREAM_END, Z_BUF_ERROR].contains(step.status) else { throw .gzipCorrupt(file) }
        if step.status == Z_STREAM_END { isBetweenMembers = true }
        hasMore = step.status != Z_STREAM_END && step.produced == output.count
        return (step.consumed, step.produced)
    }
}
