import Foundation

/// Files and folders that only their owner may read: keys and reports of a company.
enum PrivateFile {
    /// - Throws: `local`.
    static func makeFolder(_ url: URL) throws {
        do {
            try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw ClientFailure.local("\(url.path) cannot be made: \(error.localizedDescription)")
        }
    }

    /// Opens a new file for writing and reading.
    /// - Throws: `local`.
    static func create(_ url: URL) throws -> FileHandle {
        let descriptor = open(url.path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw ClientFailure.local("\(url.path) cannot be written: \(String(cString: strerror(errno)))") }
        return FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    }

    /// Beside its place first, so that a reader finds the old file or the new one.
    /// - Throws: `local`.
    static func write(_ data: Data, to url: URL) throws {
        try makeFolder(url.deletingLastPathComponent())
        let draft = url.appendingPathExtension("\(getpid()).part")
        let handle = try create(draft)
        do {
            try handle.write(contentsOf: data)
            try handle.close()
        } catch {
            try? FileManager.default.removeItem(at: draft)
            throw ClientFailure.local("\(url.path) cannot be written: \(error.localizedDescription)")
        }
        guard rename(draft.path, url.path) == 0 else {
            throw ClientFailure.local("\(url.path) cannot be written: \(String(cString: strerror(errno)))")
        }
    }
}
