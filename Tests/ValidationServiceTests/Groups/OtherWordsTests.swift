import Foundation
import Jobs
import Postgres
import Primitives
import TestSupport
import Testing
import ValidationAPI

@testable import ValidationService

@Suite("a resolved trouble that comes in other words", .database(ValidationProgram.schema, JobSchema.schema))
struct OtherWordsTests {
    static let mended = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b"
    private let one = "session of worker1 was closed"
    /// The same in other words.
    private let other = "session of worker-a2 was closed"

    /// Seen at hour 0, resolved at 10.
    private func resolved(_ fixture: GroupFixture, branch: String = "", commit: String = "") async throws -> FiledFailure {
        let batch = fixture.batch([one], at: 0, commit: "c1")
        try await fixture.deliver(batch)
        let resolution = Resolution(at: GroupFixture.hour(10), by: "usr_1", branch: branch, commit: commit)
        _ = try await fixture.triage.apply(.resolve(resolution), to: batch.failures[0].signature.id.group, fixture.scope)
        return batch.failures[0]
    }

    private func replay(_ failure: FiledFailure, _ fixture: GroupFixture) async throws -> StateReplay {
        let receipt = try await fixture.members.receipt(of: failure.result.result, tenant: fixture.tenant)
        return try #require(await fixture.members.replayState(of: receipt, tenant: fixture.tenant))
    }

    @Test(
        "regresses where its first failure contradicts the resolution: on its branch, with a commit that first ran after it or that was to mend it",
        arguments: [
            // Branch and commit of the resolution and of the failure at 12; an earlier run of that commit.
            ("main", "c9", "main", "c10", nil, true),
            ("", "", "main", "", nil, true),
            ("", "9f86d08188", "main", mended, 2, true),
            ("main", "c9", "feature", "f1", nil, false),
            ("main", "", "feature", "f1", nil, false),
            ("main", "c9", "main", "c0", 2, false),
        ] as [(String, String, String, String, Double?, Bool)])
    func contradiction(branch: String, commit: String, seenBranch: String, seenCommit: String, earlier: Double?, expected: Bool) async throws {
        let fixture = GroupFixture()
        if let earlier { try await fixture.deliver(fixture.batch(["disk quota was exceeded"], at: earlier, branch: seenBranch, commit: seenCommit)) }
        let failure = try await resolved(fixture, branch: branch, commit: commit)
        try await fixture.deliver(fixture.batch([other], at: 12, branch: seenBranch, commit: seenCommit))
        let found = try await replay(failure, fixture)
        #expect(found.difference == nil && found.group.signatures == 2 && found.again == found.group.standing)
        #expect(found.evidence.otherWordsAt == (expected ? GroupFixture.hour(12) : nil))
        if expected {
            #expect(found.group.state == .regressed && found.again?.reason == .otherWords)
            #expect(found.group.regression?.at == GroupFixture.hour(12) && found.group.regression?.commit == seenCommit)
            #expect(found.group.regressionSince == GroupFixture.hour(earlier ?? 12))
        } else {
            #expect(found.group.state == .ongoing && found.again?.reason == .partlyResolved && found.group.regression == nil)
        }
    }

    @Test("regresses also where its first failure proves nothing and its last one does, and stays so when an earlier one is heard of late")
    func last() async throws {
        let fixture = GroupFixture()
        let failure = try await resolved(fixture, branch: "main")
        try await fixture.deliver(fixture.batch([other], at: 12, branch: "feature", commit: "f1"))
        #expect(try await replay(failure, fixture).group.state == .ongoing)
        let proof = fixture.batch([other], at: 14, commit: "c10")
        try await fixture.deliver(fixture.batch(["disk quota was exceeded"], at: 13, commit: "c10"))
        try await fixture.deliver(proof)
        func proven() async throws {
            let found = try await replay(failure, fixture)
            #expect(found.difference == nil && found.group.state == .regressed && found.again?.reason == .otherWords)
            #expect(found.evidence.otherWordsAt == GroupFixture.hour(14) && found.group.regressionSince == GroupFixture.hour(13))
            #expect(found.group.regression == proof.sighting(of: proof.failures[0].result.result))
        }
        try await proven()
        try await fixture.deliver(fixture.batch([other], at: 11, branch: "feature", commit: "f0"))
        try await proven()
    }

