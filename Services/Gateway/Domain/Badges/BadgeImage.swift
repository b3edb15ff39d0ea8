/// A badge as it is drawn and as shields.io asks for it (https://shields.io/badges/endpoint-badge). No scripts, no styles, nothing from elsewhere, and no
/// ids, so that several can stand in one page.
enum BadgeImage {
    private static let height = 20
    /// Left and right of a text.
    private static let padding = 6

    static func svg(_ badge: StatusBadge) -> String {
        let (label, message) = (escaped(badge.label), escaped(badge.message))
        let (labelText, messageText) = (width(of: badge.label), width(of: badge.message))
        let (left, right) = (labelText + 2 * padding, messageText + 2 * padding)
        let whole = left + right
        func text(_ text: String, from start: Int, _ width: Int) -> String {
            // The length makes every font fit, whichever the reader has.
            """
            <text x="\(start + padding)" y="14" textLength="\(width)" lengthAdjust="spacingAndGlyphs">\(text)</text>
            """
        }
        return """
            <svg xmlns="http://www.w3.org/2000/svg" width="\(whole)" height="\(height)" viewBox="0 0 \(whole) \(height)" role="img" \
            aria-label="\(label): \(message)"><title>\(label): \(message)</title>\
            <rect width="\(whole)" height="\(height)" rx="3" fill="\(badge.colour.hex)"/>\
            <path d="M3 0h\(left - 3)v\(height)h-\(left - 3)a3 3 0 0 1-3-3v-\(height - 6)a3 3 0 0 1 3-3z" fill="#444"/>\
            <g fill="#fff" font-family="DejaVu Sans,Verdana,Geneva,sans-serif" font-size="11">\
            \(text(label, from: 0, labelText))\(text(message, from: left, messageText))</g></svg>
            """
    }

    static func json(_ badge: StatusBadge) -> String {
        var members = [
            "\"schemaVersion\":1", "\"label\":\(JSONText.quoted(badge.label))", "\"message\":\(JSONText.quoted(badge.message))",
            "\"color\":\"\(badge.colour.rawValue)\"",
        ]
        if badge.isError { members.append("\"isError\":true") }
        return "{" + members.joined(separator: ",") + "}"
    }

    /// Of text in DejaVu Sans at 11 pixels, in pixels: the font's advance widths for ASCII, and what is usual elsewhere.
    static func width(of text: String) -> Int {
        let tenths = text.unicodeScalars.reduce(0) { $0 + advance($1) }
        return max(1, (tenths + 9) / 10)
    }

    /// In tenths of a pixel.
    private static func advance(_ scalar: Unicode.Scalar) -> Int {
        switch scalar {
        case "'", "i", "j", "l", "I", "J": 31
        case " ", ",", ".", "/", ":", ";", "\\", "|": 36
        case "f", "-", "(", ")", "[", "]", "t", "!", "r": 43
        case "\"", "*", "_", "`", "s": 55
        case "?", "z", "c", "L": 59
        case "F", "k", "v", "x", "y", "P": 65
        case "T", "Y", "a", "o", "e": 67
        case "$", "0"..."9", "E", "S", "b", "d", "g", "h", "n", "p", "q", "u", "{", "}", "K": 70
        case "A", "B", "V", "X", "Z", "R", "C": 76
        case "U", "N", "H": 82
        case "D", "G", "&", "O", "Q": 86
        case "w", "#", "+", "<"..."=", ">", "^", "~", "M": 92
        case "%", "m", "W", "@": 108
        case _ where scalar.properties.canonicalCombiningClass != .notReordered: 0
        // Ideographs, kana, Hangul and emoji are as wide as they are high.
        case "\u{1100}"..."\u{115F}", "\u{2E80}"..."\u{A4CF}", "\u{AC00}"..."\u{D7A3}", "\u{F900}"..."\u{FAFF}", "\u{FF00}"..."\u{FF60}",
            "\u{1F300}"..."\u{1FAFF}", "\u{20000}"..."\u{3FFFD}":
            115
        default: 70
        }
    }

    private static func escaped(_ text: String) -> String {
        text.reduce(into: "") { result, character in
            switch character {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "'": result += "&#39;"
            default: result.append(character)
            }
        }
    }
}
