import CZlib
import Primitives

/// Unfolds one deflate stream (RFC 1951) of an archive.
final class RawInflater {
    private let stream: UnsafeMutableRawPointer
    private(set) var isOver = false

    init() {
        // Out of memory is the only failure, and then nothing else works either.
        guard let stream = zlib_inflater(-15) else { preconditionFailure("zlib has no memory for an inflater") }
        self.stream = stream
    }

    deinit { zlib_inflater_free(stream) }

    /// - Returns: `nil` when the data is damaged.
    func inflate(_ input: UnsafeBufferPointer<UInt8>, into output: UnsafeMutableBufferPointer<UInt8>) -> (consumed: Int, produced: Int)? {
        guard !isOver else { return (0, 0) }
        let step = zlib_inflate(stream, input.baseAddress, input.count, output.baseAddress, output.count)
        guard [Z_OK, Z_STREAM_END, Z_BUF_ERROR].contains(step.status) else { return nil }
        isOver = step.status == Z_STREAM_END
        return (step.consumed, step.produced)
    }
}
