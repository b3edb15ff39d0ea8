import Primitives

/// Values for `{{name}}` in a case's URL, headers and body.
///
/// Filling in is replacement and nothing else: no expressions, and a value is never looked into for further variables (T82). Names that begin with
/// `secret.` are those of secrets and of nothing else.
struct Variables: Sendable, Equatable {
    static let maxCount = 100
    static let maxValueBytes = 16 << 10
    static let maxNameLength = 64

    let values: [String: String]
    /// By their names without `secret.`.
    private let secrets: [String: String]

    init(_ values: [String: String] = [:], secrets: [String: String] = [:]) {
        self.values = values
        self.secrets = secrets
    }

    /// A run's variables win over a case's, and those over the suite's.
    init(suite: [String: String], case own: [String: String], run: [String: String]) {
        self.init(suite.merging(own) { $1 }.merging(run) { $1 })
    }

    /// What StartRun takes, with the bounds that Projects sets for suites and cases.
    /// - Throws: `request.invalid` at the variable: names are `[A-Za-z_][A-Za-z0-9_.-]{0,63}` and do not begin with `secret.`, values at most 16 KiB, 100 of them.
    static func check(_ variables: [String: String], at pointer: String) throws(Fault) {
        guard variables.count <= maxCount else { throw .invalidField(pointer, "too_many", "At most \(maxCount) variables are allowed.") }
        for (name, value) in variables {
            guard isName(name) else {
                throw .invalidField(
                    "\(pointer)/\(name)", "invalid_name", "A variable's name is a letter or _ and up to 63 letters, digits, _, . or -.")
            }
            guard !name.hasPrefix(TestSecret.prefix) else {
                throw .invalidField("\(pointer)/\(name)", "reserved_name", "Names that begin with \(TestSecret.prefix) are those of secrets.")
            }
            guard value.utf8.count <= maxValueBytes, !value.utf8.contains(0) else {
                throw .invalidField("\(pointer)/\(name)", "invalid_value", "A variable's value has at most \(maxValueBytes) bytes and no NUL.")
            }
        }
    }

    /// Only those that one of the texts names: a case carries what it needs, not the whole suite's.
    func used(in texts: [String]) -> Variables {
        var used: [String: String] = [:]
        for text in texts {
            Self.scan(text) { piece in
                if case .reference(let name) = piece { used[name] = values[name] }
            }
        }
        return Variables(used)
    }

    /// Names of the secrets that the texts have, without `secret.`.
    static func secrets(in texts: [String]) -> Set<String> {
        var names: Set<String> = []
        for text in texts {
            scan(text) { piece in
                if case .reference(let name) = piece, name.hasPrefix(TestSecret.prefix) {
                    names.insert(String(name.dropFirst(TestSecret.prefix.count)))
                }
            }
        }
        return names
    }

    /// `text` with every `{{name}}` replaced. Blanks inside the braces are allowed; braces around anything but a name are text.
    /// - Throws: `unknown_variable`, `unknown_secret`, and `request_too_large` when the result is longer than `limit` bytes.
    func fill(_ text: String, limit: Int, what: String) throws(CaseError) -> String {
        var filled: [UInt8] = []
        var unknown: String?
        Self.scan(text) { piece in
            guard filled.count <= limit else { return }
            switch piece {
            case .text(let bytes): filled += bytes
            case .reference(let name):
                if let value = value(name) { filled += value.utf8 } else { unknown = unknown ?? name }
            }
        }
        if let unknown, unknown.hasPrefix(TestSecret.prefix) {
            throw CaseError(
                "unknown_secret",
                "The project has no secret \(unknown.dropFirst(TestSecret.prefix.count)) for the run's environment, which \(what) uses.")
        }
        if let unknown {
            throw CaseError("unknown_variable", "There is no variable \(unknown), which \(what) uses: give it to the run, the case or the suite.")
        }
        guard filled.count <= limit else {
            throw CaseError("request_too_large", "With its variables filled in, \(what) is longer than \(limit) bytes.")
        }
        return String(decoding: filled, as: UTF8.self)
    }

    private func value(_ name: String) -> String? {
        name.hasPrefix(TestSecret.prefix) ? secrets[String(name.dropFirst(TestSecret.prefix.count))] : values[name]
    }

    private enum Piece {
        case text(ArraySlice<UInt8>)
        case reference(String)
    }

    private static func scan(_ text: String, _ found: (Piece) -> Void) {
        let bytes = Array(text.utf8)
        let open = UInt8(ascii: "{")
        var start = 0
        var position = 0
        while position + 4 < bytes.count {
            guard bytes[position] == open, bytes[position + 1] == open, let (name, end) = reference(in: bytes, at: position + 2) else {
                position += 1
                continue
            }
            if position > start { found(.text(bytes[start..<position])) }
            found(.reference(name))
            (start, position) = (end, end)
        }
        if start < bytes.count { found(.text(bytes[start...])) }
    }

    /// The name that begins behind two opening braces, and where the text goes on behind the closing ones.
    private static func reference(in bytes: [UInt8], at start: Int) -> (name: String, end: Int)? {
        let blank = UInt8(ascii: " ")
        let close = UInt8(ascii: "}")
        // Names are short, and so is the look ahead: a body of a million braces is read in one pass.
        let inside = bytes[start..<min(start + maxNameLength + 16, bytes.count)].prefix { $0 != close }
        let end = inside.endIndex
        guard end + 1 < bytes.count, bytes[end] == close, bytes[end + 1] == close else { return nil }
        let name = inside.drop { $0 == blank }.reversed().drop { $0 == blank }.reversed()
        guard isName(ArraySlice(name)) else { return nil }
        return (String(decoding: name, as: UTF8.self), end + 2)
    }

    static func isName(_ text: String) -> Bool { isName(Array(text.utf8)[...]) }

    private static func isName(_ bytes: ArraySlice<UInt8>) -> Bool {
        guard (1...maxNameLength).contains(bytes.count), let first = bytes.first, isLetter(first) else { return false }
        return bytes.allSatisfy {
            isLetter($0) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "-")
        }
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) || byte == UInt8(ascii: "_")
    }
}
