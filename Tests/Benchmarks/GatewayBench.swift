import ArgumentParser
import Foundation
import TestSupport

/// One run read over the public API by 64 connections at once: API key, rate limit, RPC to Execution, row-level security, SQL, JSON. Everything
/// on one machine, and beside it nginx returning the same bytes as a constant, so that the figure means something on any machine.
struct GatewayBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "gateway", abstract: "Reads of one run per second over HTTP (goal: 8,000).")

    @Option(help: "Connections of wrk.") var connections = 64
    @Option(help: "Seconds that each side is measured.") var seconds = 10

    func run() async throws {
        // The limits are measured along with the rest, but must not be what is measured.
        let settings = [
            "ASSAY_GATEWAY_KEY_RATE": "100000000", "ASSAY_GATEWAY_KEY_BURST": "100000000", "ASSAY_GATEWAY_TENANT_RATE": "100000000",
            "ASSAY_GATEWAY_TENANT_BURST": "100000000", "ASSAY_GATEWAY_KEY_CONCURRENCY": "1000", "ASSAY_GATEWAY_TENANT_CONCURRENCY": "1000",
        ]
        try await Stack.with(settings: settings) { stack in
            let api = APIClient(stack)
            let run = try await makeRun(api)
            let body = try await api.get("/runs/\(run)")
            guard body.status == 200 else { throw BenchFailure("GET /runs/\(run) answered \(body.status): \(body.text)") }
            _ = try await wrk("\(stack.url)/api/v1/runs/\(run)", key: stack.apiKey, seconds: 3)
            let ours = try await wrk("\(stack.url)/api/v1/runs/\(run)", key: stack.apiKey, seconds: seconds)
            let constant = try await Nginx.serving(body.text) { try await wrk($0, key: "", seconds: seconds) }
            Figure("gateway.get_run", ours.rate, "1/s", goal: ">=8000").print()
            Figure("gateway.get_run.p99", ours.p99, "ms", goal: "<=30").print()
            Figure("gateway.nginx.ratio", ours.rate / constant.rate, "x", goal: ">=0.1").print()
            if ours.failures > 0 { Figure("gateway.get_run.failures", Double(ours.failures), "", goal: "0").print() }
        }
    }

    /// An uploaded run with a few results, as CI sends them.
    private func makeRun(_ api: APIClient) async throws -> String {
        let project = try await api.post("/projects", ["name": "Gateway bench"])
        guard project.status == 201 else { throw BenchFailure("POST /projects answered \(project.status): \(project.text)") }
        let report = """
            <testsuite name="bench"><testcase classname="a" name="one" time="0.1"/><testcase classname="a" name="two" time="0.2"/>\
            <testcase classname="a" name="three"><failure message="no"/></testcase></testsuite>
            """
        let upload = try await api.send(
            "POST", "/projects/\(project.string("id"))/uploads?wait=10&run_env[branch]=main&run_env[commit_sha]=0123abcd&name=bench",
            body: Data(report.utf8),
            headers: ["Content-Type": "application/xml"])
        guard (200...202).contains(upload.status) else { throw BenchFailure("the upload answered \(upload.status): \(upload.text)") }
        return upload.string("run_id")
    }

    private func wrk(_ url: String, key: String, seconds: Int) async throws -> WrkReport {
        var arguments = ["-t2", "-c\(connections)", "-d\(seconds)s", "--latency"]
        if !key.isEmpty { arguments += ["-H", "Authorization: Bearer \(key)"] }
        let output = try await Tool.output("wrk", arguments + [url])
        guard let report = WrkReport(output) else { throw BenchFailure("wrk said: \(output)") }
        return report
    }
}

/// What `wrk --latency` prints.
struct WrkReport {
    /// Answers altogether, and in how many seconds.
    let total: Int
    let seconds: Double
    /// Of those, answers that were neither 2xx nor 3xx.
    let refused: Int
    /// Answers a second.
    let rate: Double
    /// Milliseconds.
    let p99: Double
    /// Answers that were not 2xx or 3xx, and socket errors.
    let failures: Int

