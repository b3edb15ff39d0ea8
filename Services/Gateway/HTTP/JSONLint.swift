import Primitives

/// A strict reading of RFC 8259 before SwiftProtobuf's lenient one: what it lets through has one meaning only.
///
/// SwiftProtobuf takes the last of duplicate keys, repairs lone surrogates and knows no bound on the number of elements; PostgreSQL's text
/// cannot hold NUL. Each finding is a fault with the JSON pointer (RFC 6901) of the place.
struct JSONLint {
    /// Of a whole body; whoever reads one stops there.
    static let maxBytes = 1 << 20
    static let maxDepth = 64
    static let maxElements = 100_000

    private let bytes: UnsafeRawBufferPointer
    private var index = 0
    private var elements = 0
    private var path: [Step] = []

    /// The members of the outermost object, in their order.
    private var members: [Member] = []

    /// One member of the outermost object: where its value stands lets a caller look at it alone.
    struct Member: Equatable {
        let name: String
        let value: Range<Int>
    }

    private enum Step {
        case key([UInt8])
        case index(Int)
    }

    /// - Throws: `request.malformed_json`, `.duplicate_key`, `.lone_surrogate` (400); `.too_deep`, `.too_many_elements`,
    ///   `.number_out_of_range`, `.nul` (422).
    /// - Returns: the members, when the value is an object.
    @discardableResult
    static func check(_ bytes: UnsafeRawBufferPointer) throws(Fault) -> [Member] {
        guard String(validating: bytes, as: UTF8.self) != nil else { throw .json("malformed_json", "The body is not UTF-8.", at: "") }
        var lint = JSONLint(bytes: bytes)
        lint.skipSpace()
        try lint.value()
        lint.skipSpace()
        guard lint.index == bytes.count else { throw lint.malformed("Something follows the JSON value.") }
        return lint.members
    }

    @discardableResult
    static func check(_ bytes: [UInt8]) throws(Fault) -> [Member] {
        let result = bytes.withUnsafeBytes { buffer in
            Result { () throws(Fault) in try check(buffer) }
        }
        return try result.get()
    }

    private init(bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
    }

    // MARK: - Grammar

    private var current: UInt8? { index < bytes.count ? bytes[index] : nil }

    private mutating func skipSpace() {
        while let byte = current, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { index += 1 }
    }

    private mutating func value() throws(Fault) {
        elements += 1
        guard elements <= Self.maxElements else { throw fault("too_many_elements", "The body has more than \(Self.maxElements) values.") }
        guard path.count <= Self.maxDepth else { throw fault("too_deep", "The body is nested deeper than \(Self.maxDepth) levels.") }
        switch current {
        case UInt8(ascii: "{"): try object()
        case UInt8(ascii: "["): try array()
        case UInt8(ascii: "\""): _ = try string()
        case UInt8(ascii: "t"): try word("true")
        case UInt8(ascii: "f"): try word("false")
        case UInt8(ascii: "n"): try word("null")
        default: try number()
        }
    }

    private mutating func object() throws(Fault) {
        index += 1
        skipSpace()
        if take("}") { return }
        var keys: Set<[UInt8]> = []
        while true {
            guard current == UInt8(ascii: "\"") else { throw malformed("A key in quotes is expected.") }
            let key = try string()
            path.append(.key(key))
            guard keys.insert(key).inserted else { throw fault("duplicate_key", "The key is given twice.") }
            skipSpace()
            guard take(":") else { throw malformed("A colon is expected after the key.") }
            skipSpace()
            let start = index
            try value()
            path.removeLast()
            if path.isEmpty { members.append(Member(name: String(decoding: key, as: UTF8.self), value: start..<index)) }
            skipSpace()
            if take("}") { return }
            guard take(",") else { throw malformed("A comma or } is expected.") }
            skipSpace()
        }
    }

    private mutating func array() throws(Fault) {
        index += 1
        skipSpace()
        if take("]") { return }
        var position = 0
        while true {
            path.append(.index(position))
            try value()
            path.removeLast()
            position += 1
            skipSpace()
            if take("]") { return }
            guard take(",") else { throw malformed("A comma or ] is expected.") }
            skipSpace()
        }
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard current == UInt8(ascii: character) else { return false }
        index += 1
        return true
    }

