import Foundation
import Testing

@testable import ContractGenerator

@Suite("The published document")
struct DocumentTests {
    private let document: JSON

    init() throws {
        let file = URL(filePath: #filePath).appending(path: "../../../Services/Gateway/HTTP/openapi.json").standardizedFileURL
        document = try JSONDecoder().decode(JSON.self, from: Data(contentsOf: file))
    }

    @Test("every operation has examples of its parameters, body and answer, and each fits its own schema")
    func examples() throws {
        let check = SchemaCheck(document: document)
        var count = 0
        func expect(_ part: JSON?, _ name: String) throws {
            let schema = try #require(part?["schema"], "\(name) has no schema")
            let example = try #require(part?["example"], "\(name) has no example: give its fields one in the contract")
            let findings = check.findings(example, schema)
            #expect(findings.isEmpty, "\(name): \(findings)")
            count += 1
        }
        let paths = try #require(document["paths"])
        for path in paths.names {
            for verb in paths[path]?.names ?? [] {
                let operation = paths[path]?[verb]
                let name = "\(verb) \(path)"
                for parameter in operation?["parameters"]?.elements ?? [] where parameter["schema"] != nil && parameter["name"] != "cursor" {
                    try expect(parameter, "\(name), parameter \(parameter["name"]?.text() ?? "")")
                }
                for type in operation?.at("requestBody", "content")?.names ?? [] {
                    try expect(operation?.at("requestBody", "content", type), "\(name), body")
                }
                for status in operation?["responses"]?.names ?? [] where status.hasPrefix("2") && status != "204" {
                    let content = operation?.at("responses", status, "content")
                    #expect(content?.names.isEmpty == false, "\(name) has no answer")
                    for type in content?.names ?? [] { try expect(content?[type], "\(name), answer \(status)") }
                }
            }
        }
        for name in document.at("components", "responses")?.names ?? [] {
            try expect(document.at("components", "responses", name, "content", "application/problem+json"), name)
        }
        #expect(count > 130)
    }

    @Test("links name operations that there are, and parameters that these have")
    func links() throws {
        let operations = (document["paths"]?.names ?? []).flatMap { path in
            (document.at("paths", path)?.names ?? []).compactMap { document.at("paths", path, $0) }
        }
        var count = 0
        for operation in operations {
            for status in operation["responses"]?.names ?? [] {
                for name in operation.at("responses", status, "links")?.names ?? [] {
                    let link = operation.at("responses", status, "links", name)
                    let target = try #require(operations.first { $0["operationId"] == link?["operationId"] }, "\(name)")
                    for parameter in link?["parameters"]?.names ?? [] {
                        #expect(target["parameters"]?.elements.contains { $0["name"] == .text(parameter) && $0["in"] == "path" } == true, "\(name)")
                        count += 1
                    }
                }
            }
        }
        #expect(count > 50)
    }
}
