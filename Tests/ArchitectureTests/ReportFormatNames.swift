import Foundation
import Testing

/// The formats of reports are `ReportFormat`'s to name. What people read of them is written down elsewhere too, where no compiler looks.
@Suite struct ReportFormatNames {
    /// The raw values, in their order.
    private static func names() throws -> [String] {
        let file = try #require(SourceTree.sources.first { $0.path == "Services/Execution/Domain/ReportFormat.swift" })
        let cases = try #require(file.code.first { $0.contains("    case ") && !$0.contains(":") })
        return cases.replacing("case", with: "").split(separator: ",").map { String($0.trimmingCharacters(in: .whitespaces)) }
    }

    @Test("the API's description names the formats that are read, and no other")
    func document() throws {
        let place = "Proto/Gateway/uploads.openapi.json"
        let file = SourceTree.root.appending(path: place)
        let text = try String(contentsOf: file, encoding: .utf8)
        let listed = try #require(text.firstMatch(of: /"format": \{ "type": "string", "enum": \[([^\]]*)\]/)).output.1
        let formats = listed.split(separator: ",").map { $0.trimmingCharacters(in: CharacterSet(charactersIn: " \"")) }
        #expect(try formats == ["auto"] + Self.names(), "\(place): list `auto` and the cases of ReportFormat, in their order")
    }

    @Test("the contract names the formats that are read, and no other")
    func contract() throws {
        let file = SourceTree.root.appending(path: "Proto/Execution/uploads.proto")
        let text = try String(contentsOf: file, encoding: .utf8)
        let comment = try #require(text.firstMatch(of: /\/\/ `auto`, or what all files are: ([^.]*)\./)).output.1
        let formats = comment.matches(of: /`([a-z]+)`/).map { String($0.output.1) }
        #expect(try formats == Self.names(), "Proto/Execution/uploads.proto: list the cases of ReportFormat at UploadStart.format, in their order")
    }
}
