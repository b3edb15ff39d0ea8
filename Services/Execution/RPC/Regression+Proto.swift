import AnalyticsAPI
import ExecutionAPI
import Foundation
import Primitives
import ServiceKit
import SwiftProtobuf
import ValidationAPI

extension HeldAgainst {
    init(_ message: PBBaseline) throws(Fault) {
        self.init(
            id: message.id, number: message.number, branch: message.branch, environment: message.environment, run: try ID(message.run),
            commit: message.commitSha, isWithdrawn: message.state == .withdrawn)
    }
}

extension RegressionPoint {
    init(_ message: PBTurnPoint) throws(Fault) {
        self.init(run: try ID(message.run), commit: message.commitSha, at: message.at.date)
    }
}

extension PBHeldAgainst {
    init(_ held: HeldAgainst) {
        self.init()
        baseline = held.id
        number = held.number
        branch = held.branch
        environment = held.environment
        run = held.run.description
        commitSha = held.commit
        withdrawn = held.isWithdrawn
    }
}

extension PBRegressionPoint {
    init(_ point: RegressionPoint) {
        self.init()
        run = point.run.description
        commitSha = point.commit
        if let at = point.at { self.at = .init(milliseconds: at) }
    }
}

extension PBRegressionSummary {
    init(_ counts: RegressionCounts, _ assessed: AssessmentCounts? = nil) {
        self.init()
        regressed = Int64(counts.regressed)
        added = Int64(counts.added)
        unskipped = Int64(counts.unskipped)
        stillFailing = Int64(counts.stillFailing)
        fixed = Int64(counts.fixed)
        removed = Int64(counts.removed)
        if let assessed { self.assessed = PBAssessmentCounts(assessed) }
    }
}

extension PBRegressionState {
    init(_ state: RegressionState) {
        self.init()
        heldAgainst = PBHeldAgainst(state.held)
        guard let run = state.run else { return }
        self.run = run.id.description
        commitSha = run.commit
        if let finishedAt = run.finishedAt { self.finishedAt = .init(milliseconds: finishedAt) }
        summary = PBRegressionSummary(state.counts, state.assessed)
    }
}

extension PBRegression {
    init(_ difference: TestDifference, good: RegressionPoint, bad: RegressionPoint, _ suspects: Suspects?) {
        self.init()
        kind =
            switch difference.base?.outcome {
            case nil: .added
            case .skipped: .unskipped
            default: .regressed
            }
        test = difference.test.description
        suiteName = difference.suiteName
        className = difference.className
        name = difference.name
        if let side = difference.base { baseline = PBComparedResult(side) }
        if let side = difference.run { run = PBComparedResult(side) }
        // Nobody has seen a test pass that is new.
        if kind != .added || good.at != nil { lastGood = PBRegressionPoint(good) }
        firstBad = PBRegressionPoint(bad)
        self.suspects = suspects?.commits ?? []
    }
}
