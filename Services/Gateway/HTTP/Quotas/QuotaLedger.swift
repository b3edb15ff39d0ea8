import Foundation
import Primitives
import Synchronization

/// What this gateway has counted of what organizations spend by the month, and what it knows of the sums of all gateways. Counting is one look-up
/// under a lock; nothing is written anywhere until somebody comes for what was counted.
final class QuotaLedger: Sendable {
    /// What is counted here, in the order of an entry's slots.
    static let kinds = Quota.Kind.allCases.filter(\.isMonthly)
    /// An organization that nobody came from for so many rounds is forgotten.
    static let idleRounds = 600

    private struct Entry {
        /// Counted here since somebody last came for it.
        var pending: [Int64]
        /// The sums of all gateways, as of then; `nil` until they are known.
        var known: [Int64]?
        var limits: [QuotaLimit]
        var isTouched = false
        var idle = 0
    }

    private final class Shard: Sendable {
        let entries = Mutex<[ID<Tenant>: Entry]>([:])
    }

    private let standard: [QuotaLimit]
    private let shards = (0..<16).map { _ in Shard() }
    private let month = Mutex<QuotaMonth?>(nil)

    init(_ standard: @Sendable (Quota.Kind) -> QuotaLimit) {
        self.standard = Self.kinds.map(standard)
    }

    private func slot(_ kind: Quota.Kind) -> Int {
        guard let slot = Self.kinds.firstIndex(of: kind) else { preconditionFailure("\(kind) is not spent by the month") }
        return slot
    }

    private func with<R>(_ tenant: ID<Tenant>, _ body: (inout Entry) -> R) -> R {
        let shard = shards[abs(tenant.uuid.hashValue % shards.count)]
        return shard.entries.withLock { entries in
            body(&entries[tenant, default: Entry(pending: standard.map { _ in 0 }, limits: standard)])
        }
    }

    /// Counts, unless it would be more than the hard limit. What is not yet known of other gateways' counts is allowed.
    /// - Returns: the limit that is in the way.
    func spend(_ kind: Quota.Kind, _ amount: Int64 = 1, of tenant: ID<Tenant>) -> QuotaLimit? {
        let slot = slot(kind)
        return with(tenant) { entry in
            entry.isTouched = true
            guard (entry.known?[slot] ?? 0) + entry.pending[slot] + amount <= entry.limits[slot].hard else { return entry.limits[slot] }
            entry.pending[slot] += amount
            return nil
        }
    }

    /// Counts what has happened already.
    func record(_ kind: Quota.Kind, _ amount: Int64, of tenant: ID<Tenant>) {
        let slot = slot(kind)
        with(tenant) { entry in
            entry.isTouched = true
            entry.pending[slot] += amount
        }
    }

    /// The limit that `amount` more would be beyond, counting nothing.
    func obstacle(_ kind: Quota.Kind, _ amount: Int64, of tenant: ID<Tenant>) -> QuotaLimit? {
        let slot = slot(kind)
        return with(tenant) { entry in
            (entry.known?[slot] ?? 0) + entry.pending[slot] + amount <= entry.limits[slot].hard ? nil : entry.limits[slot]
        }
    }

    func isKnown(_ tenant: ID<Tenant>) -> Bool { with(tenant) { $0.known != nil } }

    /// What has been counted here and is in nobody's sum yet.
    func pending(_ kind: Quota.Kind, of tenant: ID<Tenant>) -> Int64 {
        let slot = slot(kind)
        return with(tenant) { $0.pending[slot] }
    }

    // MARK: - Adding up

    /// Hands out what has been counted, for all organizations that did anything; those that were refused are among them, with nothing, so that what is
    /// known of them stays fresh. Sums of another month are forgotten.
    func take(_ month: QuotaMonth) -> [QuotaStore.Amount] {
        let isNew = self.month.withLock { known in
            defer { known = month }
            return known != nil && known != month
        }
        var taken: [QuotaStore.Amount] = []
        for shard in shards {
            shard.entries.withLock { entries in
                for tenant in Array(entries.keys) {
                    guard var entry = entries[tenant] else { continue }
                    if isNew { entry.known = nil }
                    entry.idle = entry.isTouched ? 0 : entry.idle + 1
                    if entry.isTouched {
                        for (slot, kind) in Self.kinds.enumerated() where entry.pending[slot] > 0 || kind == .requests {
                            taken.append(QuotaStore.Amount(tenant: tenant, kind: kind, amount: entry.pending[slot]))
                            entry.pending[slot] = 0
                        }
                    }
                    entry.isTouched = false
                    entries[tenant] = entry.idle > Self.idleRounds ? nil : entry
                }
            }
        }
        return taken
    }

    /// What could not be added up after all.
    func giveBack(_ amounts: [QuotaStore.Amount]) {
        for amount in amounts { record(amount.kind, amount.amount, of: amount.tenant) }
    }

    /// Learns sums; those that are not among them have not changed.
    func learn(_ sums: [QuotaStore.Amount]) {
        for sum in sums {
            let slot = slot(sum.kind)
            with(sum.tenant) { entry in
                if entry.known == nil { entry.known = Self.kinds.map { _ in 0 } }
                entry.known?[slot] = sum.amount
            }
        }
    }

    func learn(_ limits: [Quota.Kind: QuotaLimit], of tenant: ID<Tenant>) {
        with(tenant) { entry in
            for (slot, kind) in Self.kinds.enumerated() { entry.limits[slot] = limits[kind] ?? standard[slot] }
        }
    }
}
