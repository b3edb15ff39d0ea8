/// A text with its escapes undone, which still knows where each byte came from.
struct UnescapedText {
    private var bytes: [UInt8] = []
    /// Where each byte begins in the text as it was, and the text's end.
    private var places: [Int] = []

    /// The text itself, and the text read as a URL, a form, JSON and HTML, as far as it has anything that these escape.
    static func views(of text: [UInt8]) -> [UnescapedText] {
        var views = [UnescapedText(text) { _, _ in nil }]
        if text.contains(UInt8(ascii: "%")) { views.append(UnescapedText(text, percent)) }
        if text.contains(UInt8(ascii: "+")) { views.append(UnescapedText(text, form)) }
        if text.contains(UInt8(ascii: "\\")) { views.append(UnescapedText(text, json)) }
        if text.contains(UInt8(ascii: "&")) { views.append(UnescapedText(text, html)) }
        return views
    }

    /// - Parameter escape: the bytes that an escape at a place means, and its length; nil where there is none.
    private init(_ text: [UInt8], _ escape: ([UInt8], Int) -> ([UInt8], length: Int)?) {
        bytes.reserveCapacity(text.count)
        places.reserveCapacity(text.count + 1)
        var position = 0
        while position < text.count {
            let (meant, length) = escape(text, position) ?? ([text[position]], 1)
            for byte in meant {
                bytes.append(byte)
                places.append(position)
            }
            position += length
        }
        places.append(text.count)
    }

    /// Where the occurrences of some bytes are in the text as it was.
    func ranges(of search: ByteSearch) -> [Range<Int>] {
        search.occurrences(in: bytes).map { places[$0]..<end(after: $0 + search.wanted.count - 1) }
    }

    /// Where the escape that a byte is of ends: where the next byte of another one begins.
    private func end(after index: Int) -> Int {
        var next = index + 1
        while places[next] == places[index] { next += 1 }
        return places[next]
    }

    /// `%2B`
    private static func percent(_ text: [UInt8], _ at: Int) -> ([UInt8], length: Int)? {
        guard text[at] == UInt8(ascii: "%"), let value = number(text, at + 1, digits: 2) else { return nil }
        return ([UInt8(truncatingIfNeeded: value)], 3)
    }

    /// The same, with the plus for a blank.
    private static func form(_ text: [UInt8], _ at: Int) -> ([UInt8], length: Int)? {
        text[at] == UInt8(ascii: "+") ? ([UInt8(ascii: " ")], 1) : percent(text, at)
    }

    /// `\n`, `\/`, `\u00e9`, and pairs of surrogates.
    private static func json(_ text: [UInt8], _ at: Int) -> ([UInt8], length: Int)? {
        guard text[at] == UInt8(ascii: "\\"), at + 1 < text.count else { return nil }
        switch text[at + 1] {
        case UInt8(ascii: "n"): return ([10], 2)
        case UInt8(ascii: "r"): return ([13], 2)
        case UInt8(ascii: "t"): return ([9], 2)
        case UInt8(ascii: "b"): return ([8], 2)
        case UInt8(ascii: "f"): return ([12], 2)
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "'"): return ([text[at + 1]], 2)
        case UInt8(ascii: "u"):
            guard let unit = number(text, at + 2, digits: 4) else { return nil }
            if (0xD800..<0xDC00).contains(unit), at + 7 < text.count, text[at + 6] == UInt8(ascii: "\\"), text[at + 7] == UInt8(ascii: "u"),
                let low = number(text, at + 8, digits: 4), (0xDC00..<0xE000).contains(low)
            {
                return (utf8(0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00)), 12)
            }
            return (utf8(unit), 6)
        default: return nil
        }
    }

    /// `&amp;`, `&#38;` and `&#x26;`.
    private static func html(_ text: [UInt8], _ at: Int) -> ([UInt8], length: Int)? {
        guard text[at] == UInt8(ascii: "&") else { return nil }
        // The longest, `&#x10ffff;`, has ten characters.
        let rest = text[(at + 1)..<min(at + 10, text.count)]
        guard let end = rest.firstIndex(of: UInt8(ascii: ";")) else { return nil }
        let name = String(decoding: rest[..<end], as: UTF8.self)
        let length = end + 1 - at
        if name.hasPrefix("#x") || name.hasPrefix("#X") { return UInt32(name.dropFirst(2), radix: 16).map { (utf8($0), length) } }
        if name.hasPrefix("#") { return UInt32(name.dropFirst()).map { (utf8($0), length) } }
        let characters: [String: Character] = ["amp": "&", "lt": "<", "gt": ">", "quot": "\"", "apos": "'"]
        return characters[name].map { (Array(String($0).utf8), length) }
    }

    private static func utf8(_ scalar: UInt32) -> [UInt8] {
        Array(String(Character(UnicodeScalar(scalar) ?? "\u{FFFD}")).utf8)
    }

    private static func number(_ text: [UInt8], _ at: Int, digits: Int) -> UInt32? {
        guard at + digits <= text.count else { return nil }
        let word = text[at..<at + digits]
        guard word.allSatisfy({ (48...57).contains($0) || (97...102).contains($0 | 0x20) }) else { return nil }
        return UInt32(String(decoding: word, as: UTF8.self), radix: 16)
    }
}
