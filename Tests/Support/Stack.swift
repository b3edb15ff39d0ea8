import Foundation
import Postgres
import Primitives
import ServiceKit

/// All seven executables as processes of their own over real TCP, against a database made for them. What `deploy/up` does, for tests and benches.
///
/// Services can be killed, stopped and started again one by one, and run as several replicas.
package actor Stack {
    /// Callers first: the order in which they are stopped.
    package static let services = ["gateway", "scheduling", "execution", "validation", "analytics", "projects", "notifications"]

    /// Where the gateway answers, without a slash at the end.
    package nonisolated let url: String
    /// The first key, with every scope; the gateway wrote it when it started.
    package nonisolated var apiKey: String {
        (try? String(contentsOf: folder.appending(path: "api-key"), encoding: .utf8).trimmingCharacters(in: .whitespacesAndNewlines)) ?? ""
    }
    /// Superuser's URL of the database that holds all seven schemas.
    package nonisolated let adminURL: String
    package nonisolated let folder: URL

    /// Where each replica of the gateway answers; the first is `url`.
    package nonisolated let gatewayURLs: [String]

    /// What the services are given as files: variable → value.
    package nonisolated let secrets: [String: Secret<String>]

    private let executables: URL
    private let environment: [String: String]
    private let hasMutualTLS: Bool
    private let ports: [String: [Int]]
    private var processes: [String: Process] = [:]

    /// Starts one replica of each service, more where `replicas` says so, and waits until all are ready.
    /// - Parameters:
    ///   - settings: environment variables (`ASSAY_…`) on top of the usual ones.
    ///   - mutualTLS: with certificates of an authority made for this stack, in `certificates`.
    /// - Throws: a `StackError` that names the service and its last words when one does not come up within 60 seconds.
    package static func start(
        replicas: [String: Int] = [:], settings: [String: String] = [:], mutualTLS: Bool = false
    ) async throws -> Stack {
        let stack = try await Stack(replicas: replicas, settings: settings, mutualTLS: mutualTLS)
        do {
            try await stack.startAll()
        } catch {
            await stack.stopAll()
            throw error
        }
        return stack
    }

    /// Runs `body` with a stack and takes it down whatever happens.
    package static func with<R: Sendable>(
        replicas: [String: Int] = [:], settings: [String: String] = [:], mutualTLS: Bool = false, _ body: (Stack) async throws -> R
    ) async throws -> R {
        let stack = try await start(replicas: replicas, settings: settings, mutualTLS: mutualTLS)
        do {
            let result = try await body(stack)
            await stack.stopAll()
            return result
        } catch {
            await stack.stopAll()
            throw error
        }
    }

    private init(replicas: [String: Int], settings: [String: String], mutualTLS: Bool) async throws {
        hasMutualTLS = mutualTLS
        executables = Self.executableFolder
        folder = FileManager.default.temporaryDirectory.appending(path: "assay-stack-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        if mutualTLS { try DevelopmentCertificates(in: folder.appending(path: "certificates")).issue() }
        adminURL = try await Self.makeDatabase()
        let http = FreePort.next()
        url = "http://127.0.0.1:\(http)"
        gatewayURLs = [url] + (1..<max(1, replicas["gateway"] ?? 1)).map { _ in "http://127.0.0.1:\(FreePort.next())" }
        var ports: [String: [Int]] = [:]
        var secrets = [
            "ASSAY_CALLER_KEY": Self.randomKey(), "ASSAY_GATEWAY_SEALING_KEY": Self.randomKey(),
            "ASSAY_NOTIFICATIONS_SEALING_KEY": Self.randomKey(), "ASSAY_EXECUTION_SEALING_KEY": Self.randomKey(),
            "ASSAY_MIGRATION_URL": adminURL,
        ]
        var environment = [
            "PATH": ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin",
            "ASSAY_LOG_LEVEL": "info",
            "ASSAY_GATEWAY_HTTP": "127.0.0.1:\(http)",
            "ASSAY_GATEWAY_PUBLIC_URL": url,
            "ASSAY_GATEWAY_BOOTSTRAP_KEY_FILE": folder.appending(path: "api-key").path,
            "ASSAY_EXECUTION_EGRESS_ALLOW": "127.0.0.0/8,::1/128",
            "ASSAY_EXECUTION_ARTIFACTS_FOLDER": folder.appending(path: "artifacts").path,
            "ASSAY_NOTIFICATIONS_EGRESS_ALLOW": "127.0.0.0/8,::1/128",
            // Tests of limits set their own; all others must not meet them.
            "ASSAY_GATEWAY_KEY_RATE": "100000000", "ASSAY_GATEWAY_KEY_BURST": "1000000", "ASSAY_GATEWAY_KEY_CONCURRENCY": "10000",
            "ASSAY_GATEWAY_TENANT_RATE": "100000000", "ASSAY_GATEWAY_TENANT_BURST": "1000000", "ASSAY_GATEWAY_TENANT_CONCURRENCY": "10000",
            "ASSAY_GATEWAY_ANONYMOUS_RATE": "100000000", "ASSAY_GATEWAY_ANONYMOUS_BURST": "1000000",
        ]
        for service in Self.services {
            let own = (0..<(replicas[service] ?? 1)).map { _ in FreePort.next() }
            ports[service] = own
            let name = service.uppercased()
            environment["ASSAY_\(name)_URL"] = own.map { "127.0.0.1:\($0)" }.joined(separator: ",")
            secrets["ASSAY_\(name)_DATABASE_URL"] = try Self.url(adminURL, user: "assay_\(service)", password: "stack")
        }
        environment["ASSAY_RPC_TRANSPORT"] = ProcessInfo.processInfo.environment["ASSAY_RPC_TRANSPORT"]
        environment.merge(settings) { $1 }
        // Secrets come from files (R60), unless a test gives one of its own.
        for (name, value) in secrets where environment[name] == nil && environment["\(name)_FILE"] == nil {
            let file = folder.appending(path: name.lowercased())
            try Data(value.utf8).write(to: file)
            environment["\(name)_FILE"] = file.path
        }
        self.secrets = secrets.mapValues { Secret($0) }
        self.environment = environment
        self.ports = ports
    }
}

// MARK: - Processes

extension Stack {
    private func startAll() async throws {
        for service in Self.services {
            let migration = try launch(service, ["migrate"], replica: 0)
            await Self.exit(of: migration)
            guard migration.terminationStatus == 0 else { throw StackError(service: service, what: "migrate failed", log: lastWords(service, 0)) }
        }
        for service in Self.services {
            for replica in ports[service, default: []].indices { try run(service, replica: replica) }
        }
        for service in Self.services {
            for replica in ports[service, default: []].indices { try await waitUntilReady(service, replica: replica) }
        }
    }

    /// Starts one replica; it must not be running.
    /// - Parameter openFiles: its limit of file descriptors, where it is not to be ours.
    package func run(_ service: String, replica: Int = 0, openFiles: Int? = nil) throws {
        processes["\(service).\(replica)"] = try launch(service, ["serve"], replica: replica, openFiles: openFiles)
    }

    /// Prints the settings that apply into the service's log.
    /// - Returns: the exit status.
    package func checkConfig(_ service: String) async throws -> Int32 {
        let process = try launch(service, ["check-config"], replica: 0)
        await Self.exit(of: process)
        return process.terminationStatus
    }

    /// Waits for /readyz of one replica.
    package func waitUntilReady(_ service: String, replica: Int = 0, within limit: Duration = .seconds(60)) async throws {
        let address = "http://127.0.0.1:\(adminPort(service, replica))/readyz"
        let client = APIClient(url: address, key: "")
        let deadline = ContinuousClock.now + limit
        while ContinuousClock.now < deadline {
            if let answer = try? await client.get(""), answer.status == 200 { return }
            guard processes["\(service).\(replica)"]?.isRunning == true else { break }
            try await Task.sleep(for: .milliseconds(50))
        }
        throw StackError(service: service, what: "did not become ready", log: lastWords(service, replica))
    }

    /// `kill -9`: nothing gets a chance to tidy up.
    package func kill(_ service: String, replica: Int = 0) async {
        guard let process = processes["\(service).\(replica)"], process.isRunning else { return }
        Foundation.kill(process.processIdentifier, SIGKILL)
        await Self.exit(of: process)
    }

    /// SIGTERM, and waits for the end.
    /// - Returns: the exit status; 0 after an orderly stop.
    @discardableResult
    package func stop(_ service: String, replica: Int = 0) async -> Int32 {
        guard let process = processes["\(service).\(replica)"], process.isRunning else { return -1 }
        process.terminate()
        await Self.exit(of: process)
        return process.terminationStatus
    }

    package func isRunning(_ service: String, replica: Int = 0) -> Bool { processes["\(service).\(replica)"]?.isRunning == true }

    package func processID(_ service: String, replica: Int = 0) -> Int32 {
        processes["\(service).\(replica)"]?.processIdentifier ?? 0
    }

    /// VmRSS of /proc/<pid>/status.
    package func residentMebibytes(_ service: String, replica: Int = 0) throws -> Double {
        let status = try String(contentsOfFile: "/proc/\(processID(service, replica: replica))/status", encoding: .utf8)
        guard let line = status.split(separator: "\n").first(where: { $0.hasPrefix("VmRSS:") }),
            let kibibytes = Double(line.split(whereSeparator: \.isWhitespace)[1])
        else { throw StackError(service: service, what: "its memory cannot be read", log: status) }
        return kibibytes / 1024
    }

    package nonisolated func adminPort(_ service: String, _ replica: Int = 0) -> Int { rpcPort(service, replica) + 1 }

    package nonisolated func rpcPort(_ service: String, _ replica: Int = 0) -> Int { ports[service, default: []][replica] }

    /// Of a stack with mutual TLS.
    package nonisolated var certificates: DevelopmentCertificates { DevelopmentCertificates(in: folder.appending(path: "certificates")) }

    /// Everything that one replica logged.
    package nonisolated func log(_ service: String, replica: Int = 0) -> String {
        (try? String(contentsOf: folder.appending(path: "\(service).\(replica).log"), encoding: .utf8)) ?? ""
    }

    package func stopAll() async {
        for process in processes.values where process.isRunning { Foundation.kill(process.processIdentifier, SIGKILL) }
        for process in processes.values { await Self.exit(of: process) }
        processes = [:]
        await Self.dropDatabase(adminURL)
        if ProcessInfo.processInfo.environment["ASSAY_KEEP_LOGS"] == nil { try? FileManager.default.removeItem(at: folder) }
    }

    private func launch(_ service: String, _ arguments: [String], replica: Int, openFiles: Int? = nil) throws -> Process {
        let process = Process()
        let executable = executables.appending(path: "assay-\(service)")
        process.executableURL = executable
        process.arguments = arguments
        if let openFiles {
            process.executableURL = URL(filePath: "/bin/bash")
            process.arguments = ["-c", "ulimit -n \(openFiles); exec \"$0\" \"$@\"", executable.path] + arguments
        }
        let name = service.uppercased()
        process.environment = environment.merging([
            "ASSAY_\(name)_LISTEN": "127.0.0.1:\(rpcPort(service, replica))",
            "ASSAY_\(name)_ADMIN": "127.0.0.1:\(adminPort(service, replica))",
        ]) { $1 }
        // Settings may say where the first one answers.
        if service == "gateway", replica > 0 { process.environment?["ASSAY_GATEWAY_HTTP"] = String(gatewayURLs[replica].dropFirst("http://".count)) }
        if hasMutualTLS { process.environment?.merge(certificates.settings(of: service)) { $1 } }
        let log = folder.appending(path: "\(service).\(replica).log")
        // A service and its own `check-config` write into one file, each at its end.
        let descriptor = open(log.path, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        guard descriptor >= 0 else { throw StackError(service: service, what: "cannot write its log to \(log.path)", log: "") }
        let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        process.standardOutput = handle
        process.standardError = handle
        process.standardInput = FileHandle.nullDevice
        guard FileManager.default.isExecutableFile(atPath: executable.path) else {
            throw StackError(service: service, what: "there is no \(executable.path): run `swift build` first", log: "")
        }
        try process.run()
        return process
    }

    private nonisolated func lastWords(_ service: String, _ replica: Int) -> String {
        log(service, replica: replica).split(separator: "\n").suffix(5).joined(separator: "\n")
    }

    /// `waitUntilExit` blocks, so it gets a thread of its own.
    private static func exit(of process: Process) async {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                process.waitUntilExit()
                continuation.resume()
            }
        }
    }
}

/// A service of the stack that did not do what the test needs.
package struct StackError: Error, CustomStringConvertible {
    let service: String
    let what: String
    let log: String

    package var description: String { "\(service): \(what)\n\(log)" }
}
