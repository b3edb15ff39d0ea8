import CZlib
import Foundation

/// Folds what is written to it and hands it on, in memory that does not grow.
final class GzipWriter {
    private let stream: UnsafeMutableRawPointer
    private let output = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: 64 << 10)
    private let sink: (Data) throws -> Void

    init(sink: @escaping (Data) throws -> Void) {
        self.sink = sink
        // 16 asks for gzip's header and trailer; it holds no time, so the same content gives the same bytes.
        // Out of memory is the only failure, and then nothing else works either.
        guard let stream = zlib_deflater(6, 15 + 16) else { preconditionFailure("zlib has no memory") }
        self.stream = stream
    }

    deinit {
        zlib_deflater_free(stream)
        output.deallocate()
    }

    func write(_ data: Data) throws {
        try data.withUnsafeBytes { try deflate($0.bindMemory(to: UInt8.self), Z_NO_FLUSH) }
    }

    /// Writes what was held back, and the trailer.
    func finish() throws { try deflate(UnsafeBufferPointer(start: nil, count: 0), Z_FINISH) }

    private func deflate(_ input: UnsafeBufferPointer<UInt8>, _ flush: Int32) throws {
        var rest = input[...]
        var step: zlib_step
        repeat {
            step = zlib_deflate(stream, input.baseAddress.map { $0 + rest.startIndex }, rest.count, output.baseAddress, output.count, flush)
            rest = rest.dropFirst(step.consumed)
            if step.produced > 0, let start = output.baseAddress { try sink(Data(bytes: start, count: step.produced)) }
        } while step.produced == output.count
    }
}
