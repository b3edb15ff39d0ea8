/// Reads JSON text (RFC 8259, strictly) from a response that nobody vouches for.
struct JSONParser {
    /// Deeper nesting is refused (T98), so that everything that walks a value may recurse.
    static let maxDepth = 64
    /// A value in memory is larger than its text: of eight bytes of text at most forty are made.
    static let maxValues = 1_000_000

    /// What is wrong, for a person: `line 3: a string is not closed`.
    struct Failure: Error, Equatable {
        let detail: String
    }

    private let bytes: UnsafeBufferPointer<UInt8>
    private var position = 0
    private var depth = 0
    private var values = 0

    /// - Throws: `Failure` unless `bytes` are exactly one value, with blanks and a byte order mark allowed around it.
    static func parse(_ bytes: some Collection<UInt8>) throws(Failure) -> JSONValue {
        func read(_ buffer: UnsafeBufferPointer<UInt8>) -> Result<JSONValue, Failure> {
            var parser = JSONParser(bytes: buffer)
            do throws(Failure) { return .success(try parser.document()) } catch { return .failure(error) }
        }
        let result = bytes.withContiguousStorageIfAvailable(read) ?? Array(bytes).withUnsafeBufferPointer(read)
        return try result.get()
    }

    private init(bytes: UnsafeBufferPointer<UInt8>) {
        self.bytes = bytes
    }

    private mutating func document() throws(Failure) -> JSONValue {
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
        skipBlanks()
        let value = try value()
        skipBlanks()
        guard position == bytes.count else { throw failure("there is text behind the value") }
        return value
    }

    private mutating func value() throws(Failure) -> JSONValue {
        guard let byte = peek else { throw failure("the text ends where a value must be") }
        values += 1
        guard values <= Self.maxValues else { throw failure("it has more than \(Self.maxValues) values") }
        switch byte {
        case UInt8(ascii: "{"): return try nested { parser throws(Failure) in try parser.object() }
        case UInt8(ascii: "["): return try nested { parser throws(Failure) in try parser.array() }
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
        default: throw failure("this is not the beginning of a value")
        }
    }

    private mutating func nested(_ body: (inout JSONParser) throws(Failure) -> JSONValue) throws(Failure) -> JSONValue {
        guard depth < Self.maxDepth else { throw failure("it is nested deeper than \(Self.maxDepth) levels") }
        depth += 1
        position += 1
        skipBlanks()
        let value = try body(&self)
        depth -= 1
        return value
    }

    private mutating func array() throws(Failure) -> JSONValue {
        var elements: [JSONValue] = []
        if take(UInt8(ascii: "]")) { return .array(elements) }
        while true {
            elements.append(try value())
            skipBlanks()
            if take(UInt8(ascii: "]")) { return .array(elements) }
            try expect(UInt8(ascii: ","), "a comma or ] is missing in an array")
            skipBlanks()
        }
    }

    private mutating func object() throws(Failure) -> JSONValue {
        var members: [JSONValue.Member] = []
        if take(UInt8(ascii: "}")) { return .object(members) }
        while true {
            guard peek == UInt8(ascii: "\"") else { throw failure("a member's name is missing") }
            let name = try string()
            skipBlanks()
            try expect(UInt8(ascii: ":"), "a colon is missing behind a member's name")
            skipBlanks()
            members.append(.init(name: name, value: try value()))
            skipBlanks()
            if take(UInt8(ascii: "}")) { return .object(members) }
            try expect(UInt8(ascii: ","), "a comma or } is missing in an object")
            skipBlanks()
        }
    }

