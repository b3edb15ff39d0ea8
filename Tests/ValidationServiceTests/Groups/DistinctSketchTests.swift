import Foundation
import Jobs
import Postgres
import Primitives
import TestSupport
import Testing

@testable import ValidationService

@Suite("different tests of an hour")
struct DistinctSketchTests {
    private static func ids(_ count: Int, _ chance: inout Chance) -> [UUID] {
        (0..<count).map { _ in SignatureID(high: chance.next(), low: chance.next()).uuid }
    }

    /// As the store puts sketches together.
    private static func estimate(_ sketches: [[Int16]]) -> Int64 {
        let ranks = Dictionary(sketches.joined().map { ($0 >> 5, $0 & 31) }, uniquingKeysWith: max)
        return DistinctSketch.estimate(used: ranks.count, sum: ranks.values.reduce(0) { $0 + pow(2, -Double($1)) })
    }

    @Test(
        "of few the count is right or nearly so; of many it is within four standard errors, and one standard error on average",
        arguments: [
            0, 1, 2, 5, 10, 50, 200, 1_000, 2_500, 5_000, 20_000, 100_000,
        ])
    func bound(count: Int) {
        var squares = 0.0
        let sets = count > 10_000 ? 8 : 30
        for seed in 1...UInt64(sets) {
            var chance = Chance(seed)
            let estimate = Self.estimate([DistinctSketch.entries(of: Self.ids(count, &chance))])
            let error = Double(estimate) - Double(count)
            squares += error * error
            #expect(abs(error) <= max(2, 4 * 0.0325 * Double(count)), "\(count) were taken for \(estimate)")
            if count <= 2 { #expect(Int(estimate) == count) }
        }
        let deviation = (squares / Double(sets)).squareRoot()
        #expect(deviation <= max(1, 1.6 * 0.0325 * Double(count)), "\(deviation) of \(count)")
    }

    @Test("put together they are the sketch of all, whatever is in several, in any order", arguments: 1...10 as ClosedRange<UInt64>)
    func union(seed: UInt64) {
        var chance = Chance(seed)
        let all = Self.ids(900, &chance)
        let parts = [Array(all[..<500]), Array(all[300...]), Array(all[100..<400])]
        let whole = DistinctSketch.entries(of: all)
        #expect(Self.estimate(parts.map { DistinctSketch.entries(of: $0) }) == Self.estimate([whole]))
        #expect(Self.estimate(parts.reversed().map { DistinctSketch.entries(of: $0) }) == Self.estimate([whole, whole]))
        #expect(DistinctSketch.entries(of: all.shuffled(using: &chance)) == whole && whole.count <= DistinctSketch.registers)
        #expect(Set(whole.map { $0 >> 5 }).count == whole.count && whole.allSatisfy { $0 >= 0 && $0 & 31 > 0 })
    }
}

@Suite("different tests of a group's hours", .database(ValidationProgram.schema, JobSchema.schema))
struct DistinctTestsTests {
    @Test("tests are counted once however often they fail, across signatures, hours of a day and deliveries that come again")
    func counted() async throws {
        let fixture = GroupFixture()
        let message = "connection to 10.0.0.1:1 refused"
        let first = fixture.batch([message, message, message], at: 0)
        try await fixture.deliver(first)
        try await fixture.deliver(first)
        // Two of the same tests and a new one, an hour later in another run.
        try await fixture.deliver(fixture.batch(["nothing like it", message, message, message], at: 1))
        let group = try #require(await fixture.list(by: .failures).first)
        #expect(group.failures == 6)
        let hourly = try await fixture.groups.hours(of: group.id, since: GroupFixture.hour(-1), fixture.scope)
        #expect(hourly.map(\.failures) == [3, 3] && hourly.map(\.tests) == [3, 3])
        let daily = try await fixture.groups.hours(of: group.id, since: GroupFixture.hour(-1), step: 86_400, fixture.scope)
        #expect(daily.map(\.failures) == [6] && daily.map(\.tests) == [4])
        // What an earlier release counted has failures, and nobody knows of which tests.
        try await fixture.database.execute(
            .tenant(fixture.tenant), "update signature_hours set tests = null where tenant_id = \(fixture.tenant) and hour <= \(GroupFixture.hour(0))"
        )
        let older = try await fixture.groups.hours(of: group.id, since: GroupFixture.hour(-1), fixture.scope)
        #expect(older.map(\.tests) == [nil, 3])
        // Nor of a day that has such an hour.
        let mixed = try await fixture.groups.hours(of: group.id, since: GroupFixture.hour(-1), step: 86_400, fixture.scope)
        #expect(mixed.map(\.failures) == [6] && mixed.map(\.tests) == [nil])
    }

    @Test("of more hours than are put together for one answer the tests are not told, and the failures are")
    func bounded() async throws {
        let fixture = GroupFixture()
        try await fixture.deliver(fixture.batch(["connection to 10.0.0.1:1 refused"], at: 0))
        let group = try #require(await fixture.list(by: .failures).first)
        for (more, tests) in [(GroupStore.mostSketches - 1, Int64(1)), (1, nil)] as [(Int, Int64?)] {
            try await fixture.database.execute(
                .tenant(fixture.tenant),
                """
                insert into signature_hours (tenant_id, project_id, signature_id, hour, failures, tests)
                select tenant_id, project_id, signature_id, hour - make_interval(hours => n::integer), failures, tests
                from (select * from signature_hours where tenant_id = \(fixture.tenant) order by hour limit 1) h, generate_series(1, \(more)) n
                """)
            let since = GroupFixture.hour(-Double(GroupStore.mostSketches) - 1)
            let hours = try await fixture.groups.hours(of: group.id, since: since, fixture.scope)
            #expect(hours.map(\.tests) == Array(repeating: tests, count: hours.count) && hours.allSatisfy { $0.failures == 1 })
            #expect(hours.count == GroupStore.mostSketches + (tests == nil ? 1 : 0))
            // Later hours alone are few.
            let late = try await fixture.groups.hours(of: group.id, since: GroupFixture.hour(-10), fixture.scope)
            #expect(!late.isEmpty && late.allSatisfy { $0.tests == 1 })
        }
    }
}
