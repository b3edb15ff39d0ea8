import AnalyticsAPI
import AuditChain
import Configuration
import Contract
import ExecutionAPI
import Foundation
import FrameTransport
import GRPCCore
import GatewayAPI
import Jobs
import Logging
import Postgres
import Primitives
import ProjectsAPI
import Redis
import Sealing
import ServiceKit
import ServiceLifecycle
import Synchronization
import TestSupport
import ValidationAPI

@testable import GatewayService

/// A gateway on a real port with a real database, in front of fake services that it reaches over real RPC.
struct GatewayStand: Sendable {
    let port: Int
    let fake: FakeServices
    let keys: KeyStore
    let people: PeopleAssembly
    let post: FakePost
    let requests: IdempotencyStore
    let quotas: Quotas
    let quick: QuickRefusal
    let audit: AuditStore
    let security: SecurityLog
    let tenant: ID<Tenant>
    /// Holds every scope.
    let key: String

    var url: String { "http://127.0.0.1:\(port)" }
    var api: APIClient { APIClient(url: url + "/api/v1", key: key) }

    func api(_ key: String) -> APIClient { APIClient(url: url + "/api/v1", key: key) }

    /// Runs `body` with a gateway that has a tenant of its own.
    /// - Parameter secret: the key that all services share; two stands with the same one are two gateways of one installation.
    static func with<R: Sendable>(
        settings: [String: String] = [:], pages: PageRoutes = PageRoutes(), routes: [Route] = GatewayProgram.routes,
        secret: Secret<Data> = newSecret(), _ body: (GatewayStand) async throws -> R
    ) async throws -> R {
        let database = TestDatabase.current.database
        let keys = KeyStore(database: database)
        let organizations = OrganizationStore(database: database)
        let fake = FakeServices()
        var values = [
            "ASSAY_CALLER_KEY": secret.reveal().base64EncodedString(),
            "ASSAY_GATEWAY_SEALING_KEY": Data(repeating: 7, count: 32).base64EncodedString(), "ASSAY_GATEWAY_KEY_RATE": "60000",
            "ASSAY_GATEWAY_KEY_BURST": "10000",
            "ASSAY_GATEWAY_ANONYMOUS_RATE": "60000", "ASSAY_GATEWAY_ANONYMOUS_BURST": "10000",
        ]
        values.merge(settings) { $1 }
        let reader = ConfigReader(provider: EnvironmentVariablesProvider(environmentVariables: values)).scoped(to: "assay")
        let config = try GatewayConfig(reader)
        // What Execution would be asked is asked of the fake itself: the client of the services behind is made from their port.
        let quotas = Quotas(config.quotas, store: QuotaStore(database: database, jobs: JobQueue(database: database))) { _ in
            try fake.plan.withLock { try $0.held.get() }
        }
        let security = SecurityLog(jobs: JobQueue(database: database), logger: .silent)
        let post = FakePost()
        let people = try PeopleAssembly(
            config: config, database: database, vault: Vault(database: database, config: config.sealing, logger: .silent),
            queue: JobQueue(database: database), notifications: post, security: security, logger: .silent)
        let membership = Membership(
            database: database, superAdmins: config.superAdmins, publicURL: config.publicURL, security: security,
            accounts: people.accounts, seats: { try await quotas.limit(.members, of: $0) })
        let trust = TrustAssembly(config: config, database: database, security: security, logger: .silent)
        let audit = AuditStore(database: database, signer: try AuditSigner(secret: secret.reveal()))
        let rpc = BoundPort()
        let http = BoundPort()
        let server = RPCServer(
            .frame, at: Endpoint(host: "127.0.0.1", port: 0), security: .plaintext,
            services: people.rpc + [
                FakeProjects(fake: fake), FakeRuns(fake: fake), FakeUploads(fake: fake), FakePartialUploads(), FakeArtifacts(fake: fake),
                fake.rules, fake.failureGroups, FakeFailureTriage(groups: fake.failureGroups), fake.judgings, fake.lessons, fake.quarantines,
                fake.verdicts,
                fake.incidents, fake.baselines,
                FakeRegressions(baselines: fake.baselines, verdicts: fake.regressionVerdicts), fake.regressionVerdicts,
                fake.retries, fake.retries.words, FakeRetryPlans(), fake.quarantineChecks, FakeExcuses(),
                FakeFailures(verdicts: fake.failureVerdicts), fake.failureVerdicts, FakeResults(),
                fake.logPatterns, fake.logVerdicts, FakeTests(revision: fake.revision), fake.secrets, FakeGrids(revision: fake.revision),
                FakeStabilities(revision: fake.revision),
                fake.trends, fake.levelVerdicts, FakeTestTrends(revision: fake.revision), FakeLevelChanges(),
                FakeTestDurations(revision: fake.revision, verdicts: fake.levelVerdicts),
                APIKeysRPC(keys: keys),
                IdentityRPC(organizations: organizations), LimitsRPC(catalogue: LimitCatalogue(config)),
                QuotasRPC(quotas: quotas), BadgesRPC(config, database: database),
                AuditRPC(entries: audit, visibility: ActivityVisibility(GatewayProgram.routes.map(\.rule))),
            ] + membership.rpc + trust.rpc,
            interceptor: ServerCallInterceptor(
                keys: CallerKeys(service: "gateway", key: secret),
                rules: GatewayContract.rules + ExecutionContract.rules + ProjectsContract.rules + ValidationContract.rules + AnalyticsContract.rules,
                logger: .silent),
            onBound: { rpc.bind($0) })
        let running = Task { try await server.run() }
        defer { running.cancel() }
        let transport = try ServiceTransport(.frame, to: [Endpoint(host: "127.0.0.1", port: await rpc.value())], security: .plaintext)
        let client = GRPCClient(
            transport: transport, interceptors: [ClientCallInterceptor(audience: "gateway", keys: CallerKeys(service: "gateway", key: secret))])
        let connecting = Task { try await client.runConnections() }
        defer { connecting.cancel() }

        let requests = IdempotencyStore(database: database)
        let redis = config.redis.map { RedisClient($0, scripts: [SharedBuckets.script], budget: SharedBuckets.budget, logger: .silent) }
        redis?.start()
        defer { redis?.stop() }
        let front = try Front(
            config: config, routes: routes, upstreams: Upstreams { _ in client }, keys: keys, sessions: people.sessions,
            impersonations: membership.impersonations, requests: requests, security: security, audit: audit,
            system: SystemEndpoints(database: database), pages: pages, quotas: quotas, redis: redis, logger: .silent)
        var tls: EdgeTLS?
        if let files = config.tls { tls = try EdgeTLS(files, logger: .silent) }
        let door = HTTPServer(
            endpoint: Endpoint(host: "127.0.0.1", port: 0), idleTimeout: .seconds(30), limits: config.edge, tls: tls, front: front, logger: .silent,
            onBound: { http.bind($0) })
        let serving = Task { try await door.run() }
        defer { serving.cancel() }

        let tenant = try await Self.makeTenant(database)
        let key = try await Self.makeKey(keys, tenant: tenant, scopes: Set(KeyScope.allCases))
        return try await body(
            GatewayStand(
                port: await http.value(), fake: fake, keys: keys, people: people, post: post, requests: requests, quotas: quotas,
                quick: QuickRefusal(front), audit: audit, security: security, tenant: tenant, key: key))
    }

