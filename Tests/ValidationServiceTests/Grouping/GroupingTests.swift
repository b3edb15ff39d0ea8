import Testing

@testable import ValidationService

@Suite struct GroupingTests {
    private let people = ["alice", "bob", "carol", "dave", "erin", "frank"]

    @Test("many words in one place are a variable, and the merge says so")
    func variable() {
        var index = GroupingIndex(lines: people.map { "session of \($0) was closed by peer" })
        let group = index.group(ofLine: "session of alice was closed by peer")
        #expect(people.allSatisfy { index.group(ofLine: "session of \($0) was closed by peer") == group })
        let merges = index.merges(of: group)
        #expect(merges.count == people.count - 1)
        #expect(
            merges.allSatisfy {
                $0.reason
                    == .variable(template: "session of <*> was closed by peer", place: 1, words: people, count: people.count, needed: 5)
            })
    }

    @Test("a few words in one place are different messages")
    func states() {
        let lines = ["Started", "Paused", "Resumed", "Stopped"].map { "VM \($0) by the lifecycle event" }
        var index = GroupingIndex(lines: lines)
        #expect(Set(lines.map { index.group(ofLine: $0) }).count == lines.count)
    }

    @Test("the shorter a message is, the more it takes to call a part of it a variable")
    func short() {
        let lines = people.map { "Link \($0)" } + people.map { "\($0) failed now" }
        var index = GroupingIndex(lines: lines)
        #expect(Set(lines.map { index.group(ofLine: $0) }).count == lines.count)
        #expect(GroupingEdition.current.mining.wordsNeeded(constants: 1, besideHole: true) == nil)
    }

    @Test("names in a word, behind a key or of a user do not matter, and the merge says which")
    func soft() {
        var index = GroupingIndex(lines: ["lost worker1 name=db for user alice", "lost worker-a2 name=cache for user bob"])
        let group = index.group(ofLine: "lost worker1 name=db for user alice")
        #expect(index.group(ofLine: "lost worker-a2 name=cache for user bob") == group)
        let reason = index.merges(of: group).first?.reason
        #expect(
            reason
                == .sameSkeleton(differing: [
                    .init(kept: "worker#", joined: "worker-a#"), .init(kept: "db", joined: "cache"), .init(kept: "alice", joined: "bob"),
                ]))
    }

    @Test("what went wrong matters also behind a key")
    func telling() {
        var index = GroupingIndex(lines: ["request ended with error=timeout", "request ended with error=refused"])
        #expect(index.group(ofLine: "request ended with error=timeout") != index.group(ofLine: "request ended with error=refused"))
    }

    @Test("two variables in one message are found one after the other")
    func twoPlaces() {
        let lines = people.flatMap { one in people.map { "table \(one) is missing in schema \($0) of warehouse" } }
        var index = GroupingIndex(lines: lines)
        #expect(Set(lines.map { index.group(ofLine: $0) }).count == 1)
    }

    @Test("what is kept up with each signature is what is computed from all of them", arguments: 0..<20)
    func keptUp(seed: Int) {
        let corpus = Corpus(400, seed: UInt64(seed))
        var index = GroupingIndex(corpus.failures)
        let whole = Grouping(index.signatures)
        #expect(index.allGroups() == whole.groups)
        #expect(whole.merges.count == whole.groups.count - Set(whole.groups.values).count)
    }
}
