import Crypto
import Foundation

/// An upload's body as it goes over the wire, written to disk while the reports are read once: `multipart/form-data`, each report folded.
///
/// On disk, because the key that makes repeating harmless is computed from the content and has to be sent before it, because a report that
/// changes meanwhile cannot spoil a second try, and because what is there already needs only a name to be kept for later.
final class UploadDraft {
    static let piece = 256 << 10

    let boundary: String
    let place: URL
    private let file: FileHandle
    private var hash = SHA256()
    private(set) var files = 0
    private(set) var bytes: Int64 = 0

    /// - Parameter fields: apply to all files; they are part of the key as well.
    /// - Throws: `local`.
    init(at place: URL, project: String, fields: [(name: String, value: String)]) throws {
        self.place = place
        // 122 random bits do not occur in a report by chance, and folded content shows nothing to guess.
        boundary = "assay-\(UUID().uuidString.lowercased())"
        file = try PrivateFile.create(place)
        note("project", Data(project.utf8))
        for (name, value) in fields { try add(field: name, value) }
    }

    /// Fields apply to all files, wherever they stand.
    func add(field name: String, _ value: String) throws {
        note(name, Data(value.utf8))
        try write(Data("--\(boundary)\r\nContent-Disposition: form-data; name=\"\(Self.quoted(name))\"\r\n\r\n\(value)\r\n".utf8))
    }

    /// Adds one report, read to its end.
    /// - Parameter name: as people know it, at most 255 bytes of it; data for the server, never a path.
    func add(_ name: String, from source: FileHandle) throws {
        let first = try read(source)
        // What is folded already goes as it is, but is told from what is not. Zip and zstd are formats of their own.
        let isFolded = first.starts(with: [0x1F, 0x8B])
        let isOpaque = isFolded || first.starts(with: [0x50, 0x4B, 0x03, 0x04]) || first.starts(with: [0x28, 0xB5, 0x2F, 0xFD])
        let encoding = isOpaque && !isFolded ? "" : "Content-Encoding: gzip\r\n"
        let shown = Self.quoted(Self.tail(name))
        try write(
            Data(
                "--\(boundary)\r\nContent-Disposition: form-data; name=\"file\"; filename=\"\(shown)\"\r\nContent-Type: application/octet-stream\r\n\(encoding)\r\n"
                    .utf8))
        var content = SHA256()
        let gzip = GzipWriter { [self] in try write($0) }
        var piece = first
        while !piece.isEmpty {
            content.update(data: piece)
            if isOpaque { try write(piece) } else { try gzip.write(piece) }
            piece = try read(source)
        }
        if !isOpaque { try gzip.finish() }
        try write(Data("\r\n".utf8))
        note(Self.tail(name), Data(content.finalize()))
        files += 1
    }

    /// Ends the body.
    /// - Returns: the Idempotency-Key: the same content for the same project, run and job has the same one, wherever and whenever it is sent.
    func finish() throws -> String {
        try write(Data("--\(boundary)--\r\n".utf8))
        do {
            try file.close()
        } catch {
            throw ClientFailure.local("\(place.path) cannot be written: \(error.localizedDescription)")
        }
        return "assay-" + hash.finalize().map { String(format: "%02x", $0) }.joined()
    }

    func discard() {
        try? file.close()
        try? FileManager.default.removeItem(at: place)
    }

    /// Lengths in front, so that two lists of values never read the same.
    private func note(_ name: String, _ value: Data) {
        hash.update(data: Data("\(name.utf8.count):\(name)\(value.count):".utf8))
        hash.update(data: value)
    }

    private func read(_ source: FileHandle) throws -> Data {
        do {
            return try source.read(upToCount: Self.piece) ?? Data()
        } catch {
            throw ClientFailure.local("a report cannot be read: \(error.localizedDescription)")
        }
    }

    private func write(_ data: Data) throws {
        do {
            try file.write(contentsOf: data)
        } catch {
            throw ClientFailure.local("\(place.path) cannot be written: \(error.localizedDescription)")
        }
        bytes += Int64(data.count)
    }

    private static func quoted(_ text: String) -> String {
        text.reduce(into: "") { result, character in
            if character == "\"" || character == "\\" { result.append("\\") }
            result.append(character.isNewline ? " " : character)
        }
    }

    /// The end of a long path says more than its beginning.
    private static func tail(_ name: String) -> String {
        var text = name[...]
        while text.utf8.count > 255 { text.removeFirst() }
        return String(text)
    }
}
