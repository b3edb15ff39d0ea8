import Foundation

/// A pattern of paths: `*`, `?`, `[…]` within a name, `**` for any number of folders, `{a,b}` for either. As in shells, names that begin with a
/// full stop are found only by patterns that say so.
struct Glob: Equatable, Sendable {
    /// Where the search begins: what stands before the first name with a wildcard; `.` when that is nothing.
    let root: String
    /// Names below the root, `**` among them; the last one is never `**`.
    let names: [String]

    /// - Throws: `usage` for what can match no file, or has too many alternatives.
    static func parse(_ text: String) throws -> [Glob] {
        try alternatives(text).map { text in
            var names = text.split(separator: "/").map(String.init)
            guard let last = names.last, !text.hasSuffix("/") else { throw ClientFailure.usage("\"\(text)\" names no file") }
            if last == "**" { names.append("*") }
            let literal = names.dropLast().prefix { !isPattern($0) }
            let root = (text.hasPrefix("/") ? "/" : "") + literal.joined(separator: "/")
            return Glob(root: root.isEmpty ? "." : root, names: Array(names.dropFirst(literal.count)))
        }
    }

    static func isPattern(_ text: some StringProtocol) -> Bool { text.contains { "*?[{".contains($0) } }

    static func matches(_ name: String, _ pattern: String) -> Bool { fnmatch(pattern, name, FNM_PERIOD) == 0 }

    /// `a{b,c}d` → `abd`, `acd`; braces may be nested.
    private static func alternatives(_ text: String) throws -> [String] {
        guard let open = text.firstIndex(of: "{") else { return [text] }
        var depth = 0
        var parts: [String] = [""]
        var index = open
        while index < text.endIndex {
            let character = text[index]
            if character == "{" { depth += 1 }
            if character == "}" { depth -= 1 }
            if depth == 0 { break }
            if character == ",", depth == 1 { parts.append("") } else if index != open { parts[parts.count - 1].append(character) }
            index = text.index(after: index)
        }
        guard index < text.endIndex else { throw ClientFailure.usage("\"\(text)\" has a { without its }") }
        let rest = text[text.index(after: index)...]
        let all = try parts.flatMap { try alternatives(text[..<open] + $0 + rest) }
        guard all.count <= 100 else { throw ClientFailure.usage("\"\(text)\" has more than 100 alternatives") }
        return all
    }
}
