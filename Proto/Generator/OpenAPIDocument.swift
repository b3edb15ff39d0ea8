import Contract
import SwiftProtobuf
import SwiftProtobufPluginLibrary

/// openapi.json (OpenAPI 3.1.0) over all methods that have a route.
struct OpenAPIDocument {
    private let operations: [(Operation, Operation.Exposure)]
    private let errors: [CataloguedError]
    private let fragment: JSON
    private let links: OpenAPILinks

    init(operations: [Operation], errors: [CataloguedError], fragment: JSON) {
        self.operations = operations.compactMap { operation in operation.exposure.map { (operation, $0) } }
        links = OpenAPILinks(self.operations)
        self.errors = errors
        self.fragment = fragment
    }

    func json() throws -> JSON {
        var schemas = OpenAPISchemas()
        var paths: [JSON.Member] = []
        for (operation, exposure) in operations {
            let entry = JSON.Member(name: exposure.verb.rawValue.lowercased(), value: describe(operation, exposure, &schemas))
            let path = exposure.path.description
            if let index = paths.firstIndex(where: { $0.name == path }) {
                paths[index].value = paths[index].value.merging(.object([entry]))
            } else {
                paths.append(JSON.Member(name: path, value: .object([entry])))
            }
        }
        let document = JSON(members: [
            ("openapi", "3.1.0"), ("info", OpenAPIConventions.info), ("servers", [["url": "/"]]), ("tags", tags),
            ("paths", .object(paths.sorted { $0.name < $1.name })),
            ("components", OpenAPIConventions.components(errors).merging(["schemas": schemas.components])),
            ("security", [["bearerAuth": []], ["apiKey": []]]),
            ("x-assay-errors", errors.isEmpty ? nil : .array(errors.map(\.json))),
        ]).merging(fragment)
        for (operation, exposure) in operations where operation.method.clientStreaming {
            let entry = document["paths"]?[exposure.path.description]?[exposure.verb.rawValue.lowercased()]
            guard entry?["requestBody"] != nil else {
                throw ContractProblem("\(operation.name): the request streams, so its body must be described by hand in the OpenAPI fragment")
            }
        }
        return document
    }

    private var tags: JSON {
        var services: [ServiceDescriptor] = []
        for service in operations.compactMap(\.0.method.service) where !services.contains(where: { $0 === service }) { services.append(service) }
        return .array(services.map { JSON(members: [("name", .text($0.name)), ("description", $0.documentation.map(JSON.text))]) })
    }

    private func describe(_ operation: Operation, _ exposure: Operation.Exposure, _ schemas: inout OpenAPISchemas) -> JSON {
        let method = operation.method
        let parameters = self.parameters(operation, exposure, &schemas)
        let body = exposure.fields(in: .body)
        let requestBody: JSON? =
            body.isEmpty
            ? nil
            : [
                "required": .boolean(body.contains(where: \.rule.required)),
                "content": [
                    "application/json": [
                        "schema": schemas.define(method.inputType, fields: body), "example": OpenAPIExamples.object(body, isRequest: true),
                    ]
                ],
            ]
        return JSON(members: [
            ("operationId", .text(operation.id)),
            ("tags", [.text(method.service.name)]),
            ("summary", .text(operation.summary)),
            ("description", method.documentation.map(JSON.text)),
            ("parameters", parameters.isEmpty ? nil : .array(parameters)),
            ("requestBody", requestBody),
            ("responses", responses(operation, exposure, &schemas)),
            ("deprecated", exposure.deprecation == nil ? nil : true),
            ("security", exposure.permission == "public" ? [] : nil),
            ("x-assay-errors", exposure.errors.isEmpty ? nil : .array(exposure.errors.map(JSON.text))),
            ("x-assay-sunset", exposure.deprecation == nil || method.options.PBrule.sunset.isEmpty ? nil : .text(method.options.PBrule.sunset)),
            ("x-assay-permission", .text(exposure.permission)),
            ("x-assay-cost", .integer(exposure.cost)),
            ("x-assay-quota", exposure.quota.map(JSON.text)),
            ("x-assay-route-class", exposure.routeClass.map { .text($0.rawValue) }),
        ])
    }

