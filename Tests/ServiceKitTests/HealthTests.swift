import Foundation
import FoundationNetworking
import GRPCCore
import HealthAPI
import Logging
import Metrics
import Primitives
import Synchronization
import TestSupport
import Testing

@testable import ServiceKit

@Suite struct HealthTests {
    /// An admin server on a free port while `body` runs.
    static func admin(
        _ readiness: Readiness, _ registry: PrometheusRegistry = PrometheusRegistry(), _ body: (URL) async throws -> Void
    ) async throws {
        let (ports, bound) = AsyncStream<Int>.makeStream()
        let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let server = AdminServer(endpoint: Endpoint(host: "127.0.0.1", port: 0), readiness: readiness, registry: registry, logger: quiet) {
            bound.yield($0)
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run() }
            let port = try #require(await ports.first { _ in true })
            try await body(try #require(URL(string: "http://127.0.0.1:\(port)")))
            group.cancelAll()
        }
    }

    static func get(_ url: URL) async throws -> (status: Int, body: String) {
        let (data, response) = try await URLSession.shared.data(from: url)
        return (try #require(response as? HTTPURLResponse).statusCode, String(decoding: data, as: UTF8.self))
    }

    @Test("a process is ready while all checks pass, alive in any case, and nothing else is on the admin port")
    func ready() async throws {
        let problem = Mutex<String?>(nil)
        let readiness = Readiness([Readiness.Check("database") { problem.withLock { $0 } }, Readiness.Check("keys") { nil }])
        try await Self.admin(readiness) { (url) async throws in
            #expect(try await Self.get(url.appending(path: "healthz")) == (200, #"{"status":"ok"}"#))
            #expect(try await Self.get(url.appending(path: "readyz")) == (200, #"{"problems":{},"status":"ready"}"#))
            for path in ["/", "debug", "metrics/x", "grpc"] { #expect(try await Self.get(url.appending(path: path)).status == 404) }
            problem.withLock { $0 = "does not answer" }
            let failed = try await Self.poll {
                try await Self.get(url.appending(path: "readyz"))
            } until: {
                $0.status == 503
            }
            #expect(failed.body == #"{"problems":{"database":"does not answer"},"status":"not ready"}"#)
            #expect(try await Self.get(url.appending(path: "healthz")).status == 200)
        }
    }

    @Test("a process that is about to stop is not ready, at once")
    func draining() async throws {
        let readiness = Readiness([])
        try await Self.admin(readiness) { (url) async throws in
            #expect(try await Self.get(url.appending(path: "readyz")).status == 200)
            readiness.drain()
            #expect(try await Self.get(url.appending(path: "readyz")) == (503, #"{"problems":{"process":"is stopping"},"status":"not ready"}"#))
        }
    }

    @Test("a check that hangs has failed after two seconds")
    func hanging() async throws {
        let readiness = Readiness([
            Readiness.Check("database") {
                try? await Task.sleep(for: .seconds(60))
                return nil
            }
        ])
        #expect(await readiness.report().problems == ["database": "did not answer within 2 s"])
    }

    @Test("metrics are Prometheus text")
    func metrics() async throws {
        let registry = PrometheusRegistry()
        Counter(label: "hits", factory: registry).increment(by: 3)
        try await Self.admin(Readiness([]), registry) { (url) async throws in
            let page = try await Self.get(url.appending(path: "metrics"))
            #expect(try MetricsTests.parse(page.body)["assay_hits_total"] == 3)
        }
    }

    @Test("stock health checks are answered without identity")
    func grpc() async throws {
        let readiness = Readiness([])
        try await InProcess.serve([HealthRPC(readiness: readiness)], as: .user()) { (client) async throws in
            try await CallContext.$current.withValue(nil) { () async throws in
                let health = PBHealth.Client(wrapping: client)
                #expect(try await health.check(PBHealthCheckRequest()).status == .serving)
                readiness.drain()
                #expect(try await health.check(PBHealthCheckRequest()).status == .notServing)
                let watched = try await health.watch(PBHealthCheckRequest()) { response in
                    var all: [PBHealthCheckResponse.ServingStatus] = []
                    for try await message in response.messages { all.append(message.status) }
                    return all
                }
                #expect(watched == [.notServing])
            }
        }
    }

    private static func poll<R>(_ read: () async throws -> R, until holds: (R) -> Bool) async throws -> R {
        let deadline = ContinuousClock.now + .seconds(10)
        while true {
            let value = try await read()
            if holds(value) || ContinuousClock.now > deadline { return value }
            try await Task.sleep(for: .milliseconds(50))
        }
    }
}
