import Foundation
import Jobs
import Postgres
import Primitives
import TestSupport
import Testing

@testable import ValidationService

@Suite("persons decide about groups", .database(ValidationProgram.schema, JobSchema.schema))
struct GroupTriageTests {
    private let people = ["alice", "bob", "carol", "dave", "erin", "frank"]
    private func closed(_ name: String) -> String { "session of \(name) was closed by peer" }

    private func resolved(_ branch: String = "", _ commit: String = "", at hour: Double) -> TriageStore.Action {
        .resolve(Resolution(at: GroupFixture.hour(hour), by: "usr_1", branch: branch, commit: commit))
    }

    private func reopened(at hour: Double) -> TriageStore.Action { .reopen(by: "usr_1", at: GroupFixture.hour(hour)) }

    @Test("new, ongoing, resolved, regressed, and open again: a late report and another try of an old commit prove nothing")
    func states() async throws {
        let fixture = GroupFixture()
        let message = "no route to warehouse"
        func state() async throws -> GroupState? { try await fixture.list().first?.state }
        try await fixture.deliver(fixture.batch([message], at: 0, commit: "c1"))
        #expect(try await state() == .new)
        try await fixture.deliver(fixture.batch([message], at: 1, commit: "c2"))
        #expect(try await state() == .ongoing)
        let id = try await fixture.list()[0].id
        let answer = try await fixture.triage.apply(resolved("main", at: 10), to: id, fixture.scope)
        #expect(answer.state == .resolved && answer.resolution?.by == "usr_1")
        // Late report, old commit, other branch.
        try await fixture.deliver(fixture.batch([message], at: 9, commit: "c3"))
        try await fixture.deliver(fixture.batch([message], at: 11, commit: "c2"))
        try await fixture.deliver(fixture.batch([message], at: 12, branch: "old", commit: "c4"))
        #expect(try await state() == .resolved)
        try await fixture.deliver(fixture.batch([message], at: 13, commit: "c5"))
        try await fixture.deliver(fixture.batch([message], at: 14, commit: "c6"))
        let regressed = try await fixture.groups.get(id, fixture.scope)
        #expect(regressed.state == .regressed && regressed.regression?.commit == "c5" && regressed.resolution != nil)
        let open = try await fixture.triage.apply(reopened(at: 15), to: id, fixture.scope)
        #expect(open.state == .ongoing && open.resolution == nil && open.regression == nil)
    }

    @Test(
        "a regression is the earliest failure that contradicts, in whatever order reports come, and says since when its commit runs", arguments: 0..<6
    )
    func earliest(seed: Int) async throws {
        var chance = Chance(UInt64(seed))
        let fixture = GroupFixture()
        let messages = ["session of worker1 was closed", "session of worker-a2 was closed"]
        try await fixture.deliver(fixture.batch(messages, at: 0, commit: "c0"))
        let id = try #require(await fixture.list().first?.id)
        _ = try await fixture.triage.apply(resolved("main", at: 10), to: id, fixture.scope)
        var batches = [12.0, 13, 14, 15].map { fixture.batch([messages[Int($0) % 2]], at: $0, commit: "c\(Int($0))") }
        // These prove nothing, as early as they are.
        batches.append(fixture.batch(messages, at: 11, branch: "old", commit: "c11"))
        batches.append(fixture.batch(messages, at: 9, commit: "c9"))
        for batch in batches.shuffled(using: &chance) { try await fixture.deliver(batch) }
        let group = try await fixture.groups.get(id, fixture.scope)
        #expect(group.state == .regressed && group.signatures == 2 && group.failures == 10)
        #expect(group.regression?.commit == "c12" && group.regression?.at == GroupFixture.hour(12))
        #expect(group.regression?.result == batches[0].failures[0].result.result && group.regressionSince == GroupFixture.hour(12))
    }

