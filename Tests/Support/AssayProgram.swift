import Foundation

/// `assay` as its users run it: a process in a folder of its own, with nothing of our environment.
package struct AssayProgram: Sendable {
    package struct Answer: Sendable {
        package let status: Int32
        package let output: String
        package let error: String
    }

    /// Working folder, and where its home is.
    package let folder: URL
    package var environment: [String: String]

    package init(environment: [String: String] = [:]) throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "assay-cli-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder.appending(path: "home"), withIntermediateDirectories: true)
        let own = ["HOME": folder.appending(path: "home").path, "PATH": "\(Stack.executableFolder.path):/usr/bin:/bin"]
        self.environment = own.merging(environment) { $1 }
    }

    package func remove() { try? FileManager.default.removeItem(at: folder) }

    /// Writes a file into the working folder.
    package func write(_ text: String, to path: String, executable: Bool = false) throws {
        let place = folder.appending(path: path)
        try FileManager.default.createDirectory(at: place.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: place)
        if executable { try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: place.path) }
    }

    package func read(_ path: String) -> String { (try? String(contentsOf: folder.appending(path: path), encoding: .utf8)) ?? "" }

    package func callAsFunction(_ arguments: String..., input: String = "") async throws -> Answer {
        try await run("assay", arguments, input: input)
    }

    package func callAsFunction(arguments: [String]) async throws -> Answer { try await run("assay", arguments, input: "") }

    /// A line as a CI's shell runs it.
    package func shell(_ line: String) async throws -> Answer { try await run("/bin/sh", ["-c", line], input: "") }

    private func run(_ program: String, _ arguments: [String], input: String) async throws -> Answer {
        let running = try start(program, arguments, input: input)
        await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                running.process.waitUntilExit()
                continuation.resume()
            }
        }
        return Answer(status: running.process.terminationStatus, output: running.output(), error: running.error())
    }

    /// One that goes on, and what it has said so far.
    package struct Running: Sendable {
        package let process: Process
        package let output: @Sendable () -> String
        package let error: @Sendable () -> String
    }

    package func start(_ program: String = "assay", _ arguments: [String], input: String = "") throws -> Running {
        let process = Process()
        process.executableURL = program == "assay" ? Stack.executableFolder.appending(path: "assay") : URL(filePath: program)
        process.arguments = arguments
        process.environment = environment
        process.currentDirectoryURL = folder
        // Files, because a pipe that nobody empties stops its writer.
        let run = UUID().uuidString
        let names = ["in", "out", "err"].map { folder.appending(path: "home/\(run).\($0)") }
        for name in names { try Data((name == names[0] ? input : "").utf8).write(to: name) }
        process.standardInput = try FileHandle(forReadingFrom: names[0])
        process.standardOutput = try FileHandle(forWritingTo: names[1])
        process.standardError = try FileHandle(forWritingTo: names[2])
        try process.run()
        let text = { @Sendable (url: URL) in (try? String(contentsOf: url, encoding: .utf8)) ?? "" }
        return Running(process: process, output: { text(names[1]) }, error: { text(names[2]) })
    }
}
