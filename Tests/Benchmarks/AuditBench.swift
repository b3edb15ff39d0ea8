import ArgumentParser
import Foundation
import TestSupport

/// The audit log: acts under parallel load, each of which leaves an entry; how fast the gateway appends what services have written down to an
/// organization's chain; and how fast an export of it is checked offline.
struct AuditBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "audit", abstract: "Entries of the audit log per second: left, appended, verified.")

    @Option(help: "Entries of the chain that is verified.") var entries = 100_000
    @Option(help: "Acts over HTTP, by 32 clients at once.") var acts = 4_000

    func run() async throws {
        let settings = [
            "ASSAY_GATEWAY_KEY_RATE": "100000000", "ASSAY_GATEWAY_KEY_BURST": "100000000", "ASSAY_GATEWAY_TENANT_RATE": "100000000",
            "ASSAY_GATEWAY_TENANT_BURST": "100000000", "ASSAY_GATEWAY_KEY_CONCURRENCY": "1000", "ASSAY_GATEWAY_TENANT_CONCURRENCY": "1000",
        ]
        try await Stack.with(settings: settings) { stack in
            let api = APIClient(stack)
            var start = ContinuousClock.now
            try await act(api)
            Figure("audit.acts", Double(acts) / ((ContinuousClock.now - start) / .seconds(1)), "1/s", goal: "").print()
            let before = try await settled(stack, atLeast: acts)

            // As services write them down, in one transaction, so that appending is what is measured.
            let rest = max(0, entries - before)
            try await stack.sql(
                """
                insert into gateway.audit_outbox (tenant_id, id, action, actor, subject, project, details, request_id, address)
                select tenant_id, gen_random_uuid(), 'run.started', 'key_01jd3v9k2m8q4r6s7t0w1x2y3z', 'run_01jd3v9k2m8q4r6s7t0w1x2y3z',
                       'prj_01jd3v9k2m8q4r6s7t0w1x2y3z', '{"suite": "ste_01jd3v9k2m8q4r6s7t0w1x2y3z", "cases": "120"}',
                       'req_4bf92f3577b34da6a3ce929d0e0e4736', '203.0.113.7'
                from gateway.organizations, generate_series(1, \(rest))
                """)
            start = .now
            let all = try await settled(stack, atLeast: entries)
            Figure("audit.append", Double(rest) / ((ContinuousClock.now - start) / .seconds(1)), "1/s", goal: "").print()

            start = .now
            let export = try await api.get("/audit/export")
            guard export.status == 200 else { throw BenchFailure("the export answered \(export.status): \(export.text.prefix(500))") }
            Figure("audit.export", Double(all) / ((ContinuousClock.now - start) / .seconds(1)), "1/s", goal: "").print()
            let file = stack.folder.appending(path: "audit.ndjson")
            try export.body.write(to: file)
            let key = try await api.get("/audit/key").string("public_key")
            start = .now
            let process = Process()
            process.executableURL = Stack.executableFolder.appending(path: "assay")
            process.arguments = ["audit", "verify", file.path, "--key", key]
            process.standardOutput = FileHandle.nullDevice
            try process.run()
            process.waitUntilExit()
            guard process.terminationStatus == 0 else { throw BenchFailure("assay audit verify ended with \(process.terminationStatus)") }
            Figure("audit.verify", Double(all) / ((ContinuousClock.now - start) / .seconds(1)), "1/s", goal: "").print()
        }
    }

    private func act(_ api: APIClient) async throws {
        let clients = 32
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<clients {
                group.addTask {
                    for _ in 0..<acts / clients {
                        let made = try await api.post("/keys", ["name": "bench", "kind": "CI", "scopes": ["results:write"]])
                        guard made.status == 201 else { throw BenchFailure("POST /keys answered \(made.status): \(made.text)") }
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    /// The length of the chain, once everything has been collected.
    private func settled(_ stack: Stack, atLeast count: Int) async throws -> Int {
        while true {
            let answer = try await stack.sql(
                "select coalesce(max(number), 0) || ' ' || (select count(*) from gateway.audit_outbox) from gateway.audit_heads")
            let numbers = answer.split(whereSeparator: \.isWhitespace).compactMap { Int($0) }
            if numbers.count == 2, numbers[0] >= count / 32 * 32, numbers[1] == 0 { return numbers[0] }
            try await Task.sleep(for: .milliseconds(20))
        }
    }
}
