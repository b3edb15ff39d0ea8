import Mustache

/// How `{{name}}` in a template is escaped: every page is rendered with this instead of the library's own escaping, which looks at whole
/// characters and so lets a quotation mark pass that is followed by a combining accent (T93): browsers see the mark.
///
/// Fit for text between tags and for attribute values in double quotes; templates use nothing else.
struct HTMLText: MustacheContentType {
    /// The name templates know it by; `PageTemplates` puts it before every one of them.
    static let name = "ASSAY_HTML"

    static let register: Void = MustacheContentTypes.register(HTMLText(), named: name)

    func escapeText(_ text: String) -> String {
        var escaped = ""
        escaped.reserveCapacity(text.utf8.count + 16)
        for scalar in text.unicodeScalars {
            switch scalar {
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "&": escaped += "&amp;"
            case "\"": escaped += "&quot;"
            case "'": escaped += "&#39;"
            case "`": escaped += "&#96;"
            case "\n", "\t": escaped.unicodeScalars.append(scalar)
            case "\r": continue
            case _ where Self.misleads(scalar): escaped.unicodeScalars.append("\u{FFFD}")
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }

    /// Control characters, and the marks that reorder text so that it reads as something else (CVE-2021-42574).
    private static func misleads(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7F..<0xA0, 0x202A...0x202E, 0x2066...0x2069: true
        default: false
        }
    }
}

extension String {
    /// Without the escape sequences that colour terminals (ECMA-48), for captured output: they are noise on a page.
    var withoutTerminalColours: String {
        guard unicodeScalars.contains("\u{1B}") else { return self }
        var plain = String.UnicodeScalarView()
        var rest = unicodeScalars[...]
        while let scalar = rest.popFirst() {
            guard scalar == "\u{1B}" else {
                plain.append(scalar)
                continue
            }
            switch rest.first {
            case "[":
                // A control sequence ends with its first byte from @ to ~.
                rest = rest.dropFirst().drop { !(0x40...0x7E).contains($0.value) && $0.value >= 0x20 }.dropFirst()
            case "]":
                // An operating system command, such as a link, ends with BEL or ESC \.
                rest = rest.dropFirst().drop { $0 != "\u{07}" && $0 != "\u{1B}" && $0 != "\n" }
                if rest.first == "\u{07}" { rest = rest.dropFirst() }
            default: rest = rest.dropFirst()
            }
        }
        return String(plain)
    }

}

extension StringProtocol {
    /// At most `limit` characters, the last one an ellipsis when something was left out.
    func shortened(to limit: Int) -> String {
        guard let end = index(startIndex, offsetBy: limit, limitedBy: endIndex), end != endIndex else { return String(self) }
        return prefix(limit - 1) + "…"
    }
}
