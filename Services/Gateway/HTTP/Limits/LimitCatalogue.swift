import Contract
import NIOCore
import Primitives

/// All limits of the gateway in one list, made from the very values that the code goes by, so that what is printed is what is in force (R30).
struct LimitCatalogue: Sendable {
    let all: [Limit]

    init(_ config: GatewayConfig) {
        all =
            Self.rates(config) + Self.classes(config) + Self.quotas(config.quotas) + Self.connections(config.edge) + Self.requests(config) + Self.keys
            + Self.people + Self.trust
    }

    private static func rates(_ config: GatewayConfig) -> [Limit] {
        let policies: [(String, Limit.Scope, RateLimit, LimitMode, String)] = [
            ("key", .key, config.keyLimit, config.modes.key, "one API key or session"),
            ("tenant", .organization, config.tenantLimit, config.modes.tenant, "all keys of an organization together"),
            ("address", .address, config.anonymousLimit, config.modes.address, "an address without a valid key: IPv4, or a /64 of IPv6"),
        ]
        return policies.flatMap { name, scope, limit, mode, whom in
            [
                Limit(
                    name: "\(name).rate", value: Int64(limit.perMinute), unit: .pointsPerMinute, scope: scope, mode: mode, isConfigurable: true,
                    about: "Points that come back to \(whom)."),
                Limit(
                    name: "\(name).burst", value: Int64(limit.burst), unit: .points, scope: scope, mode: mode, isConfigurable: true,
                    about: "Points that \(whom) can spend at once."),
            ]
        } + [
            Limit(
                name: "key.concurrency", value: Int64(config.keyConcurrency), unit: .requests, scope: .key, mode: config.modes.concurrency,
                isConfigurable: true, about: "Requests of one key under way at once in one gateway."),
            Limit(
                name: "key.streams", value: Int64(config.streamsPerKey), unit: .connections, scope: .key, isConfigurable: true,
                about: "Event streams of one key or session open at once."),
            Limit(
                name: "streams", value: Int64(config.streams), unit: .connections, scope: .installation, isConfigurable: true,
                about: "Event streams of one gateway open at once."),
            Limit(
                name: "tenant.concurrency", value: Int64(config.tenantConcurrency), unit: .requests, scope: .organization,
                mode: config.modes.concurrency, isConfigurable: true, about: "Requests of an organization under way at once in one gateway."),
        ]
    }

    private static func classes(_ config: GatewayConfig) -> [Limit] {
        RouteClass.allCases.compactMap { routeClass in
            config.classes[routeClass].map { limit in
                Limit(
                    name: "class.\(routeClass.rawValue)", value: Int64(limit.percent), unit: .percent, scope: .request, mode: limit.mode,
                    isConfigurable: true,
                    about: "Part of the points of its key, organization or address that requests of this class can use up: \(routeClass.about).")
            }
        }
    }

    private static func quotas(_ settings: QuotaSettings) -> [Limit] {
        let units: [Quota.Kind: Limit.Unit] = [
            .requests: .requests, .uploads: .requests, .uploadBytes: .bytes, .storageBytes: .bytes, .storageFiles: .items, .runningTests: .items,
            .members: .items,
        ]
        return Quota.Kind.allCases.map { kind in
            Limit(
                name: "quota.\(kind.rawValue)", value: settings.limit(kind).hard, unit: units[kind] ?? .items, scope: .organization,
                isConfigurable: true, about: "\(kind.about); organizations may have limits of their own, see /api/v1/quotas.")
        }
            + [
                Limit(
                    name: "quota.soft", value: Int64(settings.softPercent), unit: .percent, scope: .organization, isConfigurable: true,
                    about: "Part of a quota at which an organization is warned.")
            ]
    }

