/// A JSON Schema of openapi.json as the rows of a table: one a field, those of nested objects below theirs.
struct SchemaRows {
    /// Deeper fields are left to the example.
    static let maxDepth = 4

    struct Row: Sendable {
        /// `http.headers[].name`
        let name: String
        let type: String
        let isRequired: Bool
        let isDeprecated: Bool
        let bounds: String?
        let description: RichText?
        /// For indentation: `depth-0` …
        let level: String
    }

    private let schemas: OrderedJSON?

    init(document: OrderedJSON) { schemas = document["components"]?["schemas"] }

    /// Of an object.
    func rows(_ schema: OrderedJSON) -> [Row] { rows(schema, prefix: "", depth: 0, inside: []) }

    /// Of a parameter.
    func row(named name: String, _ schema: OrderedJSON, isRequired: Bool, isDeprecated: Bool, description: String?) -> Row {
        let (resolved, _) = resolve(schema)
        return Row(
            name: name, type: type(schema), isRequired: isRequired, isDeprecated: isDeprecated, bounds: bounds(resolved),
            description: RichText(description), level: "depth-0")
    }

    private func rows(_ schema: OrderedJSON, prefix: String, depth: Int, inside outer: [String]) -> [Row] {
        let (object, name) = resolve(schema)
        if let name, outer.contains(name) { return [] }
        let inner = outer + (name.map { [$0] } ?? [])
        let required = Set(object["required"]?.elements.compactMap(\.text) ?? [])
        return (object["properties"]?.members ?? []).flatMap { member -> [Row] in
            let (resolved, _) = resolve(member.value)
            let row = Row(
                name: prefix + member.name, type: type(member.value), isRequired: required.contains(member.name),
                isDeprecated: member.value["deprecated"]?.isTrue ?? false, bounds: bounds(resolved),
                description: RichText(member.value["description"]?.text ?? resolved["description"]?.text), level: "depth-\(depth)")
            guard depth < Self.maxDepth else { return [row] }
            let isList = resolved["type"]?.text == "array"
            let nested = isList ? resolved["items"] : resolved
            guard let nested, resolve(nested).schema["properties"] != nil else { return [row] }
            return [row] + rows(nested, prefix: "\(prefix)\(member.name)\(isList ? "[]" : "").", depth: depth + 1, inside: inner)
        }
    }

    /// Follows a reference; members beside it stay with whoever asks.
    private func resolve(_ schema: OrderedJSON) -> (schema: OrderedJSON, name: String?) {
        guard let reference = schema["$ref"]?.text, let name = reference.split(separator: "/").last.map(String.init) else { return (schema, nil) }
        return (schemas?[name] ?? schema, name)
    }

    private func type(_ schema: OrderedJSON) -> String {
        let (resolved, name) = resolve(schema)
        if resolved["enum"] != nil { return "enum" }
        switch resolved["type"]?.text {
        case "array": return "list of " + (resolved["items"].map(type) ?? "anything")
        case "object": return resolved["additionalProperties"]?["type"] == nil ? name ?? "object" : "map"
        case "string": return resolved["format"]?.text.map { $0 == "date-time" ? "time" : $0 } ?? "text"
        case let type?: return type
        case nil: return "any"
        }
    }

    private func bounds(_ schema: OrderedJSON) -> String? {
        let inner = schema["items"] ?? schema["additionalProperties"]
        let texts = [own(schema), inner.flatMap { own(resolve($0).schema) }.map { "each: \($0)" }].compactMap(\.self)
        return texts.isEmpty ? nil : texts.joined(separator: "; ")
    }

    /// An id is easier to know by its look than by its pattern.
    private static func words(_ pattern: String) -> String {
        guard let prefix = pattern.firstMatch(of: /([a-z]+)_\[0-7\]\[0-9a-hjkmnp-tv-z\]\{25\}/)?.output.1 else { return "matches \(pattern)" }
        return "\(prefix)_01jd3v9k2m8q4r6s7t0w1x2y3z" + (pattern.contains("a-z0-9-") ? ", or a slug" : "")
    }

    private func own(_ schema: OrderedJSON) -> String? {
        var parts: [String] = []
        func range(_ low: String, _ high: String, _ unit: String) {
            switch (schema[low]?.word, schema[high]?.word) {
            case (let low?, let high?): parts.append("\(low)–\(high)\(unit)")
            case (let low?, nil): parts.append("at least \(low)\(unit)")
            case (nil, let high?): parts.append("at most \(high)\(unit)")
            case (nil, nil): break
            }
        }
        if let values = schema["enum"]?.elements.compactMap(\.text), !values.isEmpty { parts.append(values.joined(separator: ", ")) }
        range("minLength", "maxLength", " characters")
        range("minimum", "maximum", "")
        range("minItems", "maxItems", " elements")
        range("minProperties", "maxProperties", " entries")
        if let pattern = schema["pattern"]?.text { parts.append(Self.words(pattern)) }
        return parts.isEmpty ? nil : parts.joined(separator: ", ")
    }
}
