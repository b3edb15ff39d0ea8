import Crypto
import Foundation
import Primitives

/// A file on its way in: written and hashed piece by piece, so that no more than a piece of it is in memory. Nobody sees it until the storage has taken it
/// over; what is left by a process that was killed is swept.
final class IncomingFile: @unchecked Sendable {
    // Unchecked: one task uses it, and awaits every access before the next one.
    private let descriptor: Int32
    let url: URL
    private var hash = SHA256()
    private(set) var count: Int64 = 0
    /// Its beginning, for `ArtifactKind`.
    private(set) var head: [UInt8] = []

    private init(descriptor: Int32, url: URL) {
        self.descriptor = descriptor
        self.url = url
    }

    deinit {
        close(descriptor)
        // The storage has taken the bytes over by a name of its own, or the file is of no use.
        unlink(url.path)
    }

    /// - Throws: `storage_full`, `artifact.storage_unavailable`.
    static func make(in folder: URL) async throws -> IncomingFile {
        try await DiskThreads.run {
            try? FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            let url = folder.appending(path: "\(UUID().uuidString.lowercased()).part")
            let descriptor = open(url.path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
            guard descriptor >= 0 else { throw DiskStorage.fault() }
            return IncomingFile(descriptor: descriptor, url: url)
        }
    }

    /// - Throws: `storage_full`, `artifact.storage_unavailable`.
    func append(_ data: Data) async throws {
        if head.count < ArtifactKind.headBytes { head += data.prefix(ArtifactKind.headBytes - head.count) }
        count += Int64(data.count)
        hash.update(data: data)
        try await DiskThreads.run { [self] in
            try data.withUnsafeBytes { bytes in
                var done = 0
                while done < bytes.count {
                    let written = write(descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done)
                    if written < 0, errno == EINTR { continue }
                    guard written > 0 else { throw DiskStorage.fault() }
                    done += written
                }
            }
        }
    }

    /// What it is, now that all of it is here.
    func kind(claimed: String) async throws -> ArtifactKind {
        try await DiskThreads.run { [self] in
            ArtifactKind(claimed: claimed, head: head, file: FileBytes(count: count) { [self] in read($0, $1) })
        }
    }

    /// What cannot be read is missing: a recording of which that is so is none that anybody displays.
    private func read(_ offset: Int64, _ count: Int) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: count) { buffer, done in
            while done < count {
                let read = pread(descriptor, buffer.baseAddress.map { $0 + done }, count - done, off_t(offset) + off_t(done))
                if read < 0, errno == EINTR { continue }
                guard read > 0 else { return }
                done += read
            }
        }
    }

    /// A storage may have moved it away.
    var isAtHand: Bool { access(url.path, R_OK) == 0 }

    /// Has the bytes on the disk.
    /// - Returns: their SHA-256.
    func finish() async throws -> Data {
        let digest = Data(hash.finalize())
        try await DiskThreads.run { [self] in
            guard fsync(descriptor) == 0 else { throw DiskStorage.fault() }
        }
        return digest
    }

    /// Deletes what processes that are no more have left in `folder`.
    /// - Returns: how many there were.
    @discardableResult
    static func sweep(_ folder: URL, olderThan moment: Date) async throws -> Int {
        try await DiskThreads.run {
            let found = (try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: [.contentModificationDateKey])) ?? []
            let old = found.filter { url in
                guard url.pathExtension == "part", let values = try? url.resourceValues(forKeys: [.contentModificationDateKey]) else { return false }
                return values.contentModificationDate.map { $0 < moment } ?? false
            }
            for url in old { unlink(url.path) }
            return old.count
        }
    }
}
