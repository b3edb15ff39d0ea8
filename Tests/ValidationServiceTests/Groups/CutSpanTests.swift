import Foundation
import Jobs
import Postgres
import Primitives
import TestSupport
import Testing

@testable import ValidationService

@Suite("a cut holds up nothing, and takes nothing with it that stays", .database(ValidationProgram.schema, JobSchema.schema))
struct CutSpanTests {
    @Test("no more than a hundred failures are written together: each may be of a run of its own, and intake waits meanwhile")
    func page() async throws {
        let fixture = GroupFixture()
        let batch = fixture.batch((0..<150).map { GroupFixture.ended(3, code: $0 % 2 == 0 ? 137 : 1) }, at: 0)
        try await fixture.deliver(batch)
        let cut = try await fixture.cut("exit code 137", of: batch.failures[0].signature.id).decision.id
        let worker = CutSignature(cutting: fixture.cutting, pages: 1)
        let payload = CutSignature.Payload(project: fixture.project, cut: cut, after: nil)
        for done in [100, 150] as [Int64] {
            try await worker.handle(payload, Job(tenant: fixture.tenant, kind: CutSignature.Payload.kind))
            let listed = try await fixture.decisions.list(PageRequest(limit: 9, cursor: ""), fixture.scope).items
            #expect(listed.first?.cut?.done == done)
        }
        #expect(try await fixture.miscounted().isEmpty)
    }

    @Test("a branch on which it still fails stays, also where what is cut out had been forgotten of it", arguments: [500, 2])
    func forgotten(pageSize: Int) async throws {
        let fixture = GroupFixture()
        let (cut, stays) = (GroupFixture.ended(1, code: 137), GroupFixture.ended(1, code: 1))
        let old = fixture.batch([cut, cut, cut, cut], at: 0, commit: "c1")
        let whole = old.failures[0].signature.id
        try await fixture.deliver(old)
        try await fixture.deliver(fixture.batch([stays], at: 20, branch: "next", commit: "c2"))
        #expect(try await fixture.upkeep.forget(before: GroupFixture.hour(10), fixture.scope) == 0)
        try await fixture.deliver(fixture.batch([stays, stays, stays], at: 21, commit: "c3"))
        _ = try await fixture.cut("exit code 137", of: whole)
        try await fixture.carryOut(pageSize: pageSize)
        #expect(try await fixture.miscounted().isEmpty)
        let found = try await fixture.list(GroupFilter(branch: "next")).map(\.id) + fixture.list(GroupFilter(branch: "main")).map(\.id)
        #expect(found.count { $0 == whole.group } == 2)
    }
}
