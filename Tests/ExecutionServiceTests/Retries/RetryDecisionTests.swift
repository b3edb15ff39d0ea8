import Foundation
import Primitives
import Testing

@testable import ExecutionService

@Suite struct RetryDecisionTests {
    /// A test that failed once per signature.
    private func candidate(
        _ signatures: [String] = ["a"], category: String = "ASSERTION", microseconds: Int64? = 1_000_000, attempts: Int? = nil,
        outlook: RetryCandidate.Outlook = .init()
    ) -> RetryCandidate {
        RetryCandidate(
            test: .new(), suiteName: "s", className: "c", name: "n", file: "", attempts: attempts ?? signatures.count, microseconds: microseconds,
            failures: signatures.map { .init(result: .new(), category: category, signature: $0) }, outlook: outlook)
    }

    private func decide(_ candidate: RetryCandidate, _ policy: RetryPolicy = .init()) -> RetryDecision.Reason? {
        RetryDecision.all([candidate], policy, remaining: policy.remaining(after: 0)).first?.reason
    }

    @Test("a first failure is worth one more try, whatever it is, unless its category does not heal")
    func firstFailure() {
        #expect(decide(candidate()) == .notRuledOut)
        #expect(decide(candidate(category: "")) == .notRuledOut)
        #expect(decide(candidate(category: "TIMEOUT")) == .transient)
        #expect(decide(candidate(category: "AUTHORIZATION")) == .lasting)
    }

    @Test("what fails twice in the same way is deterministic; what fails in another way each time is not")
    func twice() {
        #expect(decide(candidate(["a", "a"])) == .sameFailure)
        #expect(decide(candidate(["a", "a"], category: "TIMEOUT")) == .sameFailure)
        #expect(decide(candidate(["a", "b"])) == .notRuledOut)
        // Nobody could say what they look like.
        #expect(decide(candidate(["", ""])) == .notRuledOut)
    }

    @Test("a test that is known to be flaky gets all the tries that the policy allows, and no more")
    func flaky() {
        let flaky = RetryCandidate.Outlook(kind: .flaky)
        #expect(decide(candidate(["a", "a"], outlook: flaky)) == .flaky)
        #expect(decide(candidate(category: "AUTHENTICATION", outlook: flaky)) == .flaky)
        #expect(decide(candidate(["a", "a", "a"], outlook: flaky)) == .attemptsSpent)
        #expect(decide(candidate(attempts: 3, outlook: flaky)) == .attemptsSpent, "tries that the report itself tells of count")
    }

    @Test("what failed before this build, is broken or quarantined is left alone")
    func known() throws {
        #expect(decide(candidate(outlook: .init(failingSince: Date()))) == .failsAlready)
        #expect(decide(candidate(outlook: .init(kind: .flaky, failingSince: Date()))) == .flaky)
        #expect(decide(candidate(outlook: .init(kind: .broken))) == .broken)
        #expect(decide(candidate(outlook: .init(kind: .flaky, isQuarantined: true))) == .quarantined)
        #expect(decide(candidate(), try RetryPolicy(maxAttempts: 1, maxFailingTests: 30, minutesPerDay: 60)) == .attemptsSpent)
    }

    @Test("where more tests fail than the policy tries again none is, and what is quarantined does not count among them")
    func tooMany() throws {
        let policy = try RetryPolicy(maxAttempts: 3, maxFailingTests: 2, minutesPerDay: 60)
        let two = [candidate(), candidate(), candidate(outlook: .init(isQuarantined: true))]
        #expect(RetryDecision.all(two, policy, remaining: .max).map(\.reason.isRetry) == [true, true, false])
        let three = two + [candidate(outlook: .init(kind: .flaky))]
        #expect(RetryDecision.all(three, policy, remaining: .max).allSatisfy { !$0.reason.isRetry })
        #expect(RetryDecision.all(two, policy, failing: 4, remaining: .max).allSatisfy { !$0.reason.isRetry }, "one fails that is not listed")
    }

    @Test("the likeliest to pass come first, and the day's budget is spent on them")
    func budget() throws {
        let policy = try RetryPolicy(maxAttempts: 3, maxFailingTests: 30, minutesPerDay: 1)
        let flaky = candidate(microseconds: 40_000_000, outlook: .init(kind: .flaky))
        let timeout = candidate(category: "TIMEOUT", microseconds: 30_000_000)
        let short = candidate(microseconds: 20_000_000)
        let unknown = candidate(microseconds: nil)
        let decisions = RetryDecision.all([unknown, short, timeout, flaky], policy, remaining: policy.remaining(after: 0))
        #expect(decisions.first?.candidate.test == flaky.test)
        #expect(decisions.first { $0.candidate.test == timeout.test }?.reason == .budgetSpent)
        #expect(decisions.first { $0.candidate.test == short.test }?.reason == .notRuledOut)
        // Exactly a minute is gone now: what takes no time that anybody knows is not tried with nothing.
        let order = decisions.filter(\.reason.isRetry).map(\.candidate.test)
        #expect(order.contains(unknown.test) == (unknown.test < short.test))
        #expect(RetryDecision.all([flaky], policy, remaining: policy.remaining(after: 60_000_000)).first?.reason == .budgetSpent)
        #expect(policy.remaining(after: 90_000_000) == 0)
    }

    @Test("a decision keeps a hash of all that it was reached from: what is the same has the same, whatever else is different does not")
    func inputs() throws {
        let policy = RetryPolicy()
        let one = candidate(["a", "b"])
        func hash(_ candidate: RetryCandidate, _ policy: RetryPolicy, failing: Int? = nil, remaining: Int64 = 5_000_000) throws -> Data {
            try #require(RetryDecision.all([candidate], policy, failing: failing, remaining: remaining).first?.inputHash)
        }
        let first = try hash(one, policy)
        #expect(try first.count == 32 && first == hash(one, policy))
        var (known, alike) = (one, one)
        known.outlook = .init(kind: .flaky)
        alike.failures[1].signature = "a"
        let others = [
            try hash(known, policy), try hash(alike, policy), try hash(one, RetryPolicy(maxAttempts: 4, maxFailingTests: 30, minutesPerDay: 60)),
            try hash(one, policy, failing: 31), try hash(one, policy, remaining: 4_000_000),
        ]
        #expect(Set(others + [first]).count == 6)
        // What is not tried again anyway does not ask what is left.
        #expect(try hash(alike, policy) == hash(alike, policy, remaining: 0))
    }

    @Test("every reason is told in a sentence", arguments: RetryDecision.Reason.allCases)
    func sentences(reason: RetryDecision.Reason) {
        let text = RetryDecision(candidate: candidate(), reason: reason).detail(.init())
        #expect(text.hasSuffix(".") && text.count > 15)
    }

    @Test(
        "a policy is bounded",
        arguments: [(0, 30, 60, "/max_attempts"), (11, 30, 60, "/max_attempts"), (3, 0, 60, "/max_failing_tests"), (3, 30, -1, "/minutes_per_day")])
    func bounds(attempts: Int, tests: Int, minutes: Int, field: String) {
        let fault = #expect(throws: Fault.self) { try RetryPolicy(maxAttempts: attempts, maxFailingTests: tests, minutesPerDay: minutes) }
        #expect(fault?.fields.first?.pointer == field)
    }
}
