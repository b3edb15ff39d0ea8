import Foundation
import Jobs
import Postgres
import Primitives
import TestSupport
import Testing

@testable import ValidationService

@Suite("what contradicted a resolution is asked again by what is known of commits now", .database(ValidationProgram.schema, JobSchema.schema))
struct ContradictionTests {
    private let message = "no route to warehouse"

    /// Seen at hour 0, resolved at 10.
    private func resolved(_ fixture: GroupFixture, commit: String = "") async throws -> FiledFailure {
        let batch = fixture.batch([message], at: 0, commit: "c1")
        try await fixture.deliver(batch)
        let resolution = Resolution(at: GroupFixture.hour(10), by: "usr_1", branch: "main", commit: commit)
        _ = try await fixture.triage.apply(.resolve(resolution), to: batch.failures[0].signature.id.group, fixture.scope)
        return batch.failures[0]
    }

    private func replay(_ failure: FiledFailure, _ fixture: GroupFixture) async throws -> StateReplay {
        let receipt = try await fixture.members.receipt(of: failure.result.result, tenant: fixture.tenant)
        return try #require(await fixture.members.replayState(of: receipt, tenant: fixture.tenant))
    }

    /// Another run of a commit, in which something else fails.
    private func run(_ fixture: GroupFixture, of commit: String, at hour: Double) -> FailureBatch {
        fixture.batch(["disk quota was exceeded"], at: hour, commit: commit)
    }

    @Test("a commit that had run before proves nothing, whichever of its runs is heard of first", arguments: [true, false])
    func order(isHeardOfFirst: Bool) async throws {
        let fixture = GroupFixture()
        let failure = try await resolved(fixture)
        let (earlier, failing) = (run(fixture, of: "c2", at: 9), fixture.batch([message], at: 11, commit: "c2"))
        for batch in isHeardOfFirst ? [earlier, failing] : [failing, earlier] { try await fixture.deliver(batch) }
        var found = try await replay(failure, fixture)
        #expect(found.again?.state == .resolved && found.difference == (isHeardOfFirst ? nil : .evidence))
        try await fixture.renew()
        found = try await replay(failure, fixture)
        #expect(found.difference == nil && found.group.state == .resolved && found.again?.reason == .resolvedByPerson)
        #expect(found.group.regression == nil && found.group.basis?.edition == 3)
        // What comes later is held against the resolution as ever.
        let proof = fixture.batch([message], at: 14, commit: "c3")
        try await fixture.deliver(proof)
        found = try await replay(failure, fixture)
        #expect(found.difference == nil && found.again?.reason == .contradicted)
        #expect(found.group.regression == proof.sighting(of: proof.failures[0].result.result))
    }

    @Test("a later failure contradicts where the earliest turns out not to, in whatever order they are heard of", arguments: 0..<6)
    func later(seed: Int) async throws {
        var chance = Chance(UInt64(seed))
        let fixture = GroupFixture()
        let failure = try await resolved(fixture)
        let proof = fixture.batch([message], at: 14, commit: "c3")
        let batches = [
            fixture.batch([message], at: 11, commit: "c2"), proof, run(fixture, of: "c2", at: 9), run(fixture, of: "c3", at: 13),
            fixture.batch([message], at: 15, commit: "c2"), fixture.batch([message], at: 16, branch: "feature", commit: "f1"),
        ]
        for batch in batches.shuffled(using: &chance) { try await fixture.deliver(batch) }
        try await fixture.renew()
        let found = try await replay(failure, fixture)
        #expect(found.difference == nil && found.group.state == .regressed && found.again?.reason == .contradicted)
        #expect(found.group.regression == proof.sighting(of: proof.failures[0].result.result))
        #expect(found.group.regressionSince == GroupFixture.hour(13))
        // An earlier one that is heard of last.
        try await fixture.deliver(fixture.batch([message], at: 12, commit: "c4"))
        #expect(try await replay(failure, fixture).group.regression?.commit == "c4")
    }

