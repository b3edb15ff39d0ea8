/// Reads one operation of openapi.json into what its page section shows.
struct OperationReader {
    let document: OrderedJSON
    let rows: SchemaRows
    let catalogue: ErrorCatalogue
    let publicURL: String
    let path: String
    let verb: String
    let operation: OrderedJSON

    var view: DocsView.Operation {
        let (status, success) = self.success
        let schema = success?["content"]?.members.first?.value
        let shown = isStream ? schema?["schema"]?["properties"]?["data"]?["contentSchema"] : schema?["schema"]
        let fields = shown.map(rows.rows) ?? []
        let parameters = parameters.map(row)
        let body = body?.value["schema"].map(rows.rows) ?? []
        let permission = operation["x-assay-permission"]?.text ?? ""
        return DocsView.Operation(
            id: operation["operationId"]?.text ?? "", verb: verb, verbClass: "verb-" + verb.lowercased(), path: path,
            summary: operation["summary"]?.text ?? "", about: DocsView.paragraphs(operation["description"]?.text), permission: permission,
            isPublic: permission == "public", cost: cost,
            deprecated: operation["deprecated"]?.isTrue == true ? DocsView.Deprecated(sunset: operation["x-assay-sunset"]?.text) : nil,
            parameters: parameters, hasParameters: !parameters.isEmpty, body: body, hasBody: !body.isEmpty, status: status,
            answer: schema?["example"].map { isStream ? Self.event($0) : $0.text ?? $0.pretty() }, fields: fields, hasFields: !fields.isEmpty,
            curl: curl, swift: swift,
            errors: errors)
    }

    private var isStream: Bool { success.answer?["content"]?["text/event-stream"] != nil }

    /// As it is on the wire.
    private static func event(_ example: OrderedJSON) -> String {
        example.members.map { "\($0.name): \($0.value.text ?? "")" }.joined(separator: "\n")
    }

    private var cost: String {
        let points = operation["x-assay-cost"]?.word ?? "1"
        return points == "1" ? "1 point" : "\(points) points"
    }

    private var success: (status: String, answer: OrderedJSON?) {
        let found = operation["responses"]?.members.first { $0.name.hasPrefix("2") }
        return (found?.name ?? "200", found?.value)
    }

    private var body: OrderedJSON.Member? { operation["requestBody"]?["content"]?.members.first }

    private var parameters: [OrderedJSON] {
        (operation["parameters"]?.elements ?? []).map { parameter in
            guard let name = parameter["$ref"]?.text?.split(separator: "/").last else { return parameter }
            return document["components"]?["parameters"]?[String(name)] ?? parameter
        }
    }

    private func row(_ parameter: OrderedJSON) -> SchemaRows.Row {
        let place = parameter["in"]?.text ?? ""
        return rows.row(
            named: (parameter["name"]?.text ?? "") + (place == "query" ? "" : " (\(place))"), parameter["schema"] ?? .object([]),
            isRequired: parameter["required"]?.isTrue ?? false, isDeprecated: parameter["deprecated"]?.isTrue ?? false,
            description: parameter["description"]?.text)
    }

    // MARK: - Snippets

    /// The address with what must be in it.
    private var url: String {
        var path = path
        for parameter in parameters where parameter["in"]?.text == "path" {
            guard let name = parameter["name"]?.text, let example = parameter["example"]?.text else { continue }
            path = path.replacing("{\(name)}", with: example)
        }
        let query = parameters.filter { $0["in"]?.text == "query" && $0["required"]?.isTrue == true }.map { parameter in
            "\(parameter["name"]?.text ?? "")=\(PercentEncoding.encode(parameter["example"].map { $0.text ?? $0.line } ?? ""))"
        }
        return publicURL + path + (query.isEmpty ? "" : "?" + query.joined(separator: "&"))
    }

    /// Name and value, without authentication.
    private var headers: [(name: String, value: String)] {
        var headers: [(String, String)] = []
        for parameter in parameters where parameter["in"]?.text == "header" {
            switch parameter["name"]?.text {
            case "Idempotency-Key": headers.append(("Idempotency-Key", "4b1c2f5e-8a0d-4c7e-9d55-1f6a0e3b7c21"))
            case "If-Match" where parameter["required"]?.isTrue == true: headers.append(("If-Match", parameter["example"]?.text ?? "*"))
            default: break
            }
        }
        if isJSON { headers.append(("Content-Type", "application/json")) }
        if isStream { headers.append(("Accept", "text/event-stream")) }
        return headers
    }

    private var isJSON: Bool { body?.name == "application/json" }
    private var needsKey: Bool { operation["x-assay-permission"]?.text != "public" }

    private var curl: String {
        var lines = [verb == "GET" ? "curl '\(url)'" : "curl -X \(verb) '\(url)'"]
        if needsKey { lines.append(#"-H "Authorization: Bearer $ASSAY_KEY""#) }
        lines += headers.map { "-H '\($0.name): \($0.value)'" }
        if isJSON, let example = body?.value["example"] {
            lines.append("-d '\(example.line.replacing("'", with: "'\\''"))'")
        } else if body != nil {
            lines.append("-F file=@junit.xml")
        }
        return lines.joined(separator: " \\\n  ")
    }

    private var swift: String {
        var lines = ["var request = URLRequest(url: URL(string: \"\(url)\")!)"]
        if verb != "GET" { lines.append("request.httpMethod = \"\(verb)\"") }
        if needsKey { lines.append(#"request.setValue("Bearer \(key)", forHTTPHeaderField: "Authorization")"#) }
        lines += headers.map { "request.setValue(#\"\($0.value)\"#, forHTTPHeaderField: \"\($0.name)\")" }
        if isJSON, let example = body?.value["example"] {
            lines.append("request.httpBody = Data(#\"\(example.line)\"#.utf8)")
        } else if body != nil {
            lines.append(#"request.setValue("application/xml", forHTTPHeaderField: "Content-Type")"#)
            lines.append(#"request.httpBody = try Data(contentsOf: URL(filePath: "junit.xml"))"#)
        }
        lines.append("let (data, response) = try await URLSession.shared.data(for: request)")
        return lines.joined(separator: "\n")
    }

    // MARK: - Errors

    /// Those of this method, then those that any method like it has.
    private var errors: [DocsView.ErrorLink] {
        let own = operation["x-assay-errors"]?.elements.compactMap(\.text) ?? []
        var codes = own
        if needsKey { codes += ["auth.key_missing", "auth.scope_missing"] }
        let names = path.matches(of: /\{([a-z_]+)\}/).map { String($0.output.1) + ".not_found" }
        codes += names
        if isJSON { codes += ["request.malformed_json", "unknown_field", "request.invalid"] }
        for parameter in parameters {
            switch parameter["name"]?.text {
            case "cursor": codes += ["page.invalid_cursor", "page.limit_out_of_range"]
            case "Idempotency-Key": codes += ["idempotency_mismatch", "idempotency.running"]
            case "If-Match":
                codes += parameter["required"]?.isTrue == true ? ["precondition_required", "precondition_failed"] : ["precondition_failed"]
            default: break
            }
        }
        codes += ["rate_limited"]
        return codes.compactMap { code in
            catalogue[code].map {
                DocsView.ErrorLink(status: "\($0.status)", code: code, path: ErrorCatalogue.path(of: code), title: $0.title)
            }
        }
    }
}