    private mutating func number() throws(Failure) -> JSONValue {
        let start = position
        var isInteger = true
        _ = take(UInt8(ascii: "-"))
        if !take(UInt8(ascii: "0")) { try digits() }
        if take(UInt8(ascii: ".")) {
            isInteger = false
            try digits()
        }
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
            isInteger = false
            if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
            try digits()
        }
        let text = String(decoding: UnsafeBufferPointer(rebasing: bytes[start..<position]), as: UTF8.self)
        if isInteger, let value = Int64(text) { return .integer(value) }
        guard let value = Double(text), value.isFinite else { throw failure("a number is out of range") }
        return .number(value)
    }

    private mutating func digits() throws(Failure) {
        let start = position
        while let byte = peek, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { position += 1 }
        guard position > start else { throw failure("a digit is missing in a number") }
    }

    private mutating func word(_ word: String, _ value: JSONValue) throws(Failure) -> JSONValue {
        guard bytes[position...].starts(with: word.utf8) else { throw failure("this is not the beginning of a value") }
        position += word.utf8.count
        return value
    }

    /// The text between quotes; escapes are rare, so what lies between them is taken in whole pieces.
    private mutating func string() throws(Failure) -> String {
        position += 1
        var decoded: [UInt8] = []
        var start = position
        while let byte = peek {
            switch byte {
            case UInt8(ascii: "\""):
                let rest = UnsafeBufferPointer(rebasing: bytes[start..<position])
                position += 1
                let text = decoded.isEmpty ? String(validating: rest, as: UTF8.self) : String(validating: decoded + rest, as: UTF8.self)
                guard let text else { throw failure("a string is not UTF-8") }
                return text
            case UInt8(ascii: "\\"):
                decoded += bytes[start..<position]
                position += 1
                try escape(into: &decoded)
                start = position
            case 0..<0x20: throw failure("a string holds a control character")
            default: position += 1
            }
        }
        throw failure("a string is not closed")
    }

    private mutating func escape(into decoded: inout [UInt8]) throws(Failure) {
        guard let byte = peek else { throw failure("a string is not closed") }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): decoded.append(byte)
        case UInt8(ascii: "b"): decoded.append(0x08)
        case UInt8(ascii: "f"): decoded.append(0x0C)
        case UInt8(ascii: "n"): decoded.append(0x0A)
        case UInt8(ascii: "r"): decoded.append(0x0D)
        case UInt8(ascii: "t"): decoded.append(0x09)
        case UInt8(ascii: "u"): decoded += String(try scalar()).utf8
        default: throw failure("there is no escape \\\(Character(UnicodeScalar(byte)))")
        }
    }

    /// What stands behind `\u`; two of them where it is a surrogate pair. A lone surrogate, which JSON allows and UTF-8 cannot hold, becomes U+FFFD.
    private mutating func scalar() throws(Failure) -> Character {
        let unit = try hex()
        guard (0xD800...0xDFFF).contains(unit) else { return Character(UnicodeScalar(unit) ?? "\u{FFFD}") }
        guard unit < 0xDC00, bytes[position...].starts(with: [UInt8(ascii: "\\"), UInt8(ascii: "u")]) else { return "\u{FFFD}" }
        let mark = position
        position += 2
        let low = try hex()
        guard (0xDC00...0xDFFF).contains(low) else {
            position = mark
            return "\u{FFFD}"
        }
        return Character(UnicodeScalar(0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00)) ?? "\u{FFFD}")
    }

    private mutating func hex() throws(Failure) -> UInt32 {
        guard position + 4 <= bytes.count,
            let unit = UInt32(hexadecimal: bytes[position..<position + 4])
        else { throw failure("four hexadecimal digits are missing behind \\u") }
        position += 4
        return unit
    }

    private var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard peek == byte else { return false }
        position += 1
        return true
    }

    private mutating func expect(_ byte: UInt8, _ what: String) throws(Failure) {
        guard take(byte) else { throw failure(what) }
    }

    private mutating func skipBlanks() {
        while let byte = peek, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
    }

    private func failure(_ what: String) -> Failure {
        let line = bytes.prefix(position).reduce(1) { $1 == 0x0A ? $0 + 1 : $0 }
        return Failure(detail: "line \(line): \(what)")
    }
}

extension UInt32 {
    /// Hexadecimal digits of either case, nothing else.
    init?(hexadecimal digits: some Sequence<UInt8>) {
        self = 0
        for digit in digits {
            guard let value = Character(UnicodeScalar(digit)).hexDigitValue else { return nil }
            self = self << 4 | UInt32(value)
        }
    }
}
