import Foundation
import TestSupport
import Testing

@testable import CommandLineClient

@Suite struct UploadDraftTests {
    @Test("the key is the same for the same content, project and fields, and another for any other")
    func key() throws {
        let same = try Self.draft(["a": "x", "b": "y"])
        #expect(try Self.draft(["a": "x", "b": "y"]).key == same.key)
        #expect(same.key.hasPrefix("assay-") && same.key.count == 70)
        for other in [
            try Self.draft(["a": "xy", "b": ""]), try Self.draft(["a": "x"]), try Self.draft(["a": "x", "c": "y"]),
            try Self.draft(["a": "x", "b": "y"], project: "other"), try Self.draft(["a": "x", "b": "y"], fields: [("run_env[job_id]", "2")]),
        ] { #expect(other.key != same.key) }
    }

    @Test("fields come first; a report is folded, one that is folded already goes as it is; names are only names")
    func body() throws {
        let draft = try Self.draft(
            ["a \"b\"\n.xml": "<testsuite/>", "z.gz": "\u{1F}"], fields: [("name", "Nightly")], raw: ["z.gz": Data([0x1F, 0x8B, 1, 2])])
        let text = String(decoding: draft.body, as: UTF8.self)
        #expect(text.contains("name=\"name\"\r\n\r\nNightly\r\n"))
        #expect(text.contains("filename=\"a \\\"b\\\" .xml\"") && !text.contains("<testsuite/>"))
        #expect(draft.body.range(of: Data([0x1F, 0x8B, 1, 2])) != nil)
        #expect(text.components(separatedBy: "Content-Encoding: gzip").count == 3)
    }

    private static func draft(
        _ files: [String: String], project: String = "shop", fields: [(name: String, value: String)] = [("run_env[job_id]", "1")],
        raw: [String: Data] = [:]
    ) throws -> (key: String, body: Data) {
        let program = try AssayProgram()
        defer { program.remove() }
        let place = program.folder.appending(path: "draft")
        let draft = try UploadDraft(at: place, project: project, fields: fields)
        for (name, text) in files.sorted(by: { $0.key < $1.key }) {
            let source = program.folder.appending(path: UUID().uuidString)
            try (raw[name] ?? Data(text.utf8)).write(to: source)
            try draft.add(name, from: try FileHandle(forReadingFrom: source))
        }
        let key = try draft.finish()
        return (key, try Data(contentsOf: place))
    }
}
