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

    @Test("that it is not over: absence counts from there on, in the one as in the other", arguments: [500, 1])
    func reopened(pageSize: Int) async throws {
        let fixture = GroupFixture()
        let first = fixture.batch([1, 137, 137].map { GroupFixture.ended(1, code: $0) }, at: 0, commit: "c1")
        try await fixture.deliver(first)
        let whole = first.failures[0].signature
        let week = 24.0 * 8
        func runs(after hour: Double) async throws {
            for number in 0..<LifeCycle.current.absentRuns { try await fixture.complete(at: hour + Double(number + 1), tests: 100) }
        }
        func absent(at hour: Double) async throws -> Int {
            try await fixture.upkeep.resolveAbsent(fixture.scope, now: GroupFixture.hour(hour))
        }
        try await runs(after: 0)
        #expect(try await absent(at: week) == 1)
        _ = try await fixture.triage.apply(.reopen(by: "usr_2", at: GroupFixture.hour(week + 1)), to: whole.id.group, fixture.scope)
        _ = try await fixture.cut(Self.text, of: whole.id, at: GroupFixture.hour(week + 2))
        try await fixture.carryOut(pageSize: pageSize)
        let states = try await fixture.list().map(\.state)
        #expect(states == [.new, .new])
        #expect(try await absent(at: week + 3) == 0)
        try await runs(after: week + 1)
        #expect(try await absent(at: week + 24 * 6) == 0, "seven days have not passed since")
        #expect(try await absent(at: week * 2) == 2)
    }

    @Test("that it was resolved again after that, also where what has come since was there first", arguments: [500, 1])
    func resolvedAgain(pageSize: Int) async throws {
        let fixture = GroupFixture()
        let first = fixture.batch([1, 137].map { GroupFixture.ended(1, code: $0) }, at: 0, commit: "c1")
        try await fixture.deliver(first)
        let whole = first.failures[0].signature
        let resolutions = [1.0, 3].map { Resolution(at: GroupFixture.hour($0), by: "usr_1", branch: "", commit: "") }
        _ = try await fixture.triage.apply(.resolve(resolutions[0]), to: whole.id.group, fixture.scope)
        _ = try await fixture.triage.apply(.reopen(by: "usr_2", at: GroupFixture.hour(2)), to: whole.id.group, fixture.scope)
        _ = try await fixture.triage.apply(.resolve(resolutions[1]), to: whole.id.group, fixture.scope)
        try await fixture.deliver(fixture.batch([GroupFixture.ended(2, code: 137)], at: 6, commit: "c2"))
        _ = try await fixture.cut(Self.text, of: whole.id, at: GroupFixture.hour(9))
        try await fixture.deliver(fixture.batch([GroupFixture.ended(3, code: 137)], at: 10, commit: "c3"))
        try await fixture.carryOut(pageSize: pageSize)
        let out = try await fixture.groups.get(whole.cut(by: Self.text).id.group, fixture.scope)
        #expect(out.state == .regressed && out.resolution == resolutions[1] && out.regression?.commit == "c2" && out.failures == 3)
    }
}
