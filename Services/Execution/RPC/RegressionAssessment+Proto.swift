import AnalyticsAPI
import ExecutionAPI
import Foundation
import Primitives
import ServiceKit
import SwiftProtobuf

extension FailureEvidence {
    init(_ message: PBFailureEvidence) {
        self.init(
            machine: Reputation(message.kind), confidence: message.confidence, flakyChance: message.flakyChance, reasons: message.reasons,
            model: message.model, passedOnCommit: message.passedOnCommit, person: Reputation(message.said), personReason: message.saidReason,
            incident: message.incident, incidentReason: message.incidentReason, isQuarantined: message.quarantined)
    }
}

extension FailureEvidence.Reputation {
    /// `nil` for none. A kind that only a newer Analytics knows decides nothing.
    fileprivate init?(_ message: PBStability.Kind) {
        switch message {
        case .stable: self = .stable
        case .flaky: self = .flaky
        case .broken: self = .broken
        case .regressed: self = .regressed
        case .environment: self = .environment
        case .unknown, .UNRECOGNIZED: self = .unknown
        case .unspecified: return nil
        }
    }
}

extension RegressionAssessment.Kind {
    /// - Throws: `request.invalid` at `assessment`.
    init(_ message: PBRegressionAssessment.Kind) throws(Fault) {
        switch message {
        case .regression: self = .regression
        case .flake: self = .flake
        case .environment: self = .environment
        case .uncertain: self = .uncertain
        case .noRegression: self = .noRegression
        case .unspecified, .UNRECOGNIZED:
            throw .invalidField("assessment", "unknown", "assessment must be REGRESSION, FLAKE, ENVIRONMENT, UNCERTAIN or NO_REGRESSION.")
        }
    }

    fileprivate var message: PBRegressionAssessment.Kind {
        switch self {
        case .regression: .regression
        case .flake: .flake
        case .environment: .environment
        case .uncertain: .uncertain
        case .noRegression: .noRegression
        }
    }
}

extension RegressionVerdict.Kind {
    /// - Throws: `request.invalid` at `/kind`.
    init(said message: PBRegressionVerdict.Kind) throws(Fault) {
        switch message {
        case .regression: self = .regression
        case .noRegression: self = .noRegression
        case .flake: self = .flake
        case .environment: self = .environment
        case .unspecified, .UNRECOGNIZED:
            throw .invalidField("/kind", "unknown", "kind must be REGRESSION, NO_REGRESSION, FLAKE or ENVIRONMENT.")
        }
    }

    fileprivate var message: PBRegressionVerdict.Kind {
        switch self {
        case .regression: .regression
        case .noRegression: .noRegression
        case .flake: .flake
        case .environment: .environment
        }
    }
}

extension PBRegressionAssessment {
    init(_ assessed: AssessedRegression, baseline: ID<Baseline>) {
        self.init()
        kind = assessed.holding.message
        if assessed.words.holding != nil { judgedKind = assessed.machine.kind.message }
        confidence = assessed.machine.confidence
        reasons = assessed.machine.reasons
        incident = assessed.evidence?.incident ?? ""
        quarantined = assessed.evidence?.isQuarantined ?? false
        verdict = PBRegressionVerdict(assessed.words, on: assessed.test, baseline: baseline)
    }
}

extension PBRegressionVerdict {
    init(_ verdict: RegressionVerdict, baseline: ID<Baseline>) {
        self.init()
        test = verdict.test.description
        self.baseline = baseline.description
        run = verdict.run.description
        if let kind = verdict.kind { self.kind = kind.message }
        reason = verdict.reason
        commitSha = verdict.commit
        decidedBy = verdict.decidedBy
        decidedAt = .init(milliseconds: verdict.decidedAt)
        version = verdict.version
    }
}

extension PBRegressionVerdict {
    /// What holds; without a kind while nothing does.
    init(_ words: RegressionWords, on test: ID<TestIdentity>, baseline: ID<Baseline>) {
        if let holding = words.holding {
            self.init(holding, baseline: baseline)
        } else {
            self.init()
            self.test = test.description
            self.baseline = baseline.description
        }
        version = words.version
    }
}

extension PBAssessmentCounts {
    init(_ counts: AssessmentCounts) {
        self.init()
        regression = Int64(counts.regression)
        flake = Int64(counts.flake)
        environment = Int64(counts.environment)
        uncertain = Int64(counts.uncertain)
        noRegression = Int64(counts.noRegression)
        unassessed = Int64(counts.unassessed)
    }
}

extension PBRegressionReceipt {
    init(_ receipt: RegressionReceipt) {
        self.init()
        heldAgainst = PBHeldAgainst(receipt.held)
        summary = PBRegressionSummary(receipt.counts, receipt.assessed)
        edition = receipt.edition
        inputHash = Self.text(receipt.inputHash)
        judgedAt = .init(milliseconds: receipt.judgedAt)
        asked = receipt.isAsked
    }

    /// Hexadecimal digits.
    static func text(_ hash: Data) -> String {
        hash.map { byte in
            let digits = String(byte, radix: 16)
            return byte < 16 ? "0" + digits : digits
        }.joined()
    }
}

extension PBRegressionReplay {
    init(_ replay: RegressionReplay) {
        self.init()
        receipt = PBRegressionReceipt(replay.receipt)
        summary = PBRegressionSummary(replay.counts, replay.assessed)
        inputHash = PBRegressionReceipt.text(replay.inputHash)
        agrees = replay.agrees
    }
}
