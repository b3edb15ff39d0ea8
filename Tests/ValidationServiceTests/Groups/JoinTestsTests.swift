import Foundation
import Jobs
import Postgres
import Primitives
import TestSupport
import Testing

@testable import ValidationService

@Suite("a failure group counts a renamed test once", .database(ValidationProgram.schema, JobSchema.schema))
struct JoinTestsTests {
    private static let texts = ["no route to warehouse", "disk quota was exceeded", "queue is full"]

    private func batches(_ fixture: GroupFixture, _ chance: inout Chance, count: Int) -> [FailureBatch] {
        (0..<count).map { number in
            let failures = (0..<6).map { _ in
                (message: Self.texts.randomElement(using: &chance)!, test: Int.random(in: 0..<6, using: &chance))
            }
            return fixture.failing(
                failures, at: Double(Int.random(in: 0..<20, using: &chance)), name: "name \(number)",
                owners: number % 3 == 0 ? [] : ["@\(number % 5)"])
        }
    }

    private func test(_ number: Int) -> ID<ValidationService.Test> { GroupFixture.test(number) }

    @Test(
        "what is counted is the same whether failures or names came first, in whatever order and pages, and always what the failures come to",
        arguments: 0..<4
    )
    func order(seed: Int) async throws {
        var chance = Chance(UInt64(seed) &+ 900)
        let first = GroupFixture()
        let batches = self.batches(first, &chance, count: 12)
        let names: [(alias: Int, test: Int)] = [(3, 0), (5, 4), (4, 1)]
        // The names, then the failures.
        for name in names { try await first.rename(name.alias, to: name.test) }
        try await first.join()
        for batch in batches { try await first.deliver(batch) }
        let expected = try await first.tested()
        #expect(try await first.miscounted().isEmpty)
        #expect(try await first.list().map(\.tests).max() == 3)

        // The failures, then the names.
        let second = GroupFixture(project: first.project)
        for batch in batches.shuffled(using: &chance) { try await second.deliver(batch) }
        for name in names { try await second.rename(name.alias, to: name.test) }
        try await second.join(pageSize: 3, pages: 2)
        #expect(try await second.tested() == expected)
        #expect(try await second.miscounted().isEmpty)

        // Everything in between, in parts.
        let third = GroupFixture(project: first.project)
        let shuffled = batches.shuffled(using: &chance)
        for batch in shuffled.prefix(4) { try await third.deliver(batch) }
        try await third.rename(3, to: 0)
        let begun = try #require(await third.takeJoin())
        var next = try await third.joining.step(begun, from: nil, limit: 2, continuing: false, third.scope)
        #expect(try await third.disagreeing() == 0)
        for batch in shuffled[4..<8] { try await third.deliver(batch) }
        try await third.rename(5, to: 4)
        while case .page(let place) = next {
            next = try await third.joining.step(begun, from: place, limit: 2, continuing: false, third.scope)
            #expect(try await third.disagreeing() == 0)
        }
        try await third.rename(4, to: 1)
        for batch in shuffled.dropFirst(8) { try await third.deliver(batch) }
        try await third.join(pageSize: 4, pages: 1)
        #expect(try await third.tested() == expected)
        #expect(try await third.miscounted().isEmpty)
    }

    @Test("the group has the test once, as its latest failure calls it and with its owners; saying so again changes nothing, and receipts agree")
    func once() async throws {
        let fixture = GroupFixture()
        let old = fixture.failing([(Self.texts[0], 0)], at: 0, name: "adds", owners: ["@old"])
        let new = fixture.failing([(Self.texts[0], 1), (Self.texts[0], 1)], at: 5, name: "adds items", owners: ["@new"])
        let fork = fixture.failing([(Self.texts[0], 1)], at: 6, lane: .untrusted)
        for batch in [old, new, fork] { try await fixture.deliver(batch) }
        let group = try #require(await fixture.list().first)
        #expect(group.tests == 2 && group.failures == 3)
        try await fixture.rename(1, to: 0)
        // Nothing waits for the job: what comes next is the test's already.
        let late = fixture.failing([(Self.texts[0], 1)], at: 4, name: "adds items")
        try await fixture.deliver(late)
        try await fixture.join()
        let joined = try await fixture.groups.get(group.id, fixture.scope)
        #expect(joined.tests == 1 && joined.failures == 4 && joined.proposedOwners == ["@new"])
        let listed = try await fixture.members.tests(PageRequest(limit: 9, cursor: ""), of: group.id, fixture.scope).items
        #expect(listed.map(\.test) == [test(0)] && listed.map(\.testName) == ["adds items"] && listed.map(\.failures) == [4])
        #expect(listed.map(\.firstSeenAt) == [GroupFixture.hour(0)] && listed.map(\.lastSeenAt) == [GroupFixture.hour(5)])
        for failure in (old.failures + new.failures + late.failures).map(\.result.result) {
            #expect(try await fixture.failures.get(failure, tenant: fixture.tenant).test == test(0))
            let receipt = try await fixture.members.receipt(of: failure, tenant: fixture.tenant)
            #expect(try await fixture.members.replay(receipt, tenant: fixture.tenant).replay.difference == nil)
        }
        // Nothing is learnt from an untrusted run, and nothing counted of it.
        #expect(try await fixture.failures.get(fork.failures[0].result.result, tenant: fixture.tenant).test == test(1))
        let lines = try await fixture.tested()
        try await fixture.rename(1, to: 0)
        try await fixture.join()
        for batch in [old, new, late] { try await fixture.deliver(batch) }
        #expect(try await fixture.tested() == lines)
    }

