import Foundation
import Jobs
import Postgres
import Primitives
import TestSupport
import Testing

@testable import ValidationService

@Suite("what time brings about in groups", .database(ValidationProgram.schema, JobSchema.schema))
struct GroupUpkeepTests {
    private let people = ["alice", "bob", "carol", "dave", "erin"]
    private func closed(_ name: String) -> String { "session of \(name) was closed by peer" }

    /// Of a signature that was seen in one failure.
    private func group(of failure: FiledFailure, _ fixture: GroupFixture) async throws -> FailureGroup? {
        try? await fixture.groups.get(ID(uuid: failure.signature.id.uuid), fixture.scope)
    }

    @Test("a group that is active keeps its id, its merges and its oldest ids, however old what it began with is")
    func active() async throws {
        let fixture = GroupFixture()
        let old = fixture.batch(people.map(closed), at: 0, commit: "c1")
        try await fixture.deliver(old)
        try await fixture.deliver(fixture.batch([closed("frank")], at: 100, commit: "c2"))
        let before = try #require(await fixture.list().first)
        #expect(before.signatures == 6)
        #expect(try await fixture.upkeep.forget(before: GroupFixture.hour(50), fixture.scope) == 0)
        let after = try #require(await fixture.list().first)
        #expect(after.id == before.id && after.signatures == 6 && after.failures == 6 && after.firstSeen.commit == "c1")
        for failure in old.failures { #expect(try await group(of: failure, fixture)?.id == before.id) }
        // One word more joins what six had made one, and two replicas would agree on it.
        try await fixture.deliver(fixture.batch([closed("zoe")], at: 101, commit: "c3"))
        #expect(try await fixture.list().map(\.id) == [before.id])
        let merges = try await fixture.members.merges(PageRequest(limit: 50, cursor: ""), of: before.id, fixture.scope)
        #expect(merges.items.count == 6)
    }

    @Test("what is too much for the search for absence keeps nothing from being forgotten")
    func forgottenFirst() async throws {
        let fixture = GroupFixture()
        let now = (Date().timeIntervalSince(GroupFixture.start) / 3600).rounded(.down)
        try await fixture.deliver(fixture.batch([GroupFixture.words(1)], at: now - 24 * 100, commit: "c1"))
        let kept = fixture.batch([GroupFixture.words(2)], at: now - 24 * 20, commit: "c2")
        try await fixture.deliver(kept)
        // Twice as many tests are no number any more: the search fails.
        let broken = ID<ValidationService.Run>.new()
        try await fixture.complete(broken, at: now - 24 * 10, tests: .max)
        let keeping = KeepGroups(upkeep: fixture.upkeep, logs: LogPatternStore(database: fixture.database))
        let (payload, job) = (KeepGroups.Payload(project: fixture.project), Job(tenant: fixture.tenant, kind: KeepGroups.Payload.kind))
        await #expect(throws: (any Error).self) { try await keeping.handle(payload, job) }
        #expect(try await fixture.list().map(\.id) == [kept.failures[0].signature.id.group])
        try await fixture.complete(broken, at: now - 24 * 10, tests: 100)
        try await keeping.handle(payload, job)
    }

    @Test("a group about which a person has said anything is kept whole; others are forgotten whole, also those that absence resolved")
    func kept() async throws {
        let fixture = GroupFixture()
        let messages = (0..<5).map { GroupFixture.words($0) }
        let batch = fixture.batch(messages + people.map(closed), at: 0)
        try await fixture.deliver(batch)
        let ids = try await fixture.grouping()
        func id(_ number: Int) throws -> ID<FailureGroup> { try #require(ids[ID(uuid: batch.failures[number].signature.id.uuid)]) }
        let resolution = Resolution(at: GroupFixture.hour(1), by: "usr_1", branch: "", commit: "")
        _ = try await fixture.triage.apply(.resolve(resolution), to: id(0), fixture.scope)
        _ = try await fixture.triage.apply(.assign("payments"), to: id(1), fixture.scope)
        _ = try await VerdictStore(database: fixture.database).put(
            .data, nil, note: "", on: batch.failures[2].result.result, version: 0, by: "usr_1", tenant: fixture.tenant)
        let absent = Resolution(at: GroupFixture.hour(1), by: "", branch: "", commit: "")
        _ = try await fixture.triage.apply(.resolve(absent), to: id(3), fixture.scope)
        // A word on one of five signatures is a word on their group.
        _ = try await VerdictStore(database: fixture.database).put(
            .environment, nil, note: "", on: batch.failures[7].result.result, version: 0, by: "usr_1", tenant: fixture.tenant)
        #expect(try await fixture.upkeep.forget(before: GroupFixture.hour(50), fixture.scope) == 2)
        #expect(try await fixture.upkeep.forget(before: GroupFixture.hour(50), fixture.scope) == 0)
        for (number, failure) in batch.failures.enumerated() {
            let left = try await group(of: failure, fixture)
            #expect(left?.id == (number == 3 || number == 4 ? nil : try id(number)), "\(number)")
        }
        #expect(try await group(of: batch.failures[0], fixture)?.resolution?.by == "usr_1")
        #expect(try await group(of: batch.failures[1], fixture)?.owner == "payments")
        #expect(try await group(of: batch.failures[5], fixture)?.signatures == 5)
        let orphans = try await fixture.database.one(
            .tenant(fixture.tenant),
            """
            select count(*) as n from signature_tests t
            where not exists (select 1 from failure_signatures s where s.tenant_id = t.tenant_id and s.signature_id = t.signature_id)
            """
        ) { try $0.value("n", as: Int.self) }
        #expect(orphans == 0)
    }

    @Test("groups that people have decided about are what today's rules make of the decisions, also where nothing comes any more")
    func regrouped() async throws {
        let fixture = GroupFixture()
        let batch = fixture.batch(people.map(closed) + ["no route to warehouse"], at: 0)
        try await fixture.deliver(batch)
        let whole = try #require(await fixture.list(by: .failures).first)
        #expect(try await fixture.upkeep.regroup(fixture.scope) == 0)
        let out = ID<Signature>(uuid: batch.failures[2].signature.id.uuid)
        _ = try await fixture.decisions.split([out], and: [], from: whole.id, by: fixture.author(), at: GroupFixture.hour(1), fixture.scope)
        let decided = try await fixture.grouping()
        #expect(try await fixture.upkeep.regroup(fixture.scope) == 0)
        // As a release left it that had dropped the split.
        try await fixture.database.execute(
            .tenant(fixture.tenant),
            "update failure_signatures set group_id = \(whole.id) where tenant_id = \(fixture.tenant) and text like 'session%'")
        #expect(try await fixture.upkeep.regroup(fixture.scope) == 2)
        #expect(try await fixture.grouping() == decided)
        #expect(try await fixture.list().map(\.signatures).sorted() == [1, 1, 4])
    }

    @Test("a large group is forgotten at once, and the next ones after it")
    func large() async throws {
        let fixture = GroupFixture()
        try await fixture.deliver(fixture.batch((0..<250).map { closed(GroupFixture.words($0).replacing(" ", with: "")) }, at: 0))
        try await fixture.deliver(fixture.batch((0..<3).map { GroupFixture.words($0) }, at: 1))
        #expect(try await fixture.list().map(\.signatures).sorted() == [1, 1, 1, 250])
        var forgotten: [Int] = []
        for _ in 0..<3 { forgotten.append(try await fixture.upkeep.forget(before: GroupFixture.hour(50), fixture.scope)) }
        #expect(forgotten == [250, 3, 0])
        #expect(try await fixture.list().isEmpty)
    }
}
