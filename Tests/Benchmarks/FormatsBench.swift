import ArgumentParser
import Foundation
import TestSupport

/// Uploads every file under a folder by itself, and prints what was made of it. Whoever has another reader holds its counts against these.
struct FormatsBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "formats",
        abstract: "What is read from each report of a folder: file, status, format or code, passed, failed, errored, skipped, state, warnings.")

    @Option(help: "Folder of reports.") var data: String

    func run() async throws {
        let root = URL(filePath: data).standardizedFileURL
        guard let walk = FileManager.default.enumerator(at: root, includingPropertiesForKeys: [.isRegularFileKey]) else {
            throw BenchFailure("\(data) is no folder")
        }
        let files = walk.compactMap { $0 as? URL }.filter { (try? $0.resourceValues(forKeys: [.isRegularFileKey]).isRegularFile) == true }
            .sorted { $0.path < $1.path }
        try await Stack.with { stack in
            let api = APIClient(stack)
            let project = try await api.post("/projects", ["name": "Formats bench"])
            guard project.status == 201 else { throw BenchFailure("POST /projects answered \(project.status): \(project.text)") }
            var read = 0
            for file in files {
                let answer = try await api.send(
                    "POST", "/projects/\(project.string("id"))/uploads?wait=20", body: try Data(contentsOf: file),
                    headers: ["Content-Type": "application/octet-stream"])
                if answer.status < 300 { read += 1 }
                print(try await line(String(file.path.dropFirst(root.path.count + 1)), answer, api))
            }
            Figure("formats.read", Double(read), "of \(files.count)", goal: "every well-formed one").print()
        }
    }

    private func line(_ name: String, _ answer: APIAnswer, _ api: APIClient) async throws -> String {
        guard answer.status < 300 else { return [name, "\(answer.status)", answer.string("code"), answer.string("detail")].joined(separator: "\t") }
        let upload = try await api.get("/uploads/\(answer.string("upload_id"))")
        let run = try await api.get("/runs/\(answer.string("run_id"))")
        let counts = ["passed", "failed", "errored", "skipped"].map { "\(run.integer("counts.\($0)"))" }
        let warnings = (0..<10).map { upload.string("warnings.\($0).code") }.filter { !$0.isEmpty }
        return ([name, "\(answer.status)", upload.string("files.0.format")] + counts + [run.string("state"), warnings.joined(separator: " ")])
            .joined(separator: "\t")
    }
}
