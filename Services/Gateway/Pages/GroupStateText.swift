import Foundation
import SwiftProtobuf
import ValidationAPI

/// The rules that make the state of a group, in words.
enum GroupStateText {
    /// `nil` where it is not told.
    static func words(_ reason: PBFailureGroup.StateReason) -> String? {
        switch reason {
        case .seenOnce: "All its failures are of one run."
        case .seenAgain: "It was seen in several runs, and nothing of it is resolved."
        case .resolvedByPerson: "A person resolved all of it, and nothing contradicts that."
        case .resolvedByAbsence: "It was absent for long enough, and nothing contradicts that."
        case .contradicted: "It failed again with a commit that first ran after it was resolved, or with the one that was to mend it."
        case .otherWords: "It came back in other words after it was resolved."
        case .partlyResolved: "Some of it was resolved; the rest was there before, or proves nothing against that by its first and last failure."
        case .unspecified, .UNRECOGNIZED: nil
        }
    }
}

extension ReceiptPage {
    /// The state of the failure's group; none where the group is not known.
    static func state(_ replay: Panel<PBFailureGroupReplay>, now: Date) -> [Section] {
        guard let found = replay.content, found.hasState else { return [] }
        let state = found.state
        let evidence = state.evidenceAgain
        let again = state.stateAgain == .unspecified ? "none" : Badge(state.stateAgain).label
        var facts = [
            StatFigure("State", Badge(state.state).label), StatFigure("Found again", again),
            StatFigure("Rules by which groups live", state.edition > 0 ? "edition \(state.edition)" : "not kept"),
            StatFigure("Seen in", evidence.recurring ? "several runs" : "one run"),
            StatFigure("Signatures that are not resolved", NumberText.grouped(evidence.openSignatures)),
        ]
        if evidence.hasResolvedAt {
            facts.append(
                StatFigure("Resolved", Moment(evidence.resolvedAt, now: now).relative, unit: evidence.absent ? "by absence" : "by a person"))
        }
        let why = GroupStateText.words(state.reasonAgain).map { [Section.Line(text: $0, path: nil)] } ?? []
        return [
            Section("State of the failure group", facts: facts, agrees: state.agrees, instead: state.detail.shortened(to: 300), lines: why)
        ]
    }
}
