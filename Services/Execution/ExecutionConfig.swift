import Configuration
import Outbound
import Primitives
import Sealing
import ServiceKit

/// Every setting of this service.
struct ExecutionConfig: Sendable {
    /// ASSAY_EXECUTION_INGEST_CONNECTIONS: uploads that are written to the database at once in one process, each on a connection of its own. A large
    /// one holds it until the client has sent everything.
    let ingestConnections: Int

    /// ASSAY_EXECUTION_INGEST_WAIT_SECONDS: how long an upload waits for such a connection before it is answered with `upload.busy`.
    let ingestWait: Duration

    /// ASSAY_EXECUTION_INGEST_PATIENCE_MS: how long an upload that comes while Validation and Analytics are told late of its organization's results waits for
    /// its answer, at most, and 0.1 ms more for each of its results. It is stored before that.
    let ingestPatience: Duration

    /// ASSAY_EXECUTION_QUIET_SECONDS: a run with a CI key is finished when no further shard has come for this long.
    let quiet: Duration

    /// ASSAY_EXECUTION_CONCURRENCY: cases of suites that run at once in one process.
    let concurrency: Int

    /// ASSAY_EXECUTION_TENANT_CONCURRENCY: cases of one organization that run at once in all processes.
    let tenantConcurrency: Int

    /// ASSAY_EXECUTION_EGRESS_ALLOW: networks that tests may reach although they are private or loopback, as a list of CIDRs. Empty by default: then
    /// only public addresses are open.
    let allowedNetworks: [Network]

    /// ASSAY_EXECUTION_USER_AGENT: what targets see of tests that do not say otherwise.
    let userAgent: String

    /// Where artifacts are and for how long.
    let artifacts: ArtifactConfig

    /// ASSAY_EXECUTION_SEALING_KEY_FILE (`execution.sealing.key.file`): the key behind the keys that seal the secrets of tests.
    let sealing: SealingConfig

    /// - Throws: `config.…` in words for the operator.
    init(_ reader: ConfigReader) throws {
        ingestConnections = try Self.number(reader, "execution.ingest.connections", default: 4, in: 1...32)
        ingestWait = .seconds(try Self.number(reader, "execution.ingest.wait.seconds", default: 5, in: 0...60))
        ingestPatience = .milliseconds(try Self.number(reader, "execution.ingest.patience.ms", default: 2_000, in: 0...30_000))
        quiet = .seconds(try Self.number(reader, "execution.quiet.seconds", default: 120, in: 1...86_400))
        concurrency = try Self.number(reader, "execution.concurrency", default: 32, in: 1...1024)
        tenantConcurrency = try Self.number(reader, "execution.tenant.concurrency", default: 20, in: 1...1024)
        allowedNetworks = try Network.list(reader.string(forKey: "execution.egress.allow", default: ""))
        userAgent = reader.string(forKey: "execution.user.agent", default: "Assay/1")
        artifacts = try ArtifactConfig(reader)
        sealing = try SealingConfig(reader, service: "execution")
    }

    static func number(_ reader: ConfigReader, _ key: String, default standard: Int, in range: ClosedRange<Int>) throws -> Int {
        let value = reader.int(forKey: ConfigKey(key), default: standard)
        guard range.contains(value) else {
            let variable = "ASSAY_" + key.uppercased().replacing(".", with: "_")
            throw ConfigFault("\(variable) must be between \(range.lowerBound) and \(range.upperBound)")
        }
        return value
    }
}