    @Test("what nobody has seen for long is over, and comes back as a regression")
    func absent() async throws {
        let fixture = GroupFixture()
        let seen = fixture.batch(["no route to warehouse"], at: 0, commit: "c1")
        try await fixture.deliver(seen)
        try await fixture.complete(seen.run, at: 0, tests: 100)
        for number in 0..<19 { try await fixture.complete(at: Double(number + 1), tests: 60) }
        for number in 0..<5 {
            try await fixture.complete(at: Double(number + 1), tests: 10)
            try await fixture.complete(at: Double(number + 1), tests: 100, branch: "next")
        }
        let later = GroupFixture.hour(24 * 8)
        #expect(try await fixture.upkeep.resolveAbsent(fixture.scope, now: later) == 0)
        try await fixture.complete(at: 30, tests: 50)
        #expect(try await fixture.upkeep.resolveAbsent(fixture.scope, now: GroupFixture.hour(24 * 6)) == 0)
        #expect(try await fixture.upkeep.resolveAbsent(fixture.scope, now: later) == 1)
        #expect(try await fixture.upkeep.resolveAbsent(fixture.scope, now: later) == 0)
        let group = try await fixture.list()[0]
        #expect(group.state == .resolved && group.resolution?.isAbsence == true)
        #expect(group.resolution?.absence == Absence.Proof(runs: 20, days: 8, neededRuns: 20, neededDays: 7))
        try await fixture.deliver(fixture.batch(["no route to warehouse"], at: 24 * 9, commit: "c9"))
        let back = try await fixture.list()[0]
        #expect(back.state == .regressed && back.regressionSince == GroupFixture.hour(24 * 9) && back.resolution?.absence?.runs == 20)
        let said = try await fixture.triage.apply(resolved(at: 24 * 10), to: back.id, fixture.scope)
        #expect(said.state == .resolved && said.resolution?.absence == nil && said.regressionSince == nil)
        let waiting = try await fixture.database.one(.tenant(fixture.tenant), "select count(*) as n from jobs where kind = 'keep-groups'") {
            try $0.value("n", as: Int.self)
        }
        #expect(waiting == 1)
    }

    @Test("what was not seen for long is forgotten, but for what persons decided about")
    func forgotten() async throws {
        let fixture = GroupFixture()
        try await fixture.deliver(fixture.batch(people.prefix(3).map(closed), at: 0))
        try await fixture.deliver(fixture.batch(["no route to warehouse"], at: 50))
        let groups = try await fixture.list()
        _ = try await fixture.decisions.merge(
            [groups[1].id], into: groups[2].id, by: fixture.author(), at: GroupFixture.hour(1), fixture.scope)
        #expect(try await fixture.upkeep.forget(before: GroupFixture.hour(10), fixture.scope) == 1)
        let left = try await fixture.list()
        #expect(left.map(\.signatures).sorted() == [1, 2])
        let orphans = try await fixture.database.one(
            .tenant(fixture.tenant), "select count(*) as n from signature_hours where hour < \(GroupFixture.hour(10))"
        ) { try $0.value("n", as: Int.self) }
        #expect(orphans == 0)
    }

