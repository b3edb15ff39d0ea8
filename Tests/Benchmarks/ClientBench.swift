import ArgumentParser
import Foundation
import TestSupport

/// What the command line costs whoever waits for it: a new process each time, with a server on the same machine.
struct ClientBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "client", abstract: "Time of `assay status` (goal: 50 ms) and of `assay exec -- true` (goal: 100 ms more than `true`).")

    @Option(help: "How often each is run; the median and the longest count.") var runs = 20

    func run() async throws {
        try await Stack.with { stack in
            let made = try await APIClient(stack).post("/projects", ["name": "Client bench", "slug": "client"])
            guard made.status == 201 else { throw BenchFailure("POST /projects answered \(made.status): \(made.text)") }
            let program = try AssayProgram(environment: ["ASSAY_URL": stack.url, "ASSAY_API_KEY": stack.apiKey, "ASSAY_PROJECT": "client"])
            defer { program.remove() }
            let bare = try await measure { try await program.shell("true") }
            let status = try await measure { try await program("status") }
            let exec = try await measure { try await program("exec", "--", "true") }
            Figure("client.status", status.median, "ms", goal: "<50").print()
            Figure("client.status.longest", status.longest, "ms", goal: "").print()
            Figure("client.exec.added", exec.median - bare.median, "ms", goal: "<100").print()
            Figure("client.exec.longest", exec.longest, "ms", goal: "").print()
        }
    }

    /// Milliseconds.
    private func measure(_ body: () async throws -> AssayProgram.Answer) async throws -> (median: Double, longest: Double) {
        var times: [Double] = []
        for _ in 0..<max(1, runs) {
            let started = ContinuousClock.now
            let answer = try await body()
            times.append((ContinuousClock.now - started) / .milliseconds(1))
            guard answer.status == 0 else { throw BenchFailure("the client ended with \(answer.status): \(answer.error)") }
        }
        return (times.sorted()[times.count / 2], times.max() ?? 0)
    }
}
