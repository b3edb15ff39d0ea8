/// Reads the text of a JSONPath after the grammar of RFC 9535, appendix A.
struct JSONPathParser {
    let bytes: [UInt8]
    var position = 0
    var depth = 0

    /// - Throws: `invalid_jsonpath` with the position at fault.
    static func parse(_ text: String) throws(CaseError) -> [JSONPath.Segment] {
        var parser = JSONPathParser(bytes: Array(text.utf8))
        guard parser.take("$") else { throw parser.failure("a path begins with $") }
        let segments = try parser.segments()
        guard parser.position == parser.bytes.count else { throw parser.failure("this does not belong to a path") }
        return segments
    }

    private init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    // MARK: Segments and selectors

    mutating func segments() throws(CaseError) -> [JSONPath.Segment] {
        var segments: [JSONPath.Segment] = []
        while true {
            let mark = position
            skipBlanks()
            if take("..") {
                segments.append(.init(selectors: peek("[") ? try bracketed() : [try dotted()], isDescendant: true))
            } else if take(".") {
                segments.append(.init(selectors: [try dotted()], isDescendant: false))
            } else if peek("[") {
                segments.append(.init(selectors: try bracketed(), isDescendant: false))
            } else {
                // Blanks are part of a path only in front of a segment; what follows may be a comparison of a filter.
                position = mark
                return segments
            }
        }
    }

    private mutating func dotted() throws(CaseError) -> JSONPath.Selector {
        if take("*") { return .wildcard }
        let start = position
        while let byte = current, byte >= 0x80 || isLetter(byte) || byte == UInt8(ascii: "_") || position > start && isDigit(byte) { position += 1 }
        guard position > start else { throw failure("a name or * is missing behind the dot") }
        return .name(String(decoding: bytes[start..<position], as: UTF8.self))
    }

    private mutating func bracketed() throws(CaseError) -> [JSONPath.Selector] {
        try enter()
        defer { depth -= 1 }
        position += 1
        var selectors: [JSONPath.Selector] = []
        repeat {
            skipBlanks()
            selectors.append(try selector())
            skipBlanks()
        } while take(",")
        guard take("]") else { throw failure("a ] is missing") }
        return selectors
    }

    private mutating func selector() throws(CaseError) -> JSONPath.Selector {
        switch current {
        case UInt8(ascii: "'"), UInt8(ascii: "\""): return .name(try string())
        case UInt8(ascii: "*"):
            position += 1
            return .wildcard
        case UInt8(ascii: "?"):
            position += 1
            skipBlanks()
            return .filter(try or())
        default: return try indexOrSlice()
        }
    }

    private mutating func indexOrSlice() throws(CaseError) -> JSONPath.Selector {
        let start = try integer()
        let mark = position
        skipBlanks()
        guard take(":") else {
            position = mark
            guard let start else { throw failure("a name, number, * or ? is missing in the brackets") }
            return .index(start)
        }
        skipBlanks()
        let end = try integer()
        skipBlanks()
        guard take(":") else { return .slice(start: start, end: end, step: 1) }
        skipBlanks()
        return .slice(start: start, end: end, step: try integer() ?? 1)
    }

    /// A whole number between -(2^53-1) and 2^53-1 without leading zeros; nil when there is none here.
    private mutating func integer() throws(CaseError) -> Int? {
        let start = position
        _ = take("-")
        let digits = position
        while let byte = current, isDigit(byte) { position += 1 }
        guard position > start else { return nil }
        let isPlain = position > digits && (bytes[digits] != UInt8(ascii: "0") || position == start + 1)
        guard isPlain, let value = Int(String(decoding: bytes[start..<position], as: UTF8.self)), abs(value) < 1 << 53 else {
            throw failure("this is not a whole number as JSONPath writes it")
        }
        return value
    }

    // MARK: Literals

    mutating func number() throws(CaseError) -> JSONValue {
        let start = position
        while let byte = current, isDigit(byte) || "+-.eE".utf8.contains(byte) { position += 1 }
        guard let value = try? JSONParser.parse(bytes[start..<position]) else { throw failure("this is not a number", at: start) }
        return value
    }

    mutating func string() throws(CaseError) -> String {
        let start = position
        let quote = bytes[position]
        position += 1
        var decoded: [UInt8] = []
        while let byte = current {
            position += 1
            switch byte {
            case quote: return String(decoding: decoded, as: UTF8.self)
            case UInt8(ascii: "\\"): try escape(quote, into: &decoded)
            case 0..<0x20: throw failure("a string holds a control character", at: position - 1)
            default: decoded.append(byte)
            }
        }
        throw failure("a string is not closed", at: start)
    }

    /// The escapes of JSON strings, and of the two quotes the one that encloses the string.
    private mutating func escape(_ quote: UInt8, into decoded: inout [UInt8]) throws(CaseError) {
        let start = position - 1
        guard let byte = current else { throw failure("a string is not closed", at: start) }
        position += 1
        switch byte {
        case quote, UInt8(ascii: "\\"), UInt8(ascii: "/"): decoded.append(byte)
        case UInt8(ascii: "b"): decoded.append(0x08)
        case UInt8(ascii: "f"): decoded.append(0x0C)
        case UInt8(ascii: "n"): decoded.append(0x0A)
        case UInt8(ascii: "r"): decoded.append(0x0D)
        case UInt8(ascii: "t"): decoded.append(0x09)
        case UInt8(ascii: "u"):
            var unit = try hex(at: start)
            if (0xD800..<0xDC00).contains(unit), take("\\u") {
                let low = try hex(at: start)
                guard (0xDC00..<0xE000).contains(low) else { throw failure("half of a surrogate pair is missing", at: start) }
                unit = 0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00)
            }
            guard let scalar = UnicodeScalar(unit) else { throw failure("half of a surrogate pair is missing", at: start) }
            decoded += String(Character(scalar)).utf8
        default: throw failure("there is no such escape", at: start)
        }
    }

    private mutating func hex(at start: Int) throws(CaseError) -> UInt32 {
        guard position + 4 <= bytes.count, let unit = UInt32(hexadecimal: bytes[position..<position + 4]) else {
            throw failure("four hexadecimal digits are missing", at: start)
        }
        position += 4
        return unit
    }

    // MARK: Characters

    var current: UInt8? { position < bytes.count ? bytes[position] : nil }

    func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
    func isLetter(_ byte: UInt8) -> Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) }

    func peek(_ text: String) -> Bool { bytes[position...].starts(with: text.utf8) }

    mutating func take(_ text: String) -> Bool {
        guard peek(text) else { return false }
        position += text.utf8.count
        return true
    }

    mutating func takeAfterBlanks(_ text: String) -> Bool {
        let mark = position
        skipBlanks()
        if take(text) { return true }
        position = mark
        return false
    }

    mutating func skipBlanks() {
        while let byte = current, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
    }

    mutating func enter() throws(CaseError) {
        guard depth < JSONPath.maxDepth else { throw failure("it is nested deeper than \(JSONPath.maxDepth) levels") }
        depth += 1
    }

    func failure(_ what: String, at position: Int? = nil) -> CaseError {
        CaseError("invalid_jsonpath", "The JSONPath cannot be read at character \((position ?? self.position) + 1): \(what).")
    }
}
