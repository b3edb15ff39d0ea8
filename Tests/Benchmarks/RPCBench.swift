import ArgumentParser
import Foundation
import FrameTransport
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import HealthAPI
import Synchronization

/// Unary calls over our transport and over stock HTTP/2, alternating, the server in a process of its own. Medians of three rounds: on a shared
/// machine only the ratio of figures taken side by side means something.
struct RPCBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rpc", abstract: "Unary calls: our transport against stock HTTP/2 (goals: 3.5 times the throughput, a quarter of the latency).")

    @Option(help: "Rounds; each measures both sides.") var rounds = 3
    @Option(help: "Seconds of one measurement.") var seconds = 3.0
    @Option(help: "Measure only one side, for profiling: frame or http2.") var only: Transport?

    enum Transport: String, CaseIterable, ExpressibleByArgument {
        case frame, http2
    }

    func run() async throws {
        var figures: [Transport: (rates: [Double], latencies: [Double])] = [:]
        for round in 0..<rounds {
            // The order changes, so that what warms up or throttles meets both.
            let order = round.isMultiple(of: 2) ? Transport.allCases : Transport.allCases.reversed()
            for transport in order where only == nil || only == transport {
                let (rate, latency) = try await measure(transport)
                figures[transport, default: ([], [])].rates.append(rate)
                figures[transport, default: ([], [])].latencies.append(latency)
            }
        }
        let medians = figures.mapValues { (rate: median($0.rates), latency: median($0.latencies)) }
        for transport in Transport.allCases {
            guard let figure = medians[transport] else { continue }
            Figure("rpc.unary64.\(transport)", figure.rate, "1/s", goal: "").print()
            Figure("rpc.unary1.\(transport)", figure.latency * 1_000, "ms", goal: "").print()
        }
        if let frame = medians[.frame], let http2 = medians[.http2] {
            Figure("rpc.unary64.ratio", frame.rate / http2.rate, "x", goal: ">=3.5").print()
            Figure("rpc.unary1.ratio", frame.latency / http2.latency, "x", goal: "<=0.25").print()
        }
    }

    /// - Returns: calls per second with 64 in flight, and the median seconds of a call made alone.
    private func measure(_ transport: Transport) async throws -> (rate: Double, latency: Double) {
        let server = try ServerProcess(transport)
        defer { server.stop() }
        switch transport {
        case .frame:
            return try await withGRPCClient(transport: FrameClientTransport(target: FrameAddress(host: "127.0.0.1", port: server.port))) {
                try await measure($0)
            }
        case .http2:
            let client = try HTTP2ClientTransport.Posix(target: .ipv4(address: "127.0.0.1", port: server.port), transportSecurity: .plaintext)
            return try await withGRPCClient(transport: client) { try await measure($0) }
        }
    }

    private func measure<T: ClientTransport>(_ client: GRPCClient<T>) async throws -> (rate: Double, latency: Double) {
        let health = PBHealth.Client(wrapping: client)
        var request = PBHealthCheckRequest()
        request.service = "assay.execution.v1.Runs"
        _ = try await calls(64, of: health, request, for: .milliseconds(500))
        let rate = try await calls(64, of: health, request, for: .seconds(seconds))
        let latency = try await latency(of: health, request, for: .seconds(seconds / 2))
        return (rate, latency)
    }

    private func calls<T: ClientTransport>(
        _ inFlight: Int, of health: PBHealth.Client<T>, _ request: PBHealthCheckRequest, for time: Duration
    ) async throws -> Double {
        let start = ContinuousClock.now
        let end = start + time
        let count = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<inFlight {
                group.addTask {
                    var count = 0
                    while ContinuousClock.now < end {
                        for _ in 0..<8 { _ = try await health.check(request) }
                        count += 8
                    }
                    return count
                }
            }
            return try await group.reduce(0, +)
        }
        return Double(count) / ((ContinuousClock.now - start) / .seconds(1))
    }

    private func latency<T: ClientTransport>(
        of health: PBHealth.Client<T>, _ request: PBHealthCheckRequest, for time: Duration
    ) async throws -> Double {
        var times: [Double] = []
        let end = ContinuousClock.now + time
        while ContinuousClock.now < end {
            let start = ContinuousClock.now
            _ = try await health.check(request)
            times.append((ContinuousClock.now - start) / .seconds(1))
        }
        return median(times)
    }

    private func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }
}

/// This executable again, as the server of one measurement.
private struct ServerProcess {
    private let process = Process()
    let port: Int

    init(_ transport: RPCBench.Transport) throws {
        let output = Pipe()
        process.executableURL = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
        process.arguments = ["rpc-server", transport.rawValue]
        process.standardOutput = output
        try process.run()
        let line = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
        guard let port = Int(line.trimmingCharacters(in: .whitespacesAndNewlines)) else {
            process.terminate()
            throw BenchFailure("the server did not say its port but \"\(line)\"")
        }
        self.port = port
    }

    func stop() {
        process.terminate()
        process.waitUntilExit()
    }
}

/// The server's side of `rpc`: answers health checks, prints its port.
struct RPCBenchServer: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "rpc-server", shouldDisplay: false)

    @Argument var transport: RPCBench.Transport

    func run() async throws {
        switch transport {
        case .frame:
            let transport = try FrameServerTransport(address: FrameAddress(host: "127.0.0.1", port: 0))
            try await serve(transport) { try await transport.listeningAddress.port }
        case .http2:
            let transport = HTTP2ServerTransport.Posix(address: .ipv4(host: "127.0.0.1", port: 0), transportSecurity: .plaintext)
            try await serve(transport) { try await transport.listeningAddress.ipv4?.port ?? 0 }
        }
    }

    private func serve<T: ServerTransport>(_ transport: T, port: @Sendable () async throws -> Int) async throws {
        let server = GRPCServer(transport: transport, services: [AlwaysServing()])
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.serve() }
            try FileHandle.standardOutput.write(contentsOf: Data("\(try await port())\n".utf8))
            try await group.waitForAll()
        }
    }

    private struct AlwaysServing: PBHealth.SimpleServiceProtocol {
        func check(request: PBHealthCheckRequest, context: ServerContext) async throws -> PBHealthCheckResponse {
            var response = PBHealthCheckResponse()
            response.status = .serving
            return response
        }

        func watch(request: PBHealthCheckRequest, response: RPCWriter<PBHealthCheckResponse>, context: ServerContext) async throws {
            try await response.write(check(request: request, context: context))
        }
    }
}
