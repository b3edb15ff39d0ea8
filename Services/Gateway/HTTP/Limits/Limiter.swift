import Contract
import Metrics
import Primitives

/// The rate limits: by key, by tenant, by address for whoever is not known, and of each by class of routes.
///
/// It knows which limits a request passes; the arithmetic is `GCRA`, the storage `Buckets`, and `SharedBuckets` where many gateways share them.
struct Limiter: Sendable {
    private let buckets: Buckets
    private let shared: SharedBuckets?
    let concurrency: Concurrency
    private let rates: RateTable
    /// While the shared store is away: this gateway's part of every limit.
    private let ownPart: RateTable
    private let alone = Counter(label: "limiter_fallbacks", dimensions: [("mode", "local")])
    private let closed = Counter(label: "limiter_fallbacks", dimensions: [("mode", "closed")])

    /// - Parameter instances: gateways that share `shared`.
    init(rates: RateTable, concurrency: Concurrency, buckets: Buckets = Buckets(), shared: SharedBuckets? = nil, instances: Int = 1) {
        self.buckets = buckets
        self.shared = shared
        self.concurrency = concurrency
        self.rates = rates
        ownPart = instances > 1 ? rates.divided(by: instances) : rates
    }

    /// Takes the cost of a request from all limits that it passes, or from none.
    ///
    /// `now`: nanoseconds of a monotonic clock.
    /// - Throws: `limits.unavailable` where somebody tries to prove who they are while the shared store is away: guessing must not become cheaper by
    ///   attacking the store (T33).
    func charge(_ payer: Payer, cost: Int, routeClass: RouteClass = .read, now: Int64) async throws(Fault) -> RateOutcome {
        let policies = rates.policies(routeClass, payer)
        guard let shared, cost > 0 else { return take(cost, payer, policies, now) }
        if let refusal = refusal(of: payer, cost: cost, routeClass: routeClass, now: now) { return refusal }
        do {
            return try await shared.take(cost, payer, policies, mirror: buckets, now: now)
        } catch {
            guard routeClass != .auth else {
                closed.increment()
                throw .limiterUnavailable
            }
            alone.increment()
            return take(cost, payer, ownPart.policies(routeClass, payer), now)
        }
    }

    /// The refusal that `charge` would certainly give: what is known here of a bucket that many gateways share is never more than was taken from it.
    func refusal(of payer: Payer, cost: Int, routeClass: RouteClass, now: Int64) -> RateOutcome? {
        let policies = rates.policies(routeClass, payer)
        for layer in policies.layers where layer.policy.mode == .enforce {
            let decision = buckets.peek(cost, from: payer.bucket(of: layer), limit: layer.policy.limit, now: now)
            guard decision.isAllowed else {
                layer.policy.exceeded.increment()
                return outcome(policies, layer, decision)
            }
        }
        return nil
    }

    /// What is left to an address, taking nothing.
    func look(_ address: ClientAddress, now: Int64) -> RateOutcome { take(0, .address(address), rates.policies(.read, .address(address)), now) }

    /// Whether an address may still try keys. Asked before a look-up, so that guessing keys costs the database nothing once the limit is used up.
    func mayTryKeys(_ address: ClientAddress, now: Int64) -> RateOutcome {
        refusal(of: .address(address), cost: 1, routeClass: .read, now: now) ?? look(address, now: now)
    }

    // MARK: - In this process

    private func take(_ cost: Int, _ payer: Payer, _ policies: RatePolicies, _ now: Int64) -> RateOutcome {
        var tightest: (layer: RatePolicies.Layer, decision: GCRA.Decision)?
        for (index, layer) in policies.layers.enumerated() {
            let decision = take(cost, from: payer.bucket(of: layer), layer.policy, now)
            guard decision.isAllowed else {
                for paid in policies.layers[..<index] where paid.policy.mode == .enforce {
                    buckets.giveBack(cost, to: payer.bucket(of: paid), limit: paid.policy.limit)
                }
                return outcome(policies, layer, decision)
            }
            if decision.remaining < tightest?.decision.remaining ?? .max { tightest = (layer, decision) }
        }
        guard let tightest else { preconditionFailure("there is no class of routes without a limit") }
        return outcome(policies, tightest.layer, tightest.decision)
    }

    /// A limit in the shadow is reckoned with but refuses nobody.
    private func take(_ cost: Int, from bucket: BucketKey, _ policy: RatePolicy, _ now: Int64) -> GCRA.Decision {
        guard policy.mode != .off else { return .untouched(policy.limit) }
        let decision = buckets.take(cost, from: bucket, limit: policy.limit, now: now)
        guard !decision.isAllowed else { return decision }
        policy.exceeded.increment()
        return policy.mode == .enforce ? decision : .exhausted(resetAfter: decision.resetAfter)
    }

    private func outcome(_ policies: RatePolicies, _ layer: RatePolicies.Layer, _ decision: GCRA.Decision) -> RateOutcome {
        RateOutcome(policies: policies.header, name: layer.policy.name, burst: layer.policy.limit.burst, decision: decision)
    }
}

/// The limits of every class of routes, for known and unknown callers.
struct RateTable: Sendable {
    private let known: [RouteClass: RatePolicies]
    private let unknown: [RouteClass: RatePolicies]
    private let whole: (key: RateLimit, tenant: RateLimit, address: RateLimit)
    private let modes: LimitModes
    private let classes: [RouteClass: ClassLimit]

    init(key: RateLimit, tenant: RateLimit, address: RateLimit, modes: LimitModes, classes: [RouteClass: ClassLimit]) {
        whole = (key, tenant, address)
        self.modes = modes
        self.classes = classes
        func table(_ owners: [(BucketKey.Kind, String, RateLimit, LimitMode)]) -> [RouteClass: RatePolicies] {
            Dictionary(
                uniqueKeysWithValues: RouteClass.allCases.map { ($0, RatePolicies($0, classes[$0] ?? ClassLimit(percent: 100), owners: owners)) })
        }
        known = table([(.key, "key", key, modes.key), (.tenant, "tenant", tenant, modes.tenant)])
        unknown = table([(.address, "address", address, modes.address)])
    }

    func policies(_ routeClass: RouteClass, _ payer: Payer) -> RatePolicies {
        let table = if case .principal = payer { known } else { unknown }
        guard let found = table[routeClass] else { preconditionFailure("every class of routes has limits") }
        return found
    }

    func divided(by count: Int) -> RateTable {
        RateTable(
            key: whole.key.divided(by: count), tenant: whole.tenant.divided(by: count), address: whole.address.divided(by: count), modes: modes,
            classes: classes)
    }
}

extension GCRA.Decision {
    /// Of a bucket that nobody takes from.
    static func untouched(_ limit: RateLimit) -> GCRA.Decision {
        GCRA.Decision(isAllowed: true, arrival: 0, remaining: limit.burst, retryAfter: 0, resetAfter: 0)
    }

    /// Allowed although nothing is left.
    static func exhausted(resetAfter: Int64) -> GCRA.Decision {
        GCRA.Decision(isAllowed: true, arrival: 0, remaining: 0, retryAfter: 0, resetAfter: resetAfter)
    }
}
