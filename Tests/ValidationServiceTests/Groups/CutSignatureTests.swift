import Foundation
import Jobs
import Postgres
import Primitives
import TestSupport
import Testing

@testable import ValidationService

@Suite("a cut reaches the failures that were there before", .database(ValidationProgram.schema, JobSchema.schema))
struct CutSignatureTests {
    private let whole = FailureSigner.of("worker 1 ended with exit code 1 in shard 1")

    private func batches(_ fixture: GroupFixture, _ chance: inout Chance, count: Int) -> [FailureBatch] {
        (0..<count).map { number in
            let messages = (0..<5).map { _ in
                GroupFixture.ended(
                    Int.random(in: 0..<90, using: &chance), code: [1, 137, 139].randomElement(using: &chance)!,
                    shard: Int.random(in: 1...2, using: &chance))
            }
            return fixture.batch(
                messages + (number % 3 == 0 ? ["no route to warehouse"] : []), at: Double(Int.random(in: 0..<40, using: &chance)),
                branch: ["main", "next"].randomElement(using: &chance)!, commit: "c\(number)")
        }
    }

    @Test(
        "groups and counts are the same whether failures or cuts came first, in whatever order and pages, and are what the failures come to",
        arguments: 0..<4
    )
    func order(seed: Int) async throws {
        var chance = Chance(UInt64(seed) &+ 500)
        let first = GroupFixture()
        let start = first.batch(
            [GroupFixture.ended(1, code: 1), GroupFixture.ended(2, code: 137), GroupFixture.ended(3, code: 139, shard: 2)], at: 20)
        let batches = self.batches(first, &chance, count: 12)
        #expect(start.failures.allSatisfy { $0.signature == whole })
        func finish(_ fixture: GroupFixture, _ pageSize: Int) async throws {
            try await fixture.carryOut(pageSize: pageSize, pages: 2)
            let out = Cut.target(of: whole, "exit code 137")
            let decided = try await fixture.decisions.list(PageRequest(limit: 9, cursor: ""), fixture.scope).items
            if !decided.contains(where: { $0.cut?.text == "shard 2" }) {
                _ = try await fixture.cut("shard 2", of: out.id)
            }
            try await fixture.carryOut(pageSize: pageSize, pages: 2)
        }
        // The cuts, then the failures.
        try await first.deliver(start)
        _ = try await first.cut("exit code 137", of: whole.id)
        _ = try await first.cut("exit code 1 in", of: whole.id)
        try await first.carryOut()
        for batch in batches.prefix(6) { try await first.deliver(batch) }
        try await finish(first, 500)
        for batch in batches.dropFirst(6) { try await first.deliver(batch) }
        let expected = try await first.counted()
        #expect(try await first.miscounted().isEmpty)
        #expect(try await first.list().count { $0.location.contains(Signature.cutMark) } == 3)

        // The failures, then the cuts.
        let second = GroupFixture(project: first.project)
        for batch in ([start] + batches).shuffled(using: &chance) { try await second.deliver(batch) }
        _ = try await second.cut("exit code 137", of: whole.id)
        _ = try await second.cut("exit code 1 in", of: whole.id)
        try await finish(second, 7)
        #expect(try await second.counted() == expected)

        // Everything in between.
        let third = GroupFixture(project: first.project)
        try await third.deliver(start)
        let shuffled = batches.shuffled(using: &chance)
        for batch in shuffled.prefix(5) { try await third.deliver(batch) }
        let cut = try await third.cut("exit code 137", of: whole.id).decision.id
        _ = try await third.cutting.step(cut, limit: 4, continuing: false, third.scope)
        for batch in shuffled[5..<8] { try await third.deliver(batch) }
        _ = try await third.cut("exit code 1 in", of: whole.id)
        _ = try await third.cutting.step(cut, limit: 4, continuing: false, third.scope)
        for batch in shuffled.dropFirst(8) { try await third.deliver(batch) }
        try await finish(third, 3)
        #expect(try await third.counted() == expected)
        #expect(try await third.miscounted().isEmpty)
        for fixture in [first, second, third] {
            let results = try await fixture.database.rows(
                .tenant(fixture.tenant), "select result_id from failures where tenant_id = \(fixture.tenant)"
            ) { try $0.value("result_id", as: ID<ValidationService.Result>.self) }
            for result in results {
                let receipt = try await fixture.members.receipt(of: result, tenant: fixture.tenant)
                #expect(try await fixture.members.replay(receipt, tenant: fixture.tenant).replay.difference == nil)
            }
        }
    }

