import Foundation

/// A JSON value that keeps the order of its members, as Foundation's does not: a reference lists fields in the order of their contract.
///
/// Made for openapi.json, which our own generator wrote: what is not JSON is refused, but without saying where.
indirect enum OrderedJSON: Sendable {
    case object([Member])
    case array([OrderedJSON])
    case text(String)
    /// A number, true, false or null, as it is written.
    case word(String)

    struct Member: Sendable {
        let name: String
        let value: OrderedJSON
    }

    struct Malformed: Error {}

    init(_ data: Data) throws {
        var reader = Reader(bytes: Array(data))
        self = try reader.value()
    }

    subscript(name: String) -> OrderedJSON? { members.first { $0.name == name }?.value }

    var members: [Member] { if case .object(let members) = self { members } else { [] } }
    var elements: [OrderedJSON] { if case .array(let elements) = self { elements } else { [] } }
    var text: String? { if case .text(let text) = self { text } else { nil } }
    var word: String? { if case .word(let word) = self { word } else { nil } }
    var isTrue: Bool { word == "true" }

    /// Two spaces a level; what holds nothing nested on one line.
    func pretty(indent: String = "") -> String {
        let inner = indent + "  "
        switch self {
        case .object(let members):
            if members.isEmpty { return "{}" }
            return "{\n" + members.map { "\(inner)\(JSONText.quoted($0.name)): \($0.value.pretty(indent: inner))" }.joined(separator: ",\n")
                + "\n\(indent)}"
        case .array(let elements):
            let lines = elements.map { $0.pretty(indent: inner) }
            if !lines.contains(where: { $0.contains("\n") }) { return "[\(lines.joined(separator: ", "))]" }
            return "[\n" + lines.map { inner + $0 }.joined(separator: ",\n") + "\n\(indent)]"
        case .text(let text): return JSONText.quoted(text)
        case .word(let word): return word
        }
    }

    /// Without any space, for command lines.
    var line: String {
        switch self {
        case .object(let members): "{" + members.map { "\(JSONText.quoted($0.name)):\($0.value.line)" }.joined(separator: ",") + "}"
        case .array(let elements): "[" + elements.map(\.line).joined(separator: ",") + "]"
        case .text(let text): JSONText.quoted(text)
        case .word(let word): word
        }
    }

    private struct Reader {
        let bytes: [UInt8]
        var index = 0

        init(bytes: [UInt8]) { self.bytes = bytes }

        mutating func value() throws -> OrderedJSON {
            switch try next() {
            case UInt8(ascii: "{"):
                var members: [Member] = []
                index += 1
                while try next() != UInt8(ascii: "}") {
                    if !members.isEmpty { try take(",") }
                    guard try next() == UInt8(ascii: "\"") else { throw Malformed() }
                    let name = try string()
                    try take(":")
                    members.append(Member(name: name, value: try value()))
                }
                index += 1
                return .object(members)
            case UInt8(ascii: "["):
                var elements: [OrderedJSON] = []
                index += 1
                while try next() != UInt8(ascii: "]") {
                    if !elements.isEmpty { try take(",") }
                    elements.append(try value())
                }
                index += 1
                return .array(elements)
            case UInt8(ascii: "\""): return .text(try string())
            default:
                let start = index
                while index < bytes.count, !",:]} \n\r\t".utf8.contains(bytes[index]) { index += 1 }
                guard index > start else { throw Malformed() }
                return .word(String(decoding: bytes[start..<index], as: UTF8.self))
            }
        }

        /// The first byte that is no space.
        private mutating func next() throws -> UInt8 {
            while index < bytes.count, " \n\r\t".utf8.contains(bytes[index]) { index += 1 }
            guard index < bytes.count else { throw Malformed() }
            return bytes[index]
        }

        private mutating func take(_ character: Unicode.Scalar) throws {
            guard try next() == UInt8(ascii: character) else { throw Malformed() }
            index += 1
        }

        private mutating func string() throws -> String {
            let start = index + 1
            index = start
            while index < bytes.count, bytes[index] != UInt8(ascii: "\"") { index += bytes[index] == UInt8(ascii: "\\") ? 2 : 1 }
            guard index < bytes.count else { throw Malformed() }
            defer { index += 1 }
            let raw = bytes[start..<index]
            return raw.contains(UInt8(ascii: "\\")) ? JSONText.unescaped(raw) : String(decoding: raw, as: UTF8.self)
        }
    }
}
