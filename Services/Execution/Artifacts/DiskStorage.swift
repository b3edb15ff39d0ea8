import Foundation
import Primitives

/// Artifacts in a folder: `<organization>/<aa>/<bb>/<sha256>-<id>`. Several processes may share it, as far as its file system is one.
///
/// A content comes into its place by `link`, which is atomic, and only after its bytes were synchronized; then the folders are. So what is visible is whole,
/// and what was answered for survives a crash of the machine.
struct DiskStorage: ArtifactStorage {
    static let piece = 256 << 10

    let root: URL

    func put(_ file: URL, as content: ArtifactContent, key: String) async throws {
        let place = root.appending(path: key)
        try await DiskThreads.run {
            let folder = place.deletingLastPathComponent()
            do {
                try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            } catch {
                throw Self.fault()
            }
            // A second name for the file rather than another one, so that it is still at hand should this content be condemned before it is referred to. That
            // the name is there already means that somebody else has put the same bytes.
            if link(file.path, place.path) != 0, errno != EEXIST {
                // Not every file system has hard links.
                guard [EPERM, ENOTSUP, EMLINK].contains(errno), rename(file.path, place.path) == 0 else { throw Self.fault() }
            }
            // The new folders as well: each has its name in the one above.
            var above = folder
            while above.path.count >= root.path.count {
                try Self.synchronize(above)
                if above.path == root.path { break }
                above.deleteLastPathComponent()
            }
        }
    }

    func read(_ key: String, _ range: Range<Int64>, _ take: (Data) async throws -> Void) async throws {
        let place = root.appending(path: key).path
        let file = try await DiskThreads.run {
            let descriptor = open(place, O_RDONLY | O_CLOEXEC)
            guard descriptor >= 0 else { throw errno == ENOENT ? Fault.artifactContentMissing : Fault.storageUnavailable }
            return OpenFile(descriptor: descriptor)
        }
        var offset = range.lowerBound
        while offset < range.upperBound {
            let (start, count) = (offset, Int(min(Int64(Self.piece), range.upperBound - offset)))
            let data = try await DiskThreads.run { try file.read(at: start, count: count) }
            guard !data.isEmpty else { throw Fault.artifactContentMissing }
            try await take(data)
            offset += Int64(data.count)
        }
    }

    func delete(_ key: String) async throws {
        let place = root.appending(path: key).path
        try await DiskThreads.run {
            guard unlink(place) == 0 || errno == ENOENT else { throw Fault.storageUnavailable }
        }
    }

    private static func synchronize(_ folder: URL) throws {
        let descriptor = open(folder.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw fault() }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw fault() }
    }

    /// What the last system call says.
    static func fault() -> Fault { [ENOSPC, EDQUOT].contains(errno) ? .storageFull : .storageUnavailable }

    private final class OpenFile: Sendable {
        let descriptor: Int32

        init(descriptor: Int32) { self.descriptor = descriptor }

        deinit { close(descriptor) }

        func read(at offset: Int64, count: Int) throws -> Data {
            var data = Data(count: count)
            let got = data.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, count, off_t(offset)) }
            guard got >= 0 else { throw Fault.storageUnavailable }
            return data.prefix(got)
        }
    }
}
