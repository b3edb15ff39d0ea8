import HTTPTypes
import Primitives

/// What was decided about one request, and the headers that say so.
struct RateOutcome: Sendable {
    /// All limits that the request passed, as the RateLimit-Policy header lists them.
    let policies: String
    /// The limit that refused it, or the one that is nearest to doing so.
    let name: String
    let burst: Int
    let decision: GCRA.Decision
    /// Seconds, at most one: keeps those who were refused together from returning together.
    private let jitter: Int64
    /// Waiting does not help.
    private let isForGood: Bool

    init(policies: String, name: String, burst: Int, decision: GCRA.Decision) {
        self.init(
            policies: policies, name: name, burst: burst, decision: decision, jitter: decision.isAllowed ? 0 : Int64.random(in: 0...1),
            isForGood: false)
    }

    private init(policies: String, name: String, burst: Int, decision: GCRA.Decision, jitter: Int64, isForGood: Bool) {
        self.policies = policies
        self.name = name
        self.burst = burst
        self.decision = decision
        self.jitter = jitter
        self.isForGood = isForGood
    }

    /// One request too many at the same time. `qu`: what the cap counts (draft-ietf-httpapi-ratelimit-headers).
    init(crowded cap: Concurrency.Cap, limit: Int) {
        self.init(
            policies: "\"\(cap.rawValue)\";q=\(limit);qu=\"concurrent-requests\"", name: cap.rawValue, burst: limit,
            decision: GCRA.Decision(isAllowed: false, arrival: 0, remaining: 0, retryAfter: 1, resetAfter: 0))
    }

    /// Something of which there is no more, for so many seconds or for good.
    init(exhausted name: String, policy: String, limit: Int64, seconds: Int64?) {
        self.init(
            policies: policy, name: name, burst: Int(limit),
            decision: GCRA.Decision(
                isAllowed: false, arrival: 0, remaining: 0, retryAfter: (seconds ?? 0) * 1_000_000_000, resetAfter: 0),
            jitter: 0, isForGood: seconds == nil)
    }

    var isAllowed: Bool { decision.isAllowed }

    /// Until the bucket is full; of a refusal, until the same request will be allowed: never before, as `Retry-After` says too.
    var seconds: Int64 {
        ((isAllowed ? decision.resetAfter : decision.retryAfter) + 999_999_999) / 1_000_000_000 + jitter
    }

    func fault() -> Fault { .rateLimited(name, retryAfter: .seconds(seconds)) }

    /// `unixTime`: seconds; `X-RateLimit-Reset` is a moment, the others are distances.
    func write(to headers: inout HTTPFields, unixTime: Int64) {
        headers.append(HTTPField(name: .rateLimitPolicy, value: policies))
        let wait = isForGood ? "" : ";t=" + String(seconds)
        headers.append(HTTPField(name: .rateLimit, value: "\"" + name + "\";r=" + String(decision.remaining) + wait))
        headers.append(HTTPField(name: .xRateLimitLimit, value: String(burst)))
        headers.append(HTTPField(name: .xRateLimitRemaining, value: String(decision.remaining)))
        if !isForGood { headers.append(HTTPField(name: .xRateLimitReset, value: String(unixTime + seconds))) }
    }
}
