import Foundation
import Primitives
import Synchronization

/// What organizations may use only so much of. What they spend by the month this gateway counts itself (`QuotaLedger`); what they hold it asks those
/// who know: Execution for reports and tests under way, the members' own table for seats.
final class Quotas: Sendable {
    /// What Execution says of an organization.
    struct Held: Sendable, Equatable {
        let runningTests: Int64
        let storageBytes: Int64
        let storageFiles: Int64

        func of(_ kind: Quota.Kind) -> Int64? {
            switch kind {
            case .runningTests: runningTests
            case .storageBytes: storageBytes
            case .storageFiles: storageFiles
            case .requests, .uploads, .uploadBytes, .members: nil
            }
        }
    }

    private struct Look {
        let held: Held
        let at: ContinuousClock.Instant
    }

    /// How long a look at what is held is good for: reports come slowly, tests quickly.
    private static func lifetime(_ kind: Quota.Kind) -> Duration { kind == .runningTests ? .seconds(2) : .seconds(60) }
    private static let maxLooks = 10_000

    let settings: QuotaSettings
    private let store: QuotaStore
    private let ledger: QuotaLedger
    private let ask: @Sendable (ID<Tenant>) async throws -> Held
    private let looks = Mutex<[ID<Tenant>: Look]>([:])
    /// Warnings that need not be thought of again this month.
    private let warned = Mutex<Set<String>>([])

    /// - Parameter ask: what Execution answers.
    init(_ settings: QuotaSettings, store: QuotaStore, ask: @escaping @Sendable (ID<Tenant>) async throws -> Held) {
        self.settings = settings
        self.store = store
        self.ask = ask
        ledger = QuotaLedger { settings.limit($0) }
    }

    // MARK: - Using

    /// Counts a request, unless there have been too many this month.
    func spendRequest(of tenant: ID<Tenant>, now: Date = Date()) -> QuotaRefusal? {
        ledger.spend(.requests, of: tenant).map { QuotaRefusal(.requests, $0, now: now) }
    }

    /// Counts an upload that was taken.
    func recordUpload(of tenant: ID<Tenant>) { ledger.record(.uploads, 1, of: tenant) }

    /// Counts bytes of an upload, taken or not: they were carried.
    func recordUpload(bytes: Int, of tenant: ID<Tenant>) { ledger.record(.uploadBytes, Int64(bytes), of: tenant) }

    /// For whoever is about to use some of a quota: that there is room for `amount`.
    ///
    /// Several that ask at the same moment may all be let in: a quota is for weeks and gigabytes, and goes a little too far rather than hold everybody up.
    /// - Throws: `quota_exceeded`.
    func requireRoom(for kind: Quota.Kind, _ amount: Int64 = 1, of tenant: ID<Tenant>, now: Date = Date()) async throws(Fault) {
        if let refusal = await refusal(kind, amount, of: tenant, now: now) { throw refusal.fault(now: now) }
    }

    /// - Parameter bytes: of the body of an upload, as far as it is known.
    func refusal(_ kind: Quota.Kind, bytes: Int64, of tenant: ID<Tenant>, now: Date = Date()) async -> QuotaRefusal? {
        for part in kind.together {
            if let refusal = await refusal(part, part == .uploadBytes ? max(1, bytes) : 1, of: tenant, now: now) { return refusal }
        }
        return nil
    }

    /// What cannot be found out is in nobody's way: what is wrong will show where the request needs it.
    private func refusal(_ kind: Quota.Kind, _ amount: Int64, of tenant: ID<Tenant>, now: Date) async -> QuotaRefusal? {
        try? await found(kind, amount, of: tenant, now: now)
    }

    private func found(_ kind: Quota.Kind, _ amount: Int64, of tenant: ID<Tenant>, now: Date) async throws -> QuotaRefusal? {
        if kind.isMonthly {
            if !ledger.isKnown(tenant) { try await refresh(tenant, now: now) }
            return ledger.obstacle(kind, amount, of: tenant).map { QuotaRefusal(kind, $0, now: now) }
        }
        guard let used = kind == .members ? try await store.members(of: tenant) : try await look(tenant, kind, now: now) else { return nil }
        let limit = try await limit(kind, of: tenant)
        await notice(kind, used: used, limit, of: tenant, now: now)
        return used + amount <= limit.hard ? nil : QuotaRefusal(kind, limit, now: now)
    }

