import Configuration
import Contract
import Foundation
import NIOCore
import Passwords
import Primitives
import Redis
import Sealing
import ServiceKit

/// The gateway's own settings; keys are `gateway.…`, environment variables `ASSAY_GATEWAY_…`.
struct GatewayConfig: Sendable {
    /// `http`: where the public API and the pages are served.
    let http: Endpoint
    /// `gateway.tls.certificate.file`, `gateway.tls.key.file`: both or none; with them the endpoint above speaks HTTPS.
    let tls: EdgeTLS.Files?
    /// `public.url`: how browsers reach it. With https, cookies are marked so that they never travel in the clear.
    let publicURL: String
    /// `hosts`: further host names that it is asked by, separated by commas; a request for any other is refused.
    let hosts: [String]
    /// `bootstrap.key.file`: where the first start writes the first API key (mode 0600). Without it no organization is made.
    let bootstrapKeyFile: String?
    /// `organization`: name of the organization that the first start makes.
    let organization: String
    /// `super.admins`: e-mail addresses, separated by commas, of the persons who look after the installation.
    let superAdmins: Set<String>
    /// `key.rate`, `key.burst`: points a minute and points at once for one API key.
    let keyLimit: RateLimit
    /// `tenant.rate`, `tenant.burst`: the same for all keys of an organization together.
    let tenantLimit: RateLimit
    /// `anonymous.rate`, `anonymous.burst`: the same for one address (IPv4, or /64 of IPv6) without a valid key.
    let anonymousLimit: RateLimit
    /// `key.concurrency`, `tenant.concurrency`: requests under way at once.
    let keyConcurrency: Int
    let tenantConcurrency: Int
    /// `key.mode`, `tenant.mode`, `anonymous.mode`, `concurrency.mode`: `enforce`, `shadow` (only counted) or `off`.
    let modes: LimitModes
    /// `class.<name>.percent`, `class.<name>.mode`: how much of every rate limit requests of a class can use up. Classes are `read`, `write`, `upload`,
    /// `trigger`, `export`, `admin` and `auth`; 100 percent leaves a class without a limit of its own.
    let classes: [RouteClass: ClassLimit]
    /// `redis.url`: `redis://[[user]:password@]host[:port][/database]` of a Redis or Valkey in which all gateways count together; without it each
    /// counts for itself.
    let redis: RedisConfiguration?
    /// `instances`: how many gateways count together: while the store is away, each goes by its part of every limit.
    let instances: Int
    /// `quota.<name>`, `quota.soft.percent`: what an organization may use that has no limits of its own, and when it is warned. Names are `requests`,
    /// `uploads`, `upload.bytes` (by the month), `storage.bytes`, `storage.files`, `running.tests` and `members`.
    let quotas: QuotaSettings
    /// `streams.per.key`, `streams`: event streams open at once, of one key or session and of this gateway.
    let streamsPerKey: Int
    let streams: Int
    /// `streams.heartbeat.seconds`: how often an event stream says that it is alive; whoever was revoked is cut off with the next one.
    let streamHeartbeat: Duration
    /// `upload.bytes`: largest upload on the wire.
    let maxUpload: Int
    /// `upload.seconds`: longest time of an upload, from its head to its answer. It ends what goes on for ever; who sends too slowly is cut off by
    /// `body.seconds`, and how long the rest takes depends on the size and on the machine.
    let uploadTime: Duration
    /// `idempotency.days`: how long the answer to a request with an Idempotency-Key is kept.
    let idempotencyDays: Int
    /// `proxies`: networks of the proxies in front, in CIDR notation, separated by commas; X-Forwarded-For is believed from them alone.
    let proxies: [Network]
    /// `oidc.egress.allow`: networks, in CIDR notation, in which issuers of ID tokens may be although they are private, such as a GitLab of one's
    /// own; none by default.
    let issuerNetworks: [Network]
    /// `idle.seconds`: an HTTP connection on which nothing happens is closed.
    let idleTimeout: Duration
    /// `headers.seconds`, `body.seconds`, `stall.seconds`, `connections`, `connections.per.address`: how slow and how many clients may be. No more
    /// connections than the limit of open files leaves room for.
    let edge: EdgeLimits
    /// `registration`: whether anybody may register an account; else only who is invited gets one.
    let isRegistrationOpen: Bool
    /// `pepper` or `pepper.file`: lines of `id:base64 of 32 bytes`, the current one first, that passwords are keyed with before they are hashed.
    /// None by default; without them a stolen table of hashes can be guessed at.
    let peppers: Peppers
    /// `common.passwords`: a list of passwords that are refused, one a line; where it is missing only what follows patterns is.
    let commonPasswords: String
    /// `chart.js`: Chart.js, which pages draw trends with; where it is missing the server draws them.
    let chartScript: String
    /// The key that all services share; cursors and stored answers are protected with keys derived from it.
    let secret: Secret<Data>
    /// `gateway.sealing.key.file`: the key behind the keys that seal what must be readable again, such as second factors.
    let sealing: SealingConfig

