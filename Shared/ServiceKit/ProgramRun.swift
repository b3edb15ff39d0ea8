import ArgumentParser
import Audit
import Configuration
import Foundation
import GRPCCore
import Jobs
import Logging
import Metrics
import NIOCore
import Postgres
import Primitives
import ServiceLifecycle
import UnixSignals

/// One run of a program: settings first, then everything made from them, then the command.
struct ProgramRun<Program: ServiceProgram> {
    private let environment: [String: String]
    private let settings: SettingsLog
    private let reader: ConfigReader
    private let config: ServiceConfig
    private let logger: Logger
    private let registry = PrometheusRegistry()

    /// Runs one command and turns wrong settings into exit code 78 with a line for each on standard error.
    static func start(_ command: (ProgramRun) async throws -> Void) async throws {
        do {
            // Calls are read and answered on these; more of them than cores would only cost memory.
            NIOSingletons.groupLoopCountSuggestion = min(max(System.coreCount, 2), 8)
            ProcessMemory.tuneAllocator()
            try await command(ProgramRun(environment: ServiceConfig.environment, logger: Self.bootstrap))
        } catch let fault as ConfigFault {
            for problem in fault.problems { Self.complain("assay-\(Program.name): \(problem)") }
            throw ExitCode(ConfigFault.exitCode)
        }
    }

    private static func complain(_ line: String) {
        FileHandle.standardError.write(Data((line + "\n").utf8))
    }

    /// - Parameter logger: made once the settings say how.
    init(environment: [String: String], logger: (ServiceConfig, PrometheusRegistry) -> Logger) throws(ConfigFault) {
        self.environment = environment
        let settings = SettingsLog()
        self.settings = settings
        reader = ConfigReader(provider: EnvironmentVariablesProvider(environmentVariables: environment), accessReporter: settings).scoped(to: "assay")
        do {
            config = try ServiceConfig(name: Program.name, reader: reader)
        } catch {
            throw ConfigFault(error.problems + settings.problems(environment: [:], service: Program.name))
        }
        self.logger = logger(config, registry)
    }

    private static func bootstrap(_ config: ServiceConfig, _ registry: PrometheusRegistry) -> Logger {
        let level = config.logLevel
        LoggingSystem.bootstrap { label in
            var handler = JSONLogHandler(label: label, service: Program.name)
            handler.logLevel = level
            return handler
        }
        MetricsSystem.bootstrap(registry)
        return Logger(label: Program.name)
    }

    func checkConfig() async throws {
        _ = try await assemble()
        for setting in settings.all {
            let note = setting.value == nil ? "# not set" : setting.isDefault ? "# default" : ""
            print("\(setting.name)=\(setting.value ?? "") \(note)")
        }
    }

    func migrate() async throws {
        guard let admin = config.migrationURL else {
            throw ConfigFault("ASSAY_\(Program.name.uppercased())_MIGRATION_URL or ASSAY_MIGRATION_URL must be set to migrate")
        }
        let migrator: Migrator
        do {
            migrator = try Migrator(
                adminURL: admin.reveal(), application: databaseConfiguration(), schema: Program.schema,
                extras: ServiceSchema.components + Program.components, logger: logger)
        } catch let fault as Fault {
            throw ConfigFault("ASSAY_\(Program.name.uppercased())_MIGRATION_URL or ASSAY_MIGRATION_URL: \(fault.detail)")
        }
        let applied = try await migrator.migrate()
        logger.info("migrated", metadata: ["applied": .array(applied.map { .string($0) })])
    }

    func serve() async throws {
        let group = try await serviceGroup()
        logger.info("starting", metadata: ["rpc": "\(config.listen)", "admin": "\(config.admin)", "transport": "\(config.transport.rawValue)"])
        try await group.run()
        logger.info("stopped")
    }

