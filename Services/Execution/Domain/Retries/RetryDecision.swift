import Foundation
import Primitives

/// Whether a test that failed is worth another try.
///
/// The first try after a failure is a question, not a hope: a failure that comes again in the same way is deterministic, one that does not shows a flake.
/// So a test of which nothing is known gets one; only one that is known to be flaky gets all that the policy allows. Nothing is asked whose answer is
/// known: what failed before this build, what is broken, what does not heal by itself.
struct RetryDecision: Sendable {
    enum Reason: Sendable, CaseIterable {
        case flaky, transient, notRuledOut
        case notATest, attemptsSpent, sameFailure, failsAlready, broken, lasting, quarantined, tooManyFailures, budgetSpent

        var isRetry: Bool { self == .flaky || self == .transient || self == .notRuledOut }

        /// Likeliest to pass first.
        fileprivate var rank: Int {
            switch self {
            case .flaky: 0
            case .transient: 1
            case .notRuledOut: 2
            default: 3
            }
        }
    }

    /// Of what follows and of `TroubleNature`: a decision says by which it was reached. Raised with each change of what comes out of either.
    static let edition: Int32 = 1
    /// Tests that are decided on. No policy tries more than `RetryPolicy.mostTests` and no more than 1,000 are in quarantine, so of more failing tests none is
    /// tried again.
    static let mostDecided = RetryPolicy.mostTests + 1_000
    /// Decisions that are told; what is tried again is among them.
    static let mostTold = RetryPolicy.mostTests

    let candidate: RetryCandidate
    fileprivate(set) var reason: Reason
    /// Of all that it was reached from (`RetryInputs`).
    fileprivate(set) var inputHash = Data()

    /// - Parameters:
    ///   - candidates: what fails, those that are quarantined among them.
    ///   - failing: how many fail in all, where not all of them are `candidates`.
    ///   - remaining: microseconds that tries may still take today.
    /// - Returns: what is tried again first, then the others, each in the order of the tests' ids.
    static func all(_ candidates: [RetryCandidate], _ policy: RetryPolicy, failing: Int? = nil, remaining: Int64) -> [RetryDecision] {
        let isTooMuch = (failing ?? candidates.count) - candidates.count(where: \.outlook.isQuarantined) > policy.maxFailingTests
        var decisions = candidates.map { RetryDecision(candidate: $0, reason: Self.reason($0, policy, isTooMuch: isTooMuch)) }
        decisions.sort { ($0.reason.rank, $0.candidate.test) < ($1.reason.rank, $1.candidate.test) }
        var left = remaining
        for index in decisions.indices {
            let (candidate, isRetry) = (decisions[index].candidate, decisions[index].reason.isRetry)
            decisions[index].inputHash =
                RetryInputs(candidate: candidate, policy: policy, isTooMuch: isTooMuch, left: isRetry ? left : nil).hash
            guard isRetry else { continue }
            // A duration that nobody knows costs nothing, but nothing is tried with an empty purse.
            let cost = candidate.microseconds ?? 0
            if left > 0, cost <= left { left -= cost } else { decisions[index].reason = .budgetSpent }
        }
        return decisions.filter(\.reason.isRetry) + decisions.filter { !$0.reason.isRetry }
    }

    private static func reason(_ candidate: RetryCandidate, _ policy: RetryPolicy, isTooMuch: Bool) -> Reason {
        let outlook = candidate.outlook
        if outlook.isQuarantined { return .quarantined }
        if candidate.isProcess { return .notATest }
        if candidate.attempts >= policy.maxAttempts { return .attemptsSpent }
        if isTooMuch { return .tooManyFailures }
        switch outlook.kind {
        case .flaky: return .flaky
        case .broken: return .broken
        case .other: break
        }
        if outlook.failingSince != nil { return .failsAlready }
        if candidate.repeatsItself { return .sameFailure }
        switch TroubleNature(category: candidate.category) {
        case .transient: return .transient
        case .lasting: return .lasting
        case nil: return .notRuledOut
        }
    }

    /// In a sentence.
    func detail(_ policy: RetryPolicy) -> String {
        switch reason {
        case .flaky: "It is known to be flaky."
        case .transient: "Trouble of the category \(candidate.category) often goes away by itself."
        case .notRuledOut:
            candidate.attempts > 1 ? "It failed in another way each time." : "It failed once, and nothing says that it would fail again."
        case .notATest: "It is no test: it says how the command or its report ended."
        case .attemptsSpent: "It was executed \(candidate.attempts) times; the policy allows \(policy.maxAttempts)."
        case .sameFailure: "It failed twice in the same way and is not known to be flaky."
        case .failsAlready:
            "It has failed since an earlier run" + (candidate.outlook.failingSince.map { " of \($0.formatted(.iso8601))" } ?? "")
                + ", and nothing has passed since."
        case .broken: "It is known to be broken."
        case .lasting: "Trouble of the category \(candidate.category) stays until somebody mends it."
        case .quarantined: "It is quarantined and breaks nothing."
        case .tooManyFailures: "More than \(policy.maxFailingTests) tests fail, which has one cause mostly."
        case .budgetSpent: "The \(policy.minutesPerDay) minutes that tries may take today are spent."
        }
    }
}