    /// - Throws: every problem at once.
    init(_ reader: ConfigReader) throws {
        var problems: [String] = []
        func number(_ key: String, _ standard: Int, _ range: ClosedRange<Int>) -> Int {
            let value = reader.int(forKey: ConfigKey("gateway.\(key)"), default: standard)
            if !range.contains(value) {
                problems.append(
                    "ASSAY_GATEWAY_\(key.uppercased().replacing(".", with: "_")) must be between \(range.lowerBound) and \(range.upperBound)")
            }
            return min(max(value, range.lowerBound), range.upperBound)
        }
        let address = reader.string(forKey: "gateway.http", default: "127.0.0.1:8080")
        if Endpoint(address) == nil { problems.append("ASSAY_GATEWAY_HTTP must be host:port") }
        let http = Endpoint(address) ?? Endpoint(host: "127.0.0.1", port: 8080)
        self.http = http
        let certificate = reader.string(forKey: "gateway.tls.certificate.file")
        let key = reader.string(forKey: "gateway.tls.key.file")
        tls = certificate.flatMap { certificate in key.map { EdgeTLS.Files(certificate: certificate, key: $0) } }
        if (certificate == nil) != (key == nil) {
            problems.append("ASSAY_GATEWAY_TLS_CERTIFICATE_FILE and ASSAY_GATEWAY_TLS_KEY_FILE must be set together")
        }
        let publicURL = reader.string(forKey: "gateway.public.url")
        self.publicURL = publicURL ?? (tls == nil ? "http://\(http)" : "https://\(http)")
        if tls != nil, self.publicURL.hasPrefix("http://") {
            problems.append("ASSAY_GATEWAY_PUBLIC_URL must start with https://, since the gateway has a certificate")
        }
        // Requests for other names are refused, and nobody asks by this one.
        if publicURL == nil, ["0.0.0.0", "::"].contains(http.host) {
            problems.append("ASSAY_GATEWAY_PUBLIC_URL must say how browsers reach the gateway, because it listens on every address")
        }
        if !self.publicURL.hasPrefix("http://") && !self.publicURL.hasPrefix("https://") {
            problems.append("ASSAY_GATEWAY_PUBLIC_URL must start with http:// or https://")
        }
        hosts = reader.string(forKey: "gateway.hosts", default: "").split(separator: ",").map { String($0.trimmed) }
        bootstrapKeyFile = reader.string(forKey: "gateway.bootstrap.key.file")
        organization = reader.string(forKey: "gateway.organization", default: "Assay")
        if !(1...200).contains(organization.count) { problems.append("ASSAY_GATEWAY_ORGANIZATION must have 1 to 200 characters") }
        superAdmins = Set(
            reader.string(forKey: "gateway.super.admins", default: "").split(separator: ",").map { $0.trimmed.lowercased() }.filter { !$0.isEmpty })
        for email in superAdmins where !email.contains("@") {
            problems.append("ASSAY_GATEWAY_SUPER_ADMINS must be e-mail addresses; \(email) is none")
        }
        keyLimit = RateLimit(perMinute: number("key.rate", 600, 1...100_000_000), burst: number("key.burst", 100, 1...100_000_000))
        tenantLimit = RateLimit(perMinute: number("tenant.rate", 6_000, 1...100_000_000), burst: number("tenant.burst", 1_000, 1...100_000_000))
        anonymousLimit = RateLimit(perMinute: number("anonymous.rate", 60, 1...100_000_000), burst: number("anonymous.burst", 60, 1...100_000_000))
        keyConcurrency = number("key.concurrency", 50, 1...100_000)
        tenantConcurrency = number("tenant.concurrency", 100, 1...100_000)
        streamsPerKey = number("streams.per.key", 5, 1...10_000)
        streams = number("streams", 1_000, 1...1_000_000)
        streamHeartbeat = .seconds(number("streams.heartbeat.seconds", 15, 1...25))
        func mode(_ key: String) -> LimitMode {
            let text = reader.string(forKey: ConfigKey("gateway.\(key).mode"), default: LimitMode.enforce.rawValue)
            if let mode = LimitMode(rawValue: text) { return mode }
            problems.append("ASSAY_GATEWAY_\(key.uppercased().replacing(".", with: "_"))_MODE must be enforce, shadow or off")
            return .enforce
        }
        classes = ClassLimit.standard.reduce(into: [:]) { classes, entry in
            let key = "class.\(entry.key.rawValue)"
            classes[entry.key] = ClassLimit(percent: number("\(key).percent", entry.value.percent, 1...100), mode: mode(key))
        }
        do {
            redis = try reader.secret(forKey: "gateway.redis.url").map { try RedisConfiguration(url: $0.reveal()) }
        } catch let fault as Fault {
            problems.append("ASSAY_GATEWAY_REDIS_URL: \(fault.detail)")
            redis = nil
        }
        var quotas = QuotaSettings(hard: QuotaSettings.standard)
        for kind in Quota.Kind.allCases {
            let key = "quota.\(kind.rawValue.replacing("_", with: "."))"
            quotas.hard[kind] = Int64(number(key, Int(quotas.hard[kind] ?? QuotaLimit.largest), 0...Int(QuotaLimit.largest)))
        }
        quotas.softPercent = number("quota.soft.percent", quotas.softPercent, 1...100)
        self.quotas = quotas
        instances = number("instances", 1, 1...1_000)
        modes = LimitModes(key: mode("key"), tenant: mode("tenant"), address: mode("anonymous"), concurrency: mode("concurrency"))
        idempotencyDays = number("idempotency.days", 7, 1...30)
        maxUpload = number("upload.bytes", 256 << 20, 1...(4 << 30))
        uploadTime = .seconds(number("upload.seconds", 600, 1...3_600))
        do {
            proxies = try Network.list(reader.string(forKey: "gateway.proxies", default: ""))
        } catch {
            problems.append("ASSAY_GATEWAY_PROXIES: \(error.detail)")
            proxies = []
        }
        do {
            issuerNetworks = try Network.list(reader.string(forKey: "gateway.oidc.egress.allow", default: ""))
        } catch {
            problems.append("ASSAY_GATEWAY_OIDC_EGRESS_ALLOW: \(error.detail)")
            issuerNetworks = []
        }
        idleTimeout = .seconds(number("idle.seconds", 60, 1...3_600))
        var edge = EdgeLimits()
        edge.headers = .seconds(Int64(number("headers.seconds", 10, 1...3_600)))
        edge.body = .seconds(Int64(number("body.seconds", 60, 1...3_600)))
        edge.stall = .seconds(Int64(number("stall.seconds", 30, 1...3_600)))
        // More than the process may open would end in a server that accepts nobody, and cannot reach its database either (T126).
        edge.connections = min(number("connections", 8_192, 1...1_000_000), max(1, OpenFiles.limit - OpenFiles.reserve))
        edge.connectionsPerAddress = number("connections.per.address", 100, 1...1_000_000)
        edge.proxies = proxies
        edge.publicURL = Self.withoutSlash(self.publicURL)
        self.edge = edge
        isRegistrationOpen = reader.bool(forKey: "gateway.registration", default: true)
        do {
            peppers = try reader.secret(forKey: "gateway.pepper").map { try Peppers($0.reveal()) } ?? .none
        } catch let error as ConfigFault {
            problems += error.problems
            peppers = .none
        } catch {
            problems.append("ASSAY_GATEWAY_PEPPER: \((error as? Fault)?.detail ?? "\(error)")")
            peppers = .none
        }
        commonPasswords = reader.string(forKey: "gateway.common.passwords", default: "/usr/share/john/password.lst")
        chartScript = reader.string(forKey: "gateway.chart.js", default: "/usr/share/javascript/chart.js/chart.min.js")
        // ServiceConfig has checked that it is there and long enough.
        let callerKey = try reader.secret(forKey: "caller.key")
        secret = Secret(callerKey.flatMap { Data(base64Encoded: $0.reveal()) } ?? Data())
        do {
            sealing = try SealingConfig(reader, service: "gateway")
        } catch {
            throw ConfigFault(problems + error.problems)
        }
        guard problems.isEmpty else { throw ConfigFault(problems) }
    }

    /// `publicURL`, to put paths behind.
    var publicAddress: String { Self.withoutSlash(publicURL) }

    private static func withoutSlash(_ url: String) -> String { url.hasSuffix("/") ? String(url.dropLast()) : url }

    var isSecure: Bool { publicURL.hasPrefix("https://") }

    /// `https://host[:port]`, as browsers write it into `Origin`.
    var publicOrigin: String {
        let parts = publicURL.split(separator: "/", maxSplits: 2, omittingEmptySubsequences: false)
        return parts.count < 3 ? publicURL : "\(parts[0])//\(parts[2].prefix { $0 != "/" })"
    }
}
