import Foundation
import Primitives

/// A person's split, merge or cut, as it is kept for good.
struct GroupingDecision: Identified, Sendable, Equatable {
    static let idPrefix = "gdc"

    enum Kind: String, Sendable {
        case merge, split
        /// See `Cut`.
        case cut
    }

    let id: ID<GroupingDecision>
    let kind: Kind
    let decidedAt: Date
    /// Who: `usr_…` or `key_…`.
    let decidedBy: String
    let note: String
    /// Signatures that it names.
    let signatures: Int64
}

/// A decision, and what became of what it names.
struct ListedDecision: Sendable, Equatable {
    /// Groups that are told of one decision.
    static let mostGroups = 20

    /// Its signatures that are in one group now.
    struct Share: Sendable, Equatable {
        let group: ID<FailureGroup>
        let signatures: Int64
        let isTakenOut: Bool
    }

    let decision: GroupingDecision
    /// Those with most signatures first.
    let groups: [Share]
    /// What is cut by it, where it is a cut.
    var cut: CutProgress?
}

extension GroupingDecision {
    /// What a decision asks the mining to keep to.
    /// - Parameter signatures: that it names, with those that a split takes out marked.
    func constraint(_ signatures: [(id: SignatureID, isTakenOut: Bool)]) -> GroupingConstraint {
        let kind: GroupingConstraint.Kind =
            switch kind {
            case .merge: .together(signatures.map(\.id))
            case .split: .apart(side: signatures.filter(\.isTakenOut).map(\.id), rest: signatures.filter { !$0.isTakenOut }.map(\.id))
            // What is cut out is another signature, of another bucket: the mining has to keep to nothing more.
            case .cut: .together([])
            }
        return GroupingConstraint(id: id.description, decidedAt: Int64((decidedAt.timeIntervalSince1970 * 1000).rounded()), kind: kind)
    }

    /// The signatures on both sides of each decision that a split takes: decisions are bounded, so what is left of a large group takes several.
    /// - Throws: `failure_groups.nothing_left`, `failure_groups.not_in_group`.
    static func split(_ side: Set<SignatureID>, from members: [SignatureID]) throws(Fault) -> [[(id: SignatureID, isTakenOut: Bool)]] {
        guard side.isSubset(of: members) else { throw .notInGroup }
        let rest = members.filter { !side.contains($0) }
        guard !side.isEmpty, !rest.isEmpty else { throw .nothingLeft }
        let (side, most) = (side.sorted(), GroupingConstraint.maxSignatures)
        var decisions: [[(id: SignatureID, isTakenOut: Bool)]] = []
        for from in stride(from: 0, to: side.count, by: most) {
            let out = side[from..<min(from + most, side.count)].map { (id: $0, isTakenOut: true) }
            for start in stride(from: 0, to: rest.count, by: most) {
                decisions.append(out + rest[start..<min(start + most, rest.count)].map { (id: $0, isTakenOut: false) })
            }
        }
        return decisions
    }

    /// The signatures that each decision of a merge names: all of the groups, since a split of theirs that is older holds for what is not named. Decisions
    /// are bounded, so large groups take several, each with the first signature of every group.
    static func merge(_ groups: [[SignatureID]]) -> [[(id: SignatureID, isTakenOut: Bool)]] {
        let firsts = groups.compactMap(\.first)
        let others = groups.flatMap { $0.dropFirst() }
        let most = GroupingConstraint.maxSignatures - firsts.count
        return stride(from: 0, to: max(1, others.count), by: most).map { start in
            (firsts + others[start..<min(start + most, others.count)]).map { (id: $0, isTakenOut: false) }
        }
    }

    /// Later than every other of the project, so that the latest person wins whatever the clocks of two replicas say.
    static func time(now: Date, last: Date?) -> Date {
        let now = Date(timeIntervalSince1970: (now.timeIntervalSince1970 * 1000).rounded(.down) / 1000)
        guard let last, last >= now else { return now }
        return last.addingTimeInterval(0.001)
    }
}

/// A merge with what it ties together, for whoever asks why.
struct ExplainedMerge: Sendable {
    let kept: SignatureSummary
    let joined: SignatureSummary
    let reason: Merge.Reason
    /// When a person is the reason.
    let decision: GroupingDecision?
}

/// What is known of one signature.
struct SignatureSummary: Sendable, Equatable {
    let id: ID<Signature>
    let text: String
    let failures: Int64
    let firstSeenAt: Date
    let lastSeenAt: Date
    let sample: String
}

/// Whose a test is, as a failure of it says.
struct TestOwners: Sendable, Equatable {
    let names: [String]
    /// When the run of that failure began.
    let since: Date
}

/// A test that a group made fail.
struct GroupTest: Sendable {
    let test: ID<Test>
    let className: String
    let testName: String
    let failures: Int64
    let firstSeenAt: Date
    let lastSeenAt: Date
}

extension ExplainedMerge {
    /// The reason in a sentence.
    var explanation: String {
        switch reason {
        case .sameSkeleton(let differing):
            differing.isEmpty
                ? "Their constant words are the same."
                : "Their constant words are the same; names and values differ: "
                    + differing.map { "\"\($0.kept)\" and \"\($0.joined)\"" }.joined(separator: ", ") + "."
        case .variable(let template, let place, let words, let count, let needed):
            "In \"\(template)\" \(count) different words stood at \(Signature.mask) number \(place) (\(words.joined(separator: ", "))), "
                + "where \(needed) are needed."
        case .person:
            decision.map { "\($0.decidedBy) put them together\($0.note.isEmpty ? "" : ": " + $0.note)." } ?? "A person put them together."
        }
    }
}
