import Foundation
import Jobs
import Postgres
import Primitives
import TestSupport
import Testing

@testable import ValidationService

@Suite("absence overrules nobody", .database(ValidationProgram.schema, JobSchema.schema))
struct GroupAbsenceTests {
    /// In hours.
    private static let eightDays = 192.0
    private static let message = "no route to warehouse"

    private func reopened(at hour: Double) -> TriageStore.Action { .reopen(by: "usr_2", at: GroupFixture.hour(hour)) }

    /// Seen once, then in none of as many runs as are enough.
    private func absent(_ fixture: GroupFixture) async throws -> [FailureGroup] {
        try await fixture.deliver(fixture.batch([Self.message], at: 0, commit: "c1"))
        try await runs(fixture, after: 0)
        return try await fixture.list()
    }

    private func runs(_ fixture: GroupFixture, after hour: Double, _ count: Int = LifeCycle.current.absentRuns) async throws {
        for number in 0..<count { try await fixture.complete(at: hour + Double(number + 1), tests: 100) }
    }

    private func resolveAbsent(_ fixture: GroupFixture, at hour: Double) async throws -> Int {
        try await fixture.upkeep.resolveAbsent(fixture.scope, now: GroupFixture.hour(hour))
    }

    @Test("what a person has reopened is over only after days and runs that came later, however often it is looked at")
    func openAgain() async throws {
        let fixture = GroupFixture()
        let id = try #require(await absent(fixture).first?.id)
        #expect(try await resolveAbsent(fixture, at: Self.eightDays) == 1)
        let open = try await fixture.triage.apply(reopened(at: Self.eightDays + 1), to: id, fixture.scope)
        #expect(open.state == .new && open.resolution == nil)
        // At once, by the round after it, and when only the days or only the runs are enough.
        for hour in [Self.eightDays + 2, Self.eightDays + 7, Self.eightDays * 3] {
            #expect(try await resolveAbsent(fixture, at: hour) == 0, "\(hour)")
        }
        try await runs(fixture, after: Self.eightDays + 2, LifeCycle.current.absentRuns - 1)
        #expect(try await resolveAbsent(fixture, at: Self.eightDays * 3) == 0)
        try await runs(fixture, after: Self.eightDays + 30, 1)
        #expect(try await resolveAbsent(fixture, at: Self.eightDays + 24 * 6) == 0)
        #expect(try await resolveAbsent(fixture, at: Self.eightDays + 24 * 7.5) == 1)
        let over = try await fixture.groups.get(id, fixture.scope)
        // It was not seen for 15 days and in 40 runs.
        #expect(over.resolution?.isAbsence == true)
        #expect(over.resolution?.absence == Absence.Proof(runs: 20, days: 7, neededRuns: 20, neededDays: 7))
    }

    @Test("a person resolves what absence has, also among others, and once")
    func confirmed() async throws {
        let fixture = GroupFixture()
        let id = try #require(await absent(fixture).first?.id)
        #expect(try await resolveAbsent(fixture, at: Self.eightDays) == 1)
        let said = TriageStore.Action.resolve(Resolution(at: GroupFixture.hour(Self.eightDays + 1), by: "usr_1", branch: "", commit: ""))
        #expect(try await fixture.triage.apply(said, where: GroupFilter(), fixture.scope).changed == 1)
        let group = try await fixture.groups.get(id, fixture.scope)
        #expect(group.state == .resolved && group.resolution?.by == "usr_1" && group.resolution?.absence == nil)
        #expect(try await fixture.triage.apply(said, where: GroupFilter(), fixture.scope).changed == 0)
    }

    @Test("saying again that it is not over moves nothing, and a later failure counts as ever")
    func again() async throws {
        let fixture = GroupFixture()
        let id = try #require(await absent(fixture).first?.id)
        #expect(try await resolveAbsent(fixture, at: Self.eightDays) == 1)
        _ = try await fixture.triage.apply(reopened(at: Self.eightDays), to: id, fixture.scope)
        _ = try await fixture.triage.apply(reopened(at: Self.eightDays * 2), to: id, fixture.scope)
        _ = try await fixture.triage.apply(reopened(at: Self.eightDays * 2), where: GroupFilter(), fixture.scope)
        try await runs(fixture, after: Self.eightDays)
        #expect(try await resolveAbsent(fixture, at: Self.eightDays * 2.5) == 1, "since the first time")
        _ = try await fixture.triage.apply(reopened(at: Self.eightDays * 2.5), to: id, fixture.scope)
        try await fixture.deliver(fixture.batch([Self.message], at: Self.eightDays * 3, commit: "c2"))
        try await runs(fixture, after: Self.eightDays * 2.5 + 1, 10)
        try await runs(fixture, after: Self.eightDays * 3)
        #expect(try await resolveAbsent(fixture, at: Self.eightDays * 3.5) == 0)
        #expect(try await resolveAbsent(fixture, at: Self.eightDays * 4) == 1)
        #expect(try await fixture.groups.get(id, fixture.scope).resolution?.absence?.runs == 20)
    }

