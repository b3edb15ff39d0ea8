import Testing

@testable import ValidationService

@Suite struct GroupingIndexTests {
    @Test("groups and ids do not depend on which replica saw what first", arguments: 0..<20)
    func order(seed: Int) {
        let corpus = Corpus(300, seed: UInt64(seed))
        var chance = Chance(UInt64(seed) &+ 1000)
        var first = GroupingIndex(corpus.failures)
        var shuffled = GroupingIndex(corpus.failures.shuffled(using: &chance))
        // Asking in between must not matter either.
        var asked = GroupingIndex()
        for failure in corpus.failures.shuffled(using: &chance) {
            asked.note(failure.signature, at: failure.time)
            _ = asked.group(of: failure.signature)
        }
        #expect(first.allGroups() == shuffled.allGroups())
        #expect(first.allGroups() == asked.allGroups())
        #expect(first.signatures == shuffled.signatures)
    }

    @Test("replicas that heard of different parts agree once they have merged, whichever takes over the other", arguments: 0..<20)
    func partition(seed: Int) {
        let corpus = Corpus(300, seed: UInt64(seed))
        let constraints = Self.constraints(corpus, seed: UInt64(seed), count: 3)
        var chance = Chance(UInt64(seed) &+ 2000)
        var replicas = [GroupingIndex(), GroupingIndex(), GroupingIndex()]
        for failure in corpus.failures { replicas[Int.random(in: 0..<3, using: &chance)].note(failure.signature, at: failure.time) }
        for constraint in constraints { replicas[Int.random(in: 0..<3, using: &chance)].insert(constraint) }
        var whole = GroupingIndex(corpus.failures, constraints)
        var left = replicas[0]
        left.merge(replicas[1])
        left.merge(replicas[2])
        var right = replicas[2]
        right.merge(replicas[1])
        right.merge(replicas[0])
        right.merge(left)
        #expect(left.allGroups() == whole.allGroups())
        #expect(right.allGroups() == whole.allGroups())
    }

    @Test("a restart changes nothing: what was stored gives the same groups", arguments: 0..<5)
    func restart(seed: Int) {
        let corpus = Corpus(300, seed: UInt64(seed))
        var index = GroupingIndex(corpus.failures, Self.constraints(corpus, seed: UInt64(seed), count: 4))
        var restored = GroupingIndex()
        for known in index.signatures.reversed() {
            let stored = Signature(origin: known.signature.origin, text: known.signature.text)
            restored.insert(KnownSignature(stored, firstSeen: known.firstSeen, lastSeen: known.lastSeen))
        }
        for constraint in index.constraints { restored.insert(constraint) }
        #expect(restored.allGroups() == index.allGroups())
    }

    @Test("without persons, what was merged stays merged, and an old id leads to the group that has its signature", arguments: 0..<10)
    func monotone(seed: Int) {
        let corpus = Corpus(300, seed: UInt64(seed))
        var index = GroupingIndex(corpus.failures.prefix(150))
        let before = index.allGroups()
        for failure in corpus.failures.dropFirst(150) { index.note(failure.signature, at: failure.time) }
        for (signature, group) in before {
            #expect(index.group(of: group) != nil)
            #expect(index.group(of: group) == index.group(of: signature))
        }
    }

    @Test("a group is named after what failed first, also when that is heard of last")
    func naming() {
        let early = Signature(origin: "", text: "lost worker-a# today")
        let late = Signature(origin: "", text: "lost worker# today")
        var index = GroupingIndex([(signature: late, time: Int64(20))])
        #expect(index.group(of: late) == late.id)
        index.note(early, at: 10)
        #expect(index.group(of: late) == early.id)
        index.note(late, at: 5)
        #expect(index.group(of: early) == late.id)
    }

    @Test("a full bucket keeps who failed first, in whatever order they come; the others go where they fit, or to the rest", arguments: 0..<5)
    func full(seed: Int) {
        let letters = "abcdefgh"
        let names = letters.flatMap { one in letters.prefix(5).map { other in "person\(one)\(other)" } }
        var failures: [(signature: Signature, time: Int64)] = []
        for (number, name) in names.enumerated() {
            for line in ["session of \(name) was closed by peer", "\(name) has nothing to report"] {
                failures.append((Signature(origin: "", text: LineScanner.signature(of: line)), Int64(number)))
            }
        }
        var chance = Chance(UInt64(seed))
        var index = GroupingIndex(maxSignatures: 30, maxPerBucket: 20)
        var other = GroupingIndex(maxSignatures: 30, maxPerBucket: 20)
        for failure in failures { index.note(failure.signature, at: failure.time) }
        for failure in failures.shuffled(using: &chance) { other.note(failure.signature, at: failure.time) }
        #expect(index.signatures == other.signatures)
        #expect(index.signatures.count == 30)
        for failure in failures { #expect(index.group(of: failure.signature) == other.group(of: failure.signature)) }
        #expect(index.group(of: failures[78].signature) == index.group(of: failures[0].signature))
        let unlike = Signature(origin: "", text: "nothing of the kind was seen")
        #expect(index.group(of: unlike) == BucketKey(unlike).rest)
    }

    @Test("what has not been seen for long is forgotten, but not what a person decided about")
    func forgetting() {
        let (old, new) = (Signature(origin: "", text: "the old one"), Signature(origin: "", text: "the new one"))
        let decided = Signature(origin: "", text: "the decided one")
        var index = GroupingIndex()
        for (signature, time) in [(old, 1), (new, 9), (decided, 1)] { index.note(signature, at: Int64(time)) }
        index.insert(GroupingConstraint(id: "c", decidedAt: 1, kind: .together([decided.id])))
        index.forget(before: 5)
        #expect(Set(index.signatures.map(\.signature)) == [new, decided])
        #expect(index.group(of: old.id) == nil)
    }

    @Test("forgetting takes whole groups that nobody has seen or decided about; the others keep every signature, and their ids", arguments: 0..<20)
    func forgettingWhole(seed: Int) {
        let corpus = Corpus(400, seed: UInt64(seed))
        var index = GroupingIndex(corpus.failures, seed % 2 == 0 ? [] : Self.constraints(corpus, seed: UInt64(seed), count: 4))
        let (before, known) = (index.allGroups(), index.signatures)
        let named = Set(index.constraints.flatMap(\.signatures))
        let time: Int64 = 330
        index.forget(before: time)
        let after = index.allGroups()
        let active = Set(known.filter { $0.lastSeen >= time || named.contains($0.signature.id) }.compactMap { before[$0.signature.id] })
        #expect(after == before.filter { active.contains($0.value) })
        #expect(
            after.count < before.count && known.contains { $0.lastSeen < time && after[$0.signature.id] != nil && !named.contains($0.signature.id) })
    }

    /// Decisions about signatures of the corpus, drawn by chance.
    static func constraints(_ corpus: Corpus, seed: UInt64, count: Int) -> [GroupingConstraint] {
        var chance = Chance(seed &+ 3000)
        return (0..<count).map { number in
            let ids = (0..<4).map { _ in corpus.failures.randomElement(using: &chance)!.signature.id }
            let kind: GroupingConstraint.Kind = Bool.random(using: &chance) ? .together(ids) : .apart(side: Array(ids[..<1]), rest: Array(ids[1...]))
            return GroupingConstraint(id: "c\(number)", decidedAt: Int64(number), kind: kind)
        }
    }
}
