import Foundation
import SwiftProtobuf
import SwiftProtobufPluginLibrary

/// `protoc-gen-assay`: for each folder of contracts a Swift file with its permission rules and routes, and one openapi.json over all of them.
///
/// Run by deploy/proto. The option `fragment=FILE` names a piece of OpenAPI that is merged into the document: what a contract cannot say,
/// such as the bodies of uploads; it may come more than once. `errors=FILE` names the catalogue of all error codes.
@main
struct GeneratorPlugin: CodeGenerator {
    var supportedFeatures: [Google_Protobuf_Compiler_CodeGeneratorResponse.Feature] { [.proto3Optional] }
    var customOptionExtensions: [any AnyMessageExtension] { [PBExtensions_rule, PBExtensions_field] }

    func generate(
        files: [FileDescriptor], parameter: any CodeGeneratorParameter, protoCompilerContext: any ProtoCompilerContext,
        generatorOutputs: any GeneratorOutputs
    ) throws {
        var fragment = JSON.object([])
        var errors: [CataloguedError] = []
        for (key, value) in parameter.parsedPairs {
            let file = { try Data(contentsOf: URL(fileURLWithPath: value)) }
            switch key {
            case "fragment": fragment = try fragment.merging(JSONDecoder().decode(JSON.self, from: file()))
            case "errors": errors = try JSONDecoder().decode([CataloguedError].self, from: file())
            default: throw ContractProblem("unknown option '\(key)'")
            }
        }

        for message in files.flatMap(\.messages) { try check(message) }
        let operations = try files.flatMap(\.services).flatMap(\.methods).map(Operation.init)
        try Operation.checkTogether(operations)
        try CataloguedError.check(errors, operations)

        for folder in Set(files.map(\.folder)).sorted() {
            let own = operations.filter { $0.method.file.folder == folder }
            guard !own.isEmpty else { continue }
            let text = RulesFile(folder: folder, operations: own, files: files).text()
            try generatorOutputs.add(fileName: "\(folder)/Generated/\(folder.lowercased()).rules.swift", contents: text)
        }
        let document = try OpenAPIDocument(operations: operations, errors: errors, fragment: fragment).json()
        try generatorOutputs.add(fileName: "openapi.json", contents: document.text() + "\n")
    }

    private func check(_ message: Descriptor) throws {
        for field in message.fields { try field.check() }
        for inner in message.messages { try check(inner) }
    }
}

/// Why contracts do not generate. protoc prints the text; it names the method and says what to write instead.
struct ContractProblem: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

extension FileDescriptor {
    /// `Execution` for `Execution/runs.proto`; its Swift module is `ExecutionAPI`.
    var folder: String { name.split(separator: "/").first.map(String.init) ?? name }
}
