import AnalyticsAPI
import Contract
import ExecutionAPI
import GatewayAPI
import NotificationsAPI
import Postgres
import ProjectsAPI
import Redis
import SchedulingAPI
import Sealing
import ServiceKit
import ValidationAPI

/// The door: HTTP for people and machines, keys and sessions, limits. Everything behind it is asked over RPC.
@main
struct GatewayProgram: ServiceProgram {
    static let name = "gateway"
    static let schema = Schema(name: name, bundle: .module)
    static let components = [DataKeySchema.schema]

    static let routes =
        GatewayContract.routes + SchedulingContract.routes + ExecutionContract.routes + ValidationContract.routes + AnalyticsContract.routes
        + ProjectsContract.routes + NotificationsContract.routes

    static func assemble(_ host: ServiceHost) async throws -> ServiceParts {
        let config = try GatewayConfig(host.config)
        let vault = Vault(database: host.database, config: config.sealing, logger: host.logger)
        let keys = KeyStore(database: host.database)
        let organizations = OrganizationStore(database: host.database)
        let requests = IdempotencyStore(database: host.database, days: config.idempotencyDays)
        let security = SecurityLog(jobs: host.jobs, logger: host.logger)
        let people = try PeopleAssembly(
            config: config, database: host.database, vault: vault, queue: host.jobs,
            notifications: NotificationsAPI.PBMail.Client(wrapping: try host.upstream("notifications")), security: security, logger: host.logger)
        let trust = TrustAssembly(config: config, database: host.database, security: security, logger: host.logger)
        let audit = try AuditParts(host, secret: config.secret, security: security)
        let bootstrap = Bootstrap(
            organizations: organizations, organization: config.organization, keyFile: config.bootstrapKeyFile, logger: host.logger)
        let redis = config.redis.map {
            RedisClient($0, scripts: [SharedBuckets.script], budget: SharedBuckets.budget, logger: host.logger)
        }
        let execution = PBUsage.Client(wrapping: try host.upstream("execution"))
        let quotas = Quotas(config.quotas, store: QuotaStore(database: host.database, jobs: host.jobs), ask: Quotas.asking(execution))
        let membership = Membership(
            database: host.database, superAdmins: config.superAdmins, publicURL: config.publicURL, security: security,
            accounts: people.accounts, seats: { try await quotas.seats(of: $0) })
        var tls: EdgeTLS?
        if let files = config.tls { tls = try EdgeTLS(files, logger: host.logger) }
        let front = try Front(
            config: config, routes: routes, upstreams: Upstreams(host.upstream), keys: keys, sessions: people.sessions,
            impersonations: membership.impersonations, requests: requests, security: security, audit: audit.store,
            system: SystemEndpoints(database: host.database), pages: Site(config: config, logger: host.logger).routes, quotas: quotas, redis: redis,
            logger: host.logger)
        let notifications = NotificationsAPI.PBIntake.Client(wrapping: try host.upstream("notifications"))
        return ServiceParts(
            rpc: people.rpc + [
                APIKeysRPC(keys: keys), IdentityRPC(organizations: organizations), LimitsRPC(catalogue: LimitCatalogue(config)),
                QuotasRPC(quotas: quotas), audit.rpc, BadgesRPC(config, database: host.database),
            ] + membership.rpc + trust.rpc,
            rules: GatewayContract.rules,
            jobs: people.jobs + [PublishSecurityEvent(notifications: notifications), PublishQuotaWarning(notifications: notifications)],
            services: (redis.map { [$0] } ?? []) + people.services + [
                bootstrap, vault.rotation,
                CountQuotas(quotas: quotas, logger: host.logger),
                Ticker("security events", every: .seconds(1), logger: host.logger) { try await security.flush() },
                Ticker("impersonations", every: .seconds(5), logger: host.logger) {
                    try await membership.impersonations.endOverdue(telling: security)
                },
                Ticker("expiring keys", every: .seconds(3600), logger: host.logger) { try await keys.tellExpiring() },
                Ticker("sweep", every: .seconds(60), logger: host.logger) {
                    try await requests.sweep()
                    try await trust.tokens.sweep()
                    try await quotas.sweep()
                },
            ] + audit.services,
            servers: [
                HTTPServer(endpoint: config.http, idleTimeout: config.idleTimeout, limits: config.edge, tls: tls, front: front, logger: host.logger)
            ],
            checks: [bootstrap.check, vault.check],
            preflight: [vault.preflight]
        )
    }
}
