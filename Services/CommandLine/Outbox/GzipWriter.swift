import CZlib
import Foundation

/// Folds what is written to it and hands it on, in memory that does not grow.
final class GzipWriter {
    private let stream: UnsafeMutablePointer<z_stream>
    private let output = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: 64 << 10)
    private let sink: (Data) throws -> Void

    init(sink: @escaping (Data) throws -> Void) {
        self.sink = sink
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        // 16 asks for gzip's header and trailer; it holds no time, so the same content gives the same bytes.
        let status = deflateInit2_(stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        // Out of memory is the only failure, and then nothing else works either.
        precondition(status == Z_OK, "zlib has no memory")
    }

    deinit {
        deflateEnd(stream)
        stream.deallocate()
        output.deallocate()
    }

    func write(_ data: Data) throws {
        try data.withUnsafeBytes { try deflate($0.bindMemory(to: UInt8.self), Z_NO_FLUSH) }
    }

    /// Writes what was held back, and the trailer.
    func finish() throws { try deflate(UnsafeBufferPointer(start: nil, count: 0), Z_FINISH) }

    private func deflate(_ input: UnsafeBufferPointer<UInt8>, _ flush: Int32) throws {
        stream.pointee.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
        stream.pointee.avail_in = UInt32(input.count)
        repeat {
            stream.pointee.next_out = output.baseAddress
            stream.pointee.avail_out = UInt32(output.count)
            _ = CZlib.deflate(stream, flush)
            let produced = output.count - Int(stream.pointee.avail_out)
            if produced > 0, let start = output.baseAddress { try sink(Data(bytes: start, count: produced)) }
        } while stream.pointee.avail_out == 0
    }
}
