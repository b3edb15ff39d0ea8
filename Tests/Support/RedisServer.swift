import Foundation
import NIOCore
import NIOPosix

/// A Redis server of a test's own, which keeps nothing.
package actor RedisServer {
    package nonisolated let port: Int
    private var process: Process?

    package nonisolated var url: String { "redis://127.0.0.1:\(port)" }

    package static func with<R: Sendable>(_ body: (RedisServer) async throws -> R) async throws -> R {
        let server = RedisServer(port: FreePort.next())
        try await server.start()
        do {
            let result = try await body(server)
            await server.stop()
            return result
        } catch {
            await server.stop()
            throw error
        }
    }

    private init(port: Int) { self.port = port }

    /// Starts it, again with nothing in it.
    package func start() async throws {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/redis-server")
        process.arguments = ["--port", "\(port)", "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--daemonize", "no"]
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        guard FileManager.default.isExecutableFile(atPath: "/usr/bin/redis-server") else {
            throw StackError(service: "redis", what: "redis-server is not installed: deploy/test installs it", log: "")
        }
        try process.run()
        self.process = process
        let deadline = ContinuousClock.now + .seconds(10)
        while await !Self.answers(port) {
            guard ContinuousClock.now < deadline, process.isRunning else {
                throw StackError(service: "redis", what: "redis-server does not answer", log: "")
            }
            try await Task.sleep(for: .milliseconds(10))
        }
    }

    /// `kill -9`.
    package func stop() async {
        guard let process, process.isRunning else { return }
        kill(process.processIdentifier, SIGKILL)
        self.process = nil
        await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                process.waitUntilExit()
                continuation.resume()
            }
        }
    }

    private static func answers(_ port: Int) async -> Bool {
        let connecting = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton).connect(host: "127.0.0.1", port: port)
        guard let channel = try? await connecting.get() else { return false }
        try? await channel.close()
        return true
    }
}
