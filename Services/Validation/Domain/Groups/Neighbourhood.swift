import Foundation
import Primitives

/// Some buckets of a project, whole, with all that decisions tie to them: what the groups of the signatures in them depend on, and nothing else.
struct Neighbourhood: Sendable {
    struct Member: Sendable {
        var known: KnownSignature
        let bucket: SignatureID
        /// As stored; `nil` when the signature is new.
        let group: SignatureID?
    }

    var members: [SignatureID: Member] = [:]
    /// By the ids of the decisions.
    var constraints: [String: GroupingConstraint] = [:]
    var decisions: [String: GroupingDecision] = [:]
    /// As of the last call of `learn` or `group`.
    private(set) var groups: [SignatureID: SignatureID] = [:]

    /// Takes in what a batch brought and finds the groups anew.
    /// - Parameters:
    ///   - time: of the failures.
    ///   - room: signatures that the project may still take.
    /// - Returns: those that found no room, with the signature that they count for: one that they fit in, or their bucket's rest.
    mutating func learn(_ tallies: [SignatureTally], at time: Date, room: Int) -> [SignatureID: SignatureID] {
        let moment = time.milliseconds
        var room = room
        var sizes = Dictionary(grouping: members.values, by: \.bucket).mapValues(\.count)
        var without: [SignatureTally] = []
        for tally in tallies {
            if let member = members[tally.id] {
                members[tally.id]?.known.firstSeen = min(member.known.firstSeen, moment)
                members[tally.id]?.known.lastSeen = max(member.known.lastSeen, moment)
            } else if room > 0, sizes[tally.bucket, default: 0] < GroupingIndex.maxPerBucket {
                room -= 1
                sizes[tally.bucket, default: 0] += 1
                let signature = Signature(origin: tally.origin, text: tally.text)
                members[tally.id] = Member(
                    known: KnownSignature(signature, firstSeen: moment, lastSeen: moment), bucket: tally.bucket, group: nil)
            } else {
                without.append(tally)
            }
        }
        group()
        guard !without.isEmpty else { return [:] }
        var index = index()
        return Dictionary(uniqueKeysWithValues: without.map { ($0.id, index.group(of: Signature(origin: $0.origin, text: $0.text))) })
    }

    mutating func group() { groups = grouping.groups }

    var grouping: Grouping { grouping(by: .current) }

    func grouping(by edition: GroupingEdition) -> Grouping {
        Grouping(members.values.map(\.known), constraints: Array(constraints.values), by: edition)
    }

    /// The same as something that can be asked about signatures that are not in it.
    func index() -> GroupingIndex {
        var index = GroupingIndex()
        for member in members.values { index.insert(member.known) }
        for constraint in constraints.values { index.insert(constraint) }
        return index
    }

    /// How those of these groups that are in it are told to people.
    func descriptions(of wanted: Set<SignatureID>) -> [SignatureID: GroupDescription] {
        var members: [SignatureID: [KnownSignature]] = [:]
        for (id, group) in groups where wanted.contains(group) {
            if let member = self.members[id] { members[group, default: []].append(member.known) }
        }
        return members.mapValues { known in
            GroupDescription(known.sorted(by: KnownSignature.precedes).map { ($0.signature.origin, $0.signature.text) })
        }
    }
}

extension Date {
    /// Milliseconds since 1970: the time of failures in the mining.
    var milliseconds: Int64 { Int64((timeIntervalSince1970 * 1000).rounded()) }
}
