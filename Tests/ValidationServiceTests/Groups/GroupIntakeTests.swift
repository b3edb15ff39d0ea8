import Foundation
import Jobs
import Postgres
import Primitives
import TestSupport
import Testing

@testable import ValidationService

@Suite("failures become groups as they come", .database(ValidationProgram.schema, JobSchema.schema))
struct GroupIntakeTests {
    private let people = ["alice", "bob", "carol", "dave", "erin", "frank"]
    private func closed(_ name: String) -> String { "session of \(name) was closed by peer" }

    @Test("what differs in values alone is one group, counted once however often it is delivered")
    func counted() async throws {
        let fixture = GroupFixture()
        let batch = fixture.batch(
            ["connection to 10.0.0.1:5432 refused", "connection to 10.0.0.2:5432 refused", "no route to warehouse"], at: 0, commit: "c1")
        try await fixture.deliver(batch)
        try await fixture.deliver(batch)
        let groups = try await fixture.list(by: .failures)
        #expect(groups.map(\.failures) == [2, 1] && groups.map(\.tests) == [2, 1] && groups.allSatisfy { $0.state == .new })
        #expect(groups[0].errorType == "IOException" && groups[0].firstSeen.commit == "c1" && groups[0].firstSeen.run == groups[0].lastSeen.run)
        try await fixture.deliver(fixture.batch(["connection to 10.0.0.9:5432 refused"], at: 2, branch: "next", commit: "c2"))
        let seen = try await fixture.groups.get(groups[0].id, fixture.scope)
        #expect(seen.state == .ongoing && seen.failures == 3 && seen.tests == 2)
        #expect(seen.firstSeen.commit == "c1" && seen.lastSeen.commit == "c2" && seen.lastSeen.at == GroupFixture.hour(2))
        let hours = try await fixture.groups.hours(of: seen.id, since: GroupFixture.hour(-1), fixture.scope)
        #expect(hours.map(\.failures) == [2, 1])
    }

