import ArgumentParser
import Foundation
import Logging
import Postgres
import TestSupport

/// Many uploads at once, and one that is very large, both through the gateway: what an evening's builds of a company come to.
struct UploadsBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "uploads", abstract: "Results per second of 64 uploads at once (goal: 30,000), and what an upload of a million cases costs.")

    @Option(help: "Uploads at once.") var clients = 64
    @Option(help: "Test cases in each of them.") var cases = 1_000
    @Option(help: "How often; the median rate counts.") var rounds = 5
    @Option(help: "Test cases in the large upload; 0 leaves it out.") var large = 1_000_000

    func run() async throws {
        try await Stack.with { stack in
            let api = APIClient(stack)
            let project = try await api.post("/projects", ["name": "Uploads bench", "slug": "uploads"])
            guard project.status == 201 else { throw BenchFailure("POST /projects answered \(project.status): \(project.text)") }
            let database = Database(
                try DatabaseConfiguration(url: stack.adminURL, poolSize: 1, statementTimeout: 60_000, searchPath: "execution"), logger: .silent)
            defer { database.close() }
            // Connections, caches and code are warm afterwards.
            _ = try await manyAtOnce(stack, round: 0)
            try await Outbox.drained(database)
            var rates: [Double] = []
            var times: [Double] = []
            for round in 1...max(1, rounds) {
                let started = ContinuousClock.now
                times += try await manyAtOnce(stack, round: round)
                rates.append(Double(clients * cases) / ((ContinuousClock.now - started) / .seconds(1)))
                try await Outbox.drained(database)
            }
            Figure("uploads.results", rates.sorted()[rates.count / 2], "1/s", goal: ">=30000").print()
            Figure("uploads.p50", times.sorted()[times.count / 2], "s", goal: "").print()
            Figure("uploads.p99", times.sorted()[times.count * 99 / 100], "s", goal: "<3").print()
            if large > 0 { try await oneLarge(stack, database) }
        }
    }

    /// - Returns: seconds that each took.
    private func manyAtOnce(_ stack: Stack, round: Int) async throws -> [Double] {
        // Made before, so that it is the services that are measured.
        let posts = (0..<clients).map { index in
            post(stack, "round\(round)-\(index)", BenchReport.junit(cases, className: "com.example.shop.Round\(round)Shard\(index)Test"))
        }
        return try await withThrowingTaskGroup(of: Double.self) { group in
            for post in posts {
                group.addTask {
                    let started = ContinuousClock.now
                    try Self.check(await post.send())
                    return (ContinuousClock.now - started) / .seconds(1)
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
    }

    private func oneLarge(_ stack: Stack, _ database: Database) async throws {
        var post = post(stack, "large", BenchReport.junit(large, className: "com.example.large.Test"))
        post.patience = 600
        let services = ["gateway", "execution"]
        var before: [String: Int] = [:]
        for service in services {
            let process = await stack.processID(service)
            ProcessMemory.forgetPeak(of: process)
            before[service] = ProcessMemory.kibibytes(of: process, .now)
        }
        let started = ContinuousClock.now
        let outcome = await post.send()
        let seconds = (ContinuousClock.now - started) / .seconds(1)
        try Self.check(outcome)
        for service in services {
            let growth = ProcessMemory.kibibytes(of: await stack.processID(service), .peak) - before[service, default: 0]
            Figure("uploads.large.\(service).growth", Double(growth) / 1024, "MiB", goal: service == "execution" ? "<150" : "").print()
        }
        Figure("uploads.large.seconds", seconds, "s", goal: "finishes").print()
        Figure("uploads.large.results", Double(large) / seconds, "1/s", goal: "").print()
        let stored = try await database.one(.system, "select count(*) as n from results where class_name like 'com.example.large.Test%'") {
            try $0.value("n", as: Int.self)
        }
        guard stored == large else { throw BenchFailure("\(stored) results of \(large) are stored") }
        // What follows an upload is work of Execution too.
        try await Outbox.drained(database, within: .seconds(600))
        let growth = ProcessMemory.kibibytes(of: await stack.processID("execution"), .peak) - before["execution", default: 0]
        Figure("uploads.large.execution.growth.all", Double(growth) / 1024, "MiB", goal: "<150").print()
    }

    private func post(_ stack: Stack, _ name: String, _ body: Data) -> SocketPost {
        SocketPost(
            port: URL(string: stack.url)?.port ?? 0, target: "/api/v1/projects/uploads/uploads?name=\(name)",
            headers: ["Authorization": "Bearer \(stack.apiKey)", "Content-Type": "application/xml"], body: body)
    }

    private static func check(_ outcome: SocketPost.Outcome) throws {
        guard case .answered(let answer) = outcome else { throw BenchFailure("an upload was not answered: \(outcome)") }
        guard (200..<300).contains(answer.status) else {
            throw BenchFailure("an upload was answered \(answer.status): \(String(decoding: answer.body, as: UTF8.self))")
        }
    }
}
