import Crypto
import Foundation
import Primitives

/// All that a plan was made from, and what became of each test. Stored as JSON, from which the plan can be made once more: mostly of a few tests,
/// some 500 bytes each. At most it is of `RetryDecision.mostDecided`, each with four names, up to 10 failures and a note of up to 1,000 characters.
struct RetryBasis: Codable, Sendable, Equatable {
    /// Unicode scalars that are kept of each name; names decide nothing.
    static let mostName = 200

    struct Test: Codable, Sendable, Equatable {
        struct Failure: Codable, Sendable, Equatable {
            let result: ID<TestResult>
            let category: String
            let signature: String
        }

        /// What a person said of it, unless that was taken back.
        struct Word: Codable, Sendable, Equatable {
            let id: ID<RetryWord>
            let kind: RetryWord.Kind
            let note: String
            let saidBy: String
            /// Milliseconds since 1970.
            let saidAt: Int64
            let version: Int64
        }

        let test: ID<TestIdentity>
        let suite: String
        let className: String
        let name: String
        let file: String
        let attempts: Int
        let microseconds: Int64?
        let known: RetryCandidate.Outlook.Kind
        /// Milliseconds since 1970.
        let failingSince: Int64?
        let isQuarantined: Bool
        /// Plans of earlier releases have none. It decides nothing that `isQuarantined` does not.
        let quarantine: RetryCandidate.Quarantine?
        let failures: [Failure]
        let word: Word?
        /// As `RetryDecision` has them.
        let reason: RetryDecision.Reason
        let left: Int64?
    }

    let edition: Int32
    let uploads: [ID<Upload>]
    let failing: Int
    let passedAgain: Int
    let isWhole: Bool
    let policy: RetryPolicy
    let policyVersion: Int64
    let remaining: Int64
    /// In the order in which they were told.
    let tests: [Test]

    init(_ plan: RetryPlan) {
        let question = plan.question
        edition = plan.edition
        uploads = question.uploads
        failing = question.failing
        passedAgain = question.passedAgain
        isWhole = question.isWhole
        policy = question.policy
        policyVersion = question.policyVersion
        remaining = question.remaining
        tests = plan.decisions.map(Test.init)
    }

    /// Of the same in the same order always, since the members of an object are sorted.
    func encoded() throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(self)
    }

    static func hash(of bytes: Data) -> Data { Data(SHA256.hash(data: bytes)) }

    var question: RetryPlan.Question {
        RetryPlan.Question(
            uploads: uploads, candidates: tests.map(\.candidate), failing: failing, passedAgain: passedAgain, isWhole: isWhole, policy: policy,
            policyVersion: policyVersion, remaining: remaining)
    }

    /// The plan as it was told. Of an edition that this release does not have the decisions have no hashes.
    /// - Parameter editions: that there are.
    func told(among editions: [RetryEdition] = RetryEdition.released) -> RetryPlan {
        let question = question
        let rules = RetryEdition.numbered(edition, among: editions)
        let isTooMuch = RetryDecision.isTooMuch(question.candidates, policy, failing: failing)
        let decisions = zip(tests, question.candidates).map { test, candidate in
            let hash = rules.map {
                RetryInputs(candidate: candidate, policy: policy, isTooMuch: isTooMuch, left: test.left, edition: $0).hash
            }
            return RetryDecision(candidate: candidate, reason: test.reason, inputHash: hash ?? Data(), left: test.left)
        }
        return RetryPlan(question, edition: edition, decisions: decisions)
    }
}

extension RetryBasis.Test {
    fileprivate init(_ decision: RetryDecision) {
        let candidate = decision.candidate
        test = candidate.test
        suite = Self.cut(candidate.suiteName)
        className = Self.cut(candidate.className)
        name = Self.cut(candidate.name)
        file = Self.cut(candidate.file)
        attempts = candidate.attempts
        microseconds = candidate.microseconds
        known = candidate.outlook.kind
        failingSince = candidate.outlook.failingSince?.wholeMilliseconds
        isQuarantined = candidate.outlook.isQuarantined
        quarantine = candidate.outlook.quarantine
        failures = candidate.failures.map { Failure(result: $0.result, category: $0.category, signature: $0.signature) }
        word = candidate.word.flatMap(Word.init)
        reason = decision.reason
        left = decision.left
    }

    fileprivate var candidate: RetryCandidate {
        RetryCandidate(
            test: test, suiteName: suite, className: className, name: name, file: file, attempts: attempts, microseconds: microseconds,
            failures: failures.map { .init(result: $0.result, category: $0.category, signature: $0.signature) },
            outlook: .init(
                kind: known, failingSince: failingSince.map { Date(wholeMilliseconds: $0) }, isQuarantined: isQuarantined,
                quarantine: quarantine),
            word: word.map { $0.spoken(of: test) })
    }

    private static func cut(_ name: String) -> String {
        String(String.UnicodeScalarView(name.unicodeScalars.prefix(RetryBasis.mostName)))
    }
}

extension RetryBasis.Test.Word {
    fileprivate init?(_ word: RetryWord) {
        guard let kind = word.kind else { return nil }
        self.init(
            id: word.id, kind: kind, note: word.note, saidBy: word.saidBy, saidAt: word.saidAt.wholeMilliseconds, version: word.version)
    }

    fileprivate func spoken(of test: ID<TestIdentity>) -> RetryWord {
        RetryWord(
            id: id, test: test, kind: kind, note: note, saidBy: saidBy, saidAt: Date(wholeMilliseconds: saidAt), version: version)
    }
}
