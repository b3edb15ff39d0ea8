import Foundation
import NIOCore
import NIOPosix
import Primitives

/// Files of a multipart upload, kept until its last field has come: clients send files first and fields afterwards, but a run is found by its
/// fields. The first MiB stays in memory, the rest goes to an unnamed temporary file, so memory stays flat and a crash leaves nothing behind.
final class Spool: @unchecked Sendable {
    // Unchecked: used by one upload, first written, then read; every access is awaited before the next one begins.
    static let maxMemory = 1 << 20
    static let chunk = 256 * 1024

    private var memory = ByteBuffer()
    private var descriptor: Int32 = -1
    private var written = 0

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }

    var count: Int { written + memory.readableBytes }

    /// - Throws: `upload.no_space` when the disk is full.
    func append(_ bytes: ByteBuffer) async throws {
        var bytes = bytes
        memory.writeBuffer(&bytes)
        guard memory.readableBytes >= Self.maxMemory else { return }
        let full = memory
        memory = ByteBuffer()
        try await NIOThreadPool.singleton.runIfActive { [self] in try write(full) }
    }

    /// Bytes `offset ..< offset + count`, at most `chunk` of them at a time.
    func read(_ range: Range<Int>) async throws -> ByteBuffer {
        if range.lowerBound >= written {
            return memory.getSlice(at: memory.readerIndex + range.lowerBound - written, length: range.count) ?? ByteBuffer()
        }
        let range = range.lowerBound..<min(range.upperBound, written)
        return try await NIOThreadPool.singleton.runIfActive { [self] in
            var buffer = ByteBuffer()
            let count = buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: range.count) { target in
                max(0, pread(descriptor, target.baseAddress, range.count, off_t(range.lowerBound)))
            }
            guard count > 0 else { throw Self.diskFault }
            return buffer
        }
    }

    private static let diskFault = Fault.unavailable("upload.no_space", "The upload cannot be kept for the moment.", retryAfter: .seconds(10))

    private func write(_ buffer: ByteBuffer) throws {
        if descriptor < 0 {
            var name = Array((FileManager.default.temporaryDirectory.path + "/assay-upload-XXXXXX").utf8CString)
            descriptor = mkstemp(&name)
            guard descriptor >= 0 else { throw Self.diskFault }
            unlink(name)
        }
        try buffer.withUnsafeReadableBytes { bytes in
            var done = 0
            while done < bytes.count {
                let count = pwrite(descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done, off_t(written + done))
                guard count > 0 else { throw Self.diskFault }
                done += count
            }
        }
        written += buffer.readableBytes
    }
}
