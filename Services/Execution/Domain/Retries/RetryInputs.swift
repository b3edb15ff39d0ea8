import Crypto
import Foundation
import Primitives

/// All that decides whether a test is tried again. By one edition of the rules the same inputs give the same decision.
struct RetryInputs: Sendable {
    let candidate: RetryCandidate
    let policy: RetryPolicy
    /// More tests fail than the policy tries again.
    let isTooMuch: Bool
    /// Microseconds that tries might still take when it was its turn; `nil` when it did not come to that.
    let left: Int64?
    let edition: RetryEdition

    /// SHA-256. Equal for equal inputs, in every process.
    var hash: Data {
        let outlook = candidate.outlook
        var parts: [String] = [
            "\(edition.number)", "\(candidate.test)", "\(candidate.isProcess)", "\(candidate.attempts)", Self.text(candidate.microseconds),
            outlook.kind.rawValue, Self.text(outlook.failingSince?.wholeMilliseconds), "\(outlook.isQuarantined)", "\(policy.maxAttempts)",
            "\(policy.maxFailingTests)", "\(policy.minutesPerDay)", "\(isTooMuch)", Self.text(left),
        ]
        for failure in candidate.failures { parts += ["\(failure.result)", failure.category, failure.signature] }
        // An edition that asks nobody is not changed by what people say, nor is any by what they took back.
        if edition.asksPeople, let word = candidate.word, let kind = word.kind {
            parts += [kind.rawValue, "\(word.id)", word.saidBy, word.note]
        }
        return Data(SHA256.hash(data: Data(parts.joined(separator: "\u{1f}").utf8)))
    }

    private static func text(_ number: Int64?) -> String { number.map(String.init) ?? "" }
}

extension Date {
    /// Since 1970, as times are hashed and stored.
    var wholeMilliseconds: Int64 { Int64((timeIntervalSince1970 * 1000).rounded()) }

    init(wholeMilliseconds: Int64) { self.init(timeIntervalSince1970: Double(wholeMilliseconds) / 1000) }
}
