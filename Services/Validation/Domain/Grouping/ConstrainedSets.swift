/// Sets of signatures that grow together under the decisions that hold.
///
/// The latest person wins, pair by pair. A merge puts together all that it names, unless a later split has one of them apart from another. A split keeps
/// each signature of one side apart from each of the other, but for pairs that later merges have put into one set; what was put into one set keeps apart
/// from all that any of its members must. So taking one of a side back takes back nothing of the others, and nothing is rejoined that nobody merged.
struct ConstrainedSets {
    private var parent: [Int]
    /// By root: roots (or members of them, to be looked up again) that it must stay apart from.
    private var foes: [Int: Set<Int>] = [:]
    /// Members that a person took out of a group, and what persons put together with them.
    private(set) var takenOut: Set<Int> = []
    private var indexOf: [SignatureID: Int]

    /// Applies the decisions, the latest first.
    init(_ signatures: [KnownSignature], _ constraints: [GroupingConstraint]) {
        parent = Array(signatures.indices)
        indexOf = Dictionary(uniqueKeysWithValues: signatures.enumerated().map { ($1.signature.id, $0) })
        for constraint in constraints.sorted(by: { ($0.decidedAt, $0.id) > ($1.decidedAt, $1.id) }) { apply(constraint) }
        // Who merged something with what was taken out has it taken out too.
        let named = takenOut
        guard !named.isEmpty else { return }
        let out = Set(named.map { root($0) })
        takenOut = Set(signatures.indices.filter { out.contains(root($0)) })
    }

    /// Merges of persons that were carried out: the two members and the decision.
    private(set) var byHand: [(kept: Int, joined: Int, constraint: String)] = []

    private mutating func apply(_ constraint: GroupingConstraint) {
        switch constraint.kind {
        case .together(let ids):
            let members = ids.compactMap { indexOf[$0] }.sorted()
            for (number, member) in members.enumerated().dropFirst() {
                for earlier in members[..<number] where !sameSet(earlier, member) {
                    if join(earlier, member) {
                        byHand.append((earlier, member, constraint.id))
                        break
                    }
                }
            }
        case .apart(let side, let rest):
            let side = Set(side.compactMap { indexOf[$0] }).sorted()
            // What is named on both sides is on the side that was taken out.
            let rest = Set(rest.compactMap { indexOf[$0] }).subtracting(side).sorted()
            for one in side {
                for other in rest {
                    let (a, b) = (root(one), root(other))
                    // Later merges have put them together.
                    if a == b { continue }
                    foes[a, default: []].insert(b)
                    foes[b, default: []].insert(a)
                    takenOut.insert(one)
                }
            }
        }
    }

    mutating func root(_ member: Int) -> Int {
        var member = member
        while parent[member] != member {
            parent[member] = parent[parent[member]]
            member = parent[member]
        }
        return member
    }

    mutating func sameSet(_ one: Int, _ other: Int) -> Bool { root(one) == root(other) }

    mutating func mustStayApart(_ one: Int, _ other: Int) -> Bool {
        let (one, other) = (root(one), root(other))
        guard let its = foes[one], foes[other] != nil else { return false }
        return its.contains { root($0) == other }
    }

    /// - Returns: whether they are in one set now. The earlier member stays the root, so a root is its set's first member.
    @discardableResult
    mutating func join(_ one: Int, _ other: Int) -> Bool {
        let (one, other) = (root(one), root(other))
        guard one != other else { return true }
        guard !mustStayApart(one, other) else { return false }
        let (first, second) = (min(one, other), max(one, other))
        parent[second] = first
        if let moved = foes.removeValue(forKey: second) { foes[first, default: []].formUnion(moved) }
        return true
    }
}
