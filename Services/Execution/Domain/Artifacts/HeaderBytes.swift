/// The beginning of a file or of a part of it, read from front to back; behind its end everything is `nil`.
struct HeaderBytes {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: [UInt8]) { rest = bytes[...] }

    mutating func skip(_ count: Int) { rest = rest.dropFirst(count) }

    mutating func big(_ count: Int) -> UInt32? { take(count)?.reduce(0) { $0 << 8 | UInt32($1) } }

    mutating func long(_ count: Int) -> UInt64? { take(count)?.reduce(0) { $0 << 8 | UInt64($1) } }

    mutating func little(_ count: Int) -> UInt32? { take(count)?.reversed().reduce(0) { $0 << 8 | UInt32($1) } }

    mutating func text(_ count: Int) -> String? { take(count).map { String(decoding: $0, as: UTF8.self) } }

    private mutating func take(_ count: Int) -> ArraySlice<UInt8>? {
        guard rest.count >= count else { return nil }
        defer { rest = rest.dropFirst(count) }
        return rest.prefix(count)
    }
}

/// A file of which any part can be read: what a recording says of itself may be at its end.
struct FileBytes: Sendable {
    /// Parts of files that are looked at for one header; whatever needs more of them is no file that anybody's tool wrote.
    static let mostParts = 4_096

    let count: Int64
    private let read: @Sendable (Int64, Int) -> [UInt8]

    /// - Parameter read: bytes from an offset on, fewer only at the end of the file or where it cannot be read.
    init(count: Int64, read: @escaping @Sendable (Int64, Int) -> [UInt8]) {
        self.count = count
        self.read = read
    }

    init(_ bytes: [UInt8]) {
        self.init(count: Int64(bytes.count)) { offset, count in Array(bytes.dropFirst(Int(clamping: offset)).prefix(count)) }
    }

    /// At most `count` bytes of `part`, from its beginning on.
    func bytes(of part: Range<Int64>, _ count: Int) -> [UInt8] {
        let whole = part.clamped(to: 0..<self.count)
        return whole.isEmpty ? [] : read(whole.lowerBound, min(count, Int(clamping: whole.count)))
    }

    /// At most `count` bytes from an offset on, none behind the end: what a file says of where its parts are need not be true.
    func bytes(from offset: Int64, _ count: Int) -> [UInt8] { offset < self.count ? bytes(of: offset..<self.count, count) : [] }
}
