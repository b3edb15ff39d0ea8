import Metrics
import Synchronization

/// How many requests of each key and tenant are under way (T32). Nothing waits here: beyond the cap the answer is 429 at once, because a queue
/// would only hide the overload.
final class Concurrency: Sendable {
    let perKey: Int
    let perTenant: Int
    private let mode: LimitMode
    private let exceeded: Counter

    /// Which cap is reached.
    enum Cap: String, Sendable { case key = "key.concurrency", tenant = "tenant.concurrency" }

    func value(of cap: Cap) -> Int { cap == .key ? perKey : perTenant }

    private let shards: [Shard]

    private final class Shard: Sendable {
        /// Holds only what is under way, so its size is bounded by the number of connections.
        let counts = Mutex<[BucketKey: Int]>([:])
    }

    init(perKey: Int, perTenant: Int, mode: LimitMode = .enforce) {
        self.perKey = perKey
        self.perTenant = perTenant
        self.mode = mode
        exceeded = Counter(label: "limits_exceeded", dimensions: [("limit", "concurrency"), ("mode", mode.rawValue)])
        shards = (0..<Buckets.shardCount).map { _ in Shard() }
    }

    /// - Returns: the cap that is reached. `nil` when both have room; then `leave` must be called once.
    func enter(key: BucketKey, tenant: BucketKey) -> Cap? {
        guard enter(key, cap: perKey) else { return .key }
        guard enter(tenant, cap: perTenant) else {
            leave(key)
            return .tenant
        }
        return nil
    }

    func leave(key: BucketKey, tenant: BucketKey) {
        leave(key)
        leave(tenant)
    }

    private func enter(_ key: BucketKey, cap: Int) -> Bool {
        shards[key.shard].counts.withLock { counts in
            let count = counts[key] ?? 0
            if count >= cap, mode != .off {
                exceeded.increment()
                if mode == .enforce { return false }
            }
            counts[key] = count + 1
            return true
        }
    }

    private func leave(_ key: BucketKey) {
        shards[key.shard].counts.withLock { counts in
            let count = (counts[key] ?? 1) - 1
            counts[key] = count == 0 ? nil : count
        }
    }
}
