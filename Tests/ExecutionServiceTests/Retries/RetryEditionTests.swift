import Foundation
import Primitives
import Testing

@testable import ExecutionService

/// What each edition of the rules makes of the same, and that a plan can be made once more from what is kept of it.
@Suite struct RetryEditionTests {
    private static let nobody = String(repeating: "0", count: 26)

    /// A test that failed once per signature.
    private static func candidate(
        _ signatures: [String] = ["a"], category: String = "ASSERTION", microseconds: Int64? = 1_000_000, attempts: Int? = nil,
        outlook: RetryCandidate.Outlook = .init(), says: RetryWord.Kind? = nil, className: String = "c", suite: String = "s"
    ) -> RetryCandidate {
        let test = ID<TestIdentity>.new()
        return RetryCandidate(
            test: test, suiteName: suite, className: className, name: "n", file: "", attempts: attempts ?? signatures.count,
            microseconds: microseconds, failures: signatures.map { .init(result: .new(), category: category, signature: $0) }, outlook: outlook,
            word: says.map { word($0, on: test) })
    }

    private static func word(_ kind: RetryWord.Kind?, on test: ID<TestIdentity>, note: String = "Slow host", version: Int64 = 2) -> RetryWord {
        RetryWord(id: .new(), test: test, kind: kind, note: note, saidBy: "usr_a", saidAt: Date(), version: version)
    }

    private func decide(_ candidate: RetryCandidate, by edition: Int32, _ policy: RetryPolicy = .init()) throws -> RetryDecision {
        let rules = try #require(RetryEdition.numbered(edition))
        return try #require(RetryDecision.all([candidate], policy, remaining: policy.remaining(after: 0), by: rules).first)
    }

    struct Known: Sendable {
        var signatures = ["a"]
        var category = "ASSERTION"
        var outlook = RetryCandidate.Outlook()
        var isProcess = false
        let reason: RetryDecision.Reason
    }

    @Test(
        "edition 1 stays as it was released: it says the same of the same, and asks nobody",
        arguments: [
            Known(reason: .notRuledOut), Known(signatures: ["a", "b"], reason: .notRuledOut), Known(category: "", reason: .notRuledOut),
            Known(category: "TIMEOUT", reason: .transient), Known(category: "NETWORK", reason: .transient),
            Known(category: "DNS", reason: .transient), Known(category: "SERVER_ERROR", reason: .transient),
            Known(category: "ENVIRONMENT", reason: .transient), Known(category: "RESOURCE", reason: .transient),
            Known(category: "CONCURRENCY", reason: .transient), Known(category: "AUTHENTICATION", reason: .lasting),
            Known(category: "AUTHORIZATION", reason: .lasting), Known(category: "TLS", reason: .lasting),
            Known(signatures: ["a", "a"], category: "TIMEOUT", reason: .sameFailure),
            Known(signatures: ["a", "a"], outlook: .init(kind: .flaky), reason: .flaky),
            Known(outlook: .init(kind: .broken), reason: .broken), Known(outlook: .init(failingSince: Date()), reason: .failsAlready),
            Known(outlook: .init(kind: .flaky, failingSince: Date()), reason: .flaky),
            Known(outlook: .init(kind: .flaky, isQuarantined: true), reason: .quarantined),
            Known(signatures: ["a", "b", "c"], outlook: .init(kind: .flaky), reason: .attemptsSpent), Known(isProcess: true, reason: .notATest),
        ])
    func first(known: Known) throws {
        var candidate = Self.candidate(
            known.signatures, category: known.category, outlook: known.outlook,
            className: known.isProcess ? ProcessResult.exitClass : "c", suite: known.isProcess ? ProcessResult.suite : "s")
        let unsaid = try decide(candidate, by: 1)
        #expect(unsaid.reason == known.reason)
        for kind in RetryWord.Kind.allCases {
            candidate.word = Self.word(kind, on: candidate.test)
            let said = try decide(candidate, by: 1)
            #expect(said.reason == known.reason && said.inputHash == unsaid.inputHash)
        }
        // Where nobody says anything the next one is of the same opinion.
        candidate.word = nil
        #expect(try decide(candidate, by: 2).reason == known.reason)
    }

