import Crypto
import Foundation
import Primitives

/// All that decides whether a test is tried again. By one edition of the rules (`RetryDecision.edition`) the same inputs give the same decision.
struct RetryInputs: Sendable {
    let candidate: RetryCandidate
    let policy: RetryPolicy
    /// More tests fail than the policy tries again.
    let isTooMuch: Bool
    /// Microseconds that tries might still take when it was its turn; `nil` when it did not come to that.
    let left: Int64?

    /// SHA-256. Equal for equal inputs, in every process.
    var hash: Data {
        let outlook = candidate.outlook
        let since = Self.text(outlook.failingSince.map { Int64(($0.timeIntervalSince1970 * 1000).rounded()) })
        var parts: [String] = [
            "\(RetryDecision.edition)", "\(candidate.test)", "\(candidate.isProcess)", "\(candidate.attempts)", Self.text(candidate.microseconds),
            outlook.kind.rawValue, since, "\(outlook.isQuarantined)", "\(policy.maxAttempts)", "\(policy.maxFailingTests)",
            "\(policy.minutesPerDay)", "\(isTooMuch)", Self.text(left),
        ]
        for failure in candidate.failures { parts += ["\(failure.result)", failure.category, failure.signature] }
        return Data(SHA256.hash(data: Data(parts.joined(separator: "\u{1f}").utf8)))
    }

    private static func text(_ number: Int64?) -> String { number.map(String.init) ?? "" }
}
