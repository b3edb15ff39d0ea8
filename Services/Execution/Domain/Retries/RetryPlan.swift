import Primitives

/// What is decided of the tests that fail in some uploads of a run.
struct RetryPlan: Sendable {
    /// What is asked about, and what is known of it.
    struct Question: Sendable {
        let uploads: [ID<Upload>]
        /// The first `RetryDecision.mostDecided` of what fails.
        let candidates: [RetryCandidate]
        /// Tests that fail and have passed in no later try, and those that have.
        let failing: Int
        let passedAgain: Int
        /// Nothing is missing of the uploads, nor of the run.
        let isWhole: Bool
        let policy: RetryPolicy
        let policyVersion: Int64
        /// Microseconds that tries may still take today.
        let remaining: Int64
    }

    let question: Question
    let edition: Int32
    /// What is tried again first.
    let decisions: [RetryDecision]

    init(_ question: Question, by edition: RetryEdition = .current) {
        self.question = question
        self.edition = edition.number
        decisions = RetryDecision.all(
            question.candidates, question.policy, failing: question.failing, remaining: question.remaining, by: edition)
    }

    /// As it was made once.
    init(_ question: Question, edition: Int32, decisions: [RetryDecision]) {
        self.question = question
        self.edition = edition
        self.decisions = decisions
    }

    var counts: RetryCounts {
        let quarantined = question.candidates.count(where: \.outlook.isQuarantined)
        return RetryCounts(
            failing: question.failing, passedAgain: question.passedAgain, quarantined: quarantined,
            retried: decisions.count(where: \.reason.isRetry),
            isExcused: question.isWhole && question.failing + question.passedAgain > 0 && quarantined == question.failing,
            remaining: question.remaining)
    }
}

/// The numbers of a plan. Kept as JSON.
struct RetryCounts: Codable, Equatable, Sendable {
    let failing: Int
    let passedAgain: Int
    let quarantined: Int
    let retried: Int
    /// Nothing is a reason to stop a build.
    let isExcused: Bool
    /// Microseconds that tries may still take today.
    let remaining: Int64
}
