import Contract
import Foundation
import Synchronization

/// Whose bucket it is.
struct BucketKey: Hashable, Sendable {
    enum Kind: UInt8, Sendable { case key, tenant, address }

    let kind: Kind
    /// `nil`: for all that its owner does.
    private(set) var routeClass: RouteClass?
    let high: UInt64
    let low: UInt64

    /// The same owner's for one class of work.
    func `for`(_ routeClass: RouteClass?) -> BucketKey {
        var key = self
        key.routeClass = routeClass
        return key
    }

    init(kind: Kind, high: UInt64, low: UInt64) {
        self.kind = kind
        self.high = high
        self.low = low
    }

    init(_ kind: Kind, _ uuid: UUID) {
        let words = withUnsafeBytes(of: uuid.uuid) { ($0.loadUnaligned(as: UInt64.self), $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self)) }
        self.init(kind: kind, high: words.0, low: words.1)
    }

    /// The low word of a UUIDv7 is random, so a few of its bits spread keys evenly.
    var shard: Int { Int(truncatingIfNeeded: (low ^ low >> 32 ^ UInt64(kind.rawValue)) & UInt64(Buckets.shardCount - 1)) }
}

/// The arrival times of all buckets that are not full. One number each, so a million callers cost some 50 MB; the bound is far below.
///
/// Sixteen locks, each held for one look-up. A bucket that has become full again is the same as none, so forgetting it loses nothing.
final class Buckets: Sendable {
    static let shardCount = 16

    private let shards: [Shard]
    private let perShard: Int

    private final class Shard: Sendable {
        let arrivals = Mutex<[BucketKey: Int64]>([:])
    }

    /// `capacity`: buckets altogether; beyond it those closest to full are forgotten.
    init(capacity: Int = 160_000) {
        shards = (0..<Self.shardCount).map { _ in Shard() }
        perShard = max(2, capacity / Self.shardCount)
    }

    /// Decides and remembers. `now` is in nanoseconds of a monotonic clock.
    func take(_ cost: Int, from key: BucketKey, limit: RateLimit, now: Int64) -> GCRA.Decision {
        shards[key.shard].arrivals.withLock { arrivals in
            let decision = GCRA.decide(now: now, arrival: arrivals[key] ?? 0, limit: limit, cost: cost)
            if decision.isAllowed, cost > 0 {
                if arrivals.count >= perShard { Self.forget(&arrivals, now: now, keeping: perShard / 2) }
                arrivals[key] = decision.arrival
            }
            return decision
        }
    }

    /// What `take` would answer, without taking.
    func peek(_ cost: Int, from key: BucketKey, limit: RateLimit, now: Int64) -> GCRA.Decision {
        shards[key.shard].arrivals.withLock { GCRA.decide(now: now, arrival: $0[key] ?? 0, limit: limit, cost: cost) }
    }

    /// Gives back what an allowed `take` took.
    func giveBack(_ cost: Int, to key: BucketKey, limit: RateLimit) {
        shards[key.shard].arrivals.withLock { arrivals in
            if let arrival = arrivals[key] { arrivals[key] = GCRA.returned(arrival: arrival, limit: limit, cost: cost) }
        }
    }

    /// Learns when a bucket will be full from whoever keeps it for all gateways. Never earlier than what is known: then less would be taken than was.
    func note(_ arrival: Int64, of key: BucketKey, now: Int64) {
        guard arrival > now else { return }
        shards[key.shard].arrivals.withLock { arrivals in
            if arrivals.count >= perShard { Self.forget(&arrivals, now: now, keeping: perShard / 2) }
            arrivals[key] = max(arrivals[key] ?? 0, arrival)
        }
    }

    var count: Int { shards.reduce(0) { $0 + $1.arrivals.withLock { $0.count } } }

    /// Drops what is full anyway, and if that is not half of all, the fullest.
    private static func forget(_ arrivals: inout [BucketKey: Int64], now: Int64, keeping target: Int) {
        arrivals = arrivals.filter { $0.value > now }
        guard arrivals.count > target else { return }
        arrivals = Dictionary(uniqueKeysWithValues: arrivals.sorted { $0.value > $1.value }.prefix(target).map { ($0.key, $0.value) })
    }
}
