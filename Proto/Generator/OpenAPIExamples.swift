import Contract
import Foundation
import SwiftProtobuf
import SwiftProtobufPluginLibrary

/// Examples of requests and answers, composed of what fields say they may hold (`assay.field.example`), and of what their names suggest where they
/// say nothing. Each fits the schema of its message.
enum OpenAPIExamples {
    /// `isRequest`: then only what must be given or says what it may hold is shown.
    static func object(_ fields: [FieldDescriptor], isRequest: Bool) -> JSON {
        object(fields, isRequest: isRequest, inside: [])
    }

    /// The value of a path or query parameter.
    static func parameter(_ field: FieldDescriptor) -> JSON { value(field, isRequest: true, inside: []) ?? .text(field.name) }

    /// A server-sent event that carries this message.
    static func event(_ message: Descriptor) -> JSON {
        let type = message.fields.first { $0.name == "type" }.flatMap { value($0, isRequest: false, inside: []) }
        return JSON(members: [
            ("id", "7"), ("event", type.map { .text($0.plain.lowercased()) }), ("data", .text(object(message.fields, isRequest: false).line)),
        ])
    }

    private static func object(_ fields: [FieldDescriptor], isRequest: Bool, inside outer: [String]) -> JSON {
        var taken: [String] = []
        var members: [JSON.Member] = []
        for field in fields where !field.options.deprecated {
            // One of the members of a oneof.
            if let choice = field.realContainingOneof {
                if taken.contains(choice.name) { continue }
                taken.append(choice.name)
            }
            let isNested = field.messageType.map { $0.wellKnownType == nil && $0.mapKeyAndValue == nil } ?? false
            if isRequest, !field.rule.required, field.rule.example.isEmpty, !isNested { continue }
            if let value = value(field, isRequest: isRequest, inside: outer) { members.append(JSON.Member(name: field.name, value: value)) }
        }
        return .object(members)
    }

    /// Nil for what has no example: a map without one, and a message inside itself.
    private static func value(_ field: FieldDescriptor, isRequest: Bool, inside outer: [String]) -> JSON? {
        if let (_, content) = field.messageType?.mapKeyAndValue {
            let pairs = field.rule.example.map { $0.split(separator: "=", maxSplits: 1).map(String.init) }.filter { $0.count == 2 }
            guard !pairs.isEmpty else { return nil }
            return .object(pairs.map { JSON.Member(name: $0[0], value: typed($0[1], content)) })
        }
        let given = field.rule.example
        guard field.isRepeated else { return given.first.map { typed($0, field) } ?? standard(field, isRequest: isRequest, inside: outer) }
        if !given.isEmpty { return .array(given.map { typed($0, field) }) }
        return standard(field, isRequest: isRequest, inside: outer).map { .array([$0]) } ?? []
    }

    private static func typed(_ text: String, _ field: FieldDescriptor) -> JSON {
        switch field.requestKind {
        case .boolean: .boolean(text == "true")
        case .int32, .int64, .uint32, .uint64: .integer(Int(text) ?? 0)
        case .number: Int(text).map(JSON.integer) ?? .decimal(text)
        default: .text(text)
        }
    }

    private static func standard(_ field: FieldDescriptor, isRequest: Bool, inside outer: [String]) -> JSON? {
        switch field.requestKind {
        case .text:
            if !field.rule.id.isEmpty { return .text("\(field.rule.id)_\(someID)") }
            return .text(field.rule.values.first ?? texts[field.name] ?? field.name.replacing("_", with: " "))
        case .boolean: return true
        case .int32, .int64, .uint32, .uint64:
            return .integer(Int(numbers[field.name] ?? (field.rule.hasMinimum ? max(1, field.rule.minimum) : 1)))
        case .number: return .decimal("0.5")
        case .choice(let names): return names.first.map(JSON.text)
        case .timestamp: return .text("2026-03-01T10:00:00.000Z")
        case .duration: return "1.5s"
        case .bytes: return ""
        case .structure:
            guard let message = field.messageType, message.wellKnownType == nil else { return [:] }
            guard !outer.contains(message.fullName) else { return nil }
            return object(message.fields, isRequest: isRequest, inside: outer + [message.fullName])
        }
    }

    private static let someID = "01jd3v9k2m8q4r6s7t0w1x2y3z"

    /// What fields of these names hold, wherever they are.
    private static let texts = [
        "name": "Checkout", "description": "The shop's front end.", "branch": "main", "default_branch": "main", "slug": "web-shop",
        "commit_sha": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b", "environment": "staging", "url": "https://shop.example.com/health",
        "message": "expected 200, got 503", "detail": "The report ends in the middle of a test case.", "file": "junit.xml",
        "next_cursor": "cnVuXzAxajN2OWsybThxNHI2czd0MHcxeDJ5M3o", "suite_name": "checkout", "class_name": "CheckoutTests",
        "test_name": "a voucher lowers the total", "type": "AssertionError", "key": "build-4711", "number": "4711", "day": "2026-03-01",
        "address": "203.0.113.7", "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    ]

    private static let numbers: [String: Int64] = [
        "total": 42, "passed": 40, "failed": 1, "errored": 0, "skipped": 1, "pending": 0, "status": 200, "duration_ms": 1_250,
        "duration_us": 1_250_000,
        "version": 3, "line": 17,
    ]
}

extension JSON {
    /// In one line, as events carry it.
    fileprivate var line: String {
        switch self {
        case .object(let members): "{" + members.map { "\(JSON.text($0.name).text()):\($0.value.line)" }.joined(separator: ",") + "}"
        case .array(let elements): "[" + elements.map(\.line).joined(separator: ",") + "]"
        default: text()
        }
    }

    fileprivate var plain: String { if case .text(let text) = self { text } else { text() } }
}
