import Foundation
import Jobs
import Postgres
import Primitives
import TestSupport
import Testing

@testable import ValidationService

@Suite("what made the state of a group", .database(ValidationProgram.schema, JobSchema.schema))
struct GroupStandingTests {
    private let one = "session of worker1 was closed"
    /// The same in other words.
    private let other = "session of worker-a2 was closed"

    private func resolved(at hour: Double) -> TriageStore.Action {
        .resolve(Resolution(at: GroupFixture.hour(hour), by: "usr_1", branch: "", commit: ""))
    }

    /// Of the group that a failure is in: as it is told, and whether its replay agrees.
    private func standing(_ failure: FiledFailure, _ fixture: GroupFixture) async throws -> GroupStanding? {
        let replay = try #require(await replay(failure, fixture))
        #expect(replay.difference == nil && replay.again == replay.group.standing)
        #expect(replay.group.basis == StateBasis(edition: LifeCycle.current.number, evidence: replay.evidence))
        return replay.group.standing
    }

    private func replay(
        _ failure: FiledFailure, _ fixture: GroupFixture, among editions: [LifeCycle] = LifeCycle.released
    ) async throws -> StateReplay? {
        let receipt = try await fixture.members.receipt(of: failure.result.result, tenant: fixture.tenant)
        return try await fixture.members.replayState(of: receipt, among: editions, tenant: fixture.tenant)
    }

    @Test("every state says which rule made it, and comes to the same again")
    func reasons() async throws {
        let fixture = GroupFixture()
        let batch = fixture.batch([one], at: 0, commit: "c1")
        let failure = batch.failures[0]
        try await fixture.deliver(batch)
        #expect(try await standing(failure, fixture)?.reason == .seenOnce)
        try await fixture.deliver(fixture.batch([one], at: 1, commit: "c2"))
        #expect(try await standing(failure, fixture)?.reason == .seenAgain)
        let id = try #require(await fixture.list().first?.id)
        _ = try await fixture.triage.apply(resolved(at: 10), to: id, fixture.scope)
        #expect(try await standing(failure, fixture)?.reason == .resolvedByPerson)
        // Heard of late: it was there before.
        try await fixture.deliver(fixture.batch([other], at: 5, commit: "c3"))
        #expect(try await standing(failure, fixture)?.reason == .partlyResolved)
        _ = try await fixture.triage.apply(resolved(at: 11), to: id, fixture.scope)
        try await fixture.deliver(fixture.batch([one], at: 12, commit: "c4"))
        #expect(try await standing(failure, fixture)?.reason == .contradicted)
        _ = try await fixture.triage.apply(.reopen(by: "usr_1", at: GroupFixture.hour(13)), to: id, fixture.scope)
        #expect(try await standing(failure, fixture)?.reason == .seenAgain)
        for number in 0..<LifeCycle.current.absentRuns { try await fixture.complete(at: 14 + Double(number), tests: 100) }
        #expect(try await fixture.upkeep.resolveAbsent(fixture.scope, now: GroupFixture.hour(24 * 9)) == 1)
        #expect(try await standing(failure, fixture)?.reason == .resolvedByAbsence)
    }

    @Test("what comes in other words after a resolution is told from what contradicts it")
    func otherWords() async throws {
        let fixture = GroupFixture()
        let batch = fixture.batch([one], at: 0, commit: "c1")
        try await fixture.deliver(batch)
        let id = try #require(await fixture.list().first?.id)
        _ = try await fixture.triage.apply(resolved(at: 10), to: id, fixture.scope)
        try await fixture.deliver(fixture.batch([other], at: 12, commit: "c2"))
        let found = try #require(await standing(batch.failures[0], fixture))
        #expect(found.state == .regressed && found.reason == .otherWords)
        // By an edition that minds no other words it is open.
        let next = LifeCycle.current.number + 1
        try await fixture.database.execute(
            .tenant(fixture.tenant), "update failure_groups set state_edition = \(next) where tenant_id = \(fixture.tenant)")
        let other = LifeCycle(number: next, absentRuns: 20, absentDays: 7, otherWords: .unheeded, contradictions: .asHeard, silentDays: nil)
        let again = try #require(await replay(batch.failures[0], fixture, among: LifeCycle.released + [other]))
        #expect(again.difference == .state && again.again?.reason == .partlyResolved)
        let unknown = try #require(await replay(batch.failures[0], fixture))
        #expect(unknown.difference == .unknownEdition(next) && unknown.again == nil && unknown.group.standing == nil)
    }

