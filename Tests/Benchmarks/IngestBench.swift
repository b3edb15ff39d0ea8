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
            try await quiet(database)
            let before = memory(await stack.processID("execution"), "VmRSS")
            var rates: [Double] = []
            for round in 1...rounds {
                rates.append(try await upload(api, project.string("id"), round: round, count: cases))
                try await quiet(database)
            }
            let peak = memory(await stack.processID("execution"), "VmHWM")
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
        let report = Self.report(count, round: round)
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

    /// Mostly passed, one in a hundred failed with a trace, one skipped; names as unit tests have them.
    private static func report(_ count: Int, round: Int) -> Data {
        var xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites><testsuite name=\"bench\" tests=\"\(count)\">\n"
        xml.reserveCapacity(count * 130)
        for index in 0..<count {
            let head =
                "<testcase classname=\"com.example.shop.Round\(round)Test\(index / 40)\" name=\"test number \(index)\" time=\"0.\(index % 900 + 100)\""
            switch index % 100 {
            case 99:
                xml += "\(head)><failure message=\"expected \(index)\" type=\"AssertionError\">AssertionError: expected \(index)\n"
                xml +=
                    "    at com.example.shop.Test.check(Test.java:\(index % 500))\n    at com.example.shop.Test.run(Test.java:12)</failure></testcase>\n"
            case 49: xml += "\(head)><skipped/></testcase>\n"
            default: xml += "\(head)/>\n"
            }
        }
        return Data((xml + "</testsuite></testsuites>\n").utf8)
    }

    /// The outbox is empty: what an upload sets in motion must not be measured with the next.
    private func quiet(_ database: Database) async throws {
        let deadline = ContinuousClock.now + .seconds(120)
        while try await database.one(.system, "select count(*) as n from jobs", { try $0.value("n", as: Int.self) }) > 0 {
            guard ContinuousClock.now < deadline else { throw BenchFailure("the outbox is not empty after two minutes") }
            try await Task.sleep(for: .milliseconds(20))
        }
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

    /// KiB, from /proc.
    private func memory(_ process: Int32, _ field: String) -> Int {
        let status = (try? String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)) ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix(field + ":") }
        return line?.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst().first.flatMap { Int($0) } ?? 0
    }
}
