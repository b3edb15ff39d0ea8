/// One JSON value (RFC 8259) of a response that is being judged.
///
/// Own type because assertions need what Foundation's loses: the order of members, integers beyond 2^53, and the difference between
/// `true` and `1`.
enum JSONValue: Sendable {
    case null
    case bool(Bool)
    /// A number written without fraction and exponent that fits.
    case integer(Int64)
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object([Member])

    /// One member of an object, in the order of the text. Of equal names the last one counts, as in ECMAScript.
    struct Member: Sendable {
        let name: String
        let value: JSONValue
    }
}

extension JSONValue {
    /// Elements or members below this value; 0 for scalars.
    var count: Int {
        switch self {
        case .array(let elements): elements.count
        case .object(let members): members.count
        case .null, .bool, .integer, .number, .string: 0
        }
    }

    /// The member's value; nil for anything but an object that has it.
    func member(_ name: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members.last { $0.name.isSame(as: name) }?.value
    }

    /// Compact JSON text, ended after `limit` bytes of it. The cut may fall into a character; `Excerpt` mends that.
    func text(limit: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        write(to: &bytes, limit: limit)
        return bytes
    }

    private func write(to bytes: inout [UInt8], limit: Int) {
        guard bytes.count < limit else { return }
        switch self {
        case .null: bytes += "null".utf8
        case .bool(let value): bytes += (value ? "true" : "false").utf8
        case .integer(let value): bytes += "\(value)".utf8
        case .number(let value): bytes += JSONValue.numberText(value).utf8
        case .string(let value): JSONValue.writeString(value, to: &bytes, limit: limit)
        case .array(let elements):
            bytes.append(UInt8(ascii: "["))
            for (index, element) in elements.enumerated() {
                guard bytes.count < limit else { return }
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                element.write(to: &bytes, limit: limit)
            }
            bytes.append(UInt8(ascii: "]"))
        case .object(let members):
            bytes.append(UInt8(ascii: "{"))
            for (index, member) in members.enumerated() {
                guard bytes.count < limit else { return }
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                JSONValue.writeString(member.name, to: &bytes, limit: limit)
                bytes.append(UInt8(ascii: ":"))
                member.value.write(to: &bytes, limit: limit)
            }
            bytes.append(UInt8(ascii: "}"))
        }
    }

    /// `2` rather than `2.0`: people compare it with what they wrote.
    static func numberText(_ value: Double) -> String {
        let text = "\(value)"
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }

    private static func writeString(_ text: String, to bytes: inout [UInt8], limit: Int) {
        bytes.append(UInt8(ascii: "\""))
        for byte in text.utf8.prefix(limit) {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes += [UInt8(ascii: "\\"), byte]
            case UInt8(ascii: "\n"): bytes += "\\n".utf8
            case UInt8(ascii: "\r"): bytes += "\\r".utf8
            case UInt8(ascii: "\t"): bytes += "\\t".utf8
            case 0..<0x20: bytes += "\\u00\(byte < 16 ? "0" : "")\(String(byte, radix: 16))".utf8
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }
}

extension String {
    /// Code point by code point, as JSON compares; `==` takes composed and decomposed letters for the same.
    func isSame(as other: String) -> Bool { utf8.elementsEqual(other.utf8) }
}