    func limit(_ kind: Quota.Kind, of tenant: ID<Tenant>) async throws -> QuotaLimit {
        settings.limit(kind, try await store.overrides(of: [tenant])[tenant]?[kind])
    }

    /// How many people an organization may have, for whoever is about to let one more in: that one counts when it comes to warning.
    func seats(of tenant: ID<Tenant>, now: Date = Date()) async throws -> QuotaLimit {
        let limit = try await limit(.members, of: tenant)
        await notice(.members, used: try await store.members(of: tenant) + 1, limit, of: tenant, now: now)
        return limit
    }

    private func refresh(_ tenant: ID<Tenant>, now: Date) async throws {
        let overview = try await store.overview(of: tenant, month: QuotaMonth(containing: now))
        learn(overview.overrides, of: tenant)
        ledger.learn(QuotaLedger.kinds.map { QuotaStore.Amount(tenant: tenant, kind: $0, amount: overview.spent[$0] ?? 0) })
    }

    private func learn(_ overrides: [Quota.Kind: QuotaStore.Override], of tenant: ID<Tenant>) {
        let limits = QuotaLedger.kinds.map { ($0, settings.limit($0, overrides[$0])) }
        ledger.learn(Dictionary(uniqueKeysWithValues: limits), of: tenant)
    }

    /// What Execution holds of an organization, as it was a short while ago.
    private func look(_ tenant: ID<Tenant>, _ kind: Quota.Kind, now: Date) async throws -> Int64? {
        let known = looks.withLock { $0[tenant] }
        if let known, ContinuousClock.now - known.at < Self.lifetime(kind) { return known.held.of(kind) }
        return try await look(tenant, now: now).of(kind)
    }

    private func look(_ tenant: ID<Tenant>, now: Date) async throws -> Held {
        let held = try await ask(tenant)
        looks.withLock { looks in
            if looks.count >= Self.maxLooks { looks = [:] }
            looks[tenant] = Look(held: held, at: .now)
        }
        try await store.observe([.storageBytes: held.storageBytes, .storageFiles: held.storageFiles], of: tenant, on: QuotaMonth.text(now))
        return held
    }

    // MARK: - Adding up

    /// Adds to the sums of all gateways what this one has counted, and learns them: one statement, however many requests there were.
    func flush(now: Date) async throws {
        let month = QuotaMonth(containing: now)
        let counted = ledger.take(month)
        guard !counted.isEmpty else { return }
        let sums: [QuotaStore.Amount]
        do {
            sums = try await store.add(counted, month: month)
        } catch {
            ledger.giveBack(counted)
            throw error
        }
        ledger.learn(sums)
        let tenants = Array(Set(sums.map(\.tenant)))
        let overrides = try await store.overrides(of: tenants)
        for tenant in tenants { learn(overrides[tenant] ?? [:], of: tenant) }
        for sum in sums {
            await notice(sum.kind, used: sum.amount, settings.limit(sum.kind, overrides[sum.tenant]?[sum.kind]), of: sum.tenant, now: now)
        }
    }

    /// Has the organization warned of every threshold that it has reached, once a month. What fails is tried again at the next look.
    private func notice(_ kind: Quota.Kind, used: Int64, _ limit: QuotaLimit, of tenant: ID<Tenant>, now: Date) async {
        let month = QuotaMonth(containing: now)
        for threshold in limit.reached(used: used) {
            let name = "\(tenant) \(kind.rawValue) \(month.text) \(threshold.rawValue)"
            guard !warned.withLock({ $0.contains(name) }) else { continue }
            let warning = PublishQuotaWarning.Payload(
                quota: kind.rawValue, threshold: threshold.rawValue, month: month.text, used: used, soft: limit.soft, hard: limit.hard,
                resetsAt: kind.isMonthly ? month.end : nil, noticedAt: now)
            guard (try? await store.warn(warning, tenant: tenant)) != nil else { continue }
            warned.withLock { warned in
                if warned.count >= Self.maxLooks { warned = [] }
                warned.insert(name)
            }
        }
    }