    @Test("of what it looks at an edition takes the same hash for ever")
    func hashes() throws {
        let test = try ID<TestIdentity>("tst_" + Self.nobody)
        let result = try ID<TestResult>("res_" + Self.nobody)
        var timeout = RetryCandidate(
            test: test, suiteName: "s", className: "c", name: "n", file: "", attempts: 1, microseconds: 1_000_000,
            failures: [.init(result: result, category: "TIMEOUT", signature: "a")])
        let flaky = RetryCandidate(
            test: test, suiteName: "s", className: "c", name: "n", file: "", attempts: 2, microseconds: nil,
            failures: [.init(result: result, category: "ASSERTION", signature: "a"), .init(result: result, signature: "b")],
            outlook: .init(kind: .flaky, failingSince: Date(timeIntervalSince1970: 1_800_000_000.123)))
        func hash(_ candidate: RetryCandidate, by edition: Int32) throws -> String {
            try decide(candidate, by: edition).inputHash.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
        }
        #expect(try hash(timeout, by: 1) == "70619cee027552ecd187aba00ca43bd55dfc743128eb36ec44e2239dcc6982b3")
        #expect(try hash(flaky, by: 1) == "75f5aeb7a79a5b037a9ab75f1a2692961bcb1b19c23c9fbf11a442e84e34244d")
        timeout.word = RetryWord(
            id: try ID("rwd_" + Self.nobody), test: test, kind: .always, note: "Slow host", saidBy: "usr_a", saidAt: Date(), version: 2)
        #expect(try hash(timeout, by: 2) == "e99288f617468bfdba9175148f4cd4f4d3c72acfc6c13d3b867a2c38a8ed316e")
        #expect(try hash(timeout, by: 1) == "70619cee027552ecd187aba00ca43bd55dfc743128eb36ec44e2239dcc6982b3")
        let numbers = RetryEdition.released.map(\.number)
        #expect(numbers == numbers.sorted() && Set(numbers).count == numbers.count && RetryEdition.current.number == numbers.last)
    }

    @Test("a person's word stands above the rules, and below the policy and what is in quarantine")
    func people() throws {
        let rows: [(RetryCandidate, RetryDecision.Reason)] = [
            (Self.candidate(["a", "a"], says: .always), .personAlways), (Self.candidate(category: "TLS", says: .always), .personAlways),
            (Self.candidate(outlook: .init(kind: .broken, failingSince: Date()), says: .always), .personAlways),
            (Self.candidate(["a", "a", "a"], says: .always), .attemptsSpent),
            (Self.candidate(outlook: .init(isQuarantined: true), says: .always), .quarantined),
            (Self.candidate(says: .always, className: ProcessResult.exitClass, suite: ProcessResult.suite), .notATest),
            (Self.candidate(outlook: .init(kind: .flaky), says: .always), .flaky), (Self.candidate(says: .never), .personNever),
            (Self.candidate(category: "TIMEOUT", outlook: .init(kind: .flaky), says: .never), .personNever),
            (Self.candidate(["a", "a", "a"], says: .never), .personNever),
            (Self.candidate(outlook: .init(isQuarantined: true), says: .never), .quarantined),
        ]
        for (candidate, reason) in rows {
            let decision = try decide(candidate, by: 2)
            #expect(decision.reason == reason, "\(candidate)")
            guard reason == .personAlways || reason == .personNever else { continue }
            let detail = decision.detail(.init())
            #expect(detail.hasPrefix("usr_a says that it is") && detail.hasSuffix(": Slow host."))
        }
        // What was taken back says nothing, and changes nothing.
        var candidate = Self.candidate()
        let unsaid = try decide(candidate, by: 2)
        candidate.word = Self.word(nil, on: candidate.test, version: 5)
        #expect(try decide(candidate, by: 2).inputHash == unsaid.inputHash)
        // Every word is another input, also one of the same kind.
        candidate.word = Self.word(.never, on: candidate.test)
        let never = try decide(candidate, by: 2)
        candidate.word = Self.word(.never, on: candidate.test, note: "It orders real goods.")
        #expect(try Set([unsaid.inputHash, never.inputHash, decide(candidate, by: 2).inputHash]).count == 3)
    }

    @Test("what a person wants comes behind what is flaky and before the rest, within the tests and the minutes of the policy")
    func order() throws {
        let policy = try RetryPolicy(maxAttempts: 3, maxFailingTests: 4, minutesPerDay: 1)
        let flaky = Self.candidate(microseconds: 20_000_000, outlook: .init(kind: .flaky))
        let wanted = Self.candidate(["a", "a"], microseconds: 30_000_000, says: .always)
        let timeout = Self.candidate(category: "TIMEOUT", microseconds: 20_000_000)
        let long = Self.candidate(microseconds: 50_000_000, says: .always)
        let decisions = RetryDecision.all([timeout, wanted, flaky], policy, remaining: policy.remaining(after: 0))
        #expect(decisions.map(\.candidate.test) == [flaky.test, wanted.test, timeout.test])
        #expect(decisions.map(\.reason) == [.flaky, .personAlways, .budgetSpent])
        #expect(RetryDecision.all([long], policy, remaining: 40_000_000).map(\.reason) == [.budgetSpent])
        let many = RetryDecision.all([flaky, wanted, timeout], policy, failing: 5, remaining: .max)
        #expect(many.allSatisfy { $0.reason == .tooManyFailures })
    }

    // MARK: - Once more

    private func question(_ candidates: [RetryCandidate]) -> RetryPlan.Question {
        RetryPlan.Question(
            uploads: [.new(), .new()], candidates: candidates, failing: candidates.count + 3, passedAgain: 2, isWhole: true, policy: .init(),
            policyVersion: 4, remaining: 1_500_000)
    }

