import Foundation
import Primitives
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

    @Test("a later merge takes back what it names of a split, and only a person can")
    func takenBack() {
        let ids = people.map { signature("session of \($0) was closed by peer").id }
        var index = GroupingIndex(lines: people.map { "session of \($0) was closed by peer" })
        index.insert(.init(id: "split", decidedAt: 1, kind: .apart(side: [ids[0]], rest: Array(ids[1...]))))
        #expect(index.group(of: ids[0]) != index.group(of: ids[1]))
        #expect(Set(ids[1...].map { index.group(of: $0) }).count == 1)
        var whole = index
        whole.insert(.init(id: "merge", decidedAt: 2, kind: .together(ids)))
        #expect(Set(ids.map { whole.group(of: $0) }).count == 1)
        #expect(whole.merges(of: ids[0]).contains { $0.reason == .person(constraint: "merge") })
        // Of the others nobody has said that they are the same as the first.
        index.insert(.init(id: "merge", decidedAt: 2, kind: .together([ids[0], ids[1]])))
        #expect(index.group(of: ids[0]) == index.group(of: ids[1]))
        #expect(Set(ids[2...].map { index.group(of: $0) }).count == 1)
        #expect(index.group(of: ids[0]) != index.group(of: ids[2]))
        let newcomer = signature("session of zoe was closed by peer")
        index.note(newcomer, at: -1)
        #expect(index.group(of: newcomer) == index.group(of: ids[2]))
    }

    @Test("a later merge of one pair across a split joins that pair; all others stay apart, whatever else is learnt", arguments: 0..<20)
    func onePair(seed: Int) {
        let corpus = Corpus(400, seed: UInt64(seed))
        var index = GroupingIndex(corpus.failures.prefix(150))
        var chance = Chance(UInt64(seed) &+ 6000)
        guard let (split, constraint) = Self.split(&index, at: 1, using: &chance) else { return }
        index.insert(constraint)
        let (one, other) = (split.side.randomElement(using: &chance)!, split.rest.randomElement(using: &chance)!)
        index.insert(GroupingConstraint(id: "merge", decidedAt: 2, kind: .together([one, other])))
        for (number, failure) in corpus.failures.dropFirst(150).enumerated() {
            index.note(failure.signature, at: failure.time)
            guard number % 25 == 0 else { continue }
            #expect(index.group(of: one) == index.group(of: other))
            for left in split.side {
                for right in split.rest where (left, right) != (one, other) { #expect(index.group(of: left) != index.group(of: right)) }
            }
        }
    }

    @Test(
        "whatever persons have said, two that a split has apart are in one group only if later merges lead from one to the other", arguments: 0..<30)
    func nobodyRejoins(seed: Int) {
        let corpus = Corpus(250, seed: UInt64(seed))
        let constraints = GroupingIndexTests.constraints(corpus, seed: UInt64(seed) &+ 90, count: 14)
        var index = GroupingIndex(corpus.failures, constraints)
        for (number, split) in constraints.enumerated() {
            guard case .apart(let side, let rest) = split.kind else { continue }
            let later = constraints[(number + 1)...].compactMap { constraint -> Set<SignatureID>? in
                if case .together(let ids) = constraint.kind { Set(ids) } else { nil }
            }
            for one in side {
                for other in rest where one != other && index.group(of: one) == index.group(of: other) {
                    var reached: Set = [one]
                    while let next = later.first(where: { !$0.isDisjoint(with: reached) && !$0.isSubset(of: reached) }) { reached.formUnion(next) }
                    #expect(reached.contains(other))
                }
            }
        }
    }

    @Test("a merge of groups that are larger than one decision names every signature of them, so that a split before it is taken back whole")
    func largeMerge() throws {
        let signatures = (0..<900).map { signature("session of \(Self.word($0)) was closed by peer") }
        var index = GroupingIndex(signatures.enumerated().map { (signature: $1, time: Int64($0)) })
        let ids = signatures.map(\.id)
        try #require(Set(ids.map { index.group(of: $0) }).count == 1)
        func insert(_ decisions: [[(id: SignatureID, isTakenOut: Bool)]], _ kind: GroupingDecision.Kind, at time: Double) {
            for named in decisions {
                #expect(named.count <= GroupingConstraint.maxSignatures || kind == .split)
                let decision = GroupingDecision(
                    id: .new(), kind: kind, decidedAt: .init(timeIntervalSince1970: time), decidedBy: "usr_1", note: "", signatures: 0)
                index.insert(decision.constraint(named))
            }
        }
        insert(try GroupingDecision.split(Set(ids[..<300]), from: ids), .split, at: 1)
        #expect(Set(ids.map { index.group(of: $0) }).count == 2)
        insert(GroupingDecision.merge([Array(ids[..<300]), Array(ids[300...])]), .merge, at: 2)
        #expect(Set(ids.map { index.group(of: $0) }).count == 1)
        #expect(GroupingDecision.merge([[ids[0]], [ids[1]]]).map { $0.map(\.id) } == [[ids[0], ids[1]]])
    }

    private static func word(_ number: Int) -> String {
        String(decoding: [676, 26, 1].map { UInt8(97 + number / $0 % 26) } + Array("ish".utf8), as: UTF8.self)
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
