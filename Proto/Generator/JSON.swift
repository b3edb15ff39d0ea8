/// A JSON value that keeps the order of its members: openapi.json is committed and read by people, so it must come out the same every time.
enum JSON: Equatable, Sendable {
    case object([Member])
    case array([JSON])
    case text(String)
    case integer(Int)
    /// A number with a fraction, as it is written.
    case decimal(String)
    case boolean(Bool)

    struct Member: Equatable, Sendable {
        let name: String
        var value: JSON
    }

    subscript(name: String) -> JSON? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.name == name }?.value
    }

    /// Objects are merged member by member, arrays appended; of anything else the other wins.
    func merging(_ other: JSON) -> JSON {
        switch (self, other) {
        case (.object(var members), .object(let additions)):
            for addition in additions {
                if let index = members.firstIndex(where: { $0.name == addition.name }) {
                    members[index].value = members[index].value.merging(addition.value)
                } else {
                    members.append(addition)
                }
            }
            return .object(members)
        case (.array(let elements), .array(let additions)): return .array(elements + additions)
        default: return other
        }
    }

    /// Two spaces a level; objects and lists without objects in them on one line where they fit.
    func text(indent: String = "") -> String {
        let inner = indent + "  "
        switch self {
        case .object(let members):
            if members.isEmpty { return "{}" }
            let lines = members.map { "\(Self.quoted($0.name)): \($0.value.text(indent: inner))" }
            if members.count == 1, !lines[0].contains("\n"), indent.count + lines[0].count < 100 { return "{ \(lines[0]) }" }
            return "{\n" + lines.map { inner + $0 }.joined(separator: ",\n") + "\n\(indent)}"
        case .array(let elements):
            let lines = elements.map { $0.text(indent: inner) }
            let joined = lines.joined(separator: ", ")
            if !joined.contains("\n"), indent.count + joined.count < 100 { return "[\(joined)]" }
            return "[\n" + lines.map { inner + $0 }.joined(separator: ",\n") + "\n\(indent)]"
        case .text(let text): return Self.quoted(text)
        case .integer(let value): return String(value)
        case .decimal(let text): return text
        case .boolean(let value): return String(value)
        }
    }

    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case _ where scalar.value < 0x20: result += "\\u" + String(0x10000 + scalar.value, radix: 16).dropFirst()
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}

extension JSON: ExpressibleByDictionaryLiteral, ExpressibleByArrayLiteral, ExpressibleByStringInterpolation, ExpressibleByIntegerLiteral,
    ExpressibleByBooleanLiteral
{
    init(dictionaryLiteral members: (String, JSON)...) { self = .object(members.map { Member(name: $0, value: $1) }) }
    init(arrayLiteral elements: JSON...) { self = .array(elements) }
    init(stringLiteral text: String) { self = .text(text) }
    init(integerLiteral value: Int) { self = .integer(value) }
    init(booleanLiteral value: Bool) { self = .boolean(value) }

    /// Leaves out members without a value.
    init(members: [(String, JSON?)]) {
        self = .object(members.compactMap { name, value in value.map { Member(name: name, value: $0) } })
    }
}

/// Members come out in alphabetical order, because Foundation does not keep the file's. Null is refused.
extension JSON: Decodable {
    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let value = try? container.decode(Bool.self) {
            self = .boolean(value)
        } else if let value = try? container.decode(Int.self) {
            self = .integer(value)
        } else if let value = try? container.decode(Double.self) {
            self = .decimal(String(value))
        } else if let text = try? container.decode(String.self) {
            self = .text(text)
        } else if let elements = try? container.decode([JSON].self) {
            self = .array(elements)
        } else {
            let members = try container.decode([String: JSON].self)
            self = .object(members.sorted { $0.key < $1.key }.map { Member(name: $0.key, value: $0.value) })
        }
    }
}
