import Contract
import NIOCore
import Primitives
import SwiftProtobuf

/// Path, query and body of a request as one message of the contract, by way of canonical protobuf JSON: the contract's own reading of every
/// type, so that nothing here knows what a field means.
struct RequestMessage<Message: SwiftProtobuf.Message>: Sendable {
    private let route: Route
    private let byName: [String: RequestField]
    /// What the body must look like.
    private let body: [Shape.Member]
    private let requiredParameters: [RequestField]
    private let deprecated: [RequestField]

    init(_ route: Route) {
        self.route = route
        byName = Dictionary(uniqueKeysWithValues: route.fields.map { ($0.name, $0) })
        body = route.fields.filter { $0.place == .body }.map { Shape.Member($0.name, $0.shape) }
        requiredParameters = route.fields.filter { $0.place == .query && $0.shape.bounds.isRequired }
        deprecated = route.fields.filter { $0.deprecation != nil }
    }

    /// A request, and whether it uses what is on its way out.
    struct Decoded {
        let message: Message
        let deprecation: Deprecation?
    }

    /// `path`: values of the path's parameters, decoded, ids in the place of slugs, and the version that a header names.
    /// `query`: without what the gateway reads itself.
    /// `body`: empty where there is none.
    /// - Throws: the faults of `JSONLint`, `unknown_field`, `request.unknown_parameter`, `.duplicate_parameter`, `.invalid`.
    func decode(path: [(name: String, value: String)], query: [(name: String, value: String)], body: ByteBuffer) throws(Fault) -> Decoded {
        var members: [UInt8] = []
        for (name, value) in path {
            guard let literal = byName[name]?.jsonLiteral(for: value) else { throw .parameterInvalid(name, "another kind of value") }
            Self.add(name, literal, to: &members)
        }
        try addQuery(query, to: &members)
        guard body.readableBytes > 0 else {
            try ShapeCheck.checkAbsence(of: self.body)
            let message = members.isEmpty ? Message() : try decode(Array("{".utf8) + members + Array("}".utf8)) { _ in nil }
            return Decoded(message: message, deprecation: deprecation(of: query.map(\.name)))
        }
        let (message, names) = try addBody(body, to: members)
        return Decoded(message: message, deprecation: deprecation(of: query.map(\.name) + names))
    }

    /// Of several deprecated fields the first counts.
    private func deprecation(of used: [String]) -> Deprecation? {
        deprecated.isEmpty ? nil : deprecated.first { used.contains($0.name) }?.deprecation
    }

    private func addQuery(_ query: [(name: String, value: String)], to members: inout [UInt8]) throws(Fault) {
        for field in requiredParameters where !query.contains(where: { $0.name == field.name }) { throw .parameterMissing(field.name) }
        guard !query.isEmpty else { return }
        var values: [(field: RequestField, literals: [String])] = []
        for (name, value) in query {
            guard let field = byName[name], field.place == .query else { throw .unknownParameter(name) }
            if name == "limit", let limit = Int(value), !(1...PageRequest.maxLimit).contains(limit) {
                _ = try PageRequest(limit: limit == 0 ? -1 : limit, cursor: "")
            }
            let literal = try Self.literal(value, field)
            if let index = values.firstIndex(where: { $0.field.name == name }) {
                guard field.isRepeated else { throw .duplicateParameter(name) }
                values[index].literals.append(literal)
            } else {
                values.append((field, [literal]))
            }
        }
        for (field, literals) in values {
            try Self.checkCount(literals.count, field)
            Self.add(field.name, field.isRepeated ? "[\(literals.joined(separator: ","))]" : literals[0], to: &members)
        }
    }

    /// Holds a query parameter against its bounds, and nothing more.
    func check(_ name: String, _ value: String) throws(Fault) {
        guard let field = byName[name], field.place == .query else { throw .unknownParameter(name) }
        _ = try Self.literal(value, field)
    }

    private static func literal(_ value: String, _ field: RequestField) throws(Fault) -> String {
        guard let literal = field.jsonLiteral(for: value) else { throw .parameterInvalid(field.name, expected(field.kind)) }
        try check(value, field)
        return literal
    }

