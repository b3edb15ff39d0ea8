import Foundation
import Primitives

/// Whether a test that failed is worth another try.
///
/// The first try after a failure is a question, not a hope: a failure that comes again in the same way is deterministic, one that does not shows a flake.
/// So a test of which nothing is known gets one; only one that is known to be flaky, or of which a person says so, gets all that the policy allows.
/// Nothing is asked whose answer is known: what failed before this build, what is broken, what does not heal by itself.
struct RetryDecision: Sendable {
    /// The raw values are stored.
    enum Reason: String, Codable, Sendable, CaseIterable {
        case flaky, transient
        case personAlways = "person_always"
        case notRuledOut = "not_ruled_out"
        case notATest = "not_a_test"
        case personNever = "person_never"
        case attemptsSpent = "attempts_spent"
        case sameFailure = "same_failure"
        case failsAlready = "fails_already"
        case broken, lasting, quarantined
        case tooManyFailures = "too_many_failures"
        case budgetSpent = "budget_spent"

        var isRetry: Bool { rank < Self.noRetry }

        private static let noRetry = 4

        /// Likeliest to pass first; what a person wants comes before what nobody asked for.
        fileprivate var rank: Int {
            switch self {
            case .flaky: 0
            case .personAlways: 1
            case .transient: 2
            case .notRuledOut: 3
            case .notATest, .personNever, .attemptsSpent, .sameFailure, .failsAlready, .broken, .lasting, .quarantined, .tooManyFailures,
                .budgetSpent:
                Self.noRetry
            }
        }
    }

    /// Tests that are decided on. No policy tries more than `RetryPolicy.mostTests` and no more than 1,000 are in quarantine, so of more failing tests none is
    /// tried again.
    static let mostDecided = RetryPolicy.mostTests + 1_000
    /// Decisions that are told; what is tried again is among them.
    static let mostTold = RetryPolicy.mostTests

    let candidate: RetryCandidate
    fileprivate(set) var reason: Reason
    /// Of all that it was reached from (`RetryInputs`).
    fileprivate(set) var inputHash = Data()
    /// Microseconds that tries might still take when it was its turn; `nil` when it did not come to that.
    fileprivate(set) var left: Int64?

    /// - Parameters:
    ///   - candidates: what fails, those that are quarantined among them.
    ///   - failing: how many fail in all, where not all of them are `candidates`.
    ///   - remaining: microseconds that tries may still take today.
    /// - Returns: what is tried again first, then the others, each in the order of the tests' ids.
    static func all(
        _ candidates: [RetryCandidate], _ policy: RetryPolicy, failing: Int? = nil, remaining: Int64, by edition: RetryEdition = .current
    ) -> [RetryDecision] {
        let isTooMuch = isTooMuch(candidates, policy, failing: failing ?? candidates.count)
        var decisions = candidates.map { RetryDecision(candidate: $0, reason: Self.reason($0, policy, isTooMuch: isTooMuch, by: edition)) }
        decisions.sort { ($0.reason.rank, $0.candidate.test) < ($1.reason.rank, $1.candidate.test) }
        var left = remaining
        for index in decisions.indices {
            let (candidate, isRetry) = (decisions[index].candidate, decisions[index].reason.isRetry)
            decisions[index].left = isRetry ? left : nil
            decisions[index].inputHash =
                RetryInputs(candidate: candidate, policy: policy, isTooMuch: isTooMuch, left: decisions[index].left, edition: edition).hash
            guard isRetry else { continue }
            // A duration that nobody knows costs nothing, but nothing is tried with an empty purse.
            let cost = candidate.microseconds ?? 0
            if left > 0, cost <= left { left -= cost } else { decisions[index].reason = .budgetSpent }
        }
        return decisions.filter(\.reason.isRetry) + decisions.filter { !$0.reason.isRetry }
    }

    /// Whether more tests fail than the policy tries again; what is quarantined does not count.
    static func isTooMuch(_ candidates: [RetryCandidate], _ policy: RetryPolicy, failing: Int) -> Bool {
        failing - candidates.count(where: \.outlook.isQuarantined) > policy.maxFailingTests
    }

    private static func reason(_ candidate: RetryCandidate, _ policy: RetryPolicy, isTooMuch: Bool, by edition: RetryEdition) -> Reason {
        for ground in edition.order {
            if let reason = ask(ground, candidate, policy, isTooMuch: isTooMuch, by: edition) { return reason }
        }
        return .notRuledOut
    }

    /// What one ground says; `nil` when it has nothing to say.
    private static func ask(
        _ ground: RetryEdition.Ground, _ candidate: RetryCandidate, _ policy: RetryPolicy, isTooMuch: Bool, by edition: RetryEdition
    ) -> Reason? {
        switch ground {
        case .quarantine: return candidate.outlook.isQuarantined ? .quarantined : nil
        case .process: return candidate.isProcess ? .notATest : nil
        case .personNever: return candidate.word?.kind == .never ? .personNever : nil
        case .attempts: return candidate.attempts >= policy.maxAttempts ? .attemptsSpent : nil
        case .tooManyFailures: return isTooMuch ? .tooManyFailures : nil
        case .personAlways:
            // What is known to be flaky is likelier to pass, and is tried for that.
            guard candidate.word?.kind == .always else { return nil }
            return candidate.outlook.kind == .flaky ? .flaky : .personAlways
        case .reputation:
            switch candidate.outlook.kind {
            case .flaky: return .flaky
            case .broken: return .broken
            case .other: return nil
            }
        case .earlierRuns: return candidate.outlook.failingSince == nil ? nil : .failsAlready
        case .sameFailure: return candidate.repeatsItself ? .sameFailure : nil
        case .nature:
            if edition.transient.contains(candidate.category) { return .transient }
            return edition.lasting.contains(candidate.category) ? .lasting : nil
        }
    }

    /// In a sentence.
    func detail(_ policy: RetryPolicy) -> String {
        switch reason {
        case .flaky: "It is known to be flaky."
        case .transient: "Trouble of the category \(candidate.category) often goes away by itself."
        case .personAlways: said("tried again whenever it fails")
        case .notRuledOut:
            candidate.attempts > 1 ? "It failed in another way each time." : "It failed once, and nothing says that it would fail again."
        case .notATest: "It is no test: it says how the command or its report ended."
        case .personNever: said("never tried again")
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

    private func said(_ what: String) -> String {
        guard let word = candidate.word else { return "A person says that it is \(what)." }
        return "\(word.saidBy) says that it is \(what): \(word.note)" + (word.note.hasSuffix(".") ? "" : ".")
    }
}
