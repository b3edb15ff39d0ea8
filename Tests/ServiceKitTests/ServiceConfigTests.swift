import Configuration
import Foundation
import Logging
import Primitives
import Testing

@testable import ServiceKit

@Suite struct ServiceConfigTests {
    static let key = Data(repeating: 5, count: 32).base64EncodedString()
    static let good = ["ASSAY_DATABASE_URL": "postgres://u:canary-password@localhost/assay", "ASSAY_CALLER_KEY": key]

    /// Reads settings as a program does: first those of all services, then the service's own.
    static func read(_ changes: [String: String], own: (ConfigReader) throws -> Void = { _ in }) throws -> (ServiceConfig, SettingsLog) {
        let environment = good.merging(changes) { $1 }.filter { $0.value != "-" }
        let log = SettingsLog()
        let reader = ConfigReader(provider: EnvironmentVariablesProvider(environmentVariables: environment), accessReporter: log).scoped(to: "assay")
        let config = try ServiceConfig(name: "execution", reader: reader)
        try own(reader)
        let problems = log.problems(environment: environment, service: "execution")
        if !problems.isEmpty { throw ConfigFault(problems) }
        return (config, log)
    }

    @Test("with the two required settings everything else has a default")
    func defaults() throws {
        let (config, _) = try Self.read([:])
        #expect(config.listen == Endpoint(host: "127.0.0.1", port: 7102) && config.admin == Endpoint(host: "127.0.0.1", port: 8102))
        #expect(config.transport == .frame && config.poolSize == 8 && config.logLevel == .info && config.drain == .zero && config.tls == nil)
        #expect(try config.endpoints(of: "analytics") == [Endpoint(host: "127.0.0.1", port: 7104)])
    }

    @Test("what is said of one service wins over what is said of all")
    func precedence() throws {
        let (config, _) = try Self.read([
            "ASSAY_EXECUTION_DATABASE_URL": "postgres://own", "ASSAY_POOL_SIZE": "3", "ASSAY_EXECUTION_POOL_SIZE": "5",
            "ASSAY_MIGRATION_URL": "postgres://all", "ASSAY_ANALYTICS_URL": "a:1, [::1]:2",
        ])
        #expect(config.databaseURL.reveal() == "postgres://own" && config.poolSize == 5 && config.migrationURL?.reveal() == "postgres://all")
        #expect(try config.endpoints(of: "analytics") == [Endpoint(host: "a", port: 1), Endpoint(host: "::1", port: 2)])
    }

