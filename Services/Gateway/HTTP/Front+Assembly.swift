import Contract
import ExecutionAPI
import Logging
import Primitives
import Redis
import ServiceKit

extension Front {
    /// Puts all endpoints together: the routes of the contracts, uploads, pages, and what anybody may ask.
    init(
        config: GatewayConfig, routes: [Route], upstreams: Upstreams, keys: KeyStore, sessions: PersonSessions,
        impersonations: ImpersonationStore, requests: IdempotencyStore, security: SecurityLog, audit: AuditStore, system: SystemEndpoints?,
        pages: PageRoutes, quotas: Quotas, redis: RedisClient? = nil, logger: Logger
    ) throws {
        let secret = config.secret.reveal()
        let projects = ProjectResolver(upstreams["projects"])
        let idempotency = Idempotency(store: requests, secret: secret, publicURL: config.publicAddress, logger: logger)
        let authenticator = Authenticator(
            keys: keys, uploadTokens: UploadTokenStore(database: keys.database), sessions: sessions, impersonations: impersonations,
            cookies: SessionCookie(isSecure: config.isSecure), security: security)
        var endpoints = HTTPEndpoints()
        try RouteEndpoints(
            routes: routes, upstreams: upstreams, projects: projects, cursors: CursorSigner(secret: secret), idempotency: idempotency,
            streams: EventStreams(perKey: config.streamsPerKey, total: config.streams, heartbeat: config.streamHeartbeat),
            authenticator: authenticator
        ).add(to: &endpoints)
        for route in routes where route.requestStreams {
            guard route.rule.method != PBArtifacts.Method.UploadArtifacts.descriptor else {
                ArtifactUpload(
                    limit: config.maxUpload, timeout: config.uploadTime, route: route, client: try upstreams.client(for: route.rule.method),
                    quotas: quotas, quota: try Quota.Kind(of: route)
                ).add(to: &endpoints)
                continue
            }
            UploadEndpoint(
                limit: config.maxUpload, timeout: config.uploadTime, route: route, client: try upstreams.client(for: route.rule.method),
                projects: projects, idempotency: idempotency, quotas: quotas, quota: try Quota.Kind(of: route)
            ).add(to: &endpoints)
        }
        AuditExport(entries: audit).add(to: &endpoints)
        ArtifactDownload(client: upstreams["execution"], publicURL: config.publicAddress).add(to: &endpoints)
        RunStatus(client: upstreams["execution"]).add(to: &endpoints)
        BadgeEndpoint(
            tokens: BadgeTokenStore(database: keys.database), signer: BadgeToken.Signer(secret: secret), projects: projects,
            execution: upstreams["execution"]
        ).add(to: &endpoints)
        system?.add(to: &endpoints)
        KeySetEndpoint(keys: sessions.keys).add(to: &endpoints)
        pages.add(to: &endpoints, upstreams: upstreams, authenticator: authenticator)
        self.init(
            endpoints: endpoints, authenticator: authenticator,
            limiter: Limiter(config, redis: redis), quotas: quotas,
            security: security, proxies: config.proxies, hosts: HostList(publicURL: config.publicURL, others: config.hosts),
            signInPath: pages.signInPath, publicOrigin: config.publicOrigin, publicURL: config.publicAddress, problemPage: pages.problem,
            logger: logger)
    }
}

extension Limiter {
    /// - Parameter redis: the store that the settings name, if any.
    init(_ config: GatewayConfig, redis: RedisClient?) {
        self.init(
            rates: RateTable(
                key: config.keyLimit, tenant: config.tenantLimit, address: config.anonymousLimit, modes: config.modes, classes: config.classes),
            concurrency: Concurrency(perKey: config.keyConcurrency, perTenant: config.tenantConcurrency, mode: config.modes.concurrency),
            shared: redis.map(SharedBuckets.init), instances: config.instances)
    }
}