    @Test("a replay says that another failure is the earliest that contradicts, and the next look through groups tells it")
    func other() async throws {
        let fixture = GroupFixture()
        let failure = try await resolved(fixture)
        for (hour, commit) in [(11.0, "c2"), (12, "c3")] { try await fixture.deliver(fixture.batch([message], at: hour, commit: commit)) }
        try await fixture.deliver(run(fixture, of: "c3", at: 10.5))
        #expect(try await replay(failure, fixture).difference == nil)
        try await fixture.deliver(run(fixture, of: "c2", at: 9))
        #expect(try await replay(failure, fixture).difference == .regression)
        try await fixture.renew()
        let found = try await replay(failure, fixture)
        #expect(found.difference == nil && found.group.regression?.commit == "c3")
        #expect(found.group.regressionSince == GroupFixture.hour(10.5))
    }

    @Test("what has not been looked through is not forgotten: of a group with many signatures those that were seen last come first")
    func many() async throws {
        let fixture = GroupFixture()
        let words = (0...GroupSums.Suspect.mostSearched).map { GroupFixture.words($0) }
        let seen = fixture.batch(words, at: 0, commit: "c1")
        try await fixture.deliver(seen)
        let groups = seen.failures.map(\.signature.id.group)
        _ = try await fixture.decisions.merge(Array(groups.dropFirst()), into: groups[0], by: fixture.author(), at: Date(), fixture.scope)
        _ = try await fixture.triage.apply(
            .resolve(Resolution(at: GroupFixture.hour(10), by: "usr_1", branch: "main", commit: "")), to: groups[0], fixture.scope)
        try await fixture.deliver(fixture.batch(words, at: 11, commit: "c2"))
        // Neither kept nor the last one of its signature, which is the one that was seen first.
        let proof = fixture.batch([words[0]], at: 12, commit: "c3")
        try await fixture.deliver(proof)
        try await fixture.deliver(fixture.batch([words[0]], at: 13, commit: "c2"))
        try await fixture.deliver(fixture.batch(Array(words.dropFirst()), at: 14, commit: "c2"))
        try await fixture.deliver(run(fixture, of: "c2", at: 9))
        for _ in 0..<2 { try await fixture.renew() }
        let found = try await replay(seen.failures[0], fixture)
        #expect(found.difference == nil && found.group.state == .regressed && found.group.signatures == Int64(words.count))
        #expect(found.group.regression == proof.sighting(of: proof.failures[0].result.result))
    }

    @Test("which signatures are looked through hangs on their group alone, and no statement is of more than a few")
    func portions() {
        func suspects(_ group: UInt64, _ count: Int) -> [GroupSums.Suspect] {
            (0..<count).map { number in
                GroupSums.Suspect(
                    group: SignatureID(high: group, low: 0), signature: SignatureID(high: group, low: UInt64(number)),
                    lastAt: GroupFixture.hour(Double(number / 2)))
            }
        }
        func chosen(_ suspects: [GroupSums.Suspect]) -> [SignatureID] { GroupSums.Suspect.portions(of: suspects).joined().map(\.signature) }
        let (one, others) = (suspects(1, 31), (2..<8).flatMap { suspects($0, 30) })
        // Of two that were seen last at the same time the smaller id.
        #expect(chosen(one).map(\.low) == [10] + (12...30).map { UInt64($0) })
        #expect(chosen((others + one).shuffled()).filter { $0.high == 1 } == chosen(one))
        let portions = GroupSums.Suspect.portions(of: one + others)
        #expect(portions.map(\.count) == [50, 50, 40] && GroupSums.Suspect.portions(of: []).isEmpty)
    }

