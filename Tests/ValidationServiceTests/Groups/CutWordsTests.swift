import Foundation
import Jobs
import Postgres
import Primitives
import TestSupport
import Testing

@testable import ValidationService

@Suite("what people said of a whole holds for what is cut out of it", .database(ValidationProgram.schema, JobSchema.schema))
struct CutWordsTests {
    private static let text = "exit code 137"

    @Test("that it is resolved, also where it was seen later and that proves nothing, whatever is looked at together", arguments: [500, 1])
    func resolved(pageSize: Int) async throws {
        let fixture = GroupFixture()
        let first = fixture.batch([GroupFixture.ended(1, code: 1), GroupFixture.ended(2, code: 137)], at: 0, commit: "c1")
        try await fixture.deliver(first)
        let whole = first.failures[0].signature
        let resolution = Resolution(at: GroupFixture.hour(5), by: "usr_1", branch: "main", commit: "")
        _ = try await fixture.triage.apply(.resolve(resolution), to: whole.id.group, fixture.scope)
        try await fixture.deliver(fixture.batch([GroupFixture.ended(3, code: 137)], at: 6, branch: "feature", commit: "f1"))
        #expect(try await fixture.groups.get(whole.id.group, fixture.scope).state == .resolved)
        _ = try await fixture.cut(Self.text, of: whole.id, at: GroupFixture.hour(9))
        try await fixture.carryOut(pageSize: pageSize)
        for id in [whole.id, whole.cut(by: Self.text).id] {
            let group = try await fixture.groups.get(id.group, fixture.scope)
            #expect(group.state == .resolved && group.resolution == resolution && group.regression == nil)
        }
    }
}
