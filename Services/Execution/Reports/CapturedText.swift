/// The text of one element as it arrives in pieces; keeps the beginning only.
struct CapturedText {
    private let limit: Int
    private var bytes: [UInt8] = []

    init(limit: Int) {
        self.limit = limit
    }

    var isEmpty: Bool { bytes.isEmpty }
    /// There was more than is kept.
    var isCut: Bool { bytes.count > limit }

    mutating func append(_ piece: UnsafeBufferPointer<UInt8>) {
        // One more than the limit tells that there was more.
        bytes.append(contentsOf: piece.prefix(max(0, limit + 1 - bytes.count)))
    }

    /// Without the white space that indentation puts around it; forgets the text.
    mutating func take() -> String {
        defer { bytes.removeAll(keepingCapacity: bytes.count <= 4 << 10) }
        guard let first = bytes.firstIndex(where: { !Self.isSpace($0) }), let last = bytes.lastIndex(where: { !Self.isSpace($0) }) else { return "" }
        // The first line keeps its indentation: stack traces and diffs are aligned.
        let start = bytes[..<first].lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
        let end = isCut ? bytes.endIndex : last + 1
        return Excerpt.of(bytes[start..<end], limit: limit - start)
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
}
