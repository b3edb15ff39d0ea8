/// Exponential delays with full jitter (Brooker, "Exponential Backoff and Jitter", AWS 2015).
package struct Backoff: Sendable {
    package let first: Duration
    package let factor: Double
    package let limit: Duration

    package init(first: Duration, factor: Double = 2, limit: Duration) {
        self.first = first
        self.factor = factor
        self.limit = limit
    }

    /// The longest delay before try number `attempt + 1`; `attempt` counts from 1.
    package func ceiling(attempt: Int) -> Duration {
        var delay = first
        for _ in 1..<max(1, attempt) where delay < limit { delay = delay * factor }
        return min(delay, limit)
    }

    /// A delay between half and the whole of the ceiling, so that it neither bunches nor vanishes.
    package func delay(attempt: Int, using random: inout some RandomNumberGenerator) -> Duration {
        ceiling(attempt: attempt) * Double.random(in: 0.5...1, using: &random)
    }
}