    /// A parameter that is empty counts as not given.
    private static func check(_ value: String, _ field: RequestField) throws(Fault) {
        let shape = if case .list(let element) = field.shape.kind { element } else { field.shape }
        let problem =
            switch shape.kind {
            case .text: value.isEmpty && !shape.bounds.isRequired ? nil : shape.bounds.problem(length: value.unicodeScalars.count)
            case .number: shape.bounds.problem(number: value)
            default: nil as (code: String, detail: String)?
            }
        if let problem { throw .invalidField(field.name, problem.code, "\(field.name): \(problem.detail)") }
    }

    private static func checkCount(_ count: Int, _ field: RequestField) throws(Fault) {
        guard let most = field.shape.bounds.maxItems, count > most else { return }
        throw .invalidField(field.name, "too_many", "\(field.name) can be given \(most) times.")
    }

    private func addBody(_ body: ByteBuffer, to members: [UInt8]) throws(Fault) -> (Message, names: [String]) {
        let bytes = Array(body.readableBytesView)
        let found = try JSONLint.check(bytes)
        guard let brace = bytes.firstIndex(where: { $0 != 0x20 && $0 != 0x0A && $0 != 0x0D && $0 != 0x09 }), bytes[brace] == UInt8(ascii: "{") else {
            throw .json("malformed_json", "The body must be a JSON object.", at: "")
        }
        // SwiftProtobuf would also take the camel-case form of a name, and fields that are in the path.
        try ShapeCheck.check(bytes, against: self.body)
        var whole = Array("{".utf8) + members
        if !members.isEmpty, !found.isEmpty { whole.append(UInt8(ascii: ",")) }
        whole += bytes[(brace + 1)...]
        let message = try decode(whole) { error in
            // Which member it was, SwiftProtobuf does not say: each is tried alone. Only refused requests pay for this.
            found.first { member in
                let alone = Array("{\(JSONText.quoted(member.name)):".utf8) + bytes[member.value] + Array("}".utf8)
                return (try? Message(jsonUTF8Bytes: alone)) == nil
            }?.name
        }
        return (message, found.map(\.name))
    }

    private func decode(_ json: [UInt8], culprit: (any Error) -> String?) throws(Fault) -> Message {
        do {
            return try Message(jsonUTF8Bytes: json)
        } catch JSONDecodingError.unknownField(let name) {
            let parent = culprit(JSONDecodingError.unknownField(name))
            throw parent == nil || parent == name ? .unknownField(name) : .unknownField("\(parent ?? "")/…/\(name)")
        } catch {
            let name = culprit(error)
            throw .invalidField(name.map { "/" + $0 } ?? "", "invalid", Self.explanation(of: error))
        }
    }

    private static func add(_ name: String, _ literal: String, to members: inout [UInt8]) {
        if !members.isEmpty { members.append(UInt8(ascii: ",")) }
        members.append(UInt8(ascii: "\""))
        members.append(contentsOf: name.utf8)
        members.append(UInt8(ascii: "\""))
        members.append(UInt8(ascii: ":"))
        members.append(contentsOf: literal.utf8)
    }

    private static func expected(_ kind: RequestField.Kind) -> String {
        switch kind {
        case .boolean: "true or false"
        case .int32, .int64: "a whole number"
        case .uint32, .uint64: "a whole number from 0"
        case .number: "a number"
        case .choice(let names): "one of \(names.joined(separator: ", "))"
        case .timestamp: "a time such as 2026-03-01T10:00:00Z"
        case .duration, .text, .bytes, .structure: "another kind of value"
        }
    }

    private static func explanation(of error: any Error) -> String {
        switch error as? JSONDecodingError {
        case .unrecognizedEnumValue: "The value is not one of those allowed."
        case .malformedTimestamp: "A time such as 2026-03-01T10:00:00Z is expected."
        case .numberRange, .malformedNumber: "A whole number in range is expected."
        case .illegalNull: "null is not allowed here."
        default: "The value has the wrong type."
        }
    }
}