    private mutating func word(_ word: StaticString) throws(Fault) {
        for offset in 0..<word.utf8CodeUnitCount {
            guard current == word.utf8Start[offset] else { throw malformed("A value is expected.") }
            index += 1
        }
    }

    /// Reads a string at its opening quote.
    /// - Returns: its UTF-8, so that keys that differ only in their escapes are seen to be the same.
    private mutating func string() throws(Fault) -> [UInt8] {
        index += 1
        var text: [UInt8] = []
        while let byte = current {
            switch byte {
            case UInt8(ascii: "\""):
                index += 1
                return text
            case UInt8(ascii: "\\"):
                index += 1
                try escape(into: &text)
            case 0..<0x20:
                throw malformed("A control character in a string must be escaped.")
            default:
                text.append(byte)
                index += 1
            }
        }
        throw malformed("A string has no end.")
    }

    private mutating func escape(into text: inout [UInt8]) throws(Fault) {
        guard let byte = current else { throw malformed("A string has no end.") }
        index += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
        case UInt8(ascii: "b"): text.append(8)
        case UInt8(ascii: "f"): text.append(12)
        case UInt8(ascii: "n"): text.append(10)
        case UInt8(ascii: "r"): text.append(13)
        case UInt8(ascii: "t"): text.append(9)
        case UInt8(ascii: "u"): text += Array(String(Character(try unicode())).utf8)
        default: throw malformed("There is no such escape.")
        }
    }

    /// Reads what follows `\u`, two escapes for a character beyond the first plane.
    private mutating func unicode() throws(Fault) -> Unicode.Scalar {
        let first = try hex()
        if first == 0 { throw fault("nul", "Text cannot hold the character NUL.") }
        guard first & 0xF800 == 0xD800 else { return Unicode.Scalar(first) ?? "\u{FFFD}" }
        guard first < 0xDC00, take("\\"), take("u") else { throw loneSurrogate }
        let second = try hex()
        guard (0xDC00...0xDFFF).contains(second), let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00)) else {
            throw loneSurrogate
        }
        return scalar
    }

    private mutating func hex() throws(Fault) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = current, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
                throw malformed("Four hex digits are expected.")
            }
            value = value << 4 | UInt32(digit)
            index += 1
        }
        return value
    }

    private mutating func number() throws(Fault) {
        let start = index
        var isWhole = true
        _ = take("-")
        if take("0") {
            // Nothing but a fraction or an exponent may follow a leading zero.
        } else if digits() == 0 {
            throw malformed("A value is expected.")
        }
        if take(".") {
            isWhole = false
            guard digits() > 0 else { throw malformed("A digit is expected.") }
        }
        if take("e") || take("E") {
            isWhole = false
            if !take("+") { _ = take("-") }
            guard digits() > 0 else { throw malformed("A digit is expected.") }
        }
        let text = String(decoding: bytes[start..<index], as: UTF8.self)
        let isInRange = isWhole ? Int64(text) != nil : Double(text).map(\.isFinite) ?? false
        guard isInRange else { throw fault("number_out_of_range", "The number is beyond what 64 bits hold.") }
    }

    private mutating func digits() -> Int {
        let start = index
        while let byte = current, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { index += 1 }
        return index - start
    }

    // MARK: - Faults

    private var loneSurrogate: Fault { fault("lone_surrogate", "A surrogate must be one of a pair.") }

    private func malformed(_ what: String) -> Fault {
        .json("malformed_json", "\(what) (byte \(index))", at: pointer)
    }

    private func fault(_ code: String, _ detail: String) -> Fault { .json(code, detail, at: pointer) }

    private var pointer: String {
        path.map { step in
            switch step {
            case .index(let index): "/\(index)"
            case .key(let key):
                "/" + String(decoding: key.prefix(100), as: UTF8.self).replacing("~", with: "~0").replacing("/", with: "~1")
            }
        }.joined()
    }
}
