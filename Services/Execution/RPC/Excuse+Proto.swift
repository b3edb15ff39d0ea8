import CommonAPI
import ExecutionAPI
import Foundation
import Primitives
import ServiceKit
import SwiftProtobuf

extension PBExcuse {
    /// Its numbers, without what they were made from.
    init(_ kept: KeptExcuse) {
        self.init()
        id = kept.id.description
        run = kept.run.description
        decidedAt = .init(milliseconds: kept.decidedAt)
        edition = kept.edition
        inputHash = PBRegressionReceipt.text(kept.inputHash)
        failingTests = Int64(kept.counts.failing)
        quarantinedTests = Int64(kept.counts.quarantined)
        passedAgainTests = Int64(kept.counts.passedAgain)
        excused = kept.counts.isExcused
    }

    init(_ kept: KeptExcuse, _ question: ExcuseQuestion) {
        self.init(kept)
        runState = PBRun.State(question.state)
        incomplete = question.isIncomplete
        data = question.tests.map(PBJudgedFailure.init)
        leftOutTests = Int64(question.failing - data.count)
    }
}

extension PBJudgedFailure {
    fileprivate init(_ failure: ExcuseQuestion.Test) {
        self.init()
        test = failure.test.description
        suiteName = failure.suite
        className = failure.className
        name = failure.name
        outcome = PBOutcome.Value(failure.outcome)
        result = failure.result.description
        quarantined = failure.isQuarantined
        if let entry = failure.entry { quarantine = PBExcusingQuarantine(entry) }
    }
}

extension PBExcusingQuarantine {
    init(_ entry: QuarantineEntry) {
        self.init()
        id = entry.id.description
        version = entry.version
        owner = entry.owner
        ticket = entry.ticket
        reason = entry.reason
        saidBy = entry.saidBy
        expiresAt = .init(milliseconds: Date(wholeMilliseconds: entry.expiresAt))
    }
}

extension PBExcuseReplay {
    init(_ replay: ExcuseReplay) {
        self.init()
        receipt = PBExcuse(replay.kept)
        excused = replay.excuse.isExcused
        quarantinedTests = Int64(replay.excuse.quarantined.count)
        inputHash = PBRegressionReceipt.text(replay.inputHash)
        agrees = replay.agrees
    }
}
