import ArgumentParser
import Foundation
import TestSupport

/// How many HTTP cases a second go all the way: claimed, sent with libcurl to a local server, judged by three assertions, stored and counted.
/// Everything over the public API, with all seven services and the target on the same machine.
struct HTTPBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "http", abstract: "HTTP cases executed per second (target: 1,500).")
    static let target = 1500

    @Option(help: "Cases in the suite, 1–2000.") var cases = 2000
    @Option(help: "Runs of the suite that are started together.") var runs = 5
    @Option(help: "Cases at once, in the process and in each run.") var concurrency = 64

    func run() async throws {
        let server = try await LoopbackServer.start(recording: 0) { _ in
            .json(#"{"id": 7, "name": "Ann", "items": [{"sku": "a", "price": 9.5}, {"sku": "b", "price": 12}]}"#)
        }
        defer { server.stop() }
        // Rate limits would make the 2,000 calls that build the suite wait; they are not what is measured.
        let settings = [
            "ASSAY_EXECUTION_CONCURRENCY": "\(concurrency)", "ASSAY_EXECUTION_TENANT_CONCURRENCY": "\(concurrency)",
            "ASSAY_GATEWAY_KEY_RATE": "100000000", "ASSAY_GATEWAY_KEY_BURST": "100000000", "ASSAY_GATEWAY_TENANT_RATE": "100000000",
            "ASSAY_GATEWAY_TENANT_BURST": "100000000",
        ]
        let rate = try await Stack.with(settings: settings) { stack in
            let api = APIClient(stack)
            let suite = try await makeSuite(api, target: server.url)
            _ = try await measure(api, suite, runs: 1)
            return try await measure(api, suite, runs: runs)
        }
        Figure("http.cases", rate, "1/s", goal: ">=\(Self.target)").print()
    }

    private struct Suite {
        let project: String
        let id: String
    }

    private func makeSuite(_ api: APIClient, target: String) async throws -> Suite {
        let project = try await create(api, "/projects", ["name": "HTTP bench"])
        let suite = try await create(api, "/projects/\(project)/suites", ["name": "Bench", "variables": ["target": target]])
        for number in 1...cases {
            let assertions: [[String: Any]] = [
                ["source": "STATUS", "comparison": "EQUALS", "target": "200"],
                ["source": "HEADER", "property": "content-type", "comparison": "CONTAINS", "target": "json"],
                ["source": "JSON", "property": "$.items[?@.price > 10].sku", "comparison": "EQUALS", "target": "b"],
            ]
            let http: [String: Any] = ["url": "{{target}}/item/\(number)", "assertions": assertions]
            _ = try await create(api, "/suites/\(suite)/cases", ["name": "case \(number)", "http": http])
        }
        return Suite(project: project, id: suite)
    }

    /// Cases per second from the first start to the last end.
    private func measure(_ api: APIClient, _ suite: Suite, runs: Int) async throws -> Double {
        let start = ContinuousClock.now
        var ids: [String] = []
        for _ in 0..<runs {
            ids.append(try await create(api, "/projects/\(suite.project)/runs", ["suite": suite.id, "concurrency": concurrency]))
        }
        for id in ids { try await finish(api, id) }
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        return Double(runs * cases) / seconds
    }

    private func finish(_ api: APIClient, _ run: String) async throws {
        let deadline = ContinuousClock.now + .seconds(120)
        while ContinuousClock.now < deadline {
            let answer = try await api.get("/runs/\(run)?wait=30")
            if answer.string("state") == "PASSED", answer.integer("counts.passed") == cases { return }
            guard ["QUEUED", "RUNNING"].contains(answer.string("state")) || answer.status == 429 else {
                throw BenchFailure("the run did not pass: \(answer.text)")
            }
        }
        throw BenchFailure("the run \(run) did not finish within two minutes")
    }

    /// Creates something and waits out the rate limit where there is one.
    private func create(_ api: APIClient, _ path: String, _ body: [String: Any]) async throws -> String {
        while true {
            let answer = try await api.post(path, body)
            if (200...299).contains(answer.status) { return answer.string("id") }
            guard answer.status == 429 else { throw BenchFailure("POST \(path): \(answer.status) \(answer.text)") }
            try await Task.sleep(for: .seconds(Double(answer.headers["retry-after"] ?? "") ?? 1))
        }
    }
}