    @Test("a state, its evidence or an absence that somebody changed does not agree, and what an earlier release wrote says nothing of itself")
    func tampered() async throws {
        let fixture = GroupFixture()
        let batch = fixture.batch([one], at: 0, commit: "c1")
        try await fixture.deliver(batch)
        for number in 0..<LifeCycle.current.absentRuns { try await fixture.complete(at: 1 + Double(number), tests: 100) }
        #expect(try await fixture.upkeep.resolveAbsent(fixture.scope, now: GroupFixture.hour(24 * 9)) == 1)
        func difference(_ change: SQL) async throws -> StateReplay.Difference? {
            try await fixture.database.execute(
                .tenant(fixture.tenant), "update failure_groups set \(fragment: change) where tenant_id = \(fixture.tenant)")
            return try await replay(batch.failures[0], fixture)?.difference
        }
        #expect(try await difference("absent_runs = 3") == .absence)
        #expect(try await difference("absent_runs = 20, state = 'ongoing'") == .state)
        // Its evidence is of another state: nothing is told of it.
        #expect(try await fixture.list().first?.standing == nil)
        #expect(try await difference("state = 'resolved', open_signatures = 1") == .evidence)
        #expect(try await difference("open_signatures = null, state_edition = null, is_recurring = null, is_contradicted = null") == nil)
        let group = try #require(await fixture.list().first)
        #expect(group.basis == nil && group.standing == nil && group.state == .resolved)
        // The next failure that counts in it keeps it again.
        try await fixture.deliver(fixture.batch([one], at: 24 * 10, commit: "c2"))
        #expect(try await standing(batch.failures[0], fixture)?.reason == .contradicted)
    }

    @Test("what an earlier release wrote, or left of an earlier state, is made again when groups are looked through; the rest is not written")
    func renewed() async throws {
        let fixture = GroupFixture()
        let batch = fixture.batch((0..<5).map(GroupFixture.words), at: 0)
        try await fixture.deliver(batch)
        func change(_ number: Int, _ change: SQL) async throws {
            let group = batch.failures[number].signature.id.uuid
            try await fixture.database.execute(
                .tenant(fixture.tenant),
                "update failure_groups set \(fragment: change) where tenant_id = \(fixture.tenant) and group_id = \(group)")
        }
        try await change(0, "open_signatures = null, state_edition = null, is_recurring = null, is_contradicted = null, newest_open_at = null")
        // As the next state that such a release makes leaves it, with the evidence of the one before.
        try await change(1, "is_recurring = true, open_signatures = 7, failures = 99")
        try await change(2, "newest_open_at = null")
        try await change(3, "failures = 99")
        #expect(try await replay(batch.failures[1], fixture)?.difference == .evidence)
        try await fixture.renew()
        for failure in batch.failures { #expect(try await standing(failure, fixture)?.reason == .seenOnce) }
        #expect(try await fixture.groups.get(ID(uuid: batch.failures[1].signature.id.uuid), fixture.scope).failures == 1)
        #expect(try await fixture.groups.get(ID(uuid: batch.failures[3].signature.id.uuid), fixture.scope).failures == 99)
    }

    @Test("groups are looked through page by page, each once")
    func pages() async throws {
        let fixture = GroupFixture()
        try await fixture.deliver(fixture.batch((0..<GroupUpkeepStore.maxRenewed + 20).map(GroupFixture.words), at: 0))
        try await fixture.database.execute(
            .tenant(fixture.tenant), "update failure_groups set state_edition = null where tenant_id = \(fixture.tenant)")
        func kept() async throws -> Int { try await fixture.list().count(where: { $0.basis != nil }) }
        let middle = try #require(await fixture.upkeep.renew(after: nil, fixture.scope))
        #expect(try await kept() == GroupUpkeepStore.maxRenewed)
        #expect(try await fixture.upkeep.renew(after: middle, fixture.scope) == nil)
        #expect(try await kept() == GroupUpkeepStore.maxRenewed + 20)
    }
}
