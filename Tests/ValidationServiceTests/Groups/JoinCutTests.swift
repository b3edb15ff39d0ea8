import Foundation
import Jobs
import Postgres
import Primitives
import TestSupport
import Testing

@testable import ValidationService

@Suite("a test is renamed while a signature is cut", .database(ValidationProgram.schema, JobSchema.schema))
struct JoinCutTests {
    private static let text = "exit code 137"

    private func batches(_ fixture: GroupFixture, _ chance: inout Chance) -> [FailureBatch] {
        (0..<8).map { number in
            // Both in each, so that the text stands in some of them.
            let codes = [1, 137] + (0..<3).map { _ in [1, 137].randomElement(using: &chance)! }
            let failures = codes.map { code in
                (message: GroupFixture.ended(7, code: code), test: Int.random(in: 0..<4, using: &chance))
            }
            return fixture.failing(
                failures, at: Double(Int.random(in: 0..<30, using: &chance)), name: "name \(number)",
                owners: number % 2 == 0 ? ["@\(number)"] : [])
        }
    }

    /// The same failures for each, however far the one has got when the other begins.
    private enum Course: Int, CaseIterable, Sendable { case cutFirst, joinFirst, cutBetween, joinBetween, pageByPage }

    @Test("both come to what the failures come to, whichever begins first and wherever the other comes in", arguments: 0..<3)
    func courses(seed: Int) async throws {
        var chance = Chance(UInt64(seed) &+ 70)
        let plain = GroupFixture()
        let batches = self.batches(plain, &chance)
        let whole = batches[0].failures[0].signature.id
        try await plain.rename(2, to: 0)
        try await plain.rename(3, to: 1)
        for batch in batches { try await plain.deliver(batch) }
        _ = try await plain.cut(Self.text, of: whole)
        try await plain.carryOut()
        try await plain.join()
        #expect(try await plain.miscounted().isEmpty)
        let expected = try await plain.counts()

        for course in Course.allCases {
            let fixture = GroupFixture(project: plain.project)
            for batch in batches { try await fixture.deliver(batch) }
            try await carryOut(course, fixture, whole)
            #expect(try await fixture.miscounted().isEmpty, "\(course)")
            #expect(try await fixture.disagreeing() == 0, "\(course)")
            #expect(try await fixture.counts() == expected, "\(course)")
            #expect(try await fixture.list().map(\.tests).max() == 2, "\(course)")
        }
    }

    @Test("what a cut moves behind the place that joining has reached is joined all the same, and whose the test is goes with it")
    func behind() async throws {
        let fixture = GroupFixture()
        func failing(_ codes: [Int], of test: Int, at hour: Double, owners: [String] = []) -> FailureBatch {
            fixture.failing(codes.map { (message: GroupFixture.ended(7, code: $0), test: test) }, at: hour, owners: owners)
        }
        let old = failing([1, 137, 137], of: 2, at: 0, owners: ["@a"])
        try await fixture.deliver(old)
        try await fixture.deliver(failing([1], of: 1, at: 1))
        let cut = try await fixture.cut(Self.text, of: old.failures[0].signature.id).decision.id
        // These are of the part at once.
        let new = failing(Array(repeating: 137, count: 6), of: 2, at: 2)
        try await fixture.deliver(new)
        let part = try await fixture.signature(of: new.failures[0].result.result)
        try await fixture.rename(2, to: 0)
        let payload = try #require(await fixture.takeJoin())
        let start = JoiningStore.Place(signature: ID(uuid: part.uuid), after: old.failures[0].result.result)
        var next = try await fixture.joining.step(payload, from: start, limit: 3, continuing: false, fixture.scope)
        #expect(next != .done && next != .page(nil))
        while try await fixture.cutting.step(cut, limit: 2, continuing: false, fixture.scope) {
            #expect(try await fixture.disagreeing() == 0)
        }
        while case .page(let place) = next {
            next = try await fixture.joining.step(payload, from: place, limit: 3, continuing: false, fixture.scope)
            #expect(try await fixture.disagreeing() == 0)
        }
        #expect(try await fixture.miscounted().isEmpty)
        for failure in old.failures + new.failures {
            #expect(try await fixture.failures.get(failure.result.result, tenant: fixture.tenant).test == GroupFixture.test(0))
        }
        let group = try await fixture.groups.get(part.group, fixture.scope)
        #expect(group.failures == 8 && group.tests == 1 && group.proposedOwners == ["@a"])
    }

    private func carryOut(_ course: Course, _ fixture: GroupFixture, _ whole: SignatureID) async throws {
        func rename() async throws {
            try await fixture.rename(2, to: 0)
            try await fixture.rename(3, to: 1)
        }
        func cut() async throws -> ID<GroupingDecision> { try await fixture.cut(Self.text, of: whole).decision.id }
        func stepCut(_ id: ID<GroupingDecision>) async throws -> Bool {
            let isMore = try await fixture.cutting.step(id, limit: 3, continuing: false, fixture.scope)
            #expect(try await fixture.disagreeing() == 0, "\(course)")
            return isMore
        }
        func stepJoin(_ payload: JoinTests.Payload, _ place: JoiningStore.Place?) async throws -> JoiningStore.Next {
            let next = try await fixture.joining.step(payload, from: place, limit: 4, continuing: false, fixture.scope)
            #expect(try await fixture.disagreeing() == 0, "\(course)")
            return next
        }
        switch course {
        case .cutFirst:
            _ = try await cut()
            try await fixture.carryOut(pageSize: 3)
            try await rename()
        case .joinFirst:
            try await rename()
            try await fixture.join(pageSize: 4)
            _ = try await cut()
            try await fixture.carryOut(pageSize: 3)
        case .cutBetween:
            try await rename()
            let payload = try #require(await fixture.takeJoin())
            var next = try await stepJoin(payload, nil)
            _ = try await cut()
            try await fixture.carryOut(pageSize: 3)
            while case .page(let place) = next { next = try await stepJoin(payload, place) }
        case .joinBetween:
            let id = try await cut()
            for _ in 0..<5 { _ = try await stepCut(id) }
            try await rename()
            try await fixture.join(pageSize: 4)
            while try await stepCut(id) {}
        case .pageByPage:
            let id = try await cut()
            for _ in 0..<3 { _ = try await stepCut(id) }
            try await rename()
            let payload = try #require(await fixture.takeJoin())
            var (next, isMore) = (JoiningStore.Next.page(nil), true)
            while isMore || next != .done {
                if case .page(let place) = next { next = try await stepJoin(payload, place) }
                if isMore { isMore = try await stepCut(id) }
            }
        }
        try await fixture.carryOut(pageSize: 3)
        try await fixture.join(pageSize: 4)
    }
}

extension GroupFixture {
    fileprivate func signature(of result: ID<ValidationService.Result>) async throws -> SignatureID {
        try await database.one(
            .tenant(tenant), "select signature_id from failures where tenant_id = \(tenant) and result_id = \(result)"
        ) { try $0.signature("signature_id") }
    }

    /// Of each signature what it counts of each test.
    fileprivate func counts() async throws -> [String] {
        try await database.rows(
            .tenant(tenant),
            """
            select jsonb_build_array(signature_id, test_id, test_name, failures, first_at, last_at)::text as line from signature_tests
            where tenant_id = \(tenant)
            order by signature_id, test_id
            """
        ) { try $0.value("line", as: String.self) }
    }
}
