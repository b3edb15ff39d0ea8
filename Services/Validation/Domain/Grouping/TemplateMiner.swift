/// Finds which skeletons of one bucket are the same message with different words in it.
///
/// Take a skeleton, leave one word out, and look at all the skeletons that are equal but for that word. Many different words there, against enough
/// constant ones around, make the place a hole: a variable, not a part of the message (after the token statistics by which IPLoM, Makanju et al.,
/// KDD 2009, and Drain, He et al., ICWS 2017, tell parameters from constants; here the judgement looks at sets of signatures only, so that neither
/// order nor repetition matters). The skeleton with the hole takes part like any other, until nothing changes. More skeletons can only open more
/// holes: what was merged stays merged, and the sets are the same in whatever order the skeletons came.
struct TemplateMiner: Sendable {
    /// A place that turned out to be a variable: the skeletons that stand in it are the same.
    struct Variable: Sendable {
        let template: Skeleton
        let place: Int
        var members: [Int]
    }

    /// What stands in one place while the rest is the same: one token each, all different.
    private struct Gap {
        let first: Int32
        var others: [Int32] = []
        var hasHole: Bool
        var variable: Int32 = -1
    }

    let mining: GroupingEdition.Mining
    private(set) var skeletons: [Skeleton] = []
    private(set) var variables: [Variable] = []
    private var opened = 0
    private var index = SlotTable<Skeleton>()
    private var gaps: [Gap] = []
    /// Where a gap stands, by what is around it (`Skeleton.rest`).
    private var gapNumbers = SlotTable<UInt64>()
    private var queue: [Int] = []
    private var parent: [Int] = []
    /// Roots that were united, in order, until `takeUnions` is called.
    private var unions: [(kept: Int, lost: Int)] = []

    init(_ mining: GroupingEdition.Mining = GroupingEdition.current.mining) {
        self.mining = mining
    }

    /// - Returns: the skeleton's number. Those with one `root` are the same message.
    mutating func insert(_ skeleton: Skeleton) -> Int {
        let number = add(skeleton)
        while let next = queue.popLast() { visit(next) }
        return number
    }

    /// What has been united since the last call.
    mutating func takeUnions() -> [(kept: Int, lost: Int)] {
        guard !unions.isEmpty else { return [] }
        defer { unions = [] }
        return unions
    }

    mutating func root(_ number: Int) -> Int {
        var number = number
        while parent[number] != number {
            parent[number] = parent[parent[number]]
            number = parent[number]
        }
        return number
    }

    /// The number of a skeleton that this one, which is not to be inserted, is the same as.
    func fitting(_ skeleton: Skeleton) -> Int? {
        if let known = index[skeleton] { return known }
        for place in skeleton.places.indices where skeleton.places[place] != .mark {
            if let number = gapNumbers[skeleton.rest(without: place)], gaps[number].variable >= 0 { return Int(gaps[number].first) }
        }
        return nil
    }

    private mutating func add(_ skeleton: Skeleton) -> Int {
        if let known = index[skeleton] { return known }
        let number = skeletons.count
        index.set(skeleton, to: number)
        skeletons.append(skeleton)
        parent.append(number)
        queue.append(number)
        return number
    }

    private mutating func visit(_ number: Int) {
        let skeleton = skeletons[number]
        let all = skeleton.constants
        guard all >= 2 else { return }
        for place in skeleton.places.indices where skeleton.places[place] != .mark {
            let isHole = skeleton.places[place] == .hole
            let constants = all - (skeleton.places[place] == .word ? 1 : 0)
            guard constants >= 2 else { continue }
            let key = skeleton.rest(without: place)
            guard let found = gapNumbers[key] else {
                gapNumbers.set(key, to: gaps.count)
                gaps.append(Gap(first: Int32(number), hasHole: isHole))
                continue
            }
            gaps[found].others.append(Int32(number))
            if isHole { gaps[found].hasHole = true }
            let gap = gaps[found]
            if gap.variable >= 0 {
                variables[Int(gap.variable)].members.append(number)
                unite(Int(gap.first), number)
                continue
            }
            let words = 1 + gap.others.count - (gap.hasHole ? 1 : 0)
            guard let needed = mining.wordsNeeded(constants: constants, besideHole: gap.hasHole), words >= needed else { continue }
            let template = skeleton.opened(at: place)
            let members = ([gap.first] + gap.others).map(Int.init)
            gaps[found].variable = Int32(variables.count)
            variables.append(Variable(template: template, place: place, members: members))
            for member in members { unite(members[0], member) }
            guard index[template] == nil, opened < mining.maxOpened else { continue }
            opened += 1
            _ = add(template)
        }
    }

    private mutating func unite(_ one: Int, _ other: Int) {
        let (one, other) = (root(one), root(other))
        guard one != other else { return }
        let (kept, lost) = (min(one, other), max(one, other))
        parent[lost] = kept
        unions.append((kept, lost))
    }
}
