import Foundation

/// Finds the private keys of a log (RFC 7468), which are secret line for line: from their first mark to their last one no line is to be seen.
struct KeyBlock {
    /// Lines behind a first mark, so that one that nothing closes does not take a log with it. The keys in use have fewer than 110.
    static let most = 200
    /// Bytes between the mark and the words that tell a private key.
    private static let kind = 32

    private let isPossible: Bool
    private var left = 0

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
    mutating func hides(_ line: [UInt8], _ raw: UnsafeBufferPointer<UInt8>) -> Bool {
        guard isPossible else { return false }
        if left > 0 {
            left = line.withUnsafeBufferPointer { Self.find(last, in: $0) } == nil ? left - 1 : 0
            return true
        }
        guard let start = line.withUnsafeBufferPointer({ Self.find(first, in: $0) }), Self.head(in: line, at: start) != nil else { return false }
        // One that is written on one line ends there.
        if Self.find(last, in: raw) == nil { left = Self.most }
        return false
    }

    /// - Returns: where the key itself begins, when the head of one stands at `place`.
    static func head(in line: [UInt8], at place: Int) -> Int? {
        guard line[place...].starts(with: first) else { return nil }
        let start = place + first.count
        return line[start...].prefix(kind).withUnsafeBufferPointer { behind in
            guard let named = find(word, in: behind) else { return nil }
            let rest = UnsafeBufferPointer(rebasing: behind[(named + word.count)...])
            return find(dashes, in: rest).map { start + named + word.count + $0 + dashes.count }
        }
    }

    static func end(in line: [UInt8], from start: Int) -> Int? {
        line[start...].withUnsafeBufferPointer { find(last, in: $0) }.map { start + $0 }
    }

    private static func find(_ bytes: [UInt8], in text: UnsafeBufferPointer<UInt8>) -> Int? {
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

private let first = Array("-----BEGIN ".utf8)
private let last = Array("-----END ".utf8)
private let word = Array("PRIVATE KEY".utf8)
private let dashes = Array("-----".utf8)
