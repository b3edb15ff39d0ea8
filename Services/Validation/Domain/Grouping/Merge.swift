/// Why two signatures are in the same group. The merges of a group tie all its signatures together, one fewer than there are signatures.
package struct Merge: Sendable, Equatable {
    /// Words that an explanation lists at most.
    static let maxWords = 8

    /// What was judged the same, and by which measure.
    package enum Reason: Sendable, Equatable {
        /// The constant words are the same; these differ, and all of them are names or values: pairs of kept and joined.
        case sameSkeleton(differing: [Difference])
        /// In `template` the place marked `<*>` number `place` held at least `needed` different words; some of them.
        case variable(template: String, place: Int, words: [String], count: Int, needed: Int)
        /// A person's decision.
        case person(constraint: String)
    }

    /// Words that stand at the same place, an empty one where the other has more.
    package struct Difference: Sendable, Equatable {
        package let kept: String
        package let joined: String
    }

    package let kept: SignatureID
    package let joined: SignatureID
    package let reason: Reason

    static func differences(_ kept: String, _ joined: String) -> [Difference] {
        let (a, b) = (kept.split(separator: " "), joined.split(separator: " "))
        var differences: [Difference] = []
        for place in 0..<max(a.count, b.count) {
            let (one, other) = (place < a.count ? String(a[place]) : "", place < b.count ? String(b[place]) : "")
            if one != other { differences.append(Difference(kept: one, joined: other)) }
            if differences.count == maxWords { break }
        }
        return differences
    }
}
