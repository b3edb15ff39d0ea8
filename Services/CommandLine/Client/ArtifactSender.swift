import Foundation
import NIOCore
import NIOHTTP1

/// Sends files of a run, one after the other. Nothing is kept for later: a build that loses a screenshot has its results all the same.
struct ArtifactSender: Sendable {
    let connection: APIConnection
    let run: String
    let retries: RetryPolicy

    struct Outcome: Sendable {
        var count = 0
        var failures: [(file: String, failure: ClientFailure)] = []
    }

    /// What is meant by a folder: all that is in it.
    static func everything(in pattern: String) -> String {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: pattern, isDirectory: &isFolder), isFolder.boolValue else { return pattern }
        return (pattern.hasSuffix("/") ? pattern : pattern + "/") + "**/*"
    }

    /// Media types of what tests make; the server finds out the others, and looks whether these are true.
    static func mediaType(of file: String) -> String {
        let types = [
            "png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "gif": "image/gif", "webp": "image/webp", "svg": "image/svg+xml",
            "log": "text/plain", "txt": "text/plain", "md": "text/markdown", "csv": "text/csv", "html": "text/html", "htm": "text/html",
            "json": "application/json", "har": "application/json", "xml": "application/xml", "zip": "application/zip", "gz": "application/gzip",
            "pdf": "application/pdf", "mp4": "video/mp4", "webm": "video/webm", "mov": "video/quicktime", "wav": "audio/wav", "mp3": "audio/mpeg",
            "ogg": "audio/ogg", "flac": "audio/flac",
        ]
        return types[URL(filePath: file).pathExtension.lowercased()] ?? "application/octet-stream"
    }

    func send(_ files: [String]) async -> Outcome {
        var outcome = Outcome()
        for file in files {
            do {
                try await send(file)
                outcome.count += 1
            } catch let failure as ClientFailure {
                outcome.failures.append((file, failure))
                // What is not there for one is not there for the others.
                if failure.exitStatus == .unreachable || failure.exitStatus == .authentication { break }
            } catch {
                outcome.failures.append((file, .local("\(error)")))
            }
        }
        return outcome
    }

    private func send(_ file: String) async throws {
        let descriptor = open(file, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw ClientFailure.local("cannot be read") }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw ClientFailure.local("cannot be read") }
        let pieces = FilePieces(descriptor: descriptor, count: Int64(status.st_size))
        let name = file.hasPrefix("./") ? String(file.dropFirst(2)) : file
        let clock = ContinuousClock()
        let start = clock.now
        var attempt = 1
        while true {
            var failure: ClientFailure
            var retryAfter: Duration?
            do {
                let answer = try await connection.send(
                    .POST, "/api/v1/runs/\(run)/artifacts", query: [("name", name)], file: pieces,
                    headers: [("content-type", Self.mediaType(of: file))],
                    patience: .seconds(90))
                if answer.status < 300 { return }
                let problem = APIProblem(status: answer.status, body: answer.body)
                failure = .refused(problem)
                retryAfter = answer.retryAfter
                guard problem.isPassing else { throw failure }
            } catch let error as ClientFailure {
                if case .refused(let problem) = error, !problem.isPassing { throw error }
                failure = error
            }
            let delay = retries.delay(attempt: attempt, elapsed: clock.now - start, retryAfter: retryAfter, chance: .random(in: 0...1))
            guard let delay else { throw failure }
            attempt += 1
            try await Task.sleep(for: delay)
        }
    }
}