    @Test("a split holds whatever comes later, a merge too, and two replicas that heard things in another order agree", arguments: 0..<3)
    func permanent(seed: Int) async throws {
        var chance = Chance(UInt64(seed) &+ 70)
        let first = GroupFixture()
        let second = GroupFixture(project: first.project)
        let corpus = Corpus.messages(260, seed: UInt64(seed))
        let batches = stride(from: 0, to: corpus.count, by: 13).map { start in
            first.batch(Array(corpus[start..<min(start + 13, corpus.count)]), at: Double(Int.random(in: 0..<40, using: &chance)))
        }
        for batch in batches[..<10] {
            try await first.deliver(batch)
            try await second.deliver(batch)
        }
        let members = Dictionary(grouping: try await first.grouping()) { $0.value }.mapValues { $0.map(\.key).sorted() }
        let (large, signatures) = try #require(members.max { ($0.value.count, $1.key) < ($1.value.count, $0.key) })
        let side = Array(signatures.prefix(signatures.count / 2))
        let alone = try #require(members.filter { $0.value.count == 1 && $0.key != large }.keys.min())
        let other = try #require(members.keys.filter { $0 != large && $0 != alone }.max())
        try #require(signatures.count > 3)
        for fixture in [first, second] {
            let taken = try await fixture.decisions.split(
                side, and: [], from: large, by: fixture.author("key"), at: GroupFixture.hour(1), fixture.scope)
            // The same key again decides nothing more.
            let again = try await fixture.decisions.split(
                side, and: [], from: large, by: fixture.author("key"), at: GroupFixture.hour(1), fixture.scope)
            #expect(again.id == taken.id)
            _ = try await fixture.decisions.merge([alone], into: other, by: fixture.author(), at: GroupFixture.hour(2), fixture.scope)
        }
        for batch in batches[10...] { try await first.deliver(batch) }
        for batch in batches[10...].shuffled(using: &chance) { try await second.deliver(batch) }
        let grouping = try await first.grouping()
        #expect(try await second.grouping() == grouping)
        let taken = Set(side.map { grouping[$0] })
        #expect(taken.isDisjoint(with: signatures.dropFirst(side.count).map { grouping[$0] }))
        #expect(grouping[ID(uuid: alone.uuid)] == grouping[ID(uuid: other.uuid)])
        let merged = try #require(grouping[ID(uuid: alone.uuid)])
        let merges = try await first.members.merges(PageRequest(limit: 200, cursor: ""), of: merged, first.scope)
        #expect(merges.items.contains { $0.decision?.kind == .merge && $0.decision?.decidedBy == "usr_1" })
        // Decisions are added, never changed: not even the service's own role can.
        let changed = try await first.database.execute(.tenant(first.tenant), "update grouping_decisions set kind = 'merge'")
        let deleted = try await first.database.execute(.tenant(first.tenant), "delete from grouping_decision_signatures")
        #expect(changed == 0 && deleted == 0)
    }

    @Test("a split names some of the group's own signatures, by themselves or by failing results")
    func splitting() async throws {
        let fixture = GroupFixture()
        let batch = fixture.batch(people.map(closed) + ["no route to warehouse"], at: 0)
        try await fixture.deliver(batch)
        let group = try await fixture.list(by: .failures)[0]
        let signatures = Array(try await fixture.grouping().filter { $0.value == group.id }.keys)
        let stranger = try #require(try await fixture.grouping().first { $0.value != group.id }?.key)
        func fault(_ signatures: [ID<Signature>]) async throws -> Fault {
            try await InProcess.fault {
                try await fixture.decisions.split(
                    signatures, and: [], from: group.id, by: fixture.author(), at: GroupFixture.hour(1), fixture.scope)
            }
        }
        #expect(try await fault([stranger]).code == "failure_groups.not_in_group")
        #expect(try await fault(signatures).code == "failure_groups.nothing_left")
        #expect(try await fault([]).code == "failure_groups.nothing_left")
        let out = try await fixture.decisions.split(
            [], and: [batch.failures[0].result.result], from: group.id, by: fixture.author(), at: GroupFixture.hour(1), fixture.scope)
        #expect(out.signatures == 1 && out.failures == 1 && out.sample == closed("alice"))
        #expect(try await fixture.list().map(\.signatures).sorted() == [1, 1, 5])
        // Back again, by the latest person.
        let all = try await fixture.list().filter { $0.sample.contains("session") }.map(\.id)
        let merged = try await fixture.decisions.merge(
            [all[1]], into: all[0], by: fixture.author(), at: GroupFixture.hour(0), fixture.scope)
        #expect(merged.signatures == 6 && merged.tests == 6)
        let decisions = try await fixture.decisions.list(PageRequest(limit: 50, cursor: ""), fixture.scope).items
        #expect(decisions.map(\.decision.kind) == [.merge, .split] && decisions[0].decision.decidedAt > decisions[1].decision.decidedAt)
        #expect(decisions[0].decision.signatures == 6)
        // Where everything that was decided about is now: the merge overruled the split.
        #expect(decisions[0].groups == [.init(group: merged.id, signatures: 6, isTakenOut: false)])
        #expect(Set(decisions[1].groups.map(\.group)) == [merged.id] && decisions[1].groups.count == 2)
        #expect(decisions[1].groups.reduce(0) { $0 + $1.signatures } == decisions[1].decision.signatures)
        let naming = try await fixture.decisions.list(PageRequest(limit: 1, cursor: ""), of: merged.id, fixture.scope)
        #expect(naming.items == [decisions[0]] && naming.next != nil)
        #expect(try await fixture.decisions.list(PageRequest(limit: 50, cursor: ""), of: merged.id, fixture.scope).items == decisions)
    }

