import Foundation
import Primitives
import ProjectsAPI
import ServiceKit
import SwiftProtobuf

extension CaseField {
    init(_ message: PBCaseField, at pointer: String) throws(Fault) {
        let kind: Kind =
            switch message.type {
            case .text: .text
            case .number: .number
            case .boolean: .boolean
            case .date: .date
            case .choice: .choice
            case .unspecified, .UNRECOGNIZED: throw .invalidField(pointer + "/type", "unknown", "The type of a field is unknown.")
            }
        try self.init(key: message.key, kind: kind, choices: message.choices, description: message.description_p, at: pointer)
    }
}

extension PBCaseField {
    init(_ field: CaseField) {
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

extension PBCaseFields {
    init(_ definitions: CaseFieldStore.Definitions) {
        self.init()
        fields = definitions.fields.map(PBCaseField.init)
        version = definitions.version
        if let time = definitions.updatedAt { updatedAt = .init(milliseconds: time) }
    }
}

extension PBCaseFieldsSchema {
    init(_ fields: [CaseField]) {
        self.init()
        type = "object"
        properties = Dictionary(fields.map { ($0.key, PBCaseFieldSchema($0)) }) { first, _ in first }
        additionalProperties = false
    }
}

extension PBCaseFieldSchema {
    init(_ field: CaseField) {
        self.init()
        type = "string"
        description_p = field.description
        switch field.kind {
        case .text: maxLength = Int32(CaseField.valueLimit)
        case .number: pattern = "^[+-]?[0-9]+(\\.[0-9]+)?$"
        case .boolean: `enum` = ["true", "false"]
        case .date: format = "date"
        case .choice: `enum` = field.choices
        }
    }
}
