import Foundation
import Primitives

/// Why a failure is in its group, as it is stored: what is needed to come to the same again.
struct GroupReceipt: Sendable {
    let result: ID<Result>
    let project: ID<Project>
    let className: String
    let test: String
    /// `nil` for what was filed before editions were kept; all of that is of edition 1.
    let edition: Int32?
    /// Of the symptoms; `nil` for what was filed before they were kept.
    let hash: Data?
    let symptoms: Symptoms?
    /// What it counts for; `nil` for what was filed before there were groups.
    let signature: SignatureID?
    /// What it was signed as, where that found no room or nothing is learnt from it; `nil`: `signature`.
    let signedAs: SignatureID?
    /// Otherwise nothing is learnt from it, and what people cut later changes nothing of it.
    let isTrusted: Bool
    /// Of `signature`, where it is known (still).
    let place: Place?

    struct Place: Sendable {
        let group: SignatureID
        let bucket: SignatureID
        /// Otherwise it stands for its bucket's rest, and is a group of its own.
        let isMined: Bool
    }
}

/// The same found once more by the edition that it was filed by: the kept symptoms are signed, and the group is mined from the signatures and decisions
/// that are known now.
struct GroupReplay: Sendable {
    /// Merges that are told of one failure.
    static let maxMerges = 100

    /// What differs from what is stored.
    enum Difference: Sendable {
        case symptoms, signature, cut, group

        var explanation: String {
            switch self {
            case .symptoms: "The kept texts are not those that were signed: their hash is another."
            case .signature: "The kept texts are signed as something else than what the failure counts for."
            case .cut: "What people have cut by a text leads somewhere else than to what the failure counts for: it is not carried out yet."
            case .group: "The signature is in another group than the one that is stored."
            }
        }
    }

    let receipt: GroupReceipt
    let edition: Int32
    /// What the kept symptoms are signed as now.
    let signed: Signature
    /// By which texts people have taken it apart from what it was signed as, or from what that fits in.
    let cuts: [Cut]
    /// That of the receipt's signature now; `nil` where it is not known (any more).
    let group: SignatureID?
    /// What leads from the group's first signature to the failure's own, which is the last one joined or kept; the first `maxMerges` of it.
    let merges: [Merge]
    /// The first that there is.
    let difference: Difference?

    /// By which it was filed.
    /// - Throws: `failure_groups.not_replayable` for one that is not among these.
    static func edition(of receipt: GroupReceipt, among editions: [GroupingEdition] = GroupingEdition.released) throws(Fault) -> GroupingEdition {
        guard let edition = GroupingEdition.numbered(receipt.edition ?? 1, among: editions) else {
            throw .groupNotReplayable("This release no longer has edition \(receipt.edition ?? 1) of the grouping.")
        }
        return edition
    }

    /// Signs what was kept.
    /// - Throws: `failure_groups.not_replayable`.
    static func sign(_ receipt: GroupReceipt, by edition: GroupingEdition) throws(Fault) -> Signature {
        guard let symptoms = receipt.symptoms, receipt.signature != nil else {
            throw .groupNotReplayable("What this failure was signed from was not kept.")
        }
        var signer = FailureSigner(edition)
        return symptoms.signature(by: &signer, className: receipt.className, test: receipt.test)
    }

    /// - Parameters:
    ///   - signed: from `sign`.
    ///   - cuts: all of the project.
    ///   - grouping: of the neighbourhood of the receipt's signature, by its edition.
    init(_ receipt: GroupReceipt, signed: Signature, cuts: Cuts, in grouping: Grouping) {
        self.receipt = receipt
        self.signed = signed
        let path = cuts.path(of: receipt, signedAs: signed.id)
        self.cuts = path
        edition = receipt.edition ?? 1
        let own = receipt.signature
        group = own.flatMap { grouping.groups[$0] } ?? (receipt.place?.isMined == false ? own : nil)
        merges = own.map { grouping.path(to: $0, limit: Self.maxMerges) } ?? []
        difference =
            if receipt.symptoms?.hash != receipt.hash {
                .symptoms
            } else if !Self.isSame(signed, receipt) {
                .signature
            } else if !cuts.lead(receipt, along: path) {
                .cut
            } else if group != receipt.place?.group {
                .group
            } else {
                nil
            }
    }

    /// Whether it is what the failure was signed as. Of what was filed before editions were kept, and had to go elsewhere, it is known that this was in the same
    /// bucket.
    private static func isSame(_ signed: Signature, _ receipt: GroupReceipt) -> Bool {
        if signed.id == receipt.signedAs ?? receipt.signature { return true }
        return receipt.edition == nil && receipt.place?.bucket == BucketKey(signed).rest
    }
}

extension Cuts {
    /// The cuts that take the failure, from what it was signed as or, where that found no room, from what it counts for without them.
    fileprivate func path(of receipt: GroupReceipt, signedAs signed: SignatureID) -> [Cut] {
        guard let symptoms = receipt.symptoms, let own = receipt.signature else { return [] }
        let direct = path(from: signed, for: symptoms)
        return direct.isEmpty ? path(from: root(of: own), for: symptoms) : direct
    }

    /// Whether the failure counts for what the cuts lead to, or for what that found room in.
    fileprivate func lead(_ receipt: GroupReceipt, along path: [Cut]) -> Bool {
        guard let own = receipt.signature else { return true }
        if own == path.last?.target.id { return true }
        if path.contains(where: { $0.signature.id == own }) { return !receipt.isTrusted }
        return !makes(own)
    }
}

extension Grouping {
    /// The merges that tie a signature to the first of its group, from there to it.
    func path(to signature: SignatureID, limit: Int) -> [Merge] {
        guard let group = groups[signature], group != signature else { return [] }
        var ties: [SignatureID: [Merge]] = [:]
        for merge in merges where groups[merge.joined] == group {
            ties[merge.kept, default: []].append(merge)
            ties[merge.joined, default: []].append(merge)
        }
        // They are a tree, so there is one way.
        var way: [SignatureID: [Merge]] = [group: []]
        var queue = [group]
        while let next = queue.popLast() {
            guard next != signature else { break }
            for merge in ties[next] ?? [] {
                let beyond = merge.kept == next ? merge.joined : merge.kept
                if way[beyond] == nil {
                    way[beyond] = (way[next] ?? []) + [merge]
                    queue.append(beyond)
                }
            }
        }
        return Array((way[signature] ?? []).prefix(limit))
    }
}
