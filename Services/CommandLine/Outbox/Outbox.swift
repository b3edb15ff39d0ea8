import Foundation

/// Uploads on disk, each a body (`….body`) and what is to be known about it (`….json`, written last: without it there is no entry).
///
/// An upload is entered before it is sent and leaves when the server has answered, so a client that is killed in between loses nothing. Both
/// bounds are there so that a server that is gone for good does not fill the machines of all its users.
struct Outbox: Sendable {
    static let maxBytes: Int64 = 1 << 30
    static let maxAge: TimeInterval = 7 * 86_400

    let folder: URL
    var maxBytes = Self.maxBytes
    var maxAge = Self.maxAge

    /// An entry's files share this name.
    struct Name: Hashable, Comparable, Sendable {
        let text: String
        static func < (a: Name, b: Name) -> Bool { a.text < b.text }
    }

    func body(_ name: Name) -> URL { folder.appending(path: "\(name.text).body") }
    private func description(_ name: Name) -> URL { folder.appending(path: "\(name.text).json") }

    /// Where a new draft is written. Names sort by time.
    func place(at now: Date) throws -> Name {
        try PrivateFile.makeFolder(folder)
        let stamp = String(Int64(now.timeIntervalSince1970 * 1_000), radix: 36)
        return Name(text: String(repeating: "0", count: max(0, 10 - stamp.count)) + stamp + "-" + UUID().uuidString.prefix(8).lowercased())
    }

    /// Makes an entry of a finished draft at `body(name)`.
    func enter(_ entry: OutboxEntry, as name: Name) throws {
        let encoder = JSONEncoder()
        encoder.dateEncodingStrategy = .iso8601
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        try PrivateFile.write(try encoder.encode(entry), to: description(name))
    }

    func remove(_ name: Name) {
        try? FileManager.default.removeItem(at: description(name))
        try? FileManager.default.removeItem(at: body(name))
    }

    /// Takes out of a body that this process has open how the command ended.
    /// - Throws: `local`.
    func cutEnding(of entry: OutboxEntry, at offset: Int64, _ name: Name) throws -> OutboxEntry {
        let shorter = entry.withoutEnding(at: offset)
        do {
            let handle = try FileHandle(forWritingTo: body(name))
            defer { try? handle.close() }
            // What a body has behind its closing counts for nothing, should it go no further.
            try handle.seek(toOffset: UInt64(offset))
            try handle.write(contentsOf: Data(entry.closing.utf8))
            try handle.truncate(atOffset: UInt64(shorter.bytes))
        } catch {
            throw ClientFailure.local("\(body(name).path) cannot be written: \(error.localizedDescription)")
        }
        try enter(shorter, as: name)
        return shorter
    }

    /// Oldest first.
    func list() -> [(name: Name, entry: OutboxEntry)] {
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .iso8601
        let files = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return files.filter { $0.hasSuffix(".json") }.sorted().compactMap { file in
            let name = Name(text: String(file.dropLast(".json".count)))
            guard let data = try? Data(contentsOf: description(name)), let entry = try? decoder.decode(OutboxEntry.self, from: data) else {
                return nil
            }
            return (name, entry)
        }
    }

    /// Drops what is too old, then the oldest of what is too much; `keeping` stays.
    /// - Returns: what was dropped.
    func prune(at now: Date, keeping: Name? = nil) -> [OutboxEntry] {
        var kept = list()
        var dropped: [OutboxEntry] = []
        func drop(_ index: Int) {
            let (name, entry) = kept.remove(at: index)
            remove(name)
            dropped.append(entry)
        }
        for index in kept.indices.reversed() where now.timeIntervalSince(kept[index].entry.createdAt) > maxAge && kept[index].name != keeping {
            drop(index)
        }
        while kept.reduce(0, { $0 + $1.entry.bytes }) > maxBytes, let index = kept.firstIndex(where: { $0.name != keeping }) { drop(index) }
        removeStrays(at: now)
        return dropped
    }

    /// Bodies whose writer died before they were entries.
    private func removeStrays(at now: Date) {
        for file in (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? [] where file.hasSuffix(".body") || file.hasSuffix(".part")
        {
            let name = Name(text: String(file.dropLast(5)))
            let place = folder.appending(path: file)
            guard !FileManager.default.fileExists(atPath: description(name).path),
                let changed = try? FileManager.default.attributesOfItem(atPath: place.path)[.modificationDate] as? Date,
                now.timeIntervalSince(changed) > 86_400
            else { continue }
            try? FileManager.default.removeItem(at: place)
        }
    }

    /// Opens a body for sending, unless another process is at it.
    func open(_ name: Name) -> OpenBody? {
        let descriptor = Foundation.open(body(name).path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            return nil
        }
        return OpenBody(descriptor: descriptor)
    }

    /// Locked for as long as it lives.
    final class OpenBody: Sendable {
        let pieces: FilePieces

        fileprivate init(descriptor: CInt) {
            var status = stat()
            fstat(descriptor, &status)
            pieces = FilePieces(descriptor: descriptor, count: Int64(status.st_size))
        }

        deinit { close(pieces.descriptor) }
    }
}
