import Foundation
import Primitives
import ServiceKit
import SwiftProtobuf
import ValidationAPI

extension GroupState {
    /// - Throws: `request.invalid` at `field`.
    init(_ message: PBFailureGroup.State, field: String) throws(Fault) {
        switch message {
        case .new: self = .new
        case .ongoing: self = .ongoing
        case .regressed: self = .regressed
        case .resolved: self = .resolved
        case .unspecified, .UNRECOGNIZED: throw .invalidField(field, "invalid", "This is no state of a group.")
        }
    }

    var message: PBFailureGroup.State {
        switch self {
        case .new: .new
        case .ongoing: .ongoing
        case .regressed: .regressed
        case .resolved: .resolved
        }
    }
}

extension GroupStanding.Reason {
    var message: PBFailureGroup.StateReason {
        switch self {
        case .seenOnce: .seenOnce
        case .seenAgain: .seenAgain
        case .resolvedByPerson: .resolvedByPerson
        case .resolvedByAbsence: .resolvedByAbsence
        case .contradicted: .contradicted
        case .otherWords: .otherWords
        case .partlyResolved: .partlyResolved
        }
    }
}

extension PBGroupStateEvidence {
    init(_ evidence: GroupEvidence) {
        self.init()
        recurring = evidence.isRecurring
        if let resolvedAt = evidence.resolvedAt { self.resolvedAt = .init(milliseconds: resolvedAt) }
        absent = evidence.isAbsence
        contradicted = evidence.hasRegressed
        openSignatures = Int64(evidence.openSignatures)
        if let newest = evidence.newestOpenAt { newestOpenAt = .init(milliseconds: newest) }
        if let back = evidence.otherWordsAt { otherWordsAt = .init(milliseconds: back) }
    }
}

extension PBGroupStateReplay {
    init(_ replay: StateReplay) {
        self.init()
        let group = replay.group
        self.group = group.id.description
        state = group.state.message
        if let basis = group.basis {
            edition = basis.edition
            evidence = PBGroupStateEvidence(basis.evidence)
        }
        if let again = replay.again {
            stateAgain = again.state.message
            reasonAgain = again.reason.message
        }
        let rules = group.basis.flatMap { LifeCycle.numbered($0.edition) } ?? .current
        evidenceAgain = PBGroupStateEvidence(replay.evidence.heeded(by: rules))
        agrees = replay.difference == nil
        detail = replay.difference?.explanation ?? ""
    }
}
