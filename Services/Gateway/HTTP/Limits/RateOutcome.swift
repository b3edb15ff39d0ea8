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

    init(policies: String, name: String, burst: Int, decision: GCRA.Decision) {
        self.policies = policies
        self.name = name
        self.burst = burst
        self.decision = decision
        jitter = decision.isAllowed ? 0 : Int64.random(in: 0...1)
    }

    /// One request too many at the same time. `qu`: what the cap counts (draft-ietf-httpapi-ratelimit-headers).
    init(crowded cap: Concurrency.Cap, limit: Int) {
        self.init(
            policies: "\"\(cap.rawValue)\";q=\(limit);qu=\"concurrent-requests\"", name: cap.rawValue, burst: limit,
            decision: GCRA.Decision(isAllowed: false, arrival: 0, remaining: 0, retryAfter: 1, resetAfter: 0))
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
        headers.append(HTTPField(name: .rateLimit, value: "\"" + name + "\";r=" + String(decision.remaining) + ";t=" + String(seconds)))
        headers.append(HTTPField(name: .xRateLimitLimit, value: String(burst)))
        headers.append(HTTPField(name: .xRateLimitRemaining, value: String(decision.remaining)))
        headers.append(HTTPField(name: .xRateLimitReset, value: String(unixTime + seconds)))
    }
}
