import SwiftProtobuf
import SwiftProtobufPluginLibrary

/// JSON Schemas of messages and enums as canonical protobuf JSON prints them, with original field names and plain 64-bit integers.
/// Collects every type that is asked for, and those that these need.
struct OpenAPISchemas {
    private var schemas: [String: JSON] = [:]
    /// Which type has taken a name; a second type of the same name gets its service's in front (`analytics.Test`).
    private var owners: [String: String] = [:]

    /// Types that whole answers have.
    private var answers: Set<String> = []

    /// All schemas so far, by name. What is in no answer takes no other fields: whoever misspells one is told so (T24), while answers may get new fields
    /// at any time.
    var components: JSON {
        var answered: Set<String> = []
        var open = Array(answers)
        while let name = open.popLast() {
            if answered.insert(name).inserted, let schema = schemas[name] { open += Self.names(in: schema) }
        }
        return .object(
            schemas.sorted { $0.key < $1.key }.map { name, schema in
                let isClosed = schema["properties"] != nil && !answered.contains(name)
                return JSON.Member(name: name, value: isClosed ? schema.merging(["additionalProperties": false]) : schema)
            })
    }

    /// Of the schemas that this one refers to.
    private static func names(in schema: JSON) -> [String] {
        switch schema {
        case .object(let members): members.flatMap { $0.name == "$ref" ? [name($0.value)].compactMap(\.self) : names(in: $0.value) }
        case .array(let elements): elements.flatMap(names)
        case .text, .integer, .decimal, .boolean: []
        }
    }

    private static func name(_ reference: JSON) -> String? {
        guard case .text(let path) = reference else { return nil }
        return path.split(separator: "/").last.map(String.init)
    }

    /// What a method answers with.
    mutating func answer(_ message: Descriptor) -> JSON {
        let schema = reference(message)
        answers.formUnion(Self.names(in: schema))
        return schema
    }

    mutating func reference(_ message: Descriptor) -> JSON {
        switch message.wellKnownType {
        case .timestamp: return ["type": "string", "format": "date-time"]
        case .duration: return ["type": "string", "pattern": "^-?[0-9]+(\\.[0-9]{1,9})?s$"]
        case .struct: return ["type": "object"]
        case .listValue: return ["type": "array", "items": [:]]
        case .value, .any: return [:]
        case .fieldMask, .stringValue: return ["type": "string"]
        case .boolValue: return ["type": "boolean"]
        case .bytesValue: return ["type": "string", "contentEncoding": "base64"]
        case .doubleValue, .floatValue: return ["type": "number"]
        case .int32Value, .uint32Value, .int64Value, .uint64Value: return ["type": "integer"]
        case nil: break
        }
        let (name, isNew) = take(message.shortName, fullName: message.fullName, package: message.file.package)
        if isNew {
            // The name is taken before the fields are looked at, so that a message may hold itself.
            schemas[name] = [:]
            schemas[name] = object(message.fields, description: message.documentation)
        }
        return ["$ref": "#/components/schemas/\(name)"]
    }

    mutating func reference(_ type: EnumDescriptor) -> JSON {
        let (name, isNew) = take(type.shortName, fullName: type.fullName, package: type.file.package)
        if isNew {
            let values = type.publicValues.compactMap { value in value.documentation.map { "- `\(value.name)`: \($0)" } }
            let text = [type.documentation ?? type.namingMessage?.documentation, values.isEmpty ? nil : values.joined(separator: "\n")]
            schemas[name] = JSON(members: [
                ("type", "string"),
                ("description", text.compactMap(\.self).isEmpty ? nil : .text(text.compactMap(\.self).joined(separator: "\n\n"))),
                ("enum", .array(type.publicNames.map(JSON.text))),
            ])
        }
        return ["$ref": "#/components/schemas/\(name)"]
    }

    /// A schema under a name of its own: the body of a request without what travels in the path.
    mutating func define(_ message: Descriptor, fields: [FieldDescriptor]) -> JSON {
        let (name, _) = take(message.shortName, fullName: message.fullName + "#body", package: message.file.package)
        schemas[name] = object(fields, description: message.documentation)
        return ["$ref": "#/components/schemas/\(name)"]
    }

    private mutating func take(_ short: String, fullName: String, package: String) -> (name: String, isNew: Bool) {
        let service = package.split(separator: ".").dropFirst().first.map(String.init) ?? package
        for name in [short, "\(service).\(short)", fullName] {
            if owners[name] == fullName { return (name, false) }
            if owners[name] == nil {
                owners[name] = fullName
                return (name, true)
            }
        }
        return (fullName, false)
    }