    @Test("two replicas that look and a person who reopens at once: what was reopened stays open", arguments: 0..<3)
    func race(seed: Int) async throws {
        let fixture = GroupFixture()
        let id = try #require(await absent(fixture).first?.id)
        #expect(try await resolveAbsent(fixture, at: Self.eightDays) == 1)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<4 {
                group.addTask { _ = try await resolveAbsent(fixture, at: Self.eightDays + Double(number)) }
                if number == seed {
                    group.addTask { _ = try await fixture.triage.apply(reopened(at: Self.eightDays + 1), to: id, fixture.scope) }
                }
            }
            try await group.waitForAll()
        }
        #expect(try await resolveAbsent(fixture, at: Self.eightDays + 6) == 0)
        #expect(try await fixture.groups.get(id, fixture.scope).state == .new)
    }

    @Test("groups that are put together were reopened when any of their signatures was, and what is taken out keeps its own word")
    func merged() async throws {
        let fixture = GroupFixture()
        let batch = fixture.batch([Self.message, "orders table was locked meanwhile"], at: 0)
        try await fixture.deliver(batch)
        try await runs(fixture, after: 0)
        #expect(try await resolveAbsent(fixture, at: Self.eightDays) == 2)
        let (first, second) = (batch.failures[0].signature.id.group, batch.failures[1].signature.id.group)
        _ = try await fixture.triage.apply(reopened(at: Self.eightDays), to: first, fixture.scope)
        _ = try await fixture.triage.apply(reopened(at: Self.eightDays * 2), to: second, fixture.scope)
        try await runs(fixture, after: Self.eightDays)
        let whole = try await fixture.decisions.merge(
            [second], into: first, by: fixture.author(), at: GroupFixture.hour(Self.eightDays * 2), fixture.scope)
        #expect(whole.signatures == 2 && whole.state == .new)
        #expect(try await resolveAbsent(fixture, at: Self.eightDays * 2.5) == 0)
        _ = try await fixture.decisions.split(
            [ID(uuid: second.uuid)], and: [], from: whole.id, by: fixture.author(), at: GroupFixture.hour(Self.eightDays * 2), fixture.scope)
        #expect(try await resolveAbsent(fixture, at: Self.eightDays * 2.5) == 1)
        #expect(try await fixture.groups.get(first, fixture.scope).state == .resolved)
        #expect(try await fixture.groups.get(second, fixture.scope).state == .new)
    }

    @Test("absence that resolves what a person had resolved before keeps the person's word, and such a group is never forgotten; nor is one reopened")
    func kept() async throws {
        let fixture = GroupFixture()
        let messages = (0..<3).map { GroupFixture.words($0) }
        let batch = fixture.batch(messages, at: 0, commit: "c1")
        try await fixture.deliver(batch)
        let ids = batch.failures.map(\.signature.id.group)
        let resolution = Resolution(at: GroupFixture.hour(1), by: "usr_1", branch: "main", commit: "fix")
        _ = try await fixture.triage.apply(.resolve(resolution), to: ids[0], fixture.scope)
        try await fixture.deliver(fixture.batch([messages[0]], at: 2, commit: "c2"))
        #expect(try await fixture.groups.get(ids[0], fixture.scope).state == .regressed)
        try await runs(fixture, after: 2)
        // The second time the machine's own resolution takes the place of itself.
        #expect(try await resolveAbsent(fixture, at: Self.eightDays * 2) == 3)
        try await fixture.deliver(fixture.batch([messages[0]], at: Self.eightDays * 3, commit: "c3"))
        try await runs(fixture, after: Self.eightDays * 3)
        #expect(try await resolveAbsent(fixture, at: Self.eightDays * 5) == 1)
        #expect(try await fixture.groups.get(ids[0], fixture.scope).resolution?.isAbsence == true)
        _ = try await fixture.triage.apply(reopened(at: Self.eightDays * 5), to: ids[1], fixture.scope)

        #expect(try await fixture.upkeep.forget(before: GroupFixture.hour(Self.eightDays * 20), fixture.scope) == 1)
        #expect(try await Set(fixture.list().map(\.id)) == [ids[0], ids[1]])
        let words = try await fixture.database.rows(
            .tenant(fixture.tenant),
            """
            select signature_id, overtaken_at, overtaken_by, overtaken_branch, overtaken_commit, reopened_by from failure_signatures
            where tenant_id = \(fixture.tenant)
            """
        ) { row in
            (
                id: try row.value("signature_id", as: ID<FailureGroup>.self), at: try row.value("overtaken_at", as: Date?.self),
                by: try row.value("overtaken_by", as: String?.self), branch: try row.value("overtaken_branch", as: String?.self),
                commit: try row.value("overtaken_commit", as: String?.self), reopened: try row.value("reopened_by", as: String?.self)
            )
        }
        let overtaken = try #require(words.first { $0.id == ids[0] })
        #expect(overtaken.at == GroupFixture.hour(1) && overtaken.by == "usr_1" && overtaken.reopened == nil)
        #expect(overtaken.branch == "main" && overtaken.commit == "fix")
        let open = try #require(words.first { $0.id == ids[1] })
        #expect(open.at == nil && open.reopened == "usr_2")
    }
}
