import Testing

@testable import ValidationService

@Suite struct GroupingConstraintTests {
    private let people = ["alice", "bob", "carol", "dave", "erin", "frank"]

    private func signature(_ line: String) -> Signature { Signature(origin: "", text: LineScanner.signature(of: line)) }

    @Test("what a person split never comes together again, whatever else is learnt", arguments: 0..<20)
    func splitStays(seed: Int) {
        let corpus = Corpus(400, seed: UInt64(seed))
        var index = GroupingIndex(corpus.failures.prefix(150))
        var chance = Chance(UInt64(seed) &+ 4000)
        guard let (split, constraint) = Self.split(&index, at: 1, using: &chance) else { return }
        index.insert(constraint)
        for (number, failure) in corpus.failures.dropFirst(150).enumerated() {
            index.note(failure.signature, at: failure.time)
            guard number % 25 == 0 else { continue }
            let side = Set(split.side.map { index.group(of: $0) })
            #expect(side.isDisjoint(with: split.rest.map { index.group(of: $0) }))
        }
    }

    @Test("what a person merged stays together, whatever else is learnt", arguments: 0..<20)
    func mergeStays(seed: Int) {
        let corpus = Corpus(400, seed: UInt64(seed))
        var index = GroupingIndex(corpus.failures.prefix(150))
        var chance = Chance(UInt64(seed) &+ 5000)
        let pair = (0..<3).map { _ in index.signatures.randomElement(using: &chance)!.signature.id }
        index.insert(GroupingConstraint(id: "merge", decidedAt: 1, kind: .together(pair)))
        for failure in corpus.failures.dropFirst(150) {
            index.note(failure.signature, at: failure.time)
            #expect(Set(pair.map { index.group(of: $0) }).count == 1)
        }
    }

    @Test("of decisions that contradict each other the latest holds, in whatever order they are heard of", arguments: 0..<10)
    func latest(seed: Int) {
        let corpus = Corpus(200, seed: UInt64(seed))
        let constraints = GroupingIndexTests.constraints(corpus, seed: UInt64(seed), count: 12)
        var chance = Chance(UInt64(seed))
        var index = GroupingIndex(corpus.failures, constraints)
        var other = GroupingIndex(corpus.failures.shuffled(using: &chance), constraints.shuffled(using: &chance))
        #expect(index.allGroups() == other.allGroups())
        switch constraints[11].kind {
        case .together(let ids): #expect(Set(ids.map { index.group(of: $0) }).count == 1)
        case .apart(let side, let rest):
            for one in side { for other in rest where one != other { #expect(index.group(of: one) != index.group(of: other)) } }
        }
    }

    @Test("a later merge takes a split back, and only a person can")
    func takenBack() {
        let ids = people.map { signature("session of \($0) was closed by peer").id }
        var index = GroupingIndex(lines: people.map { "session of \($0) was closed by peer" })
        index.insert(.init(id: "split", decidedAt: 1, kind: .apart(side: [ids[0]], rest: Array(ids[1...]))))
        #expect(index.group(of: ids[0]) != index.group(of: ids[1]))
        #expect(Set(ids[1...].map { index.group(of: $0) }).count == 1)
        index.insert(.init(id: "merge", decidedAt: 2, kind: .together([ids[0], ids[1]])))
        #expect(Set(ids.map { index.group(of: $0) }).count == 1)
        #expect(index.merges(of: ids[0]).contains { $0.reason == .person(constraint: "merge") })
    }

    @Test("what comes after a split goes to the rest, not to what was taken out")
    func newcomers() {
        let ids = people.map { signature("session of \($0) was closed by peer").id }
        var index = GroupingIndex(lines: people.map { "session of \($0) was closed by peer" })
        index.insert(.init(id: "split", decidedAt: 1, kind: .apart(side: [ids[0]], rest: Array(ids[1...]))))
        let newcomer = signature("session of zoe was closed by peer")
        index.note(newcomer, at: -1)
        #expect(index.group(of: newcomer) == index.group(of: ids[1]))
        #expect(index.group(of: newcomer) != index.group(of: ids[0]))
    }

    @Test("a person may merge across origins, and what is tied to it through others is kept apart too")
    func acrossOrigins() {
        let here = people.map { signature("session of \($0) was closed by peer") }
        let there = Signature(origin: "IOException\nDb.connect", text: "no route to host")
        var index = GroupingIndex((here + [there]).map { (signature: $0, time: Int64(1)) })
        index.insert(.init(id: "merge", decidedAt: 1, kind: .together([here[0].id, there.id])))
        #expect(index.group(of: there) == index.group(of: here[5]))
        index.insert(.init(id: "split", decidedAt: 2, kind: .apart(side: [there.id], rest: [here[5].id])))
        #expect(index.group(of: there) == index.group(of: here[0]))
        #expect(index.group(of: there) != index.group(of: here[5]))
    }

    /// Takes some signatures out of the largest group.
    private static func split(
        _ index: inout GroupingIndex, at time: Int64, using chance: inout Chance
    ) -> (split: (side: [SignatureID], rest: [SignatureID]), constraint: GroupingConstraint)? {
        let groups = Dictionary(grouping: index.allGroups()) { $0.value }.values.map { $0.map(\.key).sorted() }
        guard let members = groups.max(by: { ($0.count, $0[0]) < ($1.count, $1[0]) }), members.count > 1 else { return nil }
        let mixed = members.shuffled(using: &chance)
        let (side, rest) = (Array(mixed[..<(mixed.count / 2)]), Array(mixed[(mixed.count / 2)...]))
        return ((side, rest), GroupingConstraint(id: "split", decidedAt: time, kind: .apart(side: side, rest: rest)))
    }
}
