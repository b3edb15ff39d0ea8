import Foundation
import SwiftProtobuf
import SwiftProtobufPluginLibrary
import Testing

@testable import ContractGenerator

/// What the generator makes of contracts that a test wrote down: protoc parses them, the plugin's own code does the rest in this process.
struct Generation {
    let files: [String: String]
    /// What protoc would print; empty when all went well.
    let problem: String

    /// `contracts` is proto text by path below Proto, such as `Pets/pets.proto`.
    init(_ contracts: [String: String], fragment: String? = nil, errors: String? = nil) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "assay-contracts-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        for (path, text) in contracts {
            let file = folder.appending(path: path)
            try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(text.utf8).write(to: file)
        }

        var extensions = SimpleExtensionMap()
        extensions.insert(PBExtensions_rule)
        extensions.insert(PBExtensions_field)
        let descriptors = try Self.protoc(contracts.keys.sorted(), in: folder)
        var request = Google_Protobuf_Compiler_CodeGeneratorRequest()
        request.protoFile = try Google_Protobuf_FileDescriptorSet(serializedBytes: descriptors, extensions: extensions).file
        request.fileToGenerate = contracts.keys.sorted()
        var parameters: [String] = []
        for (name, text) in [("fragment", fragment), ("errors", errors)] {
            guard let text else { continue }
            let file = folder.appending(path: "\(name).json")
            try Data(text.utf8).write(to: file)
            parameters.append("\(name)=\(file.path)")
        }
        request.parameter = parameters.joined(separator: ",")
        let response = generateCode(request: request, generator: GeneratorPlugin())
        files = Dictionary(uniqueKeysWithValues: response.file.map { ($0.name, $0.content) })
        problem = response.error
    }

    /// One contract `Pets/pets.proto`: a service `Pets` of these methods and these messages.
    static func pets(_ methods: String, _ messages: String = "", fragment: String? = nil, errors: String? = nil) throws -> Generation {
        try Generation(["Pets/pets.proto": petsText(methods, messages)], fragment: fragment, errors: errors)
    }

    static func petsText(_ methods: String, _ messages: String = "") -> String {
        """
        syntax = "proto3";
        package assay.pets.v1;
        import "Common/common.proto";
        import "Options/options.proto";
        import "google/protobuf/struct.proto";
        import "google/protobuf/timestamp.proto";
        option swift_prefix = "PB";
        // Animals.
        service Pets {
          \(methods)
        }
        message Pet { string id = 1; }
        message PetRequest { string pet = 1; }
        message PetList { repeated Pet data = 1; repeated string notes = 2; assay.v1.Page page = 3; }
        \(messages)
        """
    }

    func openAPI() throws -> JSON {
        try #require(problem.isEmpty, "\(problem)")
        return try JSONDecoder().decode(JSON.self, from: Data(#require(files["openapi.json"]).utf8))
    }

    func rules() throws -> String {
        try #require(problem.isEmpty, "\(problem)")
        return try #require(files["Pets/Generated/pets.rules.swift"])
    }

    private static func protoc(_ names: [String], in folder: URL) throws -> Data {
        let contracts = URL(filePath: #filePath).appending(path: "../../../Proto").standardizedFileURL
        let output = folder.appending(path: "descriptors")
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments =
            ["protoc", "--proto_path=\(folder.path)", "--proto_path=\(contracts.path)", "--include_imports", "--include_source_info"]
            + ["--descriptor_set_out=\(output.path)"] + names
        let remarks = folder.appending(path: "remarks")
        try Data().write(to: remarks)
        process.standardError = try FileHandle(forWritingTo: remarks)
        try process.run()
        process.waitUntilExit()
        let said = try String(contentsOf: remarks, encoding: .utf8)
        try #require(process.terminationStatus == 0, "protoc refused the contract or is missing (apt-get install protobuf-compiler): \(said)")
        return try Data(contentsOf: output)
    }
}

extension JSON {
    /// Follows member names, and positions in lists.
    func at(_ path: String...) -> JSON? {
        path.reduce(self as JSON?) { value, step in
            if case .array(let elements)? = value { return Int(step).flatMap { elements.indices.contains($0) ? elements[$0] : nil } }
            return value?[step]
        }
    }

    var names: [String] { if case .object(let members) = self { members.map(\.name) } else { [] } }
    var elements: [JSON] { if case .array(let elements) = self { elements } else { [] } }
}
