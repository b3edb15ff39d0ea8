import CZlib

/// Folds a report that arrived as it is, for keeping: gzip at level 1, because speed of upload counts for more than the last tenth of size.
final class GzipDeflater {
    private let stream: UnsafeMutableRawPointer
    private let output = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: 64 << 10)

    init() {
        // Out of memory is the only failure, and then nothing else works either.
        guard let stream = zlib_deflater(1, 15 + 16) else { preconditionFailure("zlib has no memory for a deflater") }
        self.stream = stream
    }

    deinit {
        zlib_deflater_free(stream)
        output.deallocate()
    }

    /// - Parameter isLast: also writes what is still held back, and the trailer.
    func deflate(_ input: UnsafeBufferPointer<UInt8>, isLast: Bool = false, to sink: (UnsafeBufferPointer<UInt8>) -> Void) {
        let flush = isLast ? Z_FINISH : Z_NO_FLUSH
        var rest = input[...]
        var step: zlib_step
        repeat {
            step = zlib_deflate(stream, input.baseAddress.map { $0 + rest.startIndex }, rest.count, output.baseAddress, output.count, flush)
            rest = rest.dropFirst(step.consumed)
            if step.produced > 0 { sink(UnsafeBufferPointer(rebasing: output[..<step.produced])) }
        } while step.produced == output.count
    }
}
