import Foundation

/// The tags of a document with the names of their attributes, read as browsers do: what text cannot change unless it has broken out of its place.
/// It reads bytes, as all that means something in a tag is ASCII, and has `memchr` pass over the rest: a hundred texts make a hundred megabytes of pages.
struct HTMLSkeleton: Equatable {
    /// A tag a line.
    let tags: String

    init(_ html: String) {
        var html = html
        tags = html.withUTF8 { bytes in
            var reader = Reader(bytes)
            reader.readAll()
            return String(decoding: reader.tags, as: UTF8.self)
        }
    }

    /// Whether a page holds what no text may bring: NUL, ESC, and marks that reorder text.
    static func misleads(_ html: String) -> Bool {
        // C's texts end at a NUL.
        strlen(html) < html.utf8.count
            || ["\u{1B}", "\u{202A}", "\u{202B}", "\u{202C}", "\u{202D}", "\u{202E}"].contains { (mark: String) in strstr(html, mark) != nil }
    }

    private struct Reader {
        private let bytes: UnsafeBufferPointer<UInt8>
        private var place = 0
        private(set) var tags: [UInt8] = []

        init(_ bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

        mutating func readAll() {
            while goBehind(UInt8(ascii: "<")), place < bytes.count {
                switch bytes[place] {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "/"), UInt8(ascii: "!"),
                    UInt8(ascii: "?"):
                    readTag()
                    tags.append(UInt8(ascii: "\n"))
                default: continue
                }
            }
        }

        private mutating func readTag() {
            readName { !Self.isSpace($0) && $0 != UInt8(ascii: ">") }
            while true {
                skip { Self.isSpace($0) || $0 == UInt8(ascii: "/") }
                guard place < bytes.count else { return tags.append(contentsOf: " unfinished".utf8) }
                if bytes[place] == UInt8(ascii: ">") {
                    place += 1
                    return
                }
                tags.append(UInt8(ascii: " "))
                readName { !Self.isSpace($0) && $0 != UInt8(ascii: "=") && $0 != UInt8(ascii: ">") && $0 != UInt8(ascii: "/") }
                skip(Self.isSpace)
                // A sign that can begin no attribute would be looked at for ever.
                guard place < bytes.count, bytes[place] == UInt8(ascii: "=") else { continue }
                place += 1
                skip(Self.isSpace)
                if place < bytes.count, bytes[place] == UInt8(ascii: "\"") || bytes[place] == UInt8(ascii: "'") {
                    let quote = bytes[place]
                    place += 1
                    _ = goBehind(quote)
                } else {
                    tags.append(contentsOf: "=unquoted".utf8)
                    skip { !Self.isSpace($0) && $0 != UInt8(ascii: ">") }
                }
            }
        }

        /// The first byte belongs whatever it is, so that every call gets further.
        private mutating func readName(while belongs: (UInt8) -> Bool) {
            let start = place
            place = min(place + 1, bytes.count)
            skip(belongs)
            tags.append(contentsOf: bytes[start..<place])
        }

        private mutating func skip(_ belongs: (UInt8) -> Bool) {
            while place < bytes.count, belongs(bytes[place]) { place += 1 }
        }

        /// - Returns: whether there is one; else it stands at the end.
        private mutating func goBehind(_ byte: UInt8) -> Bool {
            guard place < bytes.count, let base = bytes.baseAddress, let found = memchr(base + place, Int32(byte), bytes.count - place) else {
                place = bytes.count
                return false
            }
            place = UnsafeRawPointer(base).distance(to: found) + 1
            return true
        }

        private static func isSpace(_ byte: UInt8) -> Bool {
            byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\t") || byte == UInt8(ascii: "\r") || byte == 0x0C
        }
    }
}
