import Foundation
import TestSupport
import Testing

/// A gateway with few file descriptors (T126).
@Suite("Exhaustion", .serialized, .timeLimit(.minutes(3)))
struct ExhaustionTests {
    @Test("with 256 file descriptors and 400 connections the gateway serves whom it knows, idles meanwhile, and takes new ones afterwards")
    func descriptors() async throws {
        try await Stack.with(settings: ["ASSAY_GATEWAY_CONNECTIONS_PER_ADDRESS": "1000"]) { stack in
            await stack.stop("gateway")
            try await stack.run("gateway", openFiles: 256)
            try await stack.waitUntilReady("gateway")
            let api = APIClient(stack)
            #expect(try await api.get("/projects").status == 200)
            // 256, less what the gateway keeps for itself.
            let limits = try await api.get("/limits").text
            #expect(limits.contains("160"), "\(limits)")

            let crowd = try await Self.crowd(of: 400, at: stack.url)
            defer { crowd.terminate() }
            let process = await stack.processID("gateway")
            let before = try Self.ticks(process)
            var failed: [Int] = []
            for _ in 0..<40 {
                let answer = try? await api.get("/projects")
                if answer?.status != 200 { failed.append(answer?.status ?? 0) }
                try await Task.sleep(for: .milliseconds(50))
            }
            #expect(failed.isEmpty, "\(failed)")
            let seconds = Double(try Self.ticks(process) - before) / 100
            #expect(seconds < 1.5, "\(seconds) s of processor time in two seconds of doing next to nothing")
            #expect(try FileManager.default.contentsOfDirectory(atPath: "/proc/\(process)/fd").count < 256)
            crowd.terminate()
            try await eventually {
                let answer = try await Self.fresh(stack.url)
                return answer == "200"
            }
        }
    }

    /// A process that keeps connections open and says nothing.
    private static func crowd(of count: Int, at url: String) async throws -> Process {
        let port = url.split(separator: ":").last.map(String.init) ?? ""
        let process = Process()
        process.executableURL = URL(filePath: "/bin/bash")
        process.arguments = ["-c", "for _ in {1..\(count)}; do exec {peer}<>/dev/tcp/127.0.0.1/\(port); done; echo open; exec sleep 60"]
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                _ = output.fileHandleForReading.availableData
                continuation.resume()
            }
        }
        return process
    }

    /// The status that somebody gets who was not connected before.
    private static func fresh(_ url: String) async throws -> String {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/curl")
        process.arguments = ["-s", "-o", "/dev/null", "--max-time", "5", "-w", "%{http_code}", url + "/healthz"]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        return await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                continuation.resume(returning: String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self))
            }
        }
    }

    /// Processor time in ticks of 10 ms: user and system, fields 14 and 15 of proc(5).
    private static func ticks(_ process: Int32) throws -> Int {
        let stat = try String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8)
        let fields = stat.drop { $0 != ")" }.split(separator: " ")
        return (Int(fields[12]) ?? 0) + (Int(fields[13]) ?? 0)
    }
}