    init?(_ text: String) {
        var rate: Double?
        var p99: Double?
        var failures = 0
        var refused = 0
        var total = 0
        var seconds = 0.0
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            if line.contains("Requests/sec:") { rate = words.last.flatMap { Double($0) } }
            if words.first == "99%", words.count > 1 { p99 = Self.milliseconds(words[1]) }
            // "51234 requests in 5.00s, 12.34MB read"
            if words.count > 3, words[1] == "requests", words[2] == "in" {
                total = Int(words[0]) ?? 0
                seconds = (Self.milliseconds(words[3].filter { $0 != "," }[...]) ?? 0) / 1_000
            }
            if line.contains("Non-2xx") { refused += words.last.flatMap { Int($0) } ?? 0 }
            if line.contains("Non-2xx") { failures += words.last.flatMap { Int($0) } ?? 0 }
            if line.contains("Socket errors") { failures += words.compactMap { Int($0.filter(\.isNumber)) }.reduce(0, +) }
        }
        guard let rate, let p99 else { return nil }
        self.rate = rate
        self.total = total
        self.seconds = seconds
        self.refused = refused
        self.p99 = p99
        self.failures = failures
    }

    private static func milliseconds(_ text: Substring) -> Double? {
        for (unit, factor) in [("us", 0.001), ("ms", 1), ("s", 1_000)] where text.hasSuffix(unit) {
            return Double(text.dropLast(unit.count)).map { $0 * factor }
        }
        return nil
    }
}

/// nginx with one answer, on a free port of 127.0.0.1.
enum Nginx {
    static func serving<R>(_ body: String, _ measure: (String) async throws -> R) async throws -> R {
        let quoted = body.replacing("\\", with: "\\\\").replacing("'", with: "\\'").replacing("$", with: "")
        return try await running(location: "return 200 '\(quoted)';", measure)
    }

    /// The same answer from a file, limited to `rate` requests a second and a burst: what is returned by `return` passes no limit.
    static func limiting<R>(_ body: String, rate: Int, burst: Int, _ measure: (String) async throws -> R) async throws -> R {
        try await running(
            http: "limit_req_zone $binary_remote_addr zone=all:1m rate=\(rate)r/s;",
            location: "limit_req zone=all burst=\(burst) nodelay; limit_req_status 429; limit_req_log_level info;", file: body, measure)
    }

    private static func running<R>(
        http: String = "", location: String, file body: String = "", _ measure: (String) async throws -> R
    ) async throws -> R {
        let folder = FileManager.default.temporaryDirectory.appending(path: "assay-nginx-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        // Its workers are nobody in particular.
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder.path)
        defer { try? FileManager.default.removeItem(at: folder) }
        try body.write(to: folder.appending(path: "index.html"), atomically: true, encoding: .utf8)
        let port = FreePort.next()
        let configuration = """
            daemon off; worker_processes 2; pid \(folder.path)/pid; error_log stderr error;
            events { worker_connections 1024; }
            http {
              \(http)
              access_log off; client_body_temp_path \(folder.path)/b; proxy_temp_path \(folder.path)/p; fastcgi_temp_path \(folder.path)/f;
              uwsgi_temp_path \(folder.path)/u; scgi_temp_path \(folder.path)/s;
              server { listen 127.0.0.1:\(port); keepalive_requests 100000000; default_type application/json;
                root \(folder.path); location / { \(location) } }
            }
            """
        let file = folder.appending(path: "nginx.conf")
        try configuration.write(to: file, atomically: true, encoding: .utf8)
        let process = try Tool.start("nginx", ["-c", file.path])
        defer {
            process.terminate()
            process.waitUntilExit()
        }
        let url = "http://127.0.0.1:\(port)/"
        let client = APIClient(url: url, key: "")
        let deadline = ContinuousClock.now + .seconds(10)
        while (try? await client.get("").status) != 200 {
            guard ContinuousClock.now < deadline, process.isRunning else { throw BenchFailure("nginx does not answer") }
            try await Task.sleep(for: .milliseconds(50))
        }
        return try await measure(url)
    }
}

/// Programs that the bench needs beside its own.
enum Tool {
    static func start(_ name: String, _ arguments: [String], output: Pipe? = nil) throws -> Process {
        guard let path = ["/usr/bin", "/usr/sbin", "/usr/local/bin"].map({ "\($0)/\(name)" }).first(where: FileManager.default.isExecutableFile)
        else {
            throw BenchFailure("\(name) is not installed: deploy/bench installs it")
        }
        let process = Process()
        process.executableURL = URL(filePath: path)
        process.arguments = arguments
        if let output { process.standardOutput = output }
        try process.run()
        return process
    }

    static func output(_ name: String, _ arguments: [String]) async throws -> String {
        let pipe = Pipe()
        let process = try start(name, arguments, output: pipe)
        let data = await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                let data = pipe.fileHandleForReading.readDataToEndOfFile()
                process.waitUntilExit()
                continuation.resume(returning: data)
            }
        }
        return String(decoding: data, as: UTF8.self)
    }
}