    @Test("what is delivered late while it goes on is looked at as well")
    func late() async throws {
        let fixture = GroupFixture()
        // Named first, delivered last: seen before all others, and after them.
        let early = fixture.batch([GroupFixture.ended(1, code: 1)], at: 3)
        let latest = fixture.batch([GroupFixture.ended(1, code: 1), GroupFixture.ended(2, code: 137)], at: 30)
        let known = fixture.batch([137, 137, 1, 1, 137].map { GroupFixture.ended(3, code: $0) }, at: 10)
        let others = [
            fixture.batch([GroupFixture.ended(4, code: 137)], at: 1), fixture.batch([GroupFixture.ended(4, code: 137)], at: 50),
        ]
        try await fixture.deliver(known)
        for batch in others { try await fixture.deliver(batch) }
        let id = try await fixture.cut("exit code 137", of: whole.id).decision.id
        #expect(try await fixture.cutting.step(id, limit: 3, continuing: false, fixture.scope))
        try await fixture.deliver(early)
        try await fixture.deliver(latest)
        try await fixture.carryOut(pageSize: 3)
        #expect(try await fixture.miscounted().isEmpty)
        let group = try #require(await fixture.list(by: .failures).last)
        #expect(group.failures == 4 && group.firstSeen.run == early.run && group.lastSeen.run == latest.run)
        let twice = GroupFixture(project: fixture.project)
        for batch in [known, early, latest] + others { try await twice.deliver(batch) }
        _ = try await twice.cut("exit code 137", of: whole.id)
        try await twice.carryOut()
        #expect(try await twice.counted() == fixture.counted())
    }

