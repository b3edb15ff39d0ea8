/// The beginning of something that may be long, as text that PostgreSQL can hold.
enum Excerpt {
    static let bodyLimit = 4 << 10
    static let actualLimit = 1 << 10

    /// At most `limit` bytes, with what `mask` knows of masked; never ending inside a character. What is not UTF-8, and NUL, become U+FFFD, so the text may be a little longer.
    static func of(_ bytes: some Collection<UInt8>, limit: Int, mask: SecretMask = .none) -> String {
        var (head, endsMasked) = mask.masked(Array(bytes.prefix(limit + mask.reach)), until: limit)
        if bytes.count > limit, !endsMasked { head.removeLast(unfinished(head)) }
        let text = String(decoding: head, as: UTF8.self)
        return head.contains(0) ? text.replacing("\0", with: "\u{FFFD}") : text
    }

    static func of(_ text: String, limit: Int, mask: SecretMask = .none) -> String {
        of(text.utf8, limit: limit, mask: mask)
    }

    /// Of what is longer than `limit` bytes the beginning and the last `tail` bytes, with `…` on a line between; `limit` bytes in all.
    static func ends(of text: String, limit: Int, tail: Int) -> String {
        guard text.utf8.count > limit else { return of(text, limit: limit) }
        let gap = "\n…\n"
        return of(text, limit: limit - tail - gap.utf8.count) + gap + end(of: text, limit: tail)
    }

    /// The last `limit` bytes at most, never beginning inside a character.
    static func end(of text: String, limit: Int) -> String {
        let last = text.utf8.suffix(limit)
        let whole = last.count < text.utf8.count ? last.drop { $0 & 0xC0 == 0x80 } : last
        return of(whole, limit: limit)
    }

    /// Bytes at the end that begin a character without finishing it: 0–3.
    private static func unfinished(_ bytes: [UInt8]) -> Int {
        for (back, byte) in bytes.reversed().prefix(4).enumerated() where byte & 0xC0 != 0x80 {
            let length = byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4
            return back + 1 < length ? back + 1 : 0
        }
        return 0
    }
}
