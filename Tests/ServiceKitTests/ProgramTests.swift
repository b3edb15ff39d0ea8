import Configuration
import Foundation
import GRPCCore
import Logging
import Postgres
import Primitives
import ServiceLifecycle
import TestSupport
import Testing

@testable import ServiceKit

/// A program of its own, against a real PostgreSQL.
@Suite(.serialized) struct ProgramTests {
    /// A service with one method and one setting.
    enum Sample: ServiceProgram {
        static let name = "sample\(UInt32.random(in: 0 ... .max))"
        static let schema = Schema(
            name: name, files: [SchemaFile(name: "0001_things.sql", sql: "create table things (tenant_id uuid not null, id uuid not null);")])

        static func assemble(_ host: ServiceHost) throws -> ServiceParts {
            let greeting = host.config.string(forKey: ConfigKey("\(name).greeting"), default: "hello")
            let wait = host.config.int(forKey: ConfigKey("\(name).wait"), default: 0)
            _ = try host.upstream("analytics")
            let probe = Probe(unary: [
                "GetGreeting": { _ in
                    try await Task.sleep(for: .milliseconds(wait))
                    return greeting
                }
            ])
            return ServiceParts(rpc: [probe], rules: [Probe.rule("GetGreeting", "authenticated")])
        }
    }

    static let key = Data(repeating: 5, count: 32)
    static let prefix = "ASSAY_\(Sample.name.uppercased())_"

    static func environment(_ changes: [String: String] = [:]) throws -> [String: String] {
        let admin = try #require(
            ProcessInfo.processInfo.environment["ASSAY_TEST_DATABASE_URL"], "set ASSAY_TEST_DATABASE_URL to a PostgreSQL superuser's URL")
        var parts = try #require(URLComponents(string: admin))
        parts.user = Sample.name
        parts.password = "sample"
        let own = [
            prefix + "DATABASE_URL": try #require(parts.string), "ASSAY_MIGRATION_URL": admin, "ASSAY_CALLER_KEY": key.base64EncodedString(),
            prefix + "LISTEN": "127.0.0.1:\(FreePort.next())", prefix + "ADMIN": "127.0.0.1:\(FreePort.next())", prefix + "POOL_SIZE": "2",
        ]
        return own.merging(changes) { $1 }
    }

    static func program(_ environment: [String: String]) throws -> ProgramRun<Sample> {
        try ProgramRun<Sample>(environment: environment) { _, _ in Logger(label: "sample") { _ in SwiftLogNoOpLogHandler() } }
    }

    @Test("a program turns ready once its schema is there, serves, and ends in good order with its calls answered", .timeLimit(.minutes(1)))
    func life() async throws {
        let environment = try Self.environment([Self.prefix + "GREETING": "hi", Self.prefix + "WAIT": "700", "ASSAY_DRAIN_SECONDS": "1"])
        let group = try await Self.program(environment).serviceGroup()
        let admin = try #require(URL(string: "http://" + environment[Self.prefix + "ADMIN", default: ""]))
        let endpoint = try #require(Endpoint(environment[Self.prefix + "LISTEN", default: ""]))
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            // The role does not exist yet, so the database refuses us: not ready, but alive and able to say why.
            let before = try await Self.poll(admin.appending(path: "readyz")) { $0.status == 503 }
            #expect(before.body.contains("database"))
            try await Self.program(environment).migrate()
            let after = try await Self.poll(admin.appending(path: "readyz")) { $0.status == 200 }
            #expect(after.body == #"{"problems":{},"status":"ready"}"#)

            let keys = CallerKeys(service: "gateway", key: Secret(Self.key))
            let client = GRPCClient(
                transport: try ServiceTransport(.frame, to: [endpoint], security: .plaintext),
                interceptors: [ClientCallInterceptor(audience: Sample.name, keys: keys)])
            tasks.addTask { try await client.runConnections() }
            #expect(try await Caller.with(.user()) { try await client.probe("GetGreeting") } == "hi")

            async let lastCall = Caller.with(.user()) { try await client.probe("GetGreeting") }
            try await Task.sleep(for: .milliseconds(100))
            await group.triggerGracefulShutdown()
            let draining = try await Self.poll(admin.appending(path: "readyz")) { $0.status == 503 }
            #expect(draining.body.contains("is stopping"))
            #expect(try await lastCall == "hi")
            client.beginGracefulShutdown()
            try await tasks.waitForAll()
        }
        try await Self.cleanUp()
    }

    @Test("settings of a service are checked with those of all")
    func unknown() async throws {
        let program = try Self.program(try Self.environment([Self.prefix + "GREETNG": "hi", Self.prefix + "WAIT": "long"]))
        let fault = await #expect(throws: ConfigFault.self) { try await program.checkConfig() }
        #expect(
            fault?.problems == [
                "\(Self.prefix)WAIT is not a valid whole number",
                "\(Self.prefix)GREETNG is not a setting of \(Sample.name); did you mean \(Self.prefix)GREETING?",
            ])
    }

    @Test("an address of another service that cannot be one is found before anything starts")
    func upstream() async throws {
        let program = try Self.program(try Self.environment(["ASSAY_ANALYTICS_URL": "analytics"]))
        let fault = await #expect(throws: ConfigFault.self) { try await program.serviceGroup() }
        #expect(fault?.problems == ["ASSAY_ANALYTICS_URL must be host:port, or several separated by commas"])
    }

    private static func poll(_ url: URL, until holds: ((status: Int, body: String)) -> Bool) async throws -> (status: Int, body: String) {
        let deadline = ContinuousClock.now + .seconds(20)
        while true {
            let answer = try? await HealthTests.get(url)
            if let answer, holds(answer) { return answer }
            guard ContinuousClock.now < deadline else { return answer ?? (0, "no answer") }
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    private static func cleanUp() async throws {
        let admin = try DatabaseConfiguration(url: environment()["ASSAY_MIGRATION_URL", default: ""])
        let database = Database(admin, logger: Logger(label: "clean-up") { _ in SwiftLogNoOpLogHandler() })
        defer { database.close() }
        let name = Sample.name
        try await database.executeOutsideTransaction("drop schema \(identifier: name) cascade")
        try await database.executeOutsideTransaction("drop role \(identifier: name)")
    }
}