    @Test("two jobs at once, or one after the other, move nothing twice; how far it is stands with the decision, and what has no texts stays")
    func twice() async throws {
        let fixture = GroupFixture()
        var chance = Chance(9)
        for batch in batches(fixture, &chance, count: 8) { try await fixture.deliver(batch) }
        let lost = fixture.batch([GroupFixture.ended(177, code: 137), GroupFixture.ended(178, code: 137)], at: 3)
        try await fixture.deliver(lost)
        let tenant = fixture.tenant
        try await fixture.database.execute(.tenant(tenant), "delete from symptoms where tenant_id = \(tenant) and message like 'worker 177 %'")
        let decided = try await fixture.cut("exit code 137", of: whole.id)
        let payload = CutSignature.Payload(project: fixture.project, cut: decided.decision.id, after: nil)
        let job = Job(tenant: tenant, kind: CutSignature.Payload.kind)
        let waiting = try await fixture.database.one(
            .tenant(tenant), "select count(*) as n from jobs where kind = \(CutSignature.Payload.kind) and tenant_id = \(tenant)"
        ) { try $0.value("n", as: Int.self) }
        #expect(waiting == 1)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<2 {
                group.addTask { try await CutSignature(cutting: fixture.cutting, pageSize: 4).handle(payload, job) }
            }
            try await group.waitForAll()
        }
        #expect(try await fixture.miscounted().isEmpty)
        let lines = try await fixture.counted()
        let listed = try await fixture.decisions.list(PageRequest(limit: 9, cursor: ""), fixture.scope).items
        let cut = try #require(listed.first?.cut)
        #expect(cut.state == .done && cut.total == 42 && cut.done == 42 && cut.withoutTexts == 1 && cut.finishedAt != nil)
        let out = try #require(await fixture.list().first { $0.location.contains(Signature.cutMark) })
        #expect(out.failures == cut.moved && listed[0].groups.map(\.isTakenOut) == [false, true] && listed[0].groups[1].group == out.id)
        #expect(try await fixture.decisions.list(PageRequest(limit: 9, cursor: ""), of: out.id, fixture.scope).items == listed)
        try await CutSignature(cutting: fixture.cutting, pageSize: 4).handle(payload, job)
        #expect(try await fixture.counted() == lines)
        let kept = try await fixture.failures.get(lost.failures[0].result.result, tenant: tenant)
        #expect(kept.signature?.uuid == whole.id.uuid)
        // Neither side is forgotten, and a person may put them together again.
        #expect(try await fixture.upkeep.forget(before: GroupFixture.hour(100), fixture.scope) == 1)
        let merged = try await fixture.decisions.merge([out.id], into: whole.id.group, by: fixture.author(), at: Date(), fixture.scope)
        #expect(merged.signatures == 2 && merged.failures == 42)
        try await fixture.deliver(fixture.batch([GroupFixture.ended(5, code: 137)], at: 60))
        #expect(try await fixture.groups.get(merged.id, fixture.scope).failures == 43)
    }

    @Test("what people said of the whole holds for both parts, each failure's word stays with it, and a regression with what came back")
    func words() async throws {
        let fixture = GroupFixture()
        let before = fixture.batch(
            [GroupFixture.ended(1, code: 1), GroupFixture.ended(2, code: 137)], at: 0, commit: "c1", owners: [["@a"], ["@b"]])
        try await fixture.deliver(before)
        _ = try await fixture.triage.apply(.assign("payments"), to: whole.id.group, fixture.scope)
        let verdicts = VerdictStore(database: fixture.database)
        let filed = before.failures[1].result.result
        _ = try await verdicts.put(.environment, nil, note: "", on: filed, version: 0, by: "usr_a", tenant: fixture.tenant)
        let resolution = Resolution(at: GroupFixture.hour(5), by: "usr_1", branch: "", commit: "")
        _ = try await fixture.triage.apply(.resolve(resolution), to: whole.id.group, fixture.scope)
        try await fixture.deliver(fixture.batch([GroupFixture.ended(3, code: 137)], at: 6, commit: "c2"))
        let regressed = try await fixture.groups.get(whole.id.group, fixture.scope)
        #expect(regressed.state == .regressed && regressed.category == .environment)
        _ = try await fixture.cut("exit code 137", of: whole.id, at: max(Date(), GroupFixture.hour(9)))
        try await fixture.carryOut(pageSize: 1)
        let left = try await fixture.groups.get(whole.id.group, fixture.scope)
        #expect(left.state == .resolved && left.regression == nil && left.owner == "payments" && left.failures == 1)
        #expect(left.category == .network && left.overruled == nil && left.verdictResult == nil)
        let out = try await fixture.groups.get(Cut.target(of: whole, "exit code 137").id.group, fixture.scope)
        #expect(out.state == .regressed && out.regression?.commit == "c2" && out.resolution?.by == "usr_1" && out.owner == "payments")
        #expect(out.category == .environment && out.overruled?.category == .network && out.verdictResult == filed)
        #expect(out.failures == 2 && out.proposedOwners == ["@a", "@b"] && left.proposedOwners == ["@a"])
        for group in [left, out] {
            #expect(try await fixture.members.replayState(of: fixture.receipt(in: group), tenant: fixture.tenant)?.difference == nil)
        }
    }
}

extension FailureSigner {
    /// As the fixture has it signed.
    fileprivate static func of(_ message: String) -> Signature {
        var signer = FailureSigner()
        return Symptoms(message: message, type: "java.io.IOException").signature(by: &signer, className: "Orders", test: "test 0")
    }
}

extension Cut {
    fileprivate static func target(of signature: Signature, _ text: String) -> Signature {
        Cut(id: .new(), signature: signature, text: text, decidedAt: Date(), decidedBy: "", note: "").target
    }
}

extension GroupFixture {
    fileprivate func receipt(in group: FailureGroup) async throws -> GroupReceipt {
        try await members.receipt(of: group.lastSeen.result, tenant: tenant)
    }
}