    @Test("the commit that was to mend it contradicts whenever it ran first")
    func mending() async throws {
        let fixture = GroupFixture()
        let failure = try await resolved(fixture, commit: "c2")
        try await fixture.deliver(fixture.batch([message], at: 11, commit: "c2"))
        try await fixture.deliver(run(fixture, of: "c2", at: 9))
        #expect(try await replay(failure, fixture).difference == nil)
        try await fixture.renew()
        let found = try await replay(failure, fixture)
        #expect(found.difference == nil && found.group.state == .regressed && found.group.regressionSince == GroupFixture.hour(9))
    }

    @Test("since when the commit runs is not taken on trust, and what edition 2 decided for good stays so by edition 2")
    func tampered() async throws {
        let fixture = GroupFixture()
        let failure = try await resolved(fixture)
        try await fixture.deliver(fixture.batch([message], at: 11, commit: "c2"))
        func difference(_ change: SQL) async throws -> StateReplay.Difference? {
            try await fixture.database.execute(
                .tenant(fixture.tenant), "update \(fragment: change) where tenant_id = \(fixture.tenant) and regressed_at is not null")
            return try await replay(failure, fixture).difference
        }
        #expect(try await difference("failure_groups set regressed_since = \(GroupFixture.hour(9))") == .regression)
        #expect(try await difference("failure_groups set regressed_since = \(GroupFixture.hour(11))") == nil)
        #expect(try await difference("failure_signatures set regressed_since = \(GroupFixture.hour(9))") == .evidence)
        #expect(try await difference("failure_groups set state_edition = 2") == nil)
        try await fixture.renew()
        let found = try await replay(failure, fixture)
        #expect(found.difference == nil && found.group.state == .resolved && found.group.basis?.edition == 3)
    }

    // MARK: Absence

    /// Seen at hour 0 in a run of 100 tests, then in none of 20 such runs, and resolved after nine days.
    private func absent(_ fixture: GroupFixture, branch: String = "main", days: Double = 9) async throws -> FiledFailure {
        let batch = fixture.batch([message], at: 0, branch: branch, commit: "c1")
        try await fixture.deliver(batch)
        try await fixture.complete(batch.run, at: 0, tests: 100, branch: branch)
        for number in 0..<LifeCycle.current.absentRuns { try await fixture.complete(at: Double(number + 1), tests: 60) }
        #expect(try await fixture.upkeep.resolveAbsent(fixture.scope, now: GroupFixture.hour(24 * days)) == 1)
        #expect(try await replay(batch.failures[0], fixture).again?.reason == .resolvedByAbsence)
        return batch.failures[0]
    }

    @Test("the runs of an absence are counted again, also those of other branches", arguments: ["main", "pr-7"])
    func recounted(branch: String) async throws {
        let fixture = GroupFixture()
        let failure = try await absent(fixture, branch: branch, days: 15)
        #expect(try await replay(failure, fixture).difference == nil)
        let gone = GroupFixture.hour(5)
        try await fixture.database.execute(
            .tenant(fixture.tenant), "delete from validations where tenant_id = \(fixture.tenant) and started_at = \(gone)")
        #expect(try await replay(failure, fixture).difference == .absence)
        // Too small to show it, and later than the resolution.
        try await fixture.complete(at: 6, tests: 40)
        try await fixture.complete(at: 24 * 15 + 1, tests: 100)
        #expect(try await replay(failure, fixture).difference == .absence)
        try await fixture.complete(at: 30, tests: 50)
        #expect(try await replay(failure, fixture).difference == nil)
    }

    @Test("a failure within the absence that is heard of late says that it was none; one after the resolution says nothing of what was before")
    func late() async throws {
        let fixture = GroupFixture()
        let failure = try await absent(fixture)
        try await fixture.deliver(fixture.batch([message], at: 100, commit: "c1"))
        let found = try await replay(failure, fixture)
        #expect(found.group.state == .resolved && found.difference == .absence)
        try await fixture.deliver(fixture.batch([message], at: 24 * 10, commit: "c1"))
        #expect(try await replay(failure, fixture).difference == nil)
    }
}