    private mutating func object(_ fields: [FieldDescriptor], description: String?) -> JSON {
        var properties: [JSON.Member] = []
        for field in fields {
            var value = schema(field).describing(field.documentation)
            if field.options.deprecated { value = value.merging(["deprecated": true]) }
            if field.rule.rows { value = value.merging(["x-assay-rows": true]) }
            if !field.rule.indexOf.isEmpty { value = value.merging(["x-assay-index-of": .text(field.rule.indexOf)]) }
            properties.append(JSON.Member(name: field.name, value: value))
        }
        let required = fields.filter(\.rule.required).map { JSON.text($0.name) }
        // JSON leaves out a 0, a false and an empty text as well: only this tells whether a field that is not there has a value. Exports go by it.
        let optional = fields.filter(\.hasPresence).map { JSON.text($0.name) }
        let choices = fields.compactMap(\.realContainingOneof).reduce(into: [OneofDescriptor]()) { if $0.last !== $1 { $0.append($1) } }
        return JSON(members: [
            ("type", "object"), ("description", description.map(JSON.text)), ("properties", .object(properties)),
            ("required", required.isEmpty ? nil : .array(required)),
            ("x-assay-optional", optional.isEmpty ? nil : .array(optional)),
            ("allOf", choices.isEmpty ? nil : .array(choices.map(atMostOne))),
        ])
    }

    private func atMostOne(_ choice: OneofDescriptor) -> JSON {
        let each = choice.fields.map { JSON.object([JSON.Member(name: "required", value: [.text($0.name)])]) }
        return ["oneOf": .array(each + [["not": ["anyOf": .array(each)]]])]
    }

    mutating func schema(_ field: FieldDescriptor) -> JSON {
        let rule = field.rule
        let least = rule.minItems > 0 ? JSON.integer(Int(rule.minItems)) : nil
        let most = rule.maxItems > 0 ? JSON.integer(Int(rule.maxItems)) : nil
        if let (_, value) = field.messageType?.mapKeyAndValue {
            return JSON(members: [
                ("type", "object"), ("additionalProperties", bounded(single(value), by: field)),
                ("propertyNames", rule.keyPattern.isEmpty ? nil : ["pattern": .text(rule.keyPattern)]), ("minProperties", least),
                ("maxProperties", most),
            ])
        }
        guard field.isRepeated else { return bounded(single(field), by: field) }
        return JSON(members: [("type", "array"), ("items", bounded(single(field), by: field)), ("minItems", least), ("maxItems", most)])
    }

    /// A single value with what `assay.field` says of it.
    private func bounded(_ schema: JSON, by field: FieldDescriptor) -> JSON {
        let rule = field.rule
        // A text that must be there must not be empty either (`Shape.Bounds`); an id's pattern says so already.
        let isFilled = rule.required && field.type == .string && !field.isRepeated && rule.id.isEmpty && rule.values.isEmpty
        let least = max(Int(rule.minLength), isFilled ? 1 : 0)
        let bounds = JSON(members: [
            ("minLength", least > 0 ? .integer(least) : nil),
            ("maxLength", rule.maxLength > 0 ? .integer(Int(rule.maxLength)) : nil),
            ("pattern", field.pattern(isRequired: rule.required).map(JSON.text)),
            ("enum", rule.values.isEmpty ? nil : .array(rule.values.map(JSON.text))),
            ("format", rule.format.isEmpty ? nil : .text(rule.format)),
            ("minimum", rule.hasMinimum ? .integer(Int(rule.minimum)) : nil), ("maximum", rule.hasMaximum ? .integer(Int(rule.maximum)) : nil),
        ])
        return schema.merging(bounds)
    }

    private mutating func single(_ field: FieldDescriptor) -> JSON {
        switch field.type {
        case .string: ["type": "string"]
        case .bool: ["type": "boolean"]
        case .int32, .sint32, .sfixed32: ["type": "integer", "format": "int32"]
        case .int64, .sint64, .sfixed64: ["type": "integer", "format": "int64"]
        case .uint32, .fixed32: ["type": "integer", "format": "int64", "minimum": 0]
        case .uint64, .fixed64: ["type": "integer", "minimum": 0]
        case .double, .float: ["type": "number"]
        case .bytes: ["type": "string", "contentEncoding": "base64"]
        case .enum: reference(field.enumType)
        case .message, .group: reference(field.messageType)
        }
    }
}

extension JSON {
    func describing(_ text: String?) -> JSON { text.map { merging(["description": .text($0)]) } ?? self }
}

extension Descriptor {
    /// Without the package, with the messages around it: `Run.State`.
    var shortName: String { containingType.map { "\($0.shortName).\(name)" } ?? name }
}

extension EnumDescriptor {
    /// A message that exists only to give its enum a namespace (`Outcome.Value`): the enum is then what the message is called.
    var namingMessage: Descriptor? {
        guard let around = containingType, name == "Value", around.fields.isEmpty else { return nil }
        return around
    }

    var shortName: String { namingMessage?.shortName ?? containingType.map { "\($0.shortName).\(name)" } ?? name }
}

extension ProvidesSourceCodeLocation {
    /// The comment above the declaration as running text; blank lines part paragraphs.
    var documentation: String? {
        guard let comment = sourceCodeInfoLocation?.leadingComments, !comment.isEmpty else { return nil }
        let lines = comment.split(separator: "\n", omittingEmptySubsequences: false).map { $0.trimming(while: \.isWhitespace) }
        let paragraphs = lines.split(whereSeparator: \.isEmpty).map { $0.joined(separator: " ") }
        return paragraphs.isEmpty ? nil : paragraphs.joined(separator: "\n\n")
    }
}

extension Substring {
    fileprivate func trimming(while predicate: (Character) -> Bool) -> Substring {
        let front = drop(while: predicate)
        return front.lastIndex { !predicate($0) }.map { front[...$0] } ?? ""
    }
}
