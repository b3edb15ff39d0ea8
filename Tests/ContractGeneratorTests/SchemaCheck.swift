import Foundation

@testable import ContractGenerator

/// JSON Schema 2020-12, as far as our document uses it; a keyword that is not known is a finding, so that none is passed over.
struct SchemaCheck {
    let document: JSON

    /// What is wrong with `value`, with JSON pointers.
    func findings(_ value: JSON, _ schema: JSON, at pointer: String = "") -> [String] {
        guard case .object(let keywords) = schema else { return ["\(pointer): the schema is no object"] }
        return keywords.flatMap { findings(value, $0.name, $0.value, in: schema, at: pointer) }
    }

    private func findings(_ value: JSON, _ keyword: String, _ rule: JSON, in schema: JSON, at pointer: String) -> [String] {
        func unless(_ isFine: Bool, _ problem: String) -> [String] { isFine ? [] : ["\(pointer): \(problem)"] }
        switch (keyword, value) {
        case ("$ref", _): return resolve(rule).map { findings(value, $0, at: pointer) } ?? ["\(pointer): \(rule.text()) leads nowhere"]
        case ("type", _): return unless(type(value, is: rule), "is no \(rule.text())")
        // What holds where nothing is given has to fit as well.
        case ("default", _): return value == rule ? [] : findings(rule, schema, at: pointer)
        case ("enum", _): return unless(rule.elements.contains(value), "is none of \(rule.text())")
        case ("oneOf", _):
            return unless(rule.elements.filter { findings(value, $0, at: pointer).isEmpty }.count == 1, "fits not exactly one alternative")
        case ("anyOf", _): return unless(rule.elements.contains { findings(value, $0, at: pointer).isEmpty }, "fits no alternative")
        case ("allOf", _): return rule.elements.flatMap { findings(value, $0, at: pointer) }
        case ("not", _): return unless(!findings(value, rule, at: pointer).isEmpty, "fits what it must not")
        case ("minLength", .text(let text)): return unless(text.unicodeScalars.count >= rule.number, "is too short")
        case ("maxLength", .text(let text)): return unless(text.unicodeScalars.count <= rule.number, "is too long")
        case ("pattern", .text(let text)): return unless(Self.matches(text, rule), "does not match \(rule.text())")
        case ("minimum", .integer(let number)): return unless(number >= rule.number, "is too small")
        case ("maximum", .integer(let number)): return unless(number <= rule.number, "is too large")
        case ("minItems", .array(let elements)): return unless(elements.count >= rule.number, "has too few elements")
        case ("maxItems", .array(let elements)): return unless(elements.count <= rule.number, "has too many elements")
        case ("items", .array(let elements)):
            return elements.enumerated().flatMap { findings($1, rule, at: "\(pointer)/\($0)") }
        case ("properties", .object(let members)):
            return members.flatMap { member in rule[member.name].map { findings(member.value, $0, at: "\(pointer)/\(member.name)") } ?? [] }
        case ("required", .object): return rule.elements.flatMap { unless(value[$0.plain] != nil, "lacks \($0.plain)") }
        case ("propertyNames", .object(let members)): return members.flatMap { findings(.text($0.name), rule, at: "\(pointer)/\($0.name)") }
        case ("maxProperties", .object(let members)): return unless(members.count <= rule.number, "has too many members")
        case ("minProperties", .object(let members)): return unless(members.count >= rule.number, "has too few members")
        case ("additionalProperties", .object(let members)):
            let patterns = schema["patternProperties"]?.names ?? []
            let others = members.filter { member in
                schema["properties"]?[member.name] == nil && !patterns.contains { Self.matches(member.name, .text($0)) }
            }
            return others.flatMap {
                rule == false ? ["\(pointer): has the unknown member \($0.name)"] : findings($0.value, rule, at: "\(pointer)/\($0.name)")
            }
        case ("minLength", _), ("maxLength", _), ("pattern", _), ("minimum", _), ("maximum", _), ("minItems", _), ("maxItems", _), ("items", _),
            ("properties", _), ("required", _), ("propertyNames", _), ("maxProperties", _), ("minProperties", _), ("additionalProperties", _),
            ("patternProperties", _), ("description", _), ("format", _), ("deprecated", _), ("contentEncoding", _), ("contentMediaType", _),
            ("contentSchema", _), ("x-assay-rows", _), ("x-assay-index-of", _), ("x-assay-optional", _):
            return []
        default: return ["\(pointer): the keyword \(keyword) is unknown here"]
        }
    }

    private func resolve(_ reference: JSON) -> JSON? {
        reference.plain.split(separator: "/").dropFirst().reduce(document as JSON?) { $0?[String($1)] }
    }

    private func type(_ value: JSON, is type: JSON) -> Bool {
        switch (type.plain, value) {
        case ("object", .object), ("array", .array), ("string", .text), ("boolean", .boolean), ("integer", .integer), ("number", .integer),
            ("number", .decimal):
            true
        default: false
        }
    }

    private static func matches(_ text: String, _ pattern: JSON) -> Bool {
        guard let expression = try? NSRegularExpression(pattern: pattern.plain) else { return false }
        return expression.firstMatch(in: text, range: NSRange(text.startIndex..., in: text)) != nil
    }
}

extension JSON {
    fileprivate var plain: String { if case .text(let text) = self { text } else { "" } }
    fileprivate var number: Int { if case .integer(let number) = self { number } else { 0 } }
}