    func sweep() async throws { try await store.sweep() }

    // MARK: - Telling

    /// Also the version of the limits.
    /// - Throws: `organization.not_found`.
    func list(of tenant: ID<Tenant>, now: Date = Date()) async throws -> (quotas: [Quota], version: Int64) {
        let month = QuotaMonth(containing: now)
        // Whoever cannot be asked leaves a gap; the rest is told all the same.
        let held = try? await look(tenant, now: now)
        let members = try await store.members(of: tenant)
        try await store.observe([.members: members], of: tenant, on: QuotaMonth.text(now))
        let overview = try await store.overview(of: tenant, month: month)
        guard let version = overview.version else { throw Fault.notFound("organization", tenant) }
        let quotas = Quota.Kind.allCases.map { kind in
            let used: Int64? =
                if kind.isMonthly {
                    (overview.spent[kind] ?? 0) + ledger.pending(kind, of: tenant)
                } else {
                    kind == .members ? members : held?.of(kind)
                }
            let limit = settings.limit(kind, overview.overrides[kind])
            let since: (Date, Int64)? = kind.isMonthly ? (month.start, 0) : overview.held[kind].map { ($0.day, $0.used) }
            let runsOut = used.flatMap { used in
                since.flatMap { since in
                    QuotaForecast.runsOut(
                        used: used, hard: limit.hard, since: (since.0, since.1), now: now, before: kind.isMonthly ? month.end : nil)
                }
            }
            return Quota(
                kind: kind, used: used, limit: limit, resetsAt: kind.isMonthly ? month.end : nil, runsOutAt: runsOut,
                isOverridden: overview.overrides[kind] != nil)
        }
        return (quotas, version)
    }

    /// - Parameter version: that the limits must have; 0 for any.
    /// - Throws: `organization.not_found`, `precondition_failed`.
    func set(_ overrides: [Quota.Kind: QuotaStore.Override?], version: Int64, of tenant: ID<Tenant>) async throws {
        try await store.set(overrides, version: version, of: tenant)
        learn(try await store.overrides(of: [tenant])[tenant] ?? [:], of: tenant)
    }
}

/// The installation's limits.
struct QuotaSettings: Sendable {
    /// Hard limits.
    var hard: [Quota.Kind: Int64]
    /// Where organizations are warned, in percent of the hard limit.
    var softPercent = 80

    static let standard: [Quota.Kind: Int64] = [
        .requests: 10_000_000, .uploads: 100_000, .uploadBytes: 100 << 30, .storageBytes: 10 << 30, .storageFiles: 100_000, .runningTests: 50_000,
        .members: 1_000,
    ]

    func limit(_ kind: Quota.Kind, _ override: QuotaStore.Override? = nil) -> QuotaLimit {
        let hard = override?.hard ?? self.hard[kind] ?? Self.standard[kind] ?? QuotaLimit.largest
        return override?.soft.map { QuotaLimit(hard: hard, soft: $0) } ?? QuotaLimit(hard: hard, softPercent: softPercent)
    }
}

/// A quota that has no room for what was asked.
struct QuotaRefusal: Sendable, Equatable {
    let kind: Quota.Kind
    let limit: QuotaLimit
    /// When there will be room in any case; `nil` for what is held.
    let resetsAt: Date?

    init(_ kind: Quota.Kind, _ limit: QuotaLimit, now: Date) {
        self.kind = kind
        self.limit = limit
        resetsAt = kind.isMonthly ? QuotaMonth(containing: now).end : nil
    }

    func fault(now: Date) -> Fault { .quotaExceeded(kind, limit, resetsAt: resetsAt, now: now) }

    /// `"uploads";q=100000;w=2592000;qu="requests"`
    func outcome(now: Date) -> RateOutcome {
        let month = QuotaMonth(containing: now)
        let window = kind.isMonthly ? ";w=\(Int(month.end.timeIntervalSince(month.start)))" : ""
        return RateOutcome(
            exhausted: kind.rawValue, policy: "\"\(kind.rawValue)\";q=\(limit.hard)\(window);qu=\"\(kind.unit)\"", limit: limit.hard,
            seconds: fault(now: now).retryAfter?.components.seconds)
    }
}
