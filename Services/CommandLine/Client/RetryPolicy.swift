/// When to try again what may pass: twice as long each time, with jitter so that a thousand CI jobs do not return together, and never before the
/// server said so.
struct RetryPolicy: Sendable {
    /// From the first try on; what would begin later is not tried any more.
    var patience: Duration = .seconds(30)
    static let first = Duration.milliseconds(500)
    static let longest = Duration.seconds(10)

    /// - Parameters:
    ///   - attempt: tries so far, from 1.
    ///   - elapsed: since the first try began.
    ///   - chance: 0…1.
    /// - Returns: `nil` when patience is over.
    func delay(attempt: Int, elapsed: Duration, retryAfter: Duration?, chance: Double) -> Duration? {
        let step = min(Self.longest, Self.first * (1 << min(attempt - 1, 10)))
        let wait = max(step * (0.5 + chance / 2), retryAfter ?? .zero)
        return elapsed + wait <= patience ? wait : nil
    }
}