    @Test("what holds the rest of a bucket is neither joined nor split, and nothing is written down of it")
    func rest() async throws {
        let fixture = GroupFixture()
        try await fixture.deliver(fixture.batch((0..<1030).map(GroupFixture.words) + ["no route to warehouse"], at: 0))
        let groups = try await fixture.list(by: .failures)
        let (rest, other) = (groups[0], groups[1])
        #expect(rest.template == "<*>" && rest.failures == 6)
        for (into, joining) in [(rest, other), (other, rest)] {
            let fault = try await InProcess.fault {
                try await fixture.decisions.merge(
                    [joining.id], into: into.id, by: fixture.author(), at: GroupFixture.hour(1), fixture.scope)
            }
            #expect(fault.code == "failure_groups.holds_rest" && fault.kind == .precondition)
        }
        let fault = try await InProcess.fault {
            try await fixture.decisions.split(
                [ID(uuid: rest.id.uuid)], and: [], from: rest.id, by: fixture.author(), at: GroupFixture.hour(1), fixture.scope)
        }
        #expect(fault.code == "failure_groups.holds_rest")
        #expect(try await fixture.decisions.list(PageRequest(limit: 50, cursor: ""), fixture.scope).items.isEmpty)
        let assigned = try await fixture.triage.apply(.assign("payments"), to: rest.id, fixture.scope)
        #expect(assigned.owner == "payments")
    }

    @Test("a bulk action reaches what the filter selects when it is carried out, and says how much")
    func bulk() async throws {
        let fixture = GroupFixture()
        try await fixture.deliver(fixture.batch(["connection to 10.0.0.1 refused", "no route to warehouse", "disk quota was exceeded"], at: 0))
        let done = try await fixture.triage.apply(resolved(at: 5), where: GroupFilter(text: "refused"), fixture.scope)
        #expect(done.changed == 1 && !done.hasMore)
        let rest = try await fixture.triage.apply(resolved(at: 5), where: GroupFilter(states: [.new]), fixture.scope)
        #expect(rest.changed == 2)
        let nothing = try await fixture.triage.apply(resolved(at: 5), where: GroupFilter(), fixture.scope)
        #expect(nothing.changed == 0)
        let assigned = try await fixture.triage.apply(.assign("payments"), where: GroupFilter(categories: [.network]), fixture.scope)
        #expect(assigned.changed == 3)
        #expect(try await fixture.list(GroupFilter(owner: "payments")).count == 3)
        let open = try await fixture.triage.apply(reopened(at: 6), where: GroupFilter(owner: "payments"), fixture.scope)
        #expect(open.changed == 3)
        #expect(try await fixture.list(GroupFilter(states: [.new])).count == 3)
    }

    @Test("a call reaches 500 groups and says that there are more")
    func manyGroups() async throws {
        let fixture = GroupFixture()
        try await fixture.deliver(fixture.batch((0..<505).map { GroupFixture.words($0) }, at: 0))
        let first = try await fixture.triage.apply(.assign("a"), where: GroupFilter(), fixture.scope)
        let second = try await fixture.triage.apply(.assign("a"), where: GroupFilter(), fixture.scope)
        #expect(first.changed == 500 && first.hasMore && second.changed == 5 && !second.hasMore)
    }
}