    static func newSecret() -> Secret<Data> { Secret(Data((0..<32).map { _ in UInt8.random(in: .min ... .max) })) }

    static func makeTenant(_ database: Database, name: String = "Acme") async throws -> ID<Tenant> {
        let tenant = ID<Tenant>.new()
        try await database.execute(.tenant(tenant), "insert into organizations (tenant_id, name) values (\(tenant), \(name))")
        return tenant
    }

    static func makeKey(
        _ keys: KeyStore, tenant: ID<Tenant>, kind: KeyKind = .personal, scopes: Set<KeyScope>, projects: [UUID] = [], expiresAt: Date? = nil,
        name: String = "test"
    ) async throws -> String {
        var random = SystemRandomNumberGenerator()
        let text = KeyText.make(kind, using: &random)
        let key = try NewKey(
            name: name, kind: kind, scopes: scopes, projects: projects, expiresAt: expiresAt, maker: KeyScope.orgAdmin.permissions,
            makerProjects: nil,
            now: Date())
        _ = try await keys.insert(key, text: text, tenant: tenant, maker: "", idempotencyKey: nil)
        return text.secret.reveal()
    }

    func makeKey(_ scopes: Set<KeyScope>, kind: KeyKind = .personal, projects: [UUID] = [], name: String = "test") async throws -> String {
        try await Self.makeKey(keys, tenant: tenant, kind: kind, scopes: scopes, projects: projects, name: name)
    }

    /// Sends bytes as they are and gives back all that comes until the server closes or `until` has been seen.
    func raw(_ text: String, until: String = "\u{0}never") async throws -> String {
        try await RawHTTP.exchange(port: port, Array(text.utf8), until: until)
    }
}

/// A port that is told once it is bound.
final class BoundPort: Sendable {
    private let stream: AsyncStream<Int>
    private let continuation: AsyncStream<Int>.Continuation

    init() { (stream, continuation) = AsyncStream.makeStream(of: Int.self, bufferingPolicy: .bufferingOldest(1)) }

    func bind(_ port: Int) {
        continuation.yield(port)
        continuation.finish()
    }

    func value() async -> Int {
        for await port in stream { return port }
        return 0
    }
}
