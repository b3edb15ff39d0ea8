import Foundation

/// An S3 of a test's own: moto (https://docs.getmoto.org) from PyPI, which deploy/test installs. It keeps everything in memory and believes every signature.
package final class MotoServer: Sendable {
    package let url: String
    private let process: Process

    /// Where deploy/test puts it.
    private static var program: String {
        ProcessInfo.processInfo.environment["ASSAY_MOTO_SERVER"] ?? FileManager.default.currentDirectoryPath + "/.build/moto/bin/moto_server"
    }

    /// Runs `body` with one that has a bucket of this name.
    package static func with<R: Sendable>(bucket: String, _ body: (MotoServer) async throws -> R) async throws -> R {
        let server = try MotoServer(port: FreePort.next())
        do {
            try await server.wait()
            _ = try await APIClient(url: server.url, key: "").send("PUT", "/\(bucket)", body: nil)
            let result = try await body(server)
            await server.stop()
            return result
        } catch {
            await server.stop()
            throw error
        }
    }

    private init(port: Int) throws {
        guard FileManager.default.isExecutableFile(atPath: Self.program) else {
            throw StackError(
                service: "moto", what: "there is no \(Self.program): deploy/test installs it, or name one with ASSAY_MOTO_SERVER", log: "")
        }
        url = "http://127.0.0.1:\(port)"
        process = Process()
        process.executableURL = URL(filePath: Self.program)
        process.arguments = ["-H", "127.0.0.1", "-p", "\(port)"]
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
    }

    private func wait() async throws {
        let deadline = ContinuousClock.now + .seconds(60)
        let client = APIClient(url: url, key: "")
        while (try? await client.get("/moto-api/"))?.status != 200 {
            guard ContinuousClock.now < deadline, process.isRunning else { throw StackError(service: "moto", what: "it does not answer", log: "") }
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    private func stop() async {
        kill(process.processIdentifier, SIGKILL)
        await withCheckedContinuation { continuation in
            Thread.detachNewThread { [process] in
                process.waitUntilExit()
                continuation.resume()
            }
        }
    }
}
