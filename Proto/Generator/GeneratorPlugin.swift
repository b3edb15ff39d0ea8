import Foundation
import SwiftProtobuf
import SwiftProtobufPluginLibrary

/// `protoc-gen-assay`: for each folder of contracts a Swift file with its permission rules and routes, and one openapi.json over all of them.
///
/// Run by deploy/proto. The option `fragment=FILE` names a piece of OpenAPI that is merged into the document: what a contract cannot say,
/// such as the bodies of uploads.
@main
struct GeneratorPlugin: CodeGenerator {
    var supportedFeatures: [Google_Protobuf_Compiler_CodeGeneratorResponse.Feature] { [.proto3Optional] }
    var customOptionExtensions: [any AnyMessageExtension] { [PBExtensions_rule] }

    func generate(
        files: [FileDescriptor], parameter: any CodeGeneratorParameter, protoCompilerContext: any ProtoCompilerContext,
        generatorOutputs: any GeneratorOutputs
    ) throws {
        var fragment = JSON.object([])
        for (key, value) in parameter.parsedPairs {
            guard key == "fragment" else { throw ContractProblem("unknown option '\(key)'") }
            fragment = try JSONDecoder().decode(JSON.self, from: Data(contentsOf: URL(fileURLWithPath: value)))
        }

        let operations = try files.flatMap(\.services).flatMap(\.methods).map(Operation.init)
        try Operation.checkTogether(operations)

        for folder in Set(files.map(\.folder)).sorted() {
            let own = operations.filter { $0.method.file.folder == folder }
            guard !own.isEmpty else { continue }
            let text = RulesFile(folder: folder, operations: own, files: files).text()
            try generatorOutputs.add(fileName: "\(folder)/Generated/\(folder.lowercased()).rules.swift", contents: text)
        }
        let document = try OpenAPIDocument(operations: operations, fragment: fragment).json()
        try generatorOutputs.add(fileName: "openapi.json", contents: document.text() + "\n")
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