    private func parameters(_ operation: Operation, _ exposure: Operation.Exposure, _ schemas: inout OpenAPISchemas) -> [JSON] {
        var parameters: [JSON] = exposure.path.parameters.map { name in
            let field = exposure.fields(in: .path).first { $0.name == name }
            let text = field?.documentation ?? (name == "project" ? "Id or slug of the project." : "Id of the \(name).")
            // The gateway turns slugs into ids before a service sees them.
            let pattern = name == "project" ? OpenAPIConventions.projectPattern : field?.pattern(isRequired: true)
            return JSON(members: [
                ("name", .text(name)), ("in", "path"), ("required", true), ("description", .text(text)),
                ("schema", JSON(members: [("type", "string"), ("pattern", pattern.map(JSON.text))])),
                ("example", name == "project" ? "web-shop" : field.map(OpenAPIExamples.parameter) ?? .text(name)),
            ])
        }
        for field in exposure.fields(in: .query) {
            let text = field.documentation ?? OpenAPIConventions.descriptions[field.name]
            parameters.append(
                JSON(members: [
                    ("name", .text(field.name)), ("in", "query"), ("description", text.map(JSON.text)),
                    ("required", field.rule.required ? true : nil), ("deprecated", field.options.deprecated ? true : nil),
                    ("schema", schemas.schema(field)), ("example", OpenAPIConventions.isCursor(field.name) ? nil : OpenAPIExamples.parameter(field)),
                ]))
        }
        if let field = exposure.precondition {
            parameters.append(["$ref": .text("#/components/parameters/\(field.rule.required ? "IfMatch" : "OptionalIfMatch")")])
        }
        if exposure.takesIdempotencyKey { parameters.append(["$ref": "#/components/parameters/IdempotencyKey"]) }
        let lists = exportedLists(operation, exposure)
        if !lists.isEmpty { parameters.append(["$ref": "#/components/parameters/Export"]) }
        if lists.contains(where: { $0 != OpenAPIConventions.pagedList }) { parameters.append(OpenAPIConventions.listParameter(lists)) }
        if operation.method.serverStreaming { parameters.append(["$ref": "#/components/parameters/LastEventID"]) }
        return parameters
    }

    /// Lists of the answer that the gateway gives as tables and in lines too. Whatever asks and changes nothing has them.
    private func exportedLists(_ operation: Operation, _ exposure: Operation.Exposure) -> [String] {
        let onlyAsks = exposure.verb == .get || (exposure.routeClass == .read && !exposure.takesIdempotencyKey)
        return onlyAsks && !operation.method.serverStreaming ? operation.method.outputType.exportedLists : []
    }

    private func responses(_ operation: Operation, _ exposure: Operation.Exposure, _ schemas: inout OpenAPISchemas) -> JSON {
        let method = operation.method
        var headers = OpenAPIConventions.responseHeaders
        if exposure.takesIdempotencyKey {
            headers = headers.merging(["Idempotent-Replayed": ["$ref": "#/components/headers/IdempotentReplayed"]])
        }
        let isVersioned = method.outputType.fields.contains(where: \.rule.version) && !exposure.revalidates
        if exposure.verb == .get && !method.serverStreaming || isVersioned {
            headers = headers.merging(["ETag": ["$ref": .text("#/components/headers/\(isVersioned ? "Version" : "ETag")")]])
        }
        if exposure.deprecation != nil { headers = headers.merging(OpenAPIConventions.deprecationHeaders) }
        let content: JSON? =
            if exposure.successStatus == 204 {
                nil
            } else if method.serverStreaming {
                [
                    "text/event-stream": [
                        "schema": OpenAPIConventions.eventSchema(schemas.answer(method.outputType)),
                        "example": OpenAPIExamples.event(method.outputType),
                    ]
                ]
            } else {
                JSON.object([
                    JSON.Member(
                        name: "application/json",
                        value: [
                            "schema": schemas.answer(method.outputType),
                            "example": OpenAPIExamples.object(method.outputType.fields, isRequest: false),
                        ])
                ]).merging(exportedLists(operation, exposure).isEmpty ? [:] : OpenAPIConventions.exports)
            }
        let text = method.serverStreaming ? "Server-sent events. The data of each is a \(method.outputType.shortName) in JSON." : "Success."
        let success = JSON(members: [
            ("description", .text(text)), ("headers", headers), ("content", content),
            ("links", method.serverStreaming ? nil : links.links(from: operation, answer: method.outputType)),
        ])
        return .object([JSON.Member(name: String(exposure.successStatus), value: success)]).merging(
            OpenAPIConventions.errorResponses(withPrecondition: exposure.precondition != nil))
    }
}

extension Operation {
    /// `Start run` for `StartRun`, `Create API key` for `CreateAPIKey`.
    var summary: String {
        let words = method.name.matches(of: /[A-Z]+(?![a-z])|[A-Z][a-z0-9]*/).map(\.output)
        let rest = words.dropFirst().map { $0.allSatisfy(\.isUppercase) ? String($0) : $0.lowercased() }
        return ([words.first.map(String.init) ?? ""] + rest).joined(separator: " ")
    }
}

extension Descriptor {
    /// Its list `data`, and others of objects.
    fileprivate var exportedLists: [String] {
        fields.filter { $0.isRepeated && !$0.isMap && ($0.name == OpenAPIConventions.pagedList || $0.requestKind == .structure) }.map(\.name)
    }
}
