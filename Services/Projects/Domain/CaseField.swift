import Foundation
import Primitives

/// A field that cases of a project may have, with the type of its values. Stored as JSON.
///
/// Types and spellings are those of Execution's custom fields of results, which have a list of their own: Proto/Projects/case_fields.proto says why.
struct CaseField: Codable, Equatable, Sendable {
    enum Kind: String, Codable, Sendable { case text, number, boolean, date, choice }

    /// Of a project.
    static let most = 100
    static let mostChoices = 100
    /// Unicode scalars.
    static let keyLimit = 100
    static let valueLimit = 500
    static let descriptionLimit = 500

    let key: String
    let kind: Kind
    var choices: [String] = []
    var description = ""

    /// - Throws: `request.invalid` naming what is wrong under `pointer`.
    init(key: String, kind: Kind, choices: [String] = [], description: String = "", at pointer: String) throws(Fault) {
        guard Self.isKey(key) else {
            throw .invalidField(pointer + "/key", "invalid", "A key has 1–\(Self.keyLimit) characters, no colon and no control characters.")
        }
        guard (kind == .choice) != choices.isEmpty else {
            throw .invalidField(pointer + "/choices", "mismatch", "A field of the type CHOICE has choices, and no other has.")
        }
        guard choices.count <= Self.mostChoices, choices.allSatisfy({ !$0.isEmpty && Self.isText($0) }) else {
            throw .invalidField(
                pointer + "/choices", "invalid",
                "A field has up to \(Self.mostChoices) choices of 1–\(Self.valueLimit) characters, without control characters.")
        }
        guard description.unicodeScalars.count <= Self.descriptionLimit, !description.utf8.contains(0) else {
            throw .invalidField(pointer + "/description", "invalid", "At most \(Self.descriptionLimit) characters are allowed, none of them NUL.")
        }
        self.key = key
        self.kind = kind
        self.choices = choices
        self.description = description
    }

    /// A value as the field writes it; `nil` for what is none of the field's.
    func value(_ text: String) -> String? {
        guard Self.isText(text) else { return nil }
        return switch kind {
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

    private static func isKey(_ text: String) -> Bool {
        (1...keyLimit).contains(text.unicodeScalars.count) && !text.contains(":") && isText(text)
    }

    private static func isText(_ text: String) -> Bool {
        text.unicodeScalars.count <= valueLimit && text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
    }

    var expectation: String {
        switch kind {
        case .text: "a text of up to \(Self.valueLimit) characters on one line"
        case .number: "a number"
        case .boolean: "true or false"
        case .date: "a day as 2026-03-01"
        case .choice: "one of \(choices.prefix(10).joined(separator: ", "))"
        }
    }
}

extension [CaseField] {
    /// What a case says after a change: an empty value takes a field away, all others are written as their fields write them.
    /// - Throws: `request.invalid` naming the value.
    func applying(_ changes: [String: String], to known: [String: String]) throws(Fault) -> [String: String] {
        var values = known
        for (key, text) in changes.sorted(by: { $0.key < $1.key }) {
            let pointer = "/fields/" + key.replacing("~", with: "~0").replacing("/", with: "~1")
            guard !text.isEmpty else {
                values[key] = nil
                continue
            }
            values[key] = try value(text, of: key, at: pointer)
        }
        return values
    }

    /// A value as its field writes it.
    /// - Throws: `request.invalid` naming `pointer`.
    func value(_ text: String, of key: String, at pointer: String) throws(Fault) -> String {
        guard let field = first(where: { $0.key == key }) else {
            throw .invalidField(pointer, "unknown_field", "Cases of this project have no field of this key; see /case-fields.")
        }
        guard let value = field.value(text) else { throw .invalidField(pointer, "invalid_value", "The value of this field is \(field.expectation).") }
        return value
    }
}

/// What a list of cases is narrowed to: the value of a field.
struct CaseFieldFilter: Equatable, Sendable {
    /// Of one list.
    static let most = 5

    let key: String
    let value: String

    /// - Throws: `request.invalid` naming `field`.
    static func read(_ texts: [String], _ fields: [CaseField]) throws(Fault) -> [CaseFieldFilter] {
        guard texts.count <= most else { throw .invalidField("field", "too_many", "At most \(most) fields can be asked for.") }
        var filters: [CaseFieldFilter] = []
        for text in texts {
            let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else {
                throw .invalidField("field", "invalid", "It is key:value, as in priority:high.")
            }
            filters.append(CaseFieldFilter(key: parts[0], value: try fields.value(parts[1], of: parts[0], at: "field")))
        }
        return filters
    }
}
