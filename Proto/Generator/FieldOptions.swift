import Contract
import Foundation
import SwiftProtobuf
import SwiftProtobufPluginLibrary

extension FieldDescriptor {
    /// Its `assay.field` options, empty where it has none.
    var rule: PBField { options.PBfield }

    /// Where the options do not fit the field.
    func check() throws {
        func problem(_ text: String) -> ContractProblem { ContractProblem("\(file.name): \(containingType.name).\(name): \(text)") }
        let kind = requestKind
        let isText = kind == .text || (messageType?.mapKeyAndValue).map { $0.value.type == .string } ?? false
        if !rule.id.isEmpty || rule.minLength > 0 || rule.maxLength > 0 || !rule.pattern.isEmpty || !rule.values.isEmpty, !isText {
            throw problem("id, lengths, pattern and values are for text")
        }
        if rule.hasMinimum || rule.hasMaximum, ![.int32, .int64, .uint32, .uint64, .number].contains(kind) {
            throw problem("minimum and maximum are for numbers")
        }
        if rule.minItems > 0 || rule.maxItems > 0, !isRepeated { throw problem("min_items and max_items are for lists and maps") }
        if rule.rows, !isRepeated || isMap || messageType == nil { throw problem("rows are the elements of a list of messages") }
        if !rule.indexOf.isEmpty, type != .int32 || isRepeated { throw problem("index_of is for a single int32") }
        if rule.version, type != .int64 || isRepeated { throw problem("a version is a single int64") }
        guard options.deprecated == !rule.deprecatedSince.isEmpty else {
            throw problem("deprecated = true and deprecated_since go together")
        }
        _ = try deprecation
        for text in [rule.pattern, rule.keyPattern] where !text.isEmpty {
            do { _ = try NSRegularExpression(pattern: text) } catch { throw problem("'\(text)' is no regular expression") }
        }
    }

    var deprecation: Deprecation? {
        get throws { try Deprecation(since: rule.deprecatedSince, sunset: rule.sunset, of: "\(file.name): \(containingType.name).\(name)") }
    }

    /// What the text must match: what the contract says, or the form of an id. An id that is not required may be empty, which is as if it were not there.
    func pattern(isRequired: Bool) -> String? {
        if !rule.pattern.isEmpty { return rule.pattern }
        guard !rule.id.isEmpty else { return nil }
        let id = "\(rule.id)_[0-7][0-9a-hjkmnp-tv-z]{25}"
        return isRequired || isRepeated ? "^\(id)$" : "^(\(id))?$"
    }
}

extension Deprecation {
    /// Days as contracts write them; nil when there is no first one.
    init?(since: String, sunset: String, of name: String) throws {
        guard !since.isEmpty else {
            guard sunset.isEmpty else { throw ContractProblem("\(name): sunset needs deprecated_since") }
            return nil
        }
        func seconds(_ day: String) throws -> Int64 {
            guard day.wholeMatch(of: /\d{4}-\d\d-\d\d/) != nil, let date = try? Date(day, strategy: .iso8601.year().month().day()) else {
                throw ContractProblem("\(name): '\(day)' is no day; write 2026-03-01")
            }
            return Int64(date.timeIntervalSince1970)
        }
        try self.init(since: seconds(since), sunset: sunset.isEmpty ? nil : seconds(sunset))
    }
}

/// The Swift text of a field's `Shape`.
struct ShapeText {
    /// - Returns: nil when it says no more than the field's kind.
    static func of(_ field: FieldDescriptor) -> String? {
        let text = shape(field, inside: [])
        return text == plain(field) ? nil : text
    }

    private static func plain(_ field: FieldDescriptor) -> String {
        let element = field.requestKind == .structure ? "Shape(.any)" : "Shape(\(kind(field, inside: [])))"
        return field.isRepeated ? "Shape(.list(\(element)))" : element
    }

    private static func shape(_ field: FieldDescriptor, inside outer: [String]) -> String {
        if let (_, value) = field.messageType?.mapKeyAndValue {
            let element = wrapped(kind(value, inside: outer), elementBounds(field))
            return wrapped(".map(\(element))", listBounds(field))
        }
        let own = kind(field, inside: outer)
        guard field.isRepeated else { return wrapped(own, (field.rule.required ? ["isRequired: true"] : []) + elementBounds(field)) }
        return wrapped(".list(\(wrapped(own, elementBounds(field))))", listBounds(field))
    }

    private static func wrapped(_ kind: String, _ bounds: [String]) -> String {
        bounds.isEmpty ? "Shape(\(kind))" : "Shape(\(kind), Shape.Bounds(\(bounds.joined(separator: ", "))))"
    }

    private static func elementBounds(_ field: FieldDescriptor) -> [String] {
        let rule = field.rule
        var bounds: [String] = []
        if rule.minLength > 0 { bounds.append("minLength: \(rule.minLength)") }
        if rule.maxLength > 0 { bounds.append("maxLength: \(rule.maxLength)") }
        if rule.hasMinimum { bounds.append("minimum: \(rule.minimum)") }
        if rule.hasMaximum { bounds.append("maximum: \(rule.maximum)") }
        return bounds
    }

    private static func listBounds(_ field: FieldDescriptor) -> [String] {
        var bounds = field.rule.required ? ["isRequired: true"] : []
        if field.rule.minItems > 0 { bounds.append("minItems: \(field.rule.minItems)") }
        if field.rule.maxItems > 0 { bounds.append("maxItems: \(field.rule.maxItems)") }
        return bounds
    }

    private static func kind(_ field: FieldDescriptor, inside outer: [String]) -> String {
        switch field.requestKind {
        case .text, .bytes, .timestamp, .duration: return ".text"
        case .boolean: return ".boolean"
        case .int32, .int64, .uint32, .uint64, .number: return ".number"
        case .choice(let names): return ".choice([\(names.map(\.debugDescription).joined(separator: ", "))])"
        case .structure:
            // A message that holds itself is checked by decoding below its first level.
            guard let message = field.messageType, message.wellKnownType == nil, !outer.contains(message.fullName) else { return ".any" }
            let members = message.fields.map { "Shape.Member(\($0.name.debugDescription), \(shape($0, inside: outer + [message.fullName])))" }
            return ".object([\(members.joined(separator: ", "))])"
        }
    }
}
