/// The groups of a neighbourhood of signatures: a pure function of what is known and of what persons decided. Whoever has the same set computes the
/// same groups with the same ids, in whatever order things were learnt.
package struct Grouping: Sendable {
    /// The group of each signature: the id of the group's first signature.
    package private(set) var groups: [SignatureID: SignatureID] = [:]
    package private(set) var merges: [Merge] = []

    /// A bucket's skeletons and what was found in it.
    private struct Mined: Sendable {
        var miner: TemplateMiner
        /// Indices of signatures by the number of their skeleton, and the numbers in the order of their first signature.
        var members: [Int: [Int]] = [:]
        var order: [Int] = []

        mutating func insert(_ skeleton: Skeleton, _ signature: Int) {
            let number = miner.insert(skeleton)
            if members[number] == nil { order.append(number) }
            members[number, default: []].append(signature)
        }

        /// The signatures that stand in each variable, in order. A skeleton that was made stands for all that stand in the variable it was made for.
        func variables() -> [[Int]] {
            var expanded = miner.skeletons.indices.map { Set(members[$0] ?? []) }
            let numbers = Dictionary(uniqueKeysWithValues: miner.skeletons.enumerated().map { ($1, $0) })
            var result = Array(repeating: [Int](), count: miner.variables.count)
            // What a skeleton with two holes stands for is complete when those with one are.
            let order = miner.variables.indices.sorted { miner.variables[$0].template.holes < miner.variables[$1].template.holes }
            for number in order {
                let variable = miner.variables[number]
                let all = variable.members.reduce(into: Set<Int>()) { $0.formUnion(expanded[$1]) }
                result[number] = all.sorted()
                if let own = numbers[variable.template] { expanded[own].formUnion(all) }
            }
            return result
        }
    }

    /// - Parameters:
    ///   - known: every signature of the buckets in question, of all buckets that decisions tie to them too (`GroupingIndex` sees to that).
    ///   - constraints: all decisions that name any of them.
    package init(_ known: [KnownSignature], constraints: [GroupingConstraint] = [], by edition: GroupingEdition = .current) {
        let known = known.sorted(by: KnownSignature.precedes)
        var buckets: [BucketKey: Mined] = [:]
        var keys: [BucketKey] = []
        for (index, one) in known.enumerated() {
            let skeleton = Skeleton(one.signature.text)
            let key = BucketKey(origin: one.signature.origin, skeleton: skeleton)
            if buckets[key] == nil { keys.append(key) }
            buckets[key, default: Mined(miner: TemplateMiner(edition.mining))].insert(skeleton, index)
        }

        var sets = ConstrainedSets(known, constraints)
        for hand in sets.byHand {
            merges.append(
                Merge(kept: known[hand.kept].signature.id, joined: known[hand.joined].signature.id, reason: .person(constraint: hand.constraint)))
        }
        for key in keys {
            guard let mined = buckets[key] else { continue }
            for number in mined.order { unite(mined.members[number] ?? [], in: &sets) { Self.sameSkeleton(known, $0, $1) } }
            let variables = mined.variables()
            for (number, members) in variables.enumerated() {
                let reason = Self.reason(mined, number, known)
                unite(members, in: &sets) { Merge(kept: known[$0].signature.id, joined: known[$1].signature.id, reason: reason) }
            }
        }
        for (index, one) in known.enumerated() { groups[one.signature.id] = known[sets.root(index)].signature.id }
    }

    /// Puts the members together as far as persons allow: each joins the first set it may, those that were taken out of a group last.
    private mutating func unite(_ members: [Int], in sets: inout ConstrainedSets, merge: (Int, Int) -> Merge) {
        guard members.count > 1 else { return }
        var heads: [Int] = []
        let ordered = sets.takenOut.isEmpty ? members : members.filter { !sets.takenOut.contains($0) } + members.filter(sets.takenOut.contains)
        for member in ordered {
            if heads.contains(where: { sets.sameSet($0, member) }) { continue }
            if let head = heads.first(where: { !sets.mustStayApart($0, member) }) {
                sets.join(head, member)
                merges.append(merge(head, member))
            } else {
                heads.append(member)
            }
        }
    }

    private static func sameSkeleton(_ known: [KnownSignature], _ kept: Int, _ joined: Int) -> Merge {
        let (kept, joined) = (known[kept].signature, known[joined].signature)
        return Merge(kept: kept.id, joined: joined.id, reason: .sameSkeleton(differing: Merge.differences(kept.text, joined.text)))
    }

    private static func reason(_ mined: Mined, _ number: Int, _ known: [KnownSignature]) -> Merge.Reason {
        let variable = mined.miner.variables[number]
        let template = variable.template
        // Given skeletons only: one that was made by opening a hole here is no proof.
        let stated = variable.members.compactMap { mined.members[$0]?.first }.map { Skeleton.tokens(of: known[$0].signature.text) }
        let words = Set(stated.map { $0[variable.place] })
        let spoken = words.subtracting([Signature.mask])
        let made = variable.members.contains { mined.members[$0] == nil && mined.miner.skeletons[$0] != template }
        let needed = mined.miner.mining.wordsNeeded(constants: template.constants, besideHole: made || words.count > spoken.count) ?? 0
        let text = zip(stated.first ?? [], template.places).map { $1 == .hole ? Signature.mask : $0 }.joined(separator: " ")
        return .variable(
            template: text, place: template.places[...variable.place].count { $0 == .hole }, words: Array(spoken.sorted().prefix(Merge.maxWords)),
            count: spoken.count, needed: needed)
    }
}