    /// Everything that runs, ready to.
    func serviceGroup() async throws -> ServiceGroup {
        let assembly = try await assemble()
        for check in assembly.parts.preflight { try await check() }
        let readiness = Readiness(assembly.checks)
        let parts = assembly.parts
        let host = assembly.host
        let interceptor = ServerCallInterceptor(
            keys: assembly.keys, rules: parts.rules, mutualTLS: assembly.security.isMutualTLS, logger: logger)
        // Started in this order, stopped in reverse: first nothing new comes in, last the database goes. The admin port outlives all, since
        // a process that drains must be able to say so.
        var services: [any Service] = [
            AdminServer(endpoint: config.admin, readiness: readiness, registry: registry, logger: logger),
            host.database, host.listener, host.upstreams,
        ]
        if case .mutualTLS(let credentials) = assembly.security { services.append(credentials.service) }
        if !parts.jobs.isEmpty { services.append(jobRunner(host, parts.jobs)) }
        services += parts.services
        services.append(
            RPCServer(
                config.transport, at: config.listen, security: assembly.security,
                services: parts.rpc + [HealthRPC(readiness: readiness), AuditOutboxRPC(outbox: AuditOutbox(database: host.database))],
                interceptor: interceptor))
        services += parts.servers
        services.append(StartPages())
        services.append(DrainGate(readiness: readiness, delay: config.drain, logger: logger))
        var configuration = ServiceGroupConfiguration(
            services: services, gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        configuration.maximumGracefulShutdownDuration = config.drain + RPCServer.grace + .seconds(8)
        return ServiceGroup(configuration: configuration)
    }

    /// A program with all its parts, nothing of it running.
    private struct Assembly {
        let host: ServiceHost
        let parts: ServiceParts
        let keys: CallerKeys
        let security: PeerSecurity
        let checks: [Readiness.Check]
    }

    /// - Throws: `ConfigFault` when a setting of the service is wrong or one of its variables is unknown.
    private func assemble() async throws(ConfigFault) -> Assembly {
        let address = try databaseConfiguration()
        let database = Database(address, logger: logger)
        let keys = CallerKeys(service: Program.name, key: config.callerKey, previous: config.previousCallerKey)
        let security = try peerSecurity()
        let host = ServiceHost(
            name: Program.name, database: database, jobs: JobQueue(database: database), listener: Listener(address, logger: logger),
            config: reader, logger: logger, upstreams: Upstreams(config: config, keys: keys, security: security))
        let parts: Result<ServiceParts, any Error>
        do { parts = .success(try await Program.assemble(host)) } catch { parts = .failure(error) }
        let problems = settings.problems(environment: environment, service: Program.name)
        guard problems.isEmpty else { throw ConfigFault(problems) }
        do {
            let parts = try parts.get()
            let schemas = ServiceSchema.components + Program.components + [Program.schema]
            let checks = [Readiness.Check.database(database), .migrations(schemas, in: database)] + parts.checks
            return Assembly(host: host, parts: parts, keys: keys, security: security, checks: checks)
        } catch let fault as ConfigFault {
            throw fault
        } catch {
            // Nothing is connected yet, so whatever went wrong was in the settings.
            throw ConfigFault((error as? Fault)?.detail ?? "\(error)")
        }
    }

    private func databaseConfiguration() throws(ConfigFault) -> DatabaseConfiguration {
        do {
            return try DatabaseConfiguration(
                url: config.databaseURL.reveal(), poolSize: config.poolSize, applicationName: "assay-\(Program.name)", searchPath: Program.name)
        } catch {
            throw ConfigFault("ASSAY_\(Program.name.uppercased())_DATABASE_URL or ASSAY_DATABASE_URL: \(error.detail)")
        }
    }

    private func peerSecurity() throws(ConfigFault) -> PeerSecurity {
        guard let files = config.tls else { return .plaintext }
        do {
            return .mutualTLS(try PeerCredentials(files, logger: logger))
        } catch {
            throw ConfigFault("ASSAY_TLS_CERTIFICATE_FILE, ASSAY_TLS_KEY_FILE and ASSAY_TLS_CA_FILE cannot be used: \(error)")
        }
    }

    private func jobRunner(_ host: ServiceHost, _ handlers: [any JobHandler]) -> JobRunner {
        JobRunner(
            database: host.database, listener: host.listener, handlers: handlers,
            around: { job, work in
                do {
                    try await Caller.with(.service(Program.name, tenant: job.tenant, requestID: job.id.description)) { try await work() }
                } catch let error as RPCError {
                    // What another service refuses for good buries the job.
                    throw Fault(error)
                }
            }, logger: logger)
    }
}