    @Test(
        "a wrong setting is named",
        arguments: [
            (["ASSAY_DATABASE_URL": "-"], "ASSAY_EXECUTION_DATABASE_URL or ASSAY_DATABASE_URL must be set"),
            (["ASSAY_CALLER_KEY": "-"], "ASSAY_CALLER_KEY_FILE or ASSAY_CALLER_KEY must be set"),
            (["ASSAY_CALLER_KEY": "c2hvcnQ="], "ASSAY_CALLER_KEY must be base64 of at least 32 bytes"),
            (["ASSAY_CALLER_KEY_FILE": "/nowhere", "ASSAY_CALLER_KEY": "-"], "ASSAY_CALLER_KEY_FILE names a file that cannot be read"),
            (["ASSAY_CALLER_KEY_FILE": "/etc/hostname"], "ASSAY_CALLER_KEY and ASSAY_CALLER_KEY_FILE are both set"),
            (["ASSAY_EXECUTION_LISTEN": "7102"], "ASSAY_EXECUTION_LISTEN must be host:port"),
            (["ASSAY_EXECUTION_ADMIN": "localhost:99999"], "ASSAY_EXECUTION_ADMIN must be host:port"),
            (["ASSAY_RPC_TRANSPORT": "carrier-pigeon"], "ASSAY_RPC_TRANSPORT must be one of frame, http2"),
            (["ASSAY_LOG_LEVEL": "verbose"], "ASSAY_LOG_LEVEL must be one of trace"),
            (["ASSAY_POOL_SIZE": "1O"], "ASSAY_POOL_SIZE is not a valid whole number"),
            (["ASSAY_POOL_SIZE": "1000"], "ASSAY_POOL_SIZE must be between 1 and 64"),
            (["ASSAY_TLS_KEY_FILE": "/etc/hostname"], "ASSAY_TLS_CERTIFICATE_FILE must be set, since another TLS file is"),
            (
                ["ASSAY_EXECUTION_CONCURENCY": "4"],
                "ASSAY_EXECUTION_CONCURENCY is not a setting of execution; did you mean ASSAY_EXECUTION_CONCURRENCY?"
            ),
            (["ASSAY_EXECUTION_CONCURRENCY": "many"], "ASSAY_EXECUTION_CONCURRENCY is not a valid whole number"),
        ] as [([String: String], String)])
    func wrong(changes: [String: String], expected: String) throws {
        let fault = #expect(throws: ConfigFault.self) {
            try Self.read(changes) { _ = $0.int(forKey: "execution.concurrency", default: 32) }
        }
        let problems = try #require(fault?.problems)
        #expect(problems.contains { $0.hasPrefix(expected) }, "\(problems)")
        #expect(!problems.joined().contains("canary") && !problems.joined().contains(Self.key))
    }

    @Test("all mistakes are told at once")
    func all() throws {
        let fault = #expect(throws: ConfigFault.self) {
            try Self.read(["ASSAY_DATABASE_URL": "-", "ASSAY_CALLER_KEY": "-", "ASSAY_LOG_LEVEL": "loud", "ASSAY_EXECUTION_LISTEN": "x"])
        }
        #expect(fault?.problems.count == 4)
    }

    @Test("other services' variables and those of nobody are left alone")
    func foreign() throws {
        _ = try Self.read(["ASSAY_GATEWAY_HTTP": "x", "ASSAY_TEST_DATABASE_URL": "y", "ASSAY_EXECUTION_URL": "127.0.0.1:1", "HOME": "/"])
    }

    @Test("the effective settings are listed without secrets")
    func effective() throws {
        let (_, log) = try Self.read(["ASSAY_POOL_SIZE": "3"])
        let settings = Dictionary(uniqueKeysWithValues: log.all.map { ($0.name, $0) })
        #expect(settings["ASSAY_POOL_SIZE"] == .init(name: "ASSAY_POOL_SIZE", value: "3", isDefault: false, problem: nil))
        #expect(settings["ASSAY_LOG_LEVEL"] == .init(name: "ASSAY_LOG_LEVEL", value: "info", isDefault: true, problem: nil))
        #expect(settings["ASSAY_DATABASE_URL"]?.value == "***" && settings["ASSAY_CALLER_KEY"]?.value == "***")
        #expect(!log.all.contains { ($0.value ?? "").contains("canary") })
    }

    @Test("a secret may come from a file, whose last newline does not count")
    func file() throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "assay-\(UUID().uuidString)").path
        try Data("\(Self.key)\n".utf8).write(to: URL(filePath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        let (config, _) = try Self.read(["ASSAY_CALLER_KEY": "-", "ASSAY_CALLER_KEY_FILE": path])
        #expect(config.callerKey.reveal() == Data(repeating: 5, count: 32))
    }

    @Test(
        "a host and a port",
        arguments: [
            ("127.0.0.1:80", "127.0.0.1:80"), ("execution:7102", "execution:7102"), ("[::1]:9", "[::1]:9"), ("a:0", "a:0"), ("::1:9", nil),
            (":80", nil), ("host", nil), ("host:", nil), ("host:65536", nil), ("host:-1", nil), ("http://h:1", nil), ("u@h:1", nil), ("a b:1", nil),
        ])
    func endpoint(text: String, expected: String?) {
        #expect(Endpoint(text)?.description == expected)
    }
}