    private static func connections(_ edge: EdgeLimits) -> [Limit] {
        func seconds(_ time: TimeAmount) -> Int64 { time.nanoseconds / 1_000_000_000 }
        return [
            Limit(
                name: "connections", value: Int64(edge.connections), unit: .connections, scope: .installation, isConfigurable: true,
                about: "Connections of one gateway; further ones are closed at once."),
            Limit(
                name: "connections.address", value: Int64(edge.connectionsPerAddress), unit: .connections, scope: .address, isConfigurable: true,
                about: "Connections of one address; proxies of the operator are not counted."),
            Limit(
                name: "headers.time", value: seconds(edge.headers), unit: .seconds, scope: .connection, isConfigurable: true,
                about: "Time for the headers of a request."),
            Limit(
                name: "body.time", value: seconds(edge.body), unit: .seconds, scope: .connection, isConfigurable: true,
                about: "Time for a body, without the time in which the gateway did not read."),
            Limit(
                name: "body.rate", value: Int64(edge.bodyRate), unit: .bytesPerSecond, scope: .connection,
                about: "Slowest body, after \(seconds(edge.bodyGrace)) seconds."),
            Limit(
                name: "stall.time", value: seconds(edge.stall), unit: .seconds, scope: .connection, isConfigurable: true,
                about: "Time that a client may leave an answer unread."),
            Limit(name: "target.size", value: Int64(edge.target), unit: .bytes, scope: .request, about: "Path and query of a request."),
            Limit(name: "header.size", value: Int64(edge.headerField), unit: .bytes, scope: .request, about: "One header field."),
            Limit(name: "headers.size", value: Int64(edge.headerList), unit: .bytes, scope: .request, about: "All header fields together."),
            Limit(name: "headers.count", value: Int64(edge.headerCount), unit: .fields, scope: .request, about: "Header fields."),
        ]
    }

    private static func requests(_ config: GatewayConfig) -> [Limit] {
        [
            Limit(
                name: "query.parameters", value: Int64(RequestTarget.maxParameters), unit: .parameters, scope: .request, about: "Query parameters."),
            Limit(name: "body.size", value: Int64(JSONLint.maxBytes), unit: .bytes, scope: .request, about: "A JSON body."),
            Limit(name: "json.depth", value: Int64(JSONLint.maxDepth), unit: .levels, scope: .request, about: "Nesting of a JSON body."),
            Limit(name: "json.elements", value: Int64(JSONLint.maxElements), unit: .items, scope: .request, about: "Values in a JSON body."),
            Limit(name: "page.size", value: Int64(PageRequest.maxLimit), unit: .items, scope: .request, about: "Items of one page of a list."),
            Limit(
                name: "idempotency.time", value: Int64(config.idempotencyDays) * 86_400, unit: .seconds, scope: .key, isConfigurable: true,
                about: "How long the answer to a request with an Idempotency-Key is kept."),
            Limit(
                name: "upload.size", value: Int64(config.maxUpload), unit: .bytes, scope: .request, isConfigurable: true,
                about: "An upload as it is sent, compressed or not."),
            Limit(
                name: "upload.time", value: config.uploadTime.components.seconds, unit: .seconds, scope: .request, isConfigurable: true,
                about: "An upload from its first byte to its answer."),
            Limit(name: "upload.parts", value: Int64(MultipartParser.maxParts), unit: .parts, scope: .request, about: "Parts of a multipart upload."),
        ]
    }

    private static let keys = [
        Limit(name: "key.projects", value: Int64(APIKey.maxProjects), unit: .items, scope: .key, about: "Projects that a key is bound to."),
        Limit(name: "key.networks", value: Int64(APIKey.maxNetworks), unit: .items, scope: .key, about: "Networks that a key is bound to."),
        Limit(name: "key.overlap", value: KeyRotation.longest / 1_000, unit: .seconds, scope: .key, about: "Life of a secret after a rotation."),
    ]
}

/// How far each of the rate limits goes.
struct LimitModes: Sendable {
    var key = LimitMode.enforce
    var tenant = LimitMode.enforce
    var address = LimitMode.enforce
    var concurrency = LimitMode.enforce
}

extension RouteClass {
    fileprivate var about: String {
        switch self {
        case .read: "what reads"
        case .write: "what changes something"
        case .upload: "test results on their way in"
        case .trigger: "what makes workers do something"
        case .export: "what reads much at once"
        case .admin: "keys, limits, quotas, members"
        case .auth: "attempts to prove who somebody is"
        }
    }
}
