import Foundation

/// Finds the private keys of a log (RFC 7468), which are secret line for line: between their first mark and their last one no line is to be seen
/// that may be one of the key. Other lines are: a message that only names the mark hides nothing of what follows it, and what others write between
/// the lines of a key does not uncover the rest.
struct KeyBlock {
    /// Lines behind a first mark, so that one that nothing closes does not look at a log for long. The keys in use have fewer than 110.
    static let most = 200
    /// Bytes between the mark and the words that tell a private key.
    private static let kind = 32

    private let isPossible: Bool
    private var left = 0
    /// How many words the log has put before the first mark, as it does before the lines behind it; `nil` where that mark was not seen.
    private var prefix: Int?

    /// Pieces are cut anywhere: one that shows the end of a key first begins within it.
    init(_ text: UnsafeBufferPointer<UInt8>) {
        isPossible = Self.find(word, in: text) != nil
        guard isPossible, let end = Self.find(last, in: text), Self.find(word, in: UnsafeBufferPointer(rebasing: text[end...].prefix(64))) != nil
        else { return }
        let before = UnsafeBufferPointer(rebasing: text[..<end])
        guard Self.find(first, in: before) == nil, before.count(where: { $0 == 0x0A }) <= Self.most else { return }
        left = Self.most + 1
    }

    /// - Parameters:
    ///   - line: as it is read.
    ///   - raw: all of it.
    mutating func hides(_ line: UnsafeBufferPointer<UInt8>, _ raw: UnsafeBufferPointer<UInt8>) -> Bool {
        guard isPossible else { return false }
        let seen = KeyMarks(line)
        var isHidden = false
        if left > 0 {
            left -= 1
            let before = UnsafeBufferPointer(rebasing: line[..<(seen?.start ?? line.count)])
            isHidden = seen?.isEndFirst ?? false || KeyBody.isPossible(before, behind: prefix)
        }
        // A mark counts also where the line is not read any more.
        if let marks = raw.count > LogBounds.line ? KeyMarks(raw) ?? seen : seen {
            left = marks.isOpen ? Self.most : 0
            prefix = marks.prefix
        }
        return isHidden
    }

    /// - Returns: where the key itself begins, when the head of one stands at `place`.
    static func head(in line: [UInt8], at place: Int) -> Int? { line.withUnsafeBufferPointer { head(in: $0, at: place) } }

    static func head(in line: UnsafeBufferPointer<UInt8>, at place: Int) -> Int? {
        guard line[place...].starts(with: first) else { return nil }
        let start = place + first.count
        let behind = UnsafeBufferPointer(rebasing: line[start...].prefix(kind))
        guard let named = find(word, in: behind) else { return nil }
        let rest = UnsafeBufferPointer(rebasing: behind[(named + word.count)...])
        return find(dashes, in: rest).map { start + named + word.count + $0 + dashes.count }
    }

    static func end(in line: [UInt8], from start: Int) -> Int? {
        line[start...].withUnsafeBufferPointer { find(last, in: $0) }.map { start + $0 }
    }

    fileprivate static func find(_ bytes: [UInt8], in text: UnsafeBufferPointer<UInt8>) -> Int? {
        guard let base = text.baseAddress else { return nil }
        var start = 0
        while start + bytes.count <= text.count, let next = memchr(base + start, Int32(bytes[0]), text.count - bytes.count + 1 - start) {
            let place = UnsafeRawPointer(base).distance(to: next)
            if memcmp(base + place, bytes, bytes.count) == 0 { return place }
            start = place + 1
        }
        return nil
    }
}

/// The marks of one line: heads of private keys, and ends of whatever. Files that are written out one behind the other share lines.
private struct KeyMarks {
    let start: Int
    let isEndFirst: Bool
    /// Whether the last of them begins a key.
    let isOpen: Bool
    /// Words before the first.
    let prefix: Int

    init?(_ line: UnsafeBufferPointer<UInt8>) {
        var place = 0
        var begin: Int?
        var isEndFirst = false
        var isOpen = false
        while let next = KeyBlock.find(dashes, in: UnsafeBufferPointer(rebasing: line[place...])) {
            place += next
            let isEnd = line[place...].starts(with: last)
            if isEnd || KeyBlock.head(in: line, at: place) != nil {
                isOpen = !isEnd
                if begin == nil { (begin, isEndFirst) = (place, isEnd) }
            }
            place += 1
        }
        guard let start = begin else { return nil }
        self.start = start
        self.isEndFirst = isEndFirst
        self.isOpen = isOpen
        prefix = KeyBody.words(of: UnsafeBufferPointer(rebasing: line[..<start]))
    }
}

private let first = Array("-----BEGIN ".utf8)
private let last = Array("-----END ".utf8)
private let word = Array("PRIVATE KEY".utf8)
private let dashes = Array("-----".utf8)