    @Test("groups, their ids and counts do not depend on the order in which replicas took failures in", arguments: 0..<4)
    func order(seed: Int) async throws {
        var chance = Chance(UInt64(seed))
        let first = GroupFixture()
        let second = GroupFixture(project: first.project)
        let corpus = Corpus.messages(240, seed: UInt64(seed))
        let batches = stride(from: 0, to: corpus.count, by: 12).map { start in
            first.batch(Array(corpus[start..<(start + 12)]), at: Double(Int.random(in: 0..<40, using: &chance)), commit: "c\(start % 36)")
        }
        for batch in batches { try await first.deliver(batch) }
        let shuffled = batches.shuffled(using: &chance)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for half in [shuffled[..<10], shuffled[10...]] {
                group.addTask { for batch in half { try await second.deliver(batch) } }
            }
            try await group.waitForAll()
        }
        let (one, other) = (try await first.grouping(), try await second.grouping())
        #expect(one == other && Set(one.values).count > 5 && Set(one.values).count < one.count)
        let (mine, theirs) = (try await first.list(), try await second.list())
        for (left, right) in zip(mine, theirs) {
            #expect(left.id == right.id && left.failures == right.failures && left.tests == right.tests && left.state == right.state)
            #expect(left.template == right.template && left.firstSeen == right.firstSeen && left.lastSeen == right.lastSeen)
        }
        #expect(mine.map(\.failures).reduce(0, +) == 240)
    }

    @Test("an id that a merge has made obsolete leads to the group that took it over")
    func obsolete() async throws {
        let fixture = GroupFixture()
        for (number, name) in people.prefix(4).enumerated() { try await fixture.deliver(fixture.batch([closed(name)], at: Double(number))) }
        let before = try await fixture.list()
        #expect(before.count == 4)
        // The fifth different word opens the gap.
        try await fixture.deliver(fixture.batch(people.suffix(2).map(closed), at: 9))
        let after = try await fixture.list()
        #expect(after.count == 1 && after[0].signatures == 6 && after[0].failures == 6 && after[0].state == .ongoing)
        #expect(after[0].template == "session of <*> was closed by peer" && after[0].id == before.last?.id)
        for old in before {
            let found = try await fixture.groups.get(old.id, fixture.scope)
            #expect(found.id == after[0].id)
        }
        let merges = try await fixture.members.merges(PageRequest(limit: 3, cursor: ""), of: after[0].id, fixture.scope)
        #expect(merges.items.count == 3 && merges.next != nil)
        let rest = try await fixture.members.merges(PageRequest(limit: 3, cursor: merges.next ?? ""), of: after[0].id, fixture.scope)
        #expect(rest.items.count == 2 && rest.next == nil)
        #expect(rest.items[0].explanation.contains("6 different words"))
        let tests = try await fixture.members.tests(PageRequest(limit: 50, cursor: ""), of: after[0].id, fixture.scope)
        #expect(tests.items.map(\.failures) == [5, 1])
        let signatures = try await fixture.members.signatures(PageRequest(limit: 4, cursor: ""), of: after[0].id, fixture.scope)
        #expect(signatures.items.count == 4 && signatures.next != nil)
    }

    @Test("failures of untrusted runs are shown with the group they fit in and change nothing of it")
    func untrusted() async throws {
        let fixture = GroupFixture()
        try await fixture.deliver(fixture.batch(people.map(closed), at: 0))
        let before = try await fixture.list()
        let fork = fixture.batch([closed("mallory"), closed("bob"), "something that nobody knows of"], at: 5, branch: "fork", lane: .untrusted)
        try await fixture.deliver(fork)
        let after = try await fixture.list()
        #expect(before.count == 1 && after.count == 1)
        #expect(after[0].failures == before[0].failures && after[0].lastSeen == before[0].lastSeen && after[0].state == .new)
        let shown = try await fixture.failures.list(PageRequest(limit: 50, cursor: ""), run: fork.run, categories: [], tenant: fixture.tenant)
        #expect(shown.items.map(\.group) == [after[0].id, after[0].id, nil])
        let listed = try await fixture.failures.list(PageRequest(limit: 50, cursor: ""), of: after[0].id, fixture.scope)
        #expect(listed.items.count == 6 && listed.items.allSatisfy { $0.run != fork.run })
        let learnt = try await fixture.grouping()
        #expect(learnt.count == 6)
    }

    @Test("a bucket takes a thousand signatures; what comes beyond goes to its rest, and every failure is counted")
    func bounds() async throws {
        let fixture = GroupFixture()
        let messages = (0..<1100).map(GroupFixture.words)
        try await fixture.deliver(fixture.batch(messages, at: 0))
        let known = try await fixture.grouping()
        #expect(known.count == GroupingIndex.maxPerBucket + 1)
        let most = try await fixture.list(by: .failures)
        #expect(most[0].failures == 1100 - Int64(GroupingIndex.maxPerBucket) && most[0].template == "<*>")
        let listed = try await fixture.failures.list(PageRequest(limit: 200, cursor: ""), of: most[0].id, fixture.scope)
        #expect(listed.items.count == 76)
        try await fixture.deliver(fixture.batch(messages, at: 1))
        let again = try await fixture.list(by: .failures)
        #expect(again[0].failures == 152 && again[0].state == .ongoing)
    }

    @Test("lists are filtered by state, category, branch, owner and text, and go on where a page ended")
    func filtered() async throws {
        let fixture = GroupFixture()
        try await fixture.deliver(fixture.batch(["connection to 10.0.0.1 refused", "no route to warehouse", "disk quota was exceeded"], at: 0))
        try await fixture.deliver(fixture.batch(["connection to 10.0.0.1 refused"], at: 1, branch: "next"))
        func names(_ filter: GroupFilter) async throws -> [String] { try await fixture.list(filter).map(\.template) }
        #expect(try await names(GroupFilter(states: [.ongoing])) == ["connection to <*> refused"])
        #expect(try await names(GroupFilter(branch: "next")).count == 1)
        #expect(try await names(GroupFilter(branch: "main")).count == 3)
        #expect(try await names(GroupFilter(categories: [.timeout])).isEmpty)
        #expect(try await names(GroupFilter(text: "WAREHOUSE")) == ["no route to warehouse"])
        #expect(try await names(GroupFilter(text: "%")).isEmpty)
        #expect(try await names(GroupFilter(owner: "payments")).isEmpty)
        for sort in [GroupSort.lastSeen, .failures, .id] {
            var seen: [ID<FailureGroup>] = []
            var cursor = ""
            repeat {
                let page = try await fixture.groups.list(PageRequest(limit: 1, cursor: cursor), GroupFilter(), by: sort, fixture.scope)
                seen += page.items.map(\.id)
                cursor = page.next ?? ""
            } while !cursor.isEmpty
            #expect(seen.count == 3 && Set(seen).count == 3)
        }
    }

    @Test("by id all pages together have each group once, whatever fails between them")
    func still() async throws {
        let fixture = GroupFixture()
        let messages = ["connection to 10.0.0.1 refused", "no route to warehouse", "disk quota was exceeded"]
        try await fixture.deliver(fixture.batch(messages, at: 0))
        let first = try await fixture.groups.list(PageRequest(limit: 2, cursor: ""), GroupFilter(), by: .id, fixture.scope)
        try await fixture.deliver(fixture.batch(messages, at: 1))
        let rest = try await fixture.groups.list(PageRequest(limit: 2, cursor: first.next ?? ""), GroupFilter(), by: .id, fixture.scope)
        let ids = (first.items + rest.items).map(\.id)
        #expect(ids.count == 3 && ids == ids.sorted() && Set(ids).count == 3 && rest.next == nil)
    }
}

extension Corpus {
    /// Messages of the same shapes, as reports have them.
    static func messages(_ count: Int, seed: UInt64) -> [String] {
        Corpus(count, seed: seed).failures.map { $0.signature.text.replacing("<*>", with: "17") }
    }
}
