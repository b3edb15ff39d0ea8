import Foundation
import Primitives

/// A tag key whose values have a type. Stored as JSON.
struct CustomField: Codable, Equatable, Sendable {
    enum Kind: String, Codable, Sendable { case text, number, boolean, date, choice }

    let key: String
    let kind: Kind
    var choices: [String] = []
    var description = ""

    /// A value as the field writes it; `nil` for what is none of the field's.
    func value(_ text: String) -> String? {
        switch kind {
        case .text: text
        case .number: Self.number(text)
        case .boolean: Self.booleans[text.lowercased()]
        case .date: Self.isDate(text) ? text : nil
        case .choice: choices.first { $0.lowercased() == text.lowercased() }
        }
    }

    private static let booleans = [
        "true": "true", "yes": "true", "1": "true", "on": "true", "false": "false", "no": "false", "0": "false", "off": "false",
    ]

    private static func number(_ text: String) -> String? {
        // `Decimal` reads the beginning of anything.
        guard text.utf8.count <= 38, text.wholeMatch(of: /[+-]?[0-9]+(\.[0-9]+)?/) != nil, let number = Decimal(string: text) else { return nil }
        return "\(number)"
    }

    private static func isDate(_ text: String) -> Bool {
        guard text.wholeMatch(of: /[0-9]{4}-[0-9]{2}-[0-9]{2}/) != nil else { return false }
        let parts = text.split(separator: "-").compactMap { Int($0) }
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = .gmt
        return DateComponents(calendar: calendar, year: parts[0], month: parts[1], day: parts[2]).isValidDate
    }

    var expectation: String {
        switch kind {
        case .text: "a text"
        case .number: "a number"
        case .boolean: "true or false"
        case .date: "a day as 2026-03-01"
        case .choice: "one of \(choices.prefix(10).joined(separator: ", "))"
        }
    }
}

extension [CustomField] {
    /// A tag as its field writes it, and what is wrong with it where it is kept as it came.
    func read(_ tag: Tag) -> (tag: Tag, problem: String?) {
        guard let field = first(where: { $0.key == tag.key }) else { return (tag, nil) }
        guard let value = field.value(tag.value), let read = Tag(key: tag.key, value: value) else {
            return (tag, "\(tag.key) is \(field.expectation); \(Excerpt.of(tag.value, limit: 100)) was kept as it is")
        }
        return (read, nil)
    }
}
