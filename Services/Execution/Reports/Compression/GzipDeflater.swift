import CReports

/// Folds a report that arrived as it is, for keeping: gzip at level 1, because speed of upload counts for more than the last tenth of size.
final class GzipDeflater {
    private let stream: UnsafeMutablePointer<z_stream>
    private let output = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: 64 << 10)

    init() {
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        let status = deflateInit2_(stream, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        // Out of memory is the only failure, and then nothing else works either.
        precondition(status == Z_OK, "zlib has no memory for a deflater")
    }

    deinit {
        deflateEnd(stream)
        stream.deallocate()
        output.deallocate()
    }

    /// - Parameter isLast: also writes what is still held back, and the trailer.
    func deflate(_ input: UnsafeBufferPointer<UInt8>, isLast: Bool = false, to sink: (UnsafeBufferPointer<UInt8>) -> Void) {
        stream.pointee.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
        stream.pointee.avail_in = UInt32(input.count)
        repeat {
            stream.pointee.next_out = output.baseAddress
            stream.pointee.avail_out = UInt32(output.count)
            _ = CReports.deflate(stream, isLast ? Z_FINISH : Z_NO_FLUSH)
            let produced = output.count - Int(stream.pointee.avail_out)
            if produced > 0 { sink(UnsafeBufferPointer(rebasing: output[..<produced])) }
        } while stream.pointee.avail_out == 0
    }
}
