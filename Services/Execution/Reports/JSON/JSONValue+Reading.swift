import Foundation

/// Short ways to what a report usually has. Another type than the expected one counts as absent.
extension JSONValue {
    subscript(_ name: String) -> JSONValue? {
        let value = member(name)
        if case .null = value { return nil }
        return value
    }

    var string: String? { if case .string(let text) = self { text } else { nil } }
    var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
    var elements: [JSONValue] { if case .array(let elements) = self { elements } else { [] } }
    var members: [Member] { if case .object(let members) = self { members } else { [] } }

    var int: Int? {
        switch self {
        case .integer(let value): Int(value)
        case .number(let value) where value.rounded() == value && abs(value) < 1e15: Int(value)
        default: nil
        }
    }

    /// The text of a member, empty when there is none.
    func text(_ name: String) -> String { self[name]?.string ?? "" }

    /// Lists the members that the format does not have. What it has and is of no interest here is in `known`, as an element of XML that is skipped.
    func list(unknownOf what: String, known: Set<String>, in sink: ReportSink) {
        for member in members where !known.contains(member.name) { sink.passOver("the member \(member.name) of \(what)") }
    }

    /// A string as it is, anything else as JSON, cut.
    func words(limit: Int) -> String {
        switch self {
        case .string(let text): text
        case .null: ""
        default: Excerpt.of(text(limit: limit + 4), limit: limit)
        }
    }
}
