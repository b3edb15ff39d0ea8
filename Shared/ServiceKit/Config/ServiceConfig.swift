import Configuration
import Foundation
import Logging
import Primitives

/// The settings every service has; what is particular to one stands in its own `…Config`. Read once at start, judged as a whole.
///
/// Keys below are those of the reader; the environment variable is `ASSAY_` and the key in capitals with underscores. `<name>` is the service.
package struct ServiceConfig: Sendable {
    package let name: String

    /// `<name>.database.url`, else `database.url`: PostgreSQL as the service's own role, which owns nothing. Required. (`…_FILE` works too.)
    package let databaseURL: Secret<String>

    /// `<name>.migration.url`, else `migration.url`: PostgreSQL as a role that may create schemas and roles; only `migrate` uses it.
    package let migrationURL: Secret<String>?

    /// `<name>.pool.size`, else `pool.size`: connections to PostgreSQL, and as many threads. 8.
    package let poolSize: Int

    /// `<name>.listen`: where RPC is served. 127.0.0.1 and the port of `standardPorts`.
    package let listen: Endpoint

    /// `<name>.admin`: where health and metrics are served, never to be exposed (T122). 127.0.0.1 and the standard port + 1000.
    package let admin: Endpoint

    /// `rpc.transport`: `frame` (ours) or `http2` (stock gRPC). `frame`.
    package let transport: RPCTransport

    /// `caller.key` or `caller.key.file`: base64 of at least 32 bytes, the same for all services; it signs who is calling. Required.
    package let callerKey: Secret<Data>

    /// `caller.previous.key` or `caller.previous.key.file`: still accepted during a rotation.
    package let previousCallerKey: Secret<Data>?

    /// `tls.certificate.file`, `tls.key.file`, `tls.ca.file`: all three or none. With them every connection between services is mutual TLS.
    package let tls: TLSFiles?

    /// `log.level`: trace, debug, info, notice, warning, error, critical. info.
    package let logLevel: Logger.Level

    /// `drain.seconds`: how long a stopping process goes on serving after it has turned unready, so that load balancers notice. 0; 5 in
    /// Kubernetes.
    package let drain: Duration

    private let reader: ConfigReader

    /// What the process was started with: the one place where it is read.
    static var environment: [String: String] { ProcessInfo.processInfo.environment }

    /// Loopback ports; 1000 more is the admin port.
    package static let standardPorts = [
        "gateway": 7100, "scheduling": 7101, "execution": 7102, "validation": 7103, "analytics": 7104, "projects": 7105, "notifications": 7106,
    ]

    /// - Parameter reader: scoped to `assay`.
    /// - Throws: every problem at once.
    package init(name: String, reader: ConfigReader) throws(ConfigFault) {
        var reading = SettingsReading(reader: reader, service: name)
        let port = Self.standardPorts[name] ?? 0
        self.name = name
        self.reader = reader
        let databaseURL = reading.secret("database.url")
        if let databaseURL { reading.check(databaseURL.reveal().hasPrefix("postgres"), "DATABASE_URL must start with postgres://") }
        if databaseURL == nil { reading.problem("ASSAY_\(name.uppercased())_DATABASE_URL or ASSAY_DATABASE_URL must be set") }
        migrationURL = reading.secret("migration.url")
        poolSize = reading.number("pool.size", default: 8, in: 1...64)
        listen = reading.endpoint("listen", default: Endpoint(host: "127.0.0.1", port: port))
        admin = reading.endpoint("admin", default: Endpoint(host: "127.0.0.1", port: port == 0 ? 0 : port + 1000))
        transport = reading.choice("rpc.transport", default: .frame)
        let callerKey = reading.key("caller.key")
        if callerKey == nil { reading.problem("ASSAY_CALLER_KEY_FILE or ASSAY_CALLER_KEY must be set (openssl rand -base64 32)") }
        previousCallerKey = reading.key("caller.previous.key")
        tls = reading.tls()
        logLevel = reading.choice("log.level", default: .info)
        drain = .seconds(reading.sharedNumber("drain.seconds", default: 0, in: 0...60))
        // Where others find this service: theirs to use, but a variable of ours by its name.
        _ = reader.string(forKey: ConfigKey("\(name).url"))
        self.databaseURL = databaseURL ?? Secret("")
        self.callerKey = callerKey ?? Secret(Data())
        guard reading.problems.isEmpty else { throw ConfigFault(reading.problems) }
    }

    /// `<service>.url`: where another service answers; several, separated by commas, when it runs several times.
    package func endpoints(of service: String) throws(ConfigFault) -> [Endpoint] {
        let standard = "127.0.0.1:\(Self.standardPorts[service] ?? 0)"
        let text = reader.string(forKey: ConfigKey("\(service).url"), default: standard)
        let parts = text.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
        let endpoints = parts.compactMap { Endpoint($0) }
        guard !endpoints.isEmpty, endpoints.count == parts.count else {
            throw ConfigFault("ASSAY_\(service.uppercased())_URL must be host:port, or several separated by commas")
        }
        return endpoints
    }
}

/// What carries RPC between services.
package enum RPCTransport: String, Sendable, CaseIterable {
    case frame, http2
}

/// PEM files for mutual TLS.
package struct TLSFiles: Sendable, Equatable {
    /// The chain, own certificate first.
    package let certificate: String
    package let key: String
    /// Who may sign the certificates of peers.
    package let authority: String

    package init(certificate: String, key: String, authority: String) {
        self.certificate = certificate
        self.key = key
        self.authority = authority
    }
}
