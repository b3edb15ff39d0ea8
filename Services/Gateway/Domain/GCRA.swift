/// The generic cell rate algorithm (ITU-T I.371), the virtual-scheduling form: one number per bucket, no timer, no refill.
///
/// `arrival` is the theoretical arrival time: when the bucket will be full again. A call of cost n moves it by n emission intervals, and is
/// allowed while it stays within the burst of now. All times are nanoseconds of one clock.
enum GCRA {
    /// Whether a call of `cost` points may be made, and what is left.
    ///
    /// `now`: a clock that went backwards makes the distance to `arrival` larger, so it never grants anything extra (T34).
    /// `arrival`: as the last allowed decision left it; 0 for a bucket nobody has used.
    /// `cost`: more than a burst counts as a burst, or such a call could never be made.
    static func decide(now: Int64, arrival: Int64, limit: RateLimit, cost: Int) -> Decision {
        let burst = limit.interval * Int64(limit.burst)
        let start = max(now, arrival)
        let next = start + limit.interval * Int64(min(cost, limit.burst))
        let isAllowed = next - now <= burst
        let kept = isAllowed ? next : start
        return Decision(
            isAllowed: isAllowed,
            arrival: isAllowed ? next : arrival,
            remaining: Int(max(0, burst - (kept - now)) / limit.interval),
            retryAfter: isAllowed ? 0 : next - burst - now,
            resetAfter: max(0, kept - now)
        )
    }

    /// The same decision where somebody else made it: `kept` is the distance from now to when the bucket will be full, as the decision left it.
    static func decided(_ isAllowed: Bool, kept: Int64, limit: RateLimit, cost: Int) -> Decision {
        let burst = limit.interval * Int64(limit.burst)
        let next = kept + limit.interval * Int64(min(cost, limit.burst))
        return Decision(
            isAllowed: isAllowed, arrival: kept, remaining: Int(max(0, burst - kept) / limit.interval),
            retryAfter: isAllowed ? 0 : max(1, next - burst), resetAfter: max(0, kept))
    }

    /// What a call took, given back, because another limit refused it. Those who were refused in between had bad luck; nobody gets more.
    static func returned(arrival: Int64, limit: RateLimit, cost: Int) -> Int64 {
        arrival - limit.interval * Int64(min(cost, limit.burst))
    }

    /// What to do with one call.
    struct Decision: Equatable, Sendable {
        let isAllowed: Bool
        /// To be stored for the next decision; unchanged when refused.
        let arrival: Int64
        /// Whole points left.
        let remaining: Int
        /// Nanoseconds until the same call would be allowed; 0 when it is.
        let retryAfter: Int64
        /// Nanoseconds until the bucket is full.
        let resetAfter: Int64
    }
}

/// Points per time, and how many may be spent at once.
struct RateLimit: Equatable, Sendable {
    let perMinute: Int
    let burst: Int
    /// Nanoseconds that one point takes to come back.
    let interval: Int64

    /// - Precondition: both at least 1; the configuration refuses less.
    init(perMinute: Int, burst: Int) {
        precondition(perMinute > 0 && burst > 0)
        self.perMinute = perMinute
        self.burst = burst
        interval = max(1, 60_000_000_000 / Int64(perMinute))
    }

    /// A part of it, at least a point.
    func share(percent: Int) -> RateLimit {
        RateLimit(perMinute: max(1, perMinute * percent / 100), burst: max(1, burst * percent / 100))
    }

    /// For one of `count` that share the limit without talking to each other. The time in which a bucket fills stays the same.
    func divided(by count: Int) -> RateLimit { RateLimit(perMinute: max(1, perMinute / count), burst: max(1, burst / count)) }

    /// Seconds in which an empty bucket becomes full: the window that the `RateLimit-Policy` header declares.
    var window: Int { max(1, Int((interval * Int64(burst) + 999_999_999) / 1_000_000_000)) }
}
