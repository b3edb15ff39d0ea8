import Primitives

/// What follows from one attempt. Only 2xx is success: a redirect would send a signed body where nobody checked.
enum DeliveryPolicy {
    /// Before each further attempt (Standard Webhooks, section "Deliverability and reliability").
    static let delays: [Duration] = [
        .seconds(5), .seconds(5 * 60), .seconds(30 * 60), .seconds(2 * 3600), .seconds(5 * 3600), .seconds(10 * 3600), .seconds(14 * 3600),
        .seconds(20 * 3600), .seconds(24 * 3600),
    ]
    static let maxRetryAfter = Duration.seconds(24 * 3600)

    enum Answer: Sendable, Equatable {
        /// `retryAfter` is what the receiver asked for.
        case status(Int, retryAfter: Duration?)
        /// `blocked`: Assay may not connect to the address.
        case nothing(code: String, blocked: Bool)
    }

    enum Step: Equatable, Sendable {
        case delivered
        case retry(after: Duration)
        case failed
        /// 410: the receiver wants nothing more, so the channel is switched off.
        case gone
        case blocked
    }

    /// - Parameters:
    ///   - attempt: counts from 1.
    ///   - spread: 0…1, lengthens a delay by up to a tenth, so that receivers are not met by all at once.
    static func step(after answer: Answer, attempt: Int, spread: Double) -> Step {
        switch answer {
        case .status(200...299, _): return .delivered
        case .status(410, _): return .gone
        case .nothing(_, blocked: true): return .blocked
        case .status(_, let asked):
            return next(attempt: attempt, spread: spread, atLeast: min(asked ?? .zero, maxRetryAfter))
        case .nothing(_, blocked: false):
            return next(attempt: attempt, spread: spread, atLeast: .zero)
        }
    }

    private static func next(attempt: Int, spread: Double, atLeast: Duration) -> Step {
        guard attempt <= delays.count else { return .failed }
        return .retry(after: max(delays[attempt - 1] * (1 + spread / 10), atLeast))
    }
}
