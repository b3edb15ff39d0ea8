import Foundation
import Logging
import Metrics
import Postgres
import Primitives
import ServiceKit
import ServiceLifecycle
import Synchronization

/// Keeps secrets that must be readable again (webhook signing keys, second factors) out of the tables: envelope encryption (R46).
///
/// Each tenant has a data key of its own, AES-256-GCM, in the table `data_keys` of the service's schema, wrapped by a key from a file. The
/// file's key is rotated by writing the new one above the old one: the data keys are wrapped anew in the background, and once
/// `sealing_data_keys_stale` is 0 the old one may go. What was sealed stays as it is.
///
///     let sealed = try await vault.seal(secret, SealContext(tenant: tenant, table: "channels", column: "secret", row: id.uuid))
///     let secret = try await vault.open(sealed, SealContext(tenant: tenant, table: "channels", column: "secret", row: id.uuid))
package final class Vault: Sendable {
    /// How long a process remembers an opened data key: the time after which a tenant's deletion is final everywhere.
    private static let memory = Duration.seconds(300)

    private let store: DataKeyStore
    private let sealer: Sealer
    private let limits: DataKeyLimits
    private let setting: String
    private let logger: Logger
    private let opened = RecentCache<Name, Remembered>(capacity: 1024)
    private let current = RecentCache<ID<Tenant>, Reservation>(capacity: 1024)

    private struct Name: Hashable, Sendable {
        let tenant: ID<Tenant>
        let key: ID<DataKey>
    }

    private struct Remembered: Sendable {
        let key: DataKey
        let until: ContinuousClock.Instant
    }

    /// Seals that this process may make with a key before it asks again.
    private final class Reservation: Sendable {
        let key: DataKey
        private let left: Atomic<Int>
        private let until: ContinuousClock.Instant

        init(_ key: DataKey, seals: Int) {
            self.key = key
            left = Atomic(seals)
            until = .now + Vault.memory
        }

        func take() -> Bool { until > .now && left.subtract(1, ordering: .relaxed).newValue >= 0 }
    }

    package convenience init(database: Database, config: SealingConfig, logger: Logger) {
        self.init(database: database, config: config, limits: DataKeyLimits(), logger: logger)
    }

    init(database: Database, config: SealingConfig, limits: DataKeyLimits, logger: Logger) {
        sealer = config.sealer
        setting = config.setting
        store = DataKeyStore(database: database, sealer: config.sealer)
        self.limits = limits
        self.logger = logger
    }

    /// - Throws: what the database throws, when the tenant's key must be asked for.
    package func seal(_ plaintext: Data, _ context: SealContext) async throws -> Data {
        if let known = current[context.tenant], known.take() { return known.key.seal(plaintext, context) }
        let key = try await store.reserve(limits.block, limits: limits, tenant: context.tenant)
        // One of the block is used here.
        current.insert(Reservation(key, seals: limits.block - 1), for: context.tenant)
        return key.seal(plaintext, context)
    }

    /// Also opens what `Sealer` has sealed, the form before there were data keys.
    /// - Throws: `sealing.unknown_key` when its key is gone; `sealing.broken` when the value was altered, cut, or sealed for another place.
    package func open(_ sealed: Data, _ context: SealContext) async throws -> Data {
        guard let id = DataKey.id(of: sealed) else { return try sealer.open(sealed, context: context) }
        let name = Name(tenant: context.tenant, key: id)
        if let known = opened[name], known.until > .now { return try known.key.open(sealed, context) }
        let key = try await store.get(id, tenant: context.tenant)
        opened.insert(Remembered(key: key, until: .now + Self.memory), for: name)
        return try key.open(sealed, context)
    }

    // MARK: - What a service that seals adds to its parts

    /// Wraps data keys anew after a rotation. Each round goes on where the last one, of whatever process, has ended.
    package var rotation: any Service {
        let stale = Gauge(label: "sealing_data_keys_stale")
        return Ticker("rewrap-data-keys", every: .seconds(30), logger: logger) { [self] in
            let done = try await rewrap { stale.record($0) }
            if done > 0 { logger.notice("data keys were wrapped anew", metadata: ["count": "\(done)", "key": "\(sealer.currentID)"]) }
        }
    }

    /// - Parameter progress: told how many are left, after each batch.
    /// - Returns: how many this call did.
    func rewrap(batch: Int = 200, progress: (Int) -> Void = { _ in }) async throws -> Int {
        var done = 0
        while true {
            let left = try await store.staleCount()
            progress(left)
            guard left > 0, !Task.isCancelled else { return done }
            let count = try await store.rewrap(limit: batch)
            // Another process is at the others.
            if count == 0 { return done }
            done += count
        }
    }

    /// A process whose key is missing or another one must not start (T128): what it seals nobody could open, and what is sealed it cannot.
    ///
    /// Without a database to ask, `check` holds the process unready until it can be asked.
    package var preflight: @Sendable () async throws(ConfigFault) -> Void {
        { [self] () async throws(ConfigFault) in
            guard let problem = await problem(), problem != Self.unasked else { return }
            throw ConfigFault("\(setting): \(problem)")
        }
    }

    package var check: Readiness.Check { Readiness.Check("sealing") { [self] in await problem() } }

    private static let unasked = "the data keys cannot be read"

    private func problem() async -> String? {
        guard let samples = try? await store.samples() else { return Self.unasked }
        for sample in samples where !sample.opens {
            return sealer.knows(sample.kek)
                ? "key \(sample.kek) is not the one that this database's secrets are sealed with"
                : "key \(sample.kek), which this database's secrets are sealed with, is missing"
        }
        return nil
    }
}