    @Test("who stands for itself again keeps what comes from then on; what was joined stays, and a job of before passes nothing by")
    func apart() async throws {
        let fixture = GroupFixture()
        func deliver(_ failures: Int, at hour: Double) async throws {
            try await fixture.deliver(fixture.failing((0..<failures).map { _ in (message: Self.texts[0], test: 1) }, at: hour))
        }
        func failures() async throws -> [Int64] {
            let group = try #require(await fixture.list().first)
            let tests = try await fixture.members.tests(PageRequest(limit: 9, cursor: ""), of: group.id, fixture.scope).items
            #expect(try await fixture.disagreeing() == 0)
            return tests.map(\.failures)
        }
        try await fixture.deliver(fixture.failing([(Self.texts[0], 0)], at: 0))
        try await deliver(4, at: 1)
        try await fixture.rename(1, to: 0)
        let begun = try #require(await fixture.takeJoin())
        // Of the first three failures two are the alias's.
        guard case .page(let place) = try await fixture.joining.step(begun, from: nil, limit: 3, continuing: false, fixture.scope) else {
            Issue.record("there is nothing to join")
            return
        }
        try await fixture.rename(1, to: nil)
        #expect(try await failures() == [3, 2])
        try await deliver(2, at: 2)
        #expect(try await failures() == [3, 4])
        // It is one again, and the job of before is not done yet: it is over.
        try await fixture.rename(1, to: 0)
        #expect(try await fixture.joining.step(begun, from: place, limit: 3, continuing: false, fixture.scope) == .done)
        #expect(try await failures() == [3, 4])
        try await fixture.join(pageSize: 3)
        #expect(try await failures() == [7])
        #expect(try await fixture.list().map(\.tests) == [1])
    }

    @Test(
        "an alias that is taken back between two pages leaves the tests that have failures, counted right at once, and none without",
        arguments: [true, false])
    func takenBack(hasLeft: Bool) async throws {
        let fixture = GroupFixture()
        // Oldest first: two of the alias's are in the first page, which are all, or half of them.
        try await fixture.deliver(fixture.failing((0..<(hasLeft ? 4 : 2)).map { _ in (message: Self.texts[0], test: 1) }, at: 0))
        if !hasLeft { try await fixture.deliver(fixture.failing((0..<2).map { _ in (message: Self.texts[0], test: 0) }, at: 1)) }
        try await fixture.rename(1, to: 0)
        let begun = try #require(await fixture.takeJoin())
        guard case .page(let place?) = try await fixture.joining.step(begun, from: nil, limit: 2, continuing: false, fixture.scope) else {
            Issue.record("there is no further page")
            return
        }
        try await fixture.rename(1, to: nil)
        #expect(try await fixture.joining.step(begun, from: place, limit: 2, continuing: false, fixture.scope) == .done)
        let group = try #require(await fixture.list().first)
        let tests = try await fixture.members.tests(PageRequest(limit: 9, cursor: ""), of: group.id, fixture.scope).items
        #expect(tests.map(\.failures) == (hasLeft ? [2, 2] : [4]) && group.tests == Int64(tests.count))
        #expect(try await fixture.miscounted().isEmpty)
    }

