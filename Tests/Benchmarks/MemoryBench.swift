import ArgumentParser
import Foundation
import TestSupport

/// What each service holds in memory when it has nothing to do: the resident set after a minute's worth of ordinary calls and a pause.
struct MemoryBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "memory", abstract: "Resident memory of each service at rest (MiB).")
    static let target = 60
    static let targetOfAll = 300

    func run() async throws {
        try await Stack.with { stack in
            let api = APIClient(stack)
            let project = try await api.post("/projects", ["name": "Memory"]).string("id")
            let report = Data("<testsuite name=\"s\"><testcase name=\"a\"/><testcase name=\"b\"><failure message=\"x\"/></testcase></testsuite>".utf8)
            _ = try await api.send("POST", "/projects/\(project)/uploads?wait=10", body: report, headers: ["Content-Type": "application/xml"])
            for _ in 0..<50 { _ = try await api.get("/projects/\(project)/runs") }
            try await Task.sleep(for: .seconds(5))
            var sum = 0.0
            for service in Stack.services {
                let size = try await stack.residentMebibytes(service)
                sum += size
                Figure("memory.\(service)", size, "MiB", goal: "<\(Self.target)").print()
            }
            Figure("memory.all", sum, "MiB", goal: "<\(Self.targetOfAll)").print()
        }
    }
}
