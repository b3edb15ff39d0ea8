import ExecutionAPI
import Foundation
import Postgres
import Primitives
import ServiceKit
import SwiftProtobuf

extension IdentityRule {
    init(_ message: PBIdentityRule, at pointer: String) throws(Fault) {
        let kind: Kind =
            switch message.kind {
            case .uuid: .uuid
            case .timestamp: .timestamp
            case .number: .number
            case .hex: .hex
            case .parameters: .parameters
            case .parameter: .parameter
            case .unspecified, .UNRECOGNIZED: throw .invalidField(pointer + "/kind", "unknown", "The kind of a rule is unknown.")
            }
        guard (kind == .parameter) != message.parameter.isEmpty else {
            throw .invalidField(pointer + "/parameter", "mismatch", "A rule of the kind PARAMETER names a parameter, and no other does.")
        }
        let part: Part =
            switch message.part {
            case .name, .unspecified: .name
            case .className: .className
            case .suiteName: .suiteName
            case .UNRECOGNIZED: throw .invalidField(pointer + "/part", "unknown", "The part of a test's texts is unknown.")
            }
        self.init(kind: kind, parameter: message.parameter, part: part, className: message.className)
    }
}

extension PBIdentityRule {
    init(_ rule: IdentityRule) {
        self.init()
        kind =
            switch rule.kind {
            case .uuid: .uuid
            case .timestamp: .timestamp
            case .number: .number
            case .hex: .hex
            case .parameters: .parameters
            case .parameter: .parameter
            }
        parameter = rule.parameter
        part =
            switch rule.part {
            case .name: .name
            case .className: .className
            case .suiteName: .suiteName
            }
        className = rule.className
    }
}

extension PBIdentityRules {
    init(_ document: ReadingRulesStore.Document) throws {
        self.init()
        rules = try document.body.isEmpty ? [] : JSONText(document.body).decode([IdentityRule].self).map(PBIdentityRule.init)
        version = document.version
        if let time = document.updatedAt { updatedAt = Google_Protobuf_Timestamp(milliseconds: time) }
    }
}

extension CustomField {
    init(_ message: PBCustomField, at pointer: String) throws(Fault) {
        let kind: Kind =
            switch message.type {
            case .text: .text
            case .number: .number
            case .boolean: .boolean
            case .date: .date
            case .choice: .choice
            case .unspecified, .UNRECOGNIZED: throw .invalidField(pointer + "/type", "unknown", "The type of a field is unknown.")
            }
        guard let key = Tag(key: message.key, value: "")?.text, !key.contains(":") else {
            throw .invalidField(pointer + "/key", "invalid", "A field's key is a tag's: without a colon and control characters.")
        }
        guard (kind == .choice) != message.choices.isEmpty else {
            throw .invalidField(pointer + "/choices", "mismatch", "A field of the type CHOICE has choices, and no other has.")
        }
        guard message.choices.count <= 100, message.choices.allSatisfy({ Tag(key: key, value: $0) != nil && !$0.isEmpty }) else {
            throw .invalidField(pointer + "/choices", "invalid", "A field has up to 100 choices, each of which can be a tag's value.")
        }
        self.init(key: key, kind: kind, choices: message.choices, description: message.description_p)
    }
}

extension PBCustomField {
    init(_ field: CustomField) {
        self.init()
        key = field.key
        type =
            switch field.kind {
            case .text: .text
            case .number: .number
            case .boolean: .boolean
            case .date: .date
            case .choice: .choice
            }
        choices = field.choices
        description_p = field.description
    }
}

extension PBCustomFields {
    init(_ document: ReadingRulesStore.Document) throws {
        self.init()
        fields = try document.body.isEmpty ? [] : JSONText(document.body).decode([CustomField].self).map(PBCustomField.init)
        version = document.version
        if let time = document.updatedAt { updatedAt = Google_Protobuf_Timestamp(milliseconds: time) }
    }
}