    @Test("a name that is turned round, or of which another is told first, leads to the test that lasts")
    func turned() async throws {
        let fixture = GroupFixture()
        try await fixture.deliver(fixture.failing((0..<3).map { (message: Self.texts[0], test: $0) }, at: 0))
        try await fixture.rename(0, to: 1)
        try await fixture.rename(2, to: 1)
        try await fixture.join()
        try await fixture.rename(1, to: 0)
        try await fixture.join()
        try await fixture.deliver(fixture.failing((0..<3).map { (message: Self.texts[0], test: $0) }, at: 1))
        // Told late: neither is any more what it was.
        try await fixture.rename(0, to: nil)
        try await fixture.rename(2, to: 0)
        try await fixture.join()
        let group = try #require(await fixture.list().first)
        let tests = try await fixture.members.tests(PageRequest(limit: 9, cursor: ""), of: group.id, fixture.scope).items
        #expect(tests.map(\.test) == [test(0)] && tests.map(\.failures) == [6] && group.tests == 1)
        #expect(try await fixture.miscounted().isEmpty)
        // A test is no alias of itself.
        try await fixture.rename(0, to: 0)
        #expect(try await fixture.takeJoin() == nil)
    }

    @Test("failures that are not kept any more go over with those that are, and what was forgotten counts nowhere")
    func dropped() async throws {
        let fixture = GroupFixture()
        let gone = fixture.failing([(Self.texts[0], 1), (Self.texts[0], 0)], at: 0)
        try await fixture.deliver(gone)
        #expect(try await fixture.upkeep.forget(before: GroupFixture.hour(10), fixture.scope) == 1)
        let dropped = fixture.failing([(Self.texts[0], 1), (Self.texts[0], 1), (Self.texts[0], 0)], at: 20, name: "first", owners: ["@a"])
        let kept = fixture.failing([(Self.texts[0], 1), (Self.texts[0], 0)], at: 30, name: "second")
        for batch in [dropped, kept] { try await fixture.deliver(batch) }
        for failure in dropped.failures {
            try await fixture.database.execute(
                .tenant(fixture.tenant), "delete from failures where tenant_id = \(fixture.tenant) and result_id = \(failure.result.result)")
        }
        try await fixture.rename(1, to: 0)
        try await fixture.join(pageSize: 1, pages: 1)
        let group = try #require(await fixture.list().first)
        #expect(group.tests == 1 && group.failures == 5 && group.proposedOwners == ["@a"])
        let tests = try await fixture.members.tests(PageRequest(limit: 9, cursor: ""), of: group.id, fixture.scope).items
        #expect(tests.map(\.failures) == [5] && tests.map(\.testName) == ["second"])
        #expect(tests.map(\.firstSeenAt) == [GroupFixture.hour(20)] && tests.map(\.lastSeenAt) == [GroupFixture.hour(30)])
    }

    @Test("two jobs at once, and failures that come meanwhile, count nothing twice")
    func together() async throws {
        let fixture = GroupFixture()
        var chance = Chance(77)
        let batches = self.batches(fixture, &chance, count: 12)
        for batch in batches.prefix(6) { try await fixture.deliver(batch) }
        try await fixture.rename(3, to: 0)
        try await fixture.rename(4, to: 1)
        let payloads = [try #require(await fixture.takeJoin()), try #require(await fixture.takeJoin())]
        try await withThrowingTaskGroup(of: Void.self) { group in
            for payload in payloads + payloads { group.addTask { try await fixture.carryOut(payload, pageSize: 2) } }
            group.addTask { for batch in batches.dropFirst(6) { try await fixture.deliver(batch) } }
            try await group.waitForAll()
        }
        #expect(try await fixture.miscounted().isEmpty)
        let left = try await fixture.database.one(
            .tenant(fixture.tenant),
            """
            select count(*) as n from failures
            where tenant_id = \(fixture.tenant) and test_id = any(\([test(3), test(4)]))
            """
        ) { try $0.value("n", as: Int.self) }
        #expect(left == 0)
    }

    @Test("what an earlier release filed under an alias is joined when the project's groups are looked through")
    func earlier() async throws {
        let fixture = GroupFixture()
        try await fixture.deliver(fixture.failing([(Self.texts[0], 0), (Self.texts[0], 1)], at: 0))
        try await fixture.rename(1, to: 0)
        // As if the job had been done before that release filed them.
        _ = try await fixture.takeJoin()
        #expect(try await fixture.list().map(\.tests) == [2])
        for _ in 0..<2 { #expect(try await fixture.upkeep.rejoin(fixture.scope) == 1) }
        let payload = try #require(await fixture.takeJoin())
        #expect(try await fixture.takeJoin() == nil)
        try await fixture.carryOut(payload)
        #expect(try await fixture.list().map(\.tests) == [1])
        #expect(try await fixture.upkeep.rejoin(fixture.scope) == 0)
    }
}
