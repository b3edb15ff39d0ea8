import ArgumentParser
import Foundation
import Logging
import Postgres
import TestSupport

/// One JUnit file of 100,000 cases through the gateway until its run is there with all results, beside `psql \copy` of the same rows into the same
/// table; and what the upload costs Execution in memory.
struct IngestBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "ingest", abstract: "Results taken per second from an upload (goal: 40,000).")

    @Option(help: "Test cases in the file.") var cases = 100_000
    @Option(help: "Uploads measured; the median counts.") var rounds = 5

    func run() async throws {
        try await Stack.with { stack in
            let api = APIClient(stack)
            let project = try await api.post("/projects", ["name": "Ingest bench"])
            guard project.status == 201 else { throw BenchFailure("POST /projects answered \(project.status): \(project.text)") }
            let database = Database(
                try DatabaseConfiguration(url: stack.adminURL, poolSize: 1, statementTimeout: 60_000, searchPath: "execution"), logger: .silent)
            defer { database.close() }
            // Connections, caches and code are warm afterwards, as they are in a process that has served before.
            _ = try await upload(api, project.string("id"), round: 0, count: 20_000)
            try await Outbox.drained(database)
            let before = ProcessMemory.kibibytes(of: await stack.processID("execution"), .now)
            var rates: [Double] = []
            for round in 1...rounds {
                rates.append(try await upload(api, project.string("id"), round: round, count: cases))
                try await Outbox.drained(database)
            }
            let peak = ProcessMemory.kibibytes(of: await stack.processID("execution"), .peak)
            let rate = rates.sorted()[rates.count / 2]
            let copied = try await copy(stack.adminURL, database)
            Figure("ingest.results", rate, "1/s", goal: ">=40000").print()
            Figure("ingest.psql_copy", copied, "1/s", goal: "").print()
            Figure("ingest.psql_copy.ratio", rate / copied, "x", goal: ">=0.167").print()
            Figure("ingest.execution.growth", Double(peak - before) / 1024, "MiB", goal: "<100").print()
        }
    }

    /// Results a second, from the first byte sent to the answer that has them all.
    private func upload(_ api: APIClient, _ project: String, round: Int, count: Int) async throws -> Double {
        let report = BenchReport.junit(count, className: "com.example.shop.Round\(round)Test")
        let start = ContinuousClock.now
        let receipt = try await api.send(
            "POST", "/projects/\(project)/uploads?name=round\(round)", body: report, headers: ["Content-Type": "application/xml"])
        guard (200...202).contains(receipt.status) else { throw BenchFailure("the upload answered \(receipt.status): \(receipt.text)") }
        let run = receipt.string("run_id")
        let deadline = start + .seconds(60)
        while true {
            let answer = try await api.get("/runs/\(run)")
            if answer.integer("counts.total") == count { break }
            guard ContinuousClock.now < deadline else { throw BenchFailure("the run has \(answer.text) after a minute") }
            try await Task.sleep(for: .milliseconds(5))
        }
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        let last = try await api.get("/runs/\(run)/results?search=number%20\(count - 1)&limit=1")
        guard last.string("data.0.name").hasSuffix("number \(count - 1)") else { throw BenchFailure("the last result cannot be read: \(last.text)") }
        return Double(count) / seconds
    }

    /// Rows a second when psql puts the last upload's rows back where they were.
    private func copy(_ url: String, _ database: Database) async throws -> Double {
        let file = FileManager.default.temporaryDirectory.appending(path: "assay-rows-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: file) }
        let run = try await database.one(.system, "select id::text as id from runs order by created_at desc limit 1") {
            try $0.value("id", as: String.self)
        }
        func psql(_ command: String) async throws { _ = try await Tool.output("psql", [url, "-qX", "-v", "ON_ERROR_STOP=1", "-c", command]) }
        try await psql("\\copy (select * from execution.results where run_id = '\(run)' order by id) to '\(file.path)'")
        var rates: [Double] = []
        for _ in 0..<rounds {
            try await psql("delete from execution.results where run_id = '\(run)'")
            try await psql("vacuum execution.results")
            let start = ContinuousClock.now
            try await psql("\\copy execution.results from '\(file.path)'")
            rates.append(Double(cases) / ((ContinuousClock.now - start) / .seconds(1)))
        }
        return rates.sorted()[rates.count / 2]
    }
}
