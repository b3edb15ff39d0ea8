/// What a person decided about groups. The machine never undoes it; only a later person does (cannot-link and must-link: Wagstaff et al., Constrained
/// K-means Clustering with Background Knowledge, ICML 2001).
package struct GroupingConstraint: Sendable, Equatable {
    /// Signatures that one decision may name on each side.
    package static let maxSignatures = 512

    /// Either decision names signatures; those that are not known (any more) do not count.
    package enum Kind: Sendable, Equatable {
        /// A merge: these are one group.
        case together([SignatureID])
        /// A split: nothing of `side` is ever in a group with anything of `rest`, but for pairs that a later person merges (`ConstrainedSets`). Signatures that
        /// come later and would suit both go to the rest.
        case apart(side: [SignatureID], rest: [SignatureID])
    }

    /// Names the decision in explanations; unique.
    package let id: String
    /// The later decision wins; of two at the same moment that with the larger id.
    package let decidedAt: Int64
    package let kind: Kind

    /// - Parameter decidedAt: milliseconds since 1970.
    package init(id: String, decidedAt: Int64, kind: Kind) {
        self.id = id
        self.decidedAt = decidedAt
        self.kind = kind
    }

    package var signatures: [SignatureID] {
        switch kind {
        case .together(let ids): ids
        case .apart(let side, let rest): side + rest
        }
    }
}
