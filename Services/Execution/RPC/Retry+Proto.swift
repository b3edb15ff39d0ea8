import ExecutionAPI
import Foundation
import Primitives
import ServiceKit
import SwiftProtobuf

extension PBRetryPlan {
    init(_ plan: RetryPlan, of run: ID<Run>) {
        self.init(plan.counts, of: run)
        data = plan.decisions.prefix(RetryDecision.mostTold).map {
            PBRetryDecision($0, plan.question.policy, version: plan.question.policyVersion, edition: plan.edition)
        }
        leftOutTests = Int64(plan.question.failing - data.count)
    }

    /// Without its decisions.
    init(_ counts: RetryCounts, of run: ID<Run>) {
        self.init()
        self.run = run.description
        failingTests = Int64(counts.failing)
        passedAgainTests = Int64(counts.passedAgain)
        quarantinedTests = Int64(counts.quarantined)
        excused = counts.isExcused
        retryTests = Int64(counts.retried)
        remainingMinutes = Double(counts.remaining) / 60_000_000
    }
}

extension PBKeptRetryPlan {
    /// With its numbers; whoever tells its decisions puts them there.
    init(_ kept: KeptRetryPlan) {
        self.init()
        id = kept.id.description
        run = kept.run.description
        uploads = kept.uploads.map(\.description)
        decidedAt = .init(milliseconds: kept.decidedAt)
        edition = kept.edition
        policy = PBRetryPolicy(kept.policy, version: kept.policyVersion)
        inputHash = PBRegressionReceipt.text(kept.inputHash)
        plan = PBRetryPlan(kept.counts, of: kept.run)
        plan.id = id
    }
}

extension PBRetryReplay {
    init(_ replay: RetryReplay) {
        self.init()
        receipt = PBKeptRetryPlan(replay.kept)
        plan = PBRetryPlan(replay.plan, of: replay.kept.run)
        inputHash = PBRegressionReceipt.text(replay.inputHash)
        agrees = replay.agrees
    }
}

extension PBRetryPolicy {
    init(_ policy: RetryPolicy, version: Int64) {
        self.init()
        maxAttempts = Int32(policy.maxAttempts)
        maxFailingTests = Int32(policy.maxFailingTests)
        minutesPerDay = Int32(policy.minutesPerDay)
        self.version = version
    }
}

extension PBRetryDecision {
    /// - Parameter version: of the policy.
    fileprivate init(_ decision: RetryDecision, _ policy: RetryPolicy, version: Int64, edition: Int32) {
        let candidate = decision.candidate
        self.init()
        test = candidate.test.description
        suiteName = candidate.suiteName
        className = candidate.className
        name = candidate.name
        file = candidate.file
        retry = decision.reason.isRetry
        reason = decision.reason.message
        detail = decision.detail(policy)
        attempts = Int32(candidate.attempts)
        category = candidate.category
        if let microseconds = candidate.microseconds { durationUs = microseconds }
        self.edition = edition
        policyVersion = version
        inputHash = PBRegressionReceipt.text(decision.inputHash)
        if let word = candidate.word { self.word = PBRetryWord(word) }
        if let held = candidate.outlook.quarantine {
            quarantine = held.id.description
            quarantineVersion = held.version
        }
    }
}

extension RetryDecision.Reason {
    fileprivate var message: PBRetryDecision.Reason {
        switch self {
        case .flaky: .flaky
        case .transient: .transient
        case .personAlways: .personAlways
        case .notRuledOut: .notRuledOut
        case .attemptsSpent: .attemptsSpent
        case .sameFailure: .sameFailure
        case .failsAlready: .failsAlready
        case .broken: .broken
        case .lasting: .lasting
        case .quarantined: .quarantined
        case .tooManyFailures: .tooManyFailures
        case .budgetSpent: .budgetSpent
        case .notATest: .notATest
        case .personNever: .personNever
        }
    }
}

extension PBRetryWord {
    init(_ word: RetryWord) {
        self.init()
        id = word.id.description
        test = word.test.description
        if let kind = word.kind { self.kind = kind.message }
        note = word.note
        saidBy = word.saidBy
        saidAt = .init(milliseconds: word.saidAt)
        version = word.version
    }

    /// The newest word on a test; version 1 while nobody has said anything.
    init(_ word: RetryWord?, on test: ID<TestIdentity>) {
        if let word {
            self.init(word)
        } else {
            self.init()
            self.test = test.description
            version = 1
        }
    }
}

extension RetryWord.Kind {
    /// - Throws: `request.invalid` at `/kind`.
    init(_ message: PBRetryWord.Kind) throws(Fault) {
        switch message {
        case .always: self = .always
        case .never: self = .never
        case .unspecified, .UNRECOGNIZED: throw .invalidField("/kind", "unknown", "kind must be ALWAYS or NEVER.")
        }
    }

    fileprivate var message: PBRetryWord.Kind {
        switch self {
        case .always: .always
        case .never: .never
        }
    }
}
