import CommonAPI
import Primitives
import ServiceKit
import SwiftProtobuf
import ValidationAPI

extension Baseline.State {
    /// - Throws: `request.invalid` at `state`.
    init(_ message: PBBaseline.State) throws(Fault) {
        switch message {
        case .proposed: self = .proposed
        case .approved: self = .approved
        case .rejected: self = .rejected
        case .withdrawn: self = .withdrawn
        case .unspecified, .UNRECOGNIZED: throw .invalidField("state", "unknown", "state must be PROPOSED, APPROVED, REJECTED or WITHDRAWN.")
        }
    }

    fileprivate var message: PBBaseline.State {
        switch self {
        case .proposed: .proposed
        case .approved: .approved
        case .rejected: .rejected
        case .withdrawn: .withdrawn
        }
    }
}

extension PBBaseline {
    init(_ baseline: Baseline) {
        self.init()
        id = baseline.id.description
        project = baseline.project.description
        branch = baseline.branch
        environment = baseline.environment
        number = baseline.number
        run = baseline.run.description
        commitSha = baseline.commit
        counts = PBCounts(baseline.tally)
        state = baseline.state.message
        inForce = baseline.isInForce
        note = baseline.note
        proposedBy = baseline.proposedBy
        proposedAt = .init(milliseconds: baseline.proposedAt)
        if let decidedAt = baseline.decidedAt {
            decidedBy = baseline.decidedBy ?? ""
            self.decidedAt = .init(milliseconds: decidedAt)
            decisionNote = baseline.decisionNote
        }
        if let withdrawal = baseline.withdrawal {
            withdrawnBy = withdrawal.by
            withdrawnAt = .init(milliseconds: withdrawal.at)
            withdrawalNote = withdrawal.note
        }
        version = baseline.version
    }
}

extension PBCounts {
    fileprivate init(_ tally: Tally) {
        self.init()
        total = tally.passed + tally.failed + tally.errored + tally.skipped
        passed = tally.passed
        failed = tally.failed
        errored = tally.errored
        skipped = tally.skipped
        pending = 0
    }
}

extension PBBaselineSettings {
    init(_ settings: BaselineStore.Settings) {
        self.init()
        twoPersons = settings.twoPersons
        version = settings.version
    }
}

extension FinishedRun {
    /// - Throws: `request.invalid` naming the field.
    init(_ message: PBCompleteRunRequest) throws(Fault) {
        let counts = message.counts
        self.init(
            run: try ID(message.run, field: "/run"), project: try ID(message.project, field: "/project"), lane: try Lane(message.lane),
            branch: message.branch, environment: message.environment, commit: message.commitSha,
            startedAt: message.hasStartedAt ? message.startedAt.date : nil,
            tally: Tally(passed: counts.passed, failed: counts.failed, errored: counts.errored, skipped: counts.skipped), isWhole: message.isWhole)
    }
}
