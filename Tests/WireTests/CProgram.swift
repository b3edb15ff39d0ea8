import Foundation
import Testing

/// The C programs beside this file, compiled against code that protoc-c makes from the contracts at hand.
struct CProgram {
    private let folder: URL
    private let executable: URL

    /// - Parameter name: of the source in `c`, without its ending.
    init(_ name: String) throws {
        let here = URL(filePath: #filePath).deletingLastPathComponent()
        let root = here.deletingLastPathComponent().deletingLastPathComponent()
        folder = FileManager.default.temporaryDirectory.appending(path: "assay-wire-\(UUID().uuidString)")
        executable = folder.appending(path: name)
        let (contracts, generated) = (folder.appending(path: "contracts"), folder.appending(path: "generated"))
        try FileManager.default.createDirectory(at: generated, withIntermediateDirectories: true)
        for file in Self.contracts { try Self.copy(file, from: root.appending(path: "Proto"), to: contracts) }
        try Self.run(
            "protoc-c",
            ["--proto_path=\(contracts.path)", "--proto_path=/usr/include", "--c_out=\(generated.path)"] + Self.contracts + Self.wellKnown)
        let sources = (Self.contracts + Self.wellKnown).map { generated.path + "/" + $0.replacing(".proto", with: ".pb-c.c") }
        try Self.run(
            "cc",
            ["-std=gnu11", "-Wall", "-Wextra", "-Wno-unused-function", "-Werror", "-I\(generated.path)", "-o", executable.path]
                + ["\(here.path)/c/\(name).c"] + sources + ["-lprotobuf-c"])
    }

    func remove() { try? FileManager.default.removeItem(at: folder) }

    /// - Returns: the lines the program printed.
    func lines(_ arguments: [String] = [], input: Data = Data()) throws -> [String] {
        let file = folder.appending(path: "input")
        try input.write(to: file)
        let output = try Self.run(executable.path, arguments, input: FileHandle(forReadingFrom: file))
        return output.split(separator: "\n").map(String.init)
    }

    private static let contracts = ["Transport/transport.proto", "Execution/runs.proto", "Common/common.proto", "Options/options.proto"]
    private static let wellKnown = ["google/protobuf/timestamp.proto", "google/protobuf/descriptor.proto"]

    /// protoc-c knows proto3 as it was before `optional`. The word changes nothing on the wire but that a zero may be sent.
    private static func copy(_ file: String, from: URL, to: URL) throws {
        let text = try String(contentsOf: from.appending(path: file), encoding: .utf8)
        let copy = to.appending(path: file)
        try FileManager.default.createDirectory(at: copy.deletingLastPathComponent(), withIntermediateDirectories: true)
        try text.replacing(" optional ", with: " ").write(to: copy, atomically: true, encoding: .utf8)
    }

    @discardableResult
    private static func run(_ program: String, _ arguments: [String], input: FileHandle? = nil) throws -> String {
        let process = Process()
        let (output, errors) = (Pipe(), Pipe())
        process.executableURL = URL(filePath: program.hasPrefix("/") ? program : "/usr/bin/env")
        process.arguments = (program.hasPrefix("/") ? [] : [program]) + arguments
        process.standardOutput = output
        process.standardError = errors
        process.standardInput = input ?? FileHandle.nullDevice
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        let error = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        try #require(process.terminationStatus == 0, "\(program) failed (apt install gcc libprotobuf-c-dev protobuf-c-compiler): \(error)")
        return text
    }
}
