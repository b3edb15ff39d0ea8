import HTTPTypes
import Hummingbird
import Metrics
import Primitives

/// The rate limits of one gateway: by key, by tenant, and by address for whoever is not known.
///
/// It turns decisions into headers and faults; the arithmetic is `GCRA`, the storage `Buckets`.
struct Limiter: Sendable {
    private let buckets: Buckets
    let concurrency: Concurrency
    private let key: Policy
    private let tenant: Policy
    private let anonymous: Policy

    private struct Policy: Sendable {
        let name: String
        let limit: RateLimit
        /// `"key";q=100;w=10`: a burst of q, regained in w seconds (draft-ietf-httpapi-ratelimit-headers).
        let header: String
        let mode: LimitMode
        /// Requests that went beyond it, served or not.
        let exceeded: Counter

        init(_ name: String, _ limit: RateLimit, _ mode: LimitMode) {
            self.name = name
            self.limit = limit
            self.mode = mode
            exceeded = Counter(label: "limits_exceeded", dimensions: [("limit", name), ("mode", mode.rawValue)])
            header = "\"\(name)\";q=\(limit.burst);w=\(limit.window)"
        }
    }

    private let knownHeader: String

    init(
        key: RateLimit, tenant: RateLimit, anonymous: RateLimit, concurrency: Concurrency, modes: LimitModes = LimitModes(),
        buckets: Buckets = Buckets()
    ) {
        self.buckets = buckets
        self.concurrency = concurrency
        self.key = Policy("key", key, modes.key)
        self.tenant = Policy("tenant", tenant, modes.tenant)
        self.anonymous = Policy("address", anonymous, modes.address)
        knownHeader = self.key.header + ", " + self.tenant.header
    }

    /// What was decided about one request, and the headers that say so.
    struct Outcome: Sendable {
        fileprivate let policy: String
        fileprivate let name: String
        fileprivate let burst: Int
        fileprivate let decision: GCRA.Decision

        var isAllowed: Bool { decision.isAllowed }

        /// `Retry-After` is never before the call would be allowed; a second of jitter keeps refused clients from returning together.
        func fault() -> Fault {
            .rateLimited(name, retryAfter: .nanoseconds(decision.retryAfter) + .milliseconds(Int.random(in: 0...1_000)))
        }

        /// `unixTime`: seconds; `X-RateLimit-Reset` is a moment, the others are distances.
        func write(to headers: inout HTTPFields, unixTime: Int64) {
            let reset = (decision.resetAfter + 999_999_999) / 1_000_000_000
            headers.append(HTTPField(name: .rateLimitPolicy, value: policy))
            headers.append(HTTPField(name: .rateLimit, value: "\"" + name + "\";r=" + String(decision.remaining) + ";t=" + String(reset)))
            headers.append(HTTPField(name: .xRateLimitLimit, value: String(burst)))
            headers.append(HTTPField(name: .xRateLimitRemaining, value: String(decision.remaining)))
            headers.append(HTTPField(name: .xRateLimitReset, value: String(unixTime + reset)))
        }
    }

    /// Takes the cost of a request of a known caller from the key, then from the tenant: a key that is over its own limit takes nothing from
    /// its colleagues.
    func charge(_ principal: Principal, cost: Int, now: Int64) -> Outcome {
        let own = take(cost, from: principal.keyBucket, key, now)
        guard own.isAllowed else { return outcome(key, knownHeader, own) }
        let shared = take(cost, from: principal.tenantBucket, tenant, now)
        guard shared.isAllowed, shared.remaining >= own.remaining else { return outcome(tenant, knownHeader, shared) }
        return outcome(key, knownHeader, own)
    }

    /// Takes from the bucket of an address: for public routes, and for every refused key.
    func charge(_ address: ClientAddress, cost: Int, now: Int64) -> Outcome {
        outcome(anonymous, anonymous.header, take(cost, from: address.bucket, anonymous, now))
    }

    /// Whether an address may still try keys. Asked before a look-up, so that guessing keys costs the database nothing once the limit is used up.
    func mayTryKeys(_ address: ClientAddress, now: Int64) -> Outcome {
        let decision =
            anonymous.mode == .enforce
            ? buckets.peek(1, from: address.bucket, limit: anonymous.limit, now: now) : GCRA.Decision.untouched(anonymous.limit)
        return outcome(anonymous, anonymous.header, decision)
    }

    /// A limit in the shadow is reckoned with but refuses nobody.
    private func take(_ cost: Int, from bucket: BucketKey, _ policy: Policy, _ now: Int64) -> GCRA.Decision {
        guard policy.mode != .off else { return .untouched(policy.limit) }
        let decision = buckets.take(cost, from: bucket, limit: policy.limit, now: now)
        guard !decision.isAllowed else { return decision }
        policy.exceeded.increment()
        return policy.mode == .enforce ? decision : .exhausted(resetAfter: decision.resetAfter)
    }

    private func outcome(_ policy: Policy, _ header: String, _ decision: GCRA.Decision) -> Outcome {
        Outcome(policy: header, name: policy.name, burst: policy.limit.burst, decision: decision)
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
