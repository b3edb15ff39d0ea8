/// What a piece of a log says: each line's signature, how often it came, and one line of it. A value of the text alone.
struct LogDigest: Sendable {
    struct Found: Sendable {
        let signature: Signature
        let level: LogLevel
        /// The first line, without secrets.
        let sample: String
        var lines: Int64
    }

    /// Where lines without words are in `found`.
    private static let nowhere = -1

    /// In the order of their first lines.
    private(set) var found: [Found] = []
    /// Of all signatures, `found` or not.
    private(set) var lines: Int64 = 0
    /// Of `lines`, those that are never `found` because there is nothing in them to tell: they have no words, or are hidden as part of a key. What a
    /// piece has no room for is in `lines` alone.
    private(set) var wordless: Int64 = 0
    /// It is no text from some byte on; what came before counts.
    private(set) var isUnreadable = false

    /// - Parameter text: whole lines; the last needs no end.
    init(_ text: UnsafeBufferPointer<UInt8>) {
        var scanner = LineScanner()
        var places: [SignatureID: Int] = [:]
        var buffer: [UInt8] = []
        buffer.reserveCapacity(LogBounds.line)
        var keys = KeyBlock(text)
        var start = 0
        while start < text.count {
            var end = start
            while end < text.count, text[end] != 0x0A { end += 1 }
            let whole = UnsafeBufferPointer(rebasing: text[start..<end])
            guard LogLine.cleaned(whole, into: &buffer) else {
                isUnreadable = true
                return
            }
            start = end + 1
            guard !buffer.isEmpty else { continue }
            lines += 1
            if buffer.withUnsafeBufferPointer({ keys.hides($0, whole) }) {
                wordless += 1
                continue
            }
            let raw = buffer.withUnsafeBufferPointer { line in
                scanner.scan(line)
                return scanner.id
            }
            if let place = places[raw] {
                count(place)
                continue
            }
            // What a secret is told by may be in the signature as well: that of the masked line is what counts.
            if places.count >= LogBounds.signaturesOfPiece { continue }
            let masked = LineSecrets.masked(buffer)
            if let masked { scanner.scan(masked) }
            let signature = Signature(origin: "", text: scanner.signature)
            if let place = places[signature.id] {
                count(place)
                places[raw] = place
                continue
            }
            // Nothing but marks says nothing.
            guard signature.text.utf8.contains(where: { ($0 | 0x20) >= 0x61 && ($0 | 0x20) <= 0x7A || $0 >= 0x80 }) else {
                count(Self.nowhere)
                places[signature.id] = Self.nowhere
                places[raw] = Self.nowhere
                continue
            }
            places[signature.id] = found.count
            places[raw] = found.count
            let level = buffer.withUnsafeBufferPointer { LogLevel(of: $0) }
            found.append(
                Found(signature: signature, level: level, sample: Self.sample(masked ?? String(decoding: buffer, as: UTF8.self)), lines: 1))
        }
    }

    init(_ text: [UInt8]) { self = text.withUnsafeBufferPointer { LogDigest($0) } }

    /// One more line like those at `place`.
    private mutating func count(_ place: Int) {
        if place == Self.nowhere { wordless += 1 } else { found[place].lines += 1 }
    }

    private static func sample(_ line: String) -> String {
        guard line.utf8.count > LogBounds.sample else { return line }
        return String(decoding: line.utf8.prefix(LogBounds.sample - 3), as: UTF8.self).trimmingPrefix { $0 == " " } + "…"
    }
}