    private func keep(_ plan: RetryPlan, edition: Int32? = nil, bytes: Data? = nil) throws -> KeptRetryPlan {
        let encoded = try RetryBasis(plan).encoded()
        return KeptRetryPlan(
            id: .new(), project: .new(), run: .new(), uploads: plan.question.uploads, edition: edition ?? plan.edition,
            policy: plan.question.policy, policyVersion: plan.question.policyVersion, counts: plan.counts,
            inputHash: RetryBasis.hash(of: encoded), decidedAt: Date(), bytes: bytes ?? encoded)
    }

    private var candidates: [RetryCandidate] {
        var takenBack = Self.candidate(["a", "b"])
        takenBack.word = Self.word(nil, on: takenBack.test)
        return [
            takenBack, Self.candidate(outlook: .init(kind: .flaky, failingSince: Date(timeIntervalSince1970: 1_800_000_000.123_456))),
            Self.candidate(says: .always), Self.candidate(says: .never, className: String(repeating: "é", count: 300)),
            Self.candidate(outlook: .init(isQuarantined: true)), Self.candidate(microseconds: nil),
            Self.candidate(className: ProcessResult.exitClass, suite: ProcessResult.suite), Self.candidate(category: "TIMEOUT"),
        ].sorted { $0.test < $1.test }
    }

    @Test("what is kept of a plan makes the same plan once more, by each edition", arguments: RetryEdition.released)
    func replay(edition: RetryEdition) throws {
        let plan = RetryPlan(question(candidates), by: edition)
        let kept = try keep(plan)
        let replay = try RetryReplay(kept)
        #expect(replay.agrees && replay.plan.counts == plan.counts && replay.inputHash == kept.inputHash)
        let told = try kept.basis().told()
        for again in [replay.plan, told] {
            #expect(again.edition == edition.number && again.decisions.map(\.candidate.test) == plan.decisions.map(\.candidate.test))
            #expect(again.decisions.map(\.reason) == plan.decisions.map(\.reason))
            #expect(again.decisions.map(\.inputHash) == plan.decisions.map(\.inputHash))
            #expect(again.decisions.allSatisfy { $0.candidate.className.unicodeScalars.count <= RetryBasis.mostName })
        }
        // The budget ends within it, so that what was left for each counts as well.
        #expect(Set(plan.decisions.map(\.reason)).isSuperset(of: [.flaky, .budgetSpent, .quarantined, .notATest]))
        #expect(plan.counts.failing == 11 && plan.counts.quarantined == 1 && !plan.counts.isExcused)
    }

    @Test("what an earlier release kept, without which quarantine a test was in, is read and made once more as it was")
    func withoutQuarantine() throws {
        let plan = RetryPlan(question(candidates))
        let kept = try keep(plan)
        #expect(!String(decoding: kept.bytes, as: UTF8.self).contains(#""quarantine""#))
        let tests = try kept.basis().tests
        #expect(tests.count(where: \.isQuarantined) == 1 && tests.allSatisfy { $0.quarantine == nil })
        #expect(try RetryReplay(kept).agrees)
    }

    @Test("a plan is no longer agreed with when what is kept of it, or its edition, is another; without its edition it cannot be made again")
    func disagreement() throws {
        let plan = RetryPlan(question(candidates))
        let bytes = try RetryBasis(plan).encoded()
        let text = String(decoding: bytes, as: UTF8.self)
        for (old, new) in [(#""kind":"never""#, #""kind":"always""#), (#""reason":"flaky""#, #""reason":"broken""#)] {
            #expect(text.contains(old))
            #expect(try !RetryReplay(keep(plan, bytes: Data(text.replacing(old, with: new).utf8))).agrees)
        }
        let kept = try keep(plan)
        let deaf = RetryEdition(number: plan.edition, order: [.nature], transient: [], lasting: [])
        #expect(try !RetryReplay(kept, among: [deaf]).agrees)
        for broken in try [keep(plan, edition: 99), keep(plan, bytes: Data("{}".utf8))] {
            let fault = #expect(throws: Fault.self) { try RetryReplay(broken) }
            #expect(fault?.code == "retry_plans.not_replayable")
        }
        // Decisions are told also where nobody could reach them again.
        #expect(try kept.basis().told(among: []).decisions.map(\.reason) == plan.decisions.map(\.reason))
    }

    @Test("only what nothing stands in the way of is excused")
    func excuse() {
        func counts(failing: Int, again: Int, whole: Bool = true) -> RetryCounts {
            let held = (0..<failing).map { _ in Self.candidate(outlook: .init(isQuarantined: true)) }
            return RetryPlan(
                .init(
                    uploads: [], candidates: held, failing: failing, passedAgain: again, isWhole: whole, policy: .init(), policyVersion: 1,
                    remaining: 0)
            ).counts
        }
        #expect(counts(failing: 2, again: 0).isExcused && counts(failing: 0, again: 1).isExcused)
        #expect(!counts(failing: 0, again: 0).isExcused && !counts(failing: 2, again: 0, whole: false).isExcused)
    }
}
