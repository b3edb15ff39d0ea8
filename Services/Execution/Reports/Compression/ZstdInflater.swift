import CReports
import Primitives

/// Unfolds zstd (RFC 8878) as its bytes arrive, one bounded piece at a time. Several frames in a row are one file.
final class ZstdInflater {
    /// 2 to this: the window a frame may ask for, and with it the memory of reading it. `zstd -19` uses 8 MiB, `--long` 128 MiB.
    static let windowLog: Int32 = 25

    private let file: String
    private let stream: OpaquePointer
    private var hasMore = false
    /// A frame has ended and no other has begun.
    private(set) var isComplete = false

    init(file: String) {
        self.file = file
        // Out of memory is the only failure, and then nothing else works either.
        guard let stream = ZSTD_createDStream() else { fatalError("zstd has no memory for an inflater") }
        self.stream = stream
        ZSTD_DCtx_setParameter(stream, ZSTD_d_windowLogMax, Self.windowLog)
    }

    deinit {
        ZSTD_freeDStream(stream)
    }

    /// - Returns: bytes taken from `input` and written to `output`. Nothing written means that more input is needed.
    /// - Throws: `upload.zstd_corrupt`.
    func inflate(
        _ input: UnsafeBufferPointer<UInt8>, into output: UnsafeMutableBufferPointer<UInt8>
    ) throws(Fault) -> (consumed: Int, produced: Int) {
        guard !input.isEmpty || hasMore else { return (0, 0) }
        var source = ZSTD_inBuffer(src: input.baseAddress, size: input.count, pos: 0)
        var target = ZSTD_outBuffer(dst: output.baseAddress, size: output.count, pos: 0)
        let status = ZSTD_decompressStream(stream, &target, &source)
        guard ZSTD_isError(status) == 0 else { throw .zstdCorrupt(file, String(cString: ZSTD_getErrorName(status))) }
        isComplete = status == 0
        hasMore = target.pos == target.size
        return (source.pos, target.pos)
    }
}
