import ArgumentParser
import Foundation
import TestSupport

/// Sixteen connections ask as fast as they can what they may ask a hundred times a second: how many are let through, and how many are refused in a
/// second. Beside it nginx with the same limit, and two gateways that count together in one Redis.
struct LimiterBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "limiter", abstract: "Requests admitted under flood (goal: 520 in 5 s) and refused per second (goal: 30,000).")
    static let rate = 100
    static let burst = 20

    @Option(help: "Connections of wrk.") var connections = 16
    @Option(help: "Seconds of each flood.") var seconds = 5

    /// What may be let through in the time that wrk took.
    private func expected(_ seconds: Double) -> Double { Double(Self.burst) + Double(Self.rate) * seconds }

    private var settings: [String: String] {
        [
            "ASSAY_GATEWAY_KEY_RATE": "\(60 * Self.rate)", "ASSAY_GATEWAY_KEY_BURST": "\(Self.burst)",
            "ASSAY_GATEWAY_KEY_CONCURRENCY": "1000", "ASSAY_GATEWAY_TENANT_CONCURRENCY": "1000",
        ]
    }

    func run() async throws {
        let body = try await Stack.with(settings: settings) { stack in
            let body = try await warm(stack, [stack.url])
            let report = try await flood(stack.url, key: stack.apiKey, connections: connections)
            show("limiter", [report])
            Figure("limiter.refused", Double(report.refused) / report.seconds, "1/s", goal: ">=30000").print()
            return body
        }
        try await Nginx.limiting(body, rate: Self.rate, burst: Self.burst) { url in
            // The probe that waited for it has taken from its burst.
            try await Task.sleep(for: .seconds(1))
            let report = try await wrk(url, key: "", connections: connections)
            show("limiter.nginx", [report])
            Figure("limiter.nginx.refused", Double(report.refused) / report.seconds, "1/s", goal: "").print()
        }
        try await RedisServer.with { redis in
            let shared = settings.merging(["ASSAY_GATEWAY_REDIS_URL": redis.url, "ASSAY_GATEWAY_INSTANCES": "2"]) { $1 }
            try await Stack.with(replicas: ["gateway": 2], settings: shared) { stack in
                _ = try await warm(stack, stack.gatewayURLs)
                async let one = flood(stack.gatewayURLs[0], key: stack.apiKey, connections: connections / 2)
                async let other = flood(stack.gatewayURLs[1], key: stack.apiKey, connections: connections / 2)
                let reports = try await [one, other]
                show("limiter.redis", reports)
                Figure(
                    "limiter.redis.refused", reports.reduce(0) { $0 + Double($1.refused) / $1.seconds }, "1/s", goal: ""
                ).print()
            }
            try await served(redis)
        }
    }

    /// What counting in Redis costs those who are within their limits: one call of the store for each request.
    private func served(_ redis: RedisServer) async throws {
        let free = [
            "ASSAY_GATEWAY_KEY_RATE": "100000000", "ASSAY_GATEWAY_KEY_BURST": "100000000", "ASSAY_GATEWAY_TENANT_RATE": "100000000",
            "ASSAY_GATEWAY_TENANT_BURST": "100000000", "ASSAY_GATEWAY_KEY_CONCURRENCY": "1000", "ASSAY_GATEWAY_TENANT_CONCURRENCY": "1000",
        ]
        for (name, settings) in [("local", free), ("redis", free.merging(["ASSAY_GATEWAY_REDIS_URL": redis.url]) { $1 })] {
            try await Stack.with(settings: settings) { stack in
                _ = try await warm(stack, [stack.url])
                let report = try await wrk(stack.url + "/api/v1/me", key: stack.apiKey, connections: 64)
                Figure("limiter.\(name).served", Double(report.total - report.refused) / report.seconds, "1/s", goal: "").print()
            }
        }
    }

    private func show(_ name: String, _ reports: [WrkReport]) {
        let admitted = Double(reports.reduce(0) { $0 + $1.total - $1.refused })
        let seconds = reports.map(\.seconds).max() ?? 0
        let expected = expected(seconds)
        let slack = reports.count > 1 ? "\(Int(expected) + Self.burst)" : "\(Int(expected)) +-1%"
        Figure("\(name).admitted", admitted, "in \(String(format: "%.2f", seconds)) s", goal: reports.count > 1 ? "<=\(slack)" : slack).print()
        Figure("\(name).admitted.ratio", admitted / expected, "x", goal: reports.count > 1 ? "" : "0.99..1.01").print()
    }

    /// Asks each gateway once, so that the key is known, and waits until its bucket is full again.
    private func warm(_ stack: Stack, _ urls: [String]) async throws -> String {
        var body = ""
        for url in urls {
            let answer = try await APIClient(url: url + "/api/v1", key: stack.apiKey).get("/me")
            guard answer.status == 200 else { throw BenchFailure("GET /me answered \(answer.status): \(answer.text)") }
            body = answer.text
        }
        try await Task.sleep(for: .seconds(1))
        return body
    }

    private func flood(_ url: String, key: String, connections: Int) async throws -> WrkReport {
        try await wrk(url + "/api/v1/me", key: key, connections: connections)
    }

    private func wrk(_ url: String, key: String, connections: Int) async throws -> WrkReport {
        var arguments = ["-t1", "-c\(connections)", "-d\(seconds)s", "--latency"]
        if !key.isEmpty { arguments += ["-H", "Authorization: Bearer \(key)"] }
        let output = try await Tool.output("wrk", arguments + [url])
        guard let report = WrkReport(output) else { throw BenchFailure("wrk said: \(output)") }
        return report
    }
}
