import Foundation

/// A piece of a report as it is kept: always gzip, in rows of at most a MiB.
struct RawChunk: Sendable {
    static let size = 1 << 20

    let file: Int
    let part: Int
    let bytes: Data
}

/// Cuts one file's bytes into chunks.
struct RawReport {
    private let file: Int
    private var part = 0
    private var bytes = Data()
    private(set) var full: [RawChunk] = []

    init(file: Int) {
        self.file = file
    }

    /// Bytes that are waiting to be taken.
    var byteCount: Int { bytes.count + full.count * RawChunk.size }

    mutating func append(_ more: UnsafeBufferPointer<UInt8>) {
        var rest = more[...]
        while !rest.isEmpty {
            let piece = rest.prefix(RawChunk.size - bytes.count)
            bytes.append(contentsOf: piece)
            rest = rest[piece.endIndex...]
            if bytes.count == RawChunk.size { cut() }
        }
    }

    mutating func take(isLast: Bool = false) -> [RawChunk] {
        if isLast, !bytes.isEmpty { cut() }
        defer { full = [] }
        return full
    }

    private mutating func cut() {
        full.append(RawChunk(file: file, part: part, bytes: bytes))
        part += 1
        bytes = Data()
    }
}
