import Foundation
import Jobs
import Postgres
import Primitives
import TestSupport
import Testing
import ValidationAPI

@testable import ValidationService

@Suite("a branch on which nothing runs any more is merged or deleted", .database(ValidationProgram.schema, JobSchema.schema))
struct SilentBranchTests {
    private static let message = "no route to warehouse"
    private static let branch = "pr-7"
    private static func day(_ days: Double) -> Double { days * 24 }

    /// Seen on the branch, in a run of 100 tests.
    private func seen(_ fixture: GroupFixture) async throws -> ID<FailureGroup> {
        let batch = fixture.batch([Self.message], at: 0, branch: Self.branch, commit: "c1")
        try await fixture.deliver(batch)
        try await fixture.complete(batch.run, at: 0, tests: 100, branch: Self.branch)
        return batch.failures[0].signature.id.group
    }

    private func runs(_ fixture: GroupFixture, _ count: Int, after hour: Double, tests: Int64 = 60, branch: String = "main") async throws {
        for number in 0..<count { try await fixture.complete(at: hour + Double(number + 1), tests: tests, branch: branch) }
    }

    private func resolveAbsent(_ fixture: GroupFixture, on day: Double) async throws -> Int {
        try await fixture.upkeep.resolveAbsent(fixture.scope, now: GroupFixture.hour(Self.day(day)))
    }

    @Test("a group of a branch that is gone resolves by as many runs of the others, which its proof says, also where a person looks after it")
    func gone() async throws {
        let fixture = GroupFixture()
        let id = try await seen(fixture)
        _ = try await fixture.triage.apply(.assign("payments"), to: id, fixture.scope)
        try await runs(fixture, 19, after: 0)
        // Too small to show it.
        try await runs(fixture, 9, after: 0, tests: 10)
        #expect(try await resolveAbsent(fixture, on: 15) == 0)
        try await runs(fixture, 1, after: 40, branch: "next")
        #expect(try await resolveAbsent(fixture, on: 13) == 0, "it may only be quiet")
        #expect(try await resolveAbsent(fixture, on: 15) == 1)
        let group = try await fixture.groups.get(id, fixture.scope)
        #expect(group.state == .resolved && group.standing?.reason == .resolvedByAbsence && group.owner == "payments")
        let resolution = try #require(group.resolution)
        #expect(resolution.absence == Absence.Proof(runs: 20, days: 15, neededRuns: 20, neededDays: 7, isElsewhere: true))
        #expect(PBResolution(resolution).absence.otherBranches)
        // It comes back on any branch.
        try await fixture.deliver(fixture.batch([Self.message], at: Self.day(16), commit: "c2"))
        let back = try await fixture.groups.get(id, fixture.scope)
        #expect(back.state == .regressed && back.resolution?.absence?.isElsewhere == true)
        let said = try await fixture.triage.apply(
            .resolve(Resolution(at: GroupFixture.hour(Self.day(17)), by: "usr_1", branch: "", commit: "")), to: id, fixture.scope)
        #expect(said.resolution?.absence == nil)
    }

    @Test("a group of a branch that still runs resolves by the runs of that branch alone")
    func alive() async throws {
        let fixture = GroupFixture()
        let id = try await seen(fixture)
        try await runs(fixture, 30, after: 0)
        try await runs(fixture, 5, after: Self.day(5), branch: Self.branch)
        #expect(try await resolveAbsent(fixture, on: 15) == 0)
        try await runs(fixture, 15, after: Self.day(6), branch: Self.branch)
        #expect(try await resolveAbsent(fixture, on: 15) == 1)
        let absence = try await fixture.groups.get(id, fixture.scope).resolution?.absence
        #expect(absence == Absence.Proof(runs: 20, days: 15, neededRuns: 20, neededDays: 7))
    }

    @Test("a group of a branch that fell silent after enough runs of its own resolves by these")
    func quiet() async throws {
        let fixture = GroupFixture()
        let id = try await seen(fixture)
        try await runs(fixture, 20, after: 0, branch: Self.branch)
        try await runs(fixture, 30, after: 0)
        #expect(try await resolveAbsent(fixture, on: 20) == 1)
        #expect(try await fixture.groups.get(id, fixture.scope).resolution?.absence?.isElsewhere == false)
    }

    @Test("a group that still fails on another branch is not over, and neither runs before that nor those of a third branch say so")
    func failing() async throws {
        let fixture = GroupFixture()
        let id = try await seen(fixture)
        try await runs(fixture, 30, after: 0)
        let again = fixture.batch([Self.message], at: Self.day(10), commit: "c2")
        try await fixture.deliver(again)
        try await fixture.complete(again.run, at: Self.day(10), tests: 100)
        try await runs(fixture, 5, after: Self.day(10))
        try await runs(fixture, 30, after: Self.day(10), branch: "next")
        #expect(try await resolveAbsent(fixture, on: 18) == 0)
        #expect(try await fixture.groups.get(id, fixture.scope).state == .ongoing)
    }

    @Test("however many runs there are, no more than the newest of them are looked at")
    func bounded() async throws {
        let fixture = GroupFixture()
        let (tenant, start) = (fixture.tenant, GroupFixture.hour(50))
        _ = try await seen(fixture)
        try await runs(fixture, 20, after: 0)
        // Too small to show it.
        try await fixture.database.execute(
            .tenant(tenant),
            """
            insert into validations (tenant_id, run_id, project_id, judged_at, branch, commit_sha, started_at, passed)
            select \(tenant), gen_random_uuid(), \(fixture.project), now(), 'main', 'x', \(start)::timestamptz + n * interval '1 second', 10
            from generate_series(1, \(Absence.maxLookedAt)) as n
            """)
        #expect(try await resolveAbsent(fixture, on: 15) == 0)
        try await fixture.database.execute(
            .tenant(tenant), "delete from validations where tenant_id = \(tenant) and passed = 10 and started_at <= \(start.addingTimeInterval(20))")
        #expect(try await resolveAbsent(fixture, on: 15) == 1)
    }
}
