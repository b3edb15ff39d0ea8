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

extension KnownTurn {
    /// But for what was seen in between, which is here.
    init(_ message: PBTurn?) throws(Fault) {
        self.init()
        guard let message else { return }
        if message.hasLastPass { lastPass = try RegressionPoint(message.lastPass) }
        if message.hasFirstFailure { firstFailure = try RegressionPoint(message.firstFailure) }
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
    /// - Parameters:
    ///   - origin: by what is known now.
    ///   - told: by what was known when the run was told; `nil` where that is not kept.
    init(_ difference: TestDifference, _ origin: RegressionOrigin, told: RegressionOrigin?) {
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
        let since = PBRegressionOrigin(origin, isNew: kind == .added)
        if since.hasLastGood { lastGood = since.lastGood }
        firstBad = since.firstBad
        suspects = since.suspects
        if let told, !told.isSame(as: origin) { self.told = PBRegressionOrigin(told, isNew: kind == .added) }
    }
}

extension PBRegressionOrigin {
    /// - Parameter isNew: the baseline's run does not have the test.
    init(_ origin: RegressionOrigin, isNew: Bool) {
        self.init()
        // Nobody has seen a test pass that is new.
        if !isNew || origin.lastGood.at != nil { lastGood = PBRegressionPoint(origin.lastGood) }
        firstBad = PBRegressionPoint(origin.firstBad)
        suspects = origin.suspects
    }
}