    @Test(
        "stays so when failures follow that prove nothing, in whatever order they are heard of",
        arguments: [[0, 1, 2], [2, 1, 0], [1, 2, 0], [0, 2, 1]])
    func between(order: [Int]) async throws {
        let fixture = GroupFixture()
        let failure = try await resolved(fixture, branch: "main")
        let batches = [
            fixture.batch([other], at: 12, branch: "feature", commit: "f1"), fixture.batch([other], at: 14, commit: "c10"),
            fixture.batch([other], at: 16, branch: "feature", commit: "f2"),
        ]
        for place in order { try await fixture.deliver(batches[place]) }
        let found = try await replay(failure, fixture)
        #expect(found.difference == nil && found.group.state == .regressed && found.group.basis?.edition == 3)
        #expect(found.group.regression == batches[1].sighting(of: batches[1].failures[0].result.result))
        // Edition 2 heard of the first and the last alone.
        try await fixture.database.execute(
            .tenant(fixture.tenant),
            "update failure_groups set state_edition = 2, state = 'ongoing', other_words_at = null where tenant_id = \(fixture.tenant)")
        let second = try await replay(failure, fixture)
        #expect(second.difference == nil && second.again?.reason == .partlyResolved && second.evidence.otherWordsAt == nil)
        try await fixture.renew()
        #expect(try await replay(failure, fixture).group.state == .regressed)
    }

    @Test("a try of an old commit after it takes nothing back")
    func oldCommit() async throws {
        let fixture = GroupFixture()
        try await fixture.deliver(fixture.batch(["disk quota was exceeded"], at: 3, commit: "c0"))
        let failure = try await resolved(fixture)
        try await fixture.deliver(fixture.batch([other], at: 11, commit: "c0"))
        try await fixture.deliver(fixture.batch([other], at: 12, commit: "c10"))
        try await fixture.deliver(fixture.batch([other], at: 13, commit: "c0"))
        let found = try await replay(failure, fixture)
        #expect(found.difference == nil && found.group.state == .regressed && found.evidence.otherWordsAt == GroupFixture.hour(12))
    }

    @Test("the earliest failure that proves it is told, whichever signature it is of, and whether that was seen first or last in it")
    func earliest() async throws {
        let fixture = GroupFixture()
        let failure = try await resolved(fixture, branch: "main")
        try await fixture.deliver(fixture.batch([other], at: 11, branch: "feature", commit: "f1"))
        try await fixture.deliver(fixture.batch([other], at: 16, commit: "c11"))
        #expect(try await replay(failure, fixture).group.regression?.commit == "c11")
        let third = fixture.batch([GroupFixture.words(7)], at: 14, commit: "c10")
        try await fixture.deliver(third)
        _ = try await fixture.decisions.merge(
            [third.failures[0].signature.id.group], into: failure.signature.id.group, by: fixture.author(), at: Date(), fixture.scope)
        let found = try await replay(failure, fixture)
        #expect(found.group.signatures == 3 && found.group.regression?.commit == "c10" && found.group.regressionSince == GroupFixture.hour(14))
    }

    @Test("that its commit had run before the resolution may be heard of late: the state follows when groups are looked through")
    func late() async throws {
        let fixture = GroupFixture()
        let failure = try await resolved(fixture)
        try await fixture.deliver(fixture.batch([other], at: 12, commit: "c2"))
        #expect(try await replay(failure, fixture).group.state == .regressed)
        try await fixture.deliver(fixture.batch(["disk quota was exceeded"], at: 3, commit: "c2"))
        #expect(try await replay(failure, fixture).difference == .evidence)
        try await fixture.renew()
        let found = try await replay(failure, fixture)
        #expect(found.difference == nil && found.group.state == .ongoing && found.group.regression == nil)
    }

    @Test("a replay by edition 1 tells nothing of what that edition did not look at")
    func unheeded() async throws {
        let fixture = GroupFixture()
        let failure = try await resolved(fixture, branch: "main")
        try await fixture.deliver(fixture.batch([other], at: 12, commit: "c2"))
        #expect(PBGroupStateReplay(try await replay(failure, fixture)).evidenceAgain.hasOtherWordsAt)
        try await fixture.database.execute(
            .tenant(fixture.tenant), "update failure_groups set state_edition = 1, other_words_at = null where tenant_id = \(fixture.tenant)")
        let told = PBGroupStateReplay(try await replay(failure, fixture))
        #expect(told.agrees && told.edition == 1 && !told.evidence.hasOtherWordsAt && !told.evidenceAgain.hasOtherWordsAt)
    }

    @Test("what edition 1 made regressed comes to that by edition 1, and lives by the current one once groups are looked through")
    func renewed() async throws {
        let fixture = GroupFixture()
        let failure = try await resolved(fixture, branch: "main")
        try await fixture.deliver(fixture.batch([other], at: 12, branch: "feature", commit: "f1"))
        try await fixture.database.execute(
            .tenant(fixture.tenant),
            "update failure_groups set state_edition = 1, state = 'regressed' where tenant_id = \(fixture.tenant)")
        let first = try await replay(failure, fixture)
        #expect(first.difference == nil && first.again?.reason == .otherWords)
        try await fixture.renew()
        let found = try await replay(failure, fixture)
        #expect(found.difference == nil && found.group.state == .ongoing && found.group.basis?.edition == LifeCycle.current.number)
    }
}
