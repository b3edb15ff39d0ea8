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
}
