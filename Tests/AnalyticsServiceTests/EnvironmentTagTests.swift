import Foundation
import Jobs
import Postgres
import Primitives
import TestSupport
import Testing

@testable import AnalyticsService

@Suite("what is put down to the environment, by tags of runs", .database(AnalyticsProgram.schema, JobSchema.schema))
struct EnvironmentTagTests {
    private let ill = IllEnvironment()

    /// Nine runs of one commit on three hosts, each with a tag of its host; on `ill` ten of the tests fail.
    private func illHost() async throws {
        for number in 0..<9 {
            let host = ["good", "ill", "fair"][number % 3]
            try await ill.run(number, on: host, failing: host == "ill" ? Set(0..<10) : [], tags: ["ci:x", "on:\(host)", "ci:x", ""])
        }
    }

    private func environmental(_ dimension: TrendDimension, _ value: String) async throws -> Int64 {
        try await ill.database.one(
            .tenant(ill.tenant),
            """
            select coalesce(sum(environmental), 0)::bigint as n from rollups
            where tenant_id = \(ill.tenant) and project_id = \(ill.project) and dimension = \(dimension.rawValue) and value = \(value)
            """
        ) { try $0.value("n") }
    }

    /// In all, of all under their tags, and under two tags.
    private func numbers() async throws -> [Int64] {
        let tagged = try await ill.database.one(
            .tenant(ill.tenant), "select sum(environmental_tagged)::bigint as n from rollups where tenant_id = \(ill.tenant) and dimension = 'all'"
        ) { try $0.value("n", as: Int64.self) }
        return [try await environmental(.all, ""), tagged, try await environmental(.tag, "ci:x"), try await environmental(.tag, "on:ill")]
    }

    private func decide(_ decision: EnvironmentVerdict.Decision) async throws {
        let incident = try #require(try await ill.incidents().first)
        let isChanged = try await ill.environments.decide(decision, on: incident, by: "usr_1", reason: "", at: Date(), tenant: ill.tenant)
        #expect(isChanged)
    }

    @Test("it is counted under each tag of its run, once however often it is looked for, and given back and taken again long after the run left")
    func counted() async throws {
        try await illHost()
        for minutes in [60.0, 61] {
            try await ill.search(minutes: minutes)
            #expect(try await numbers() == [30, 30, 30, 30])
        }
        #expect(try await environmental(.tag, "on:good") == 0)
        try await decide(.dismissed)
        #expect(try await numbers() == [0, 0, 0, 0])
        try await ill.database.execute(.tenant(ill.tenant), "delete from environment_runs where tenant_id = \(ill.tenant)")
        try await decide(.reinstated)
        #expect(try await numbers() == [30, 30, 30, 30])
    }

    @Test("what turns out to fail elsewhere, and tests that become one, leave it right")
    func later() async throws {
        try await illHost()
        try await ill.search()
        let aliases = AliasStore(database: ill.database, stabilities: ill.stabilities, quarantines: ill.quarantines)
        try await aliases.set(ill.tests[0], to: ill.tests[1], project: ill.project, tenant: ill.tenant)
        #expect(try await numbers() == [30, 30, 30, 30])
        for number in 10..<14 { try await ill.run(number, on: ["good", "fair"][number % 2], failing: Set(0..<10), tags: ["ci:x"]) }
        try await ill.search(minutes: 62)
        #expect(try await ill.incidents().map(\.state) == [.withdrawn])
        #expect(try await numbers() == [0, 0, 0, 0])
    }

    @Test("failures whose run's tags nobody knows are counted in all and under no tag, and are given back as they were taken")
    func unknown() async throws {
        try await illHost()
        // As by the release before, which knew of no tags.
        try await ill.database.execute(.tenant(ill.tenant), "update environment_runs set tags = null where tenant_id = \(ill.tenant)")
        try await ill.search()
        #expect(try await numbers() == [30, 0, 0, 0])
        try await ill.run(9, on: "ill", failing: Set(0..<10), tags: ["ci:x", "on:ill"])
        try await ill.search(minutes: 61)
        #expect(try await numbers() == [40, 10, 10, 10])
        try await decide(.dismissed)
        #expect(try await numbers() == [0, 0, 0, 0])
    }

    @Test("a run whose deliveries say different tags has none that are known; the same in another order are the same, and none is known too")
    func deliveries() async throws {
        let run = ID<Run>.new()
        func deliver(_ run: ID<Run>, tags: [String]) async throws -> [String]? {
            let fact = Fact(result: .new(), test: .new(), suiteName: "s", className: "", name: "n", outcome: .failed, duration: nil, host: "h")
            let batch = FactBatch(
                project: ill.project, run: run, event: UUID().uuidString, branch: "main", commit: "c", tags: tags, startedAt: ill.began,
                facts: [fact])
            try await FactStore(database: ill.database, stabilities: ill.stabilities).insert(batch, tenant: ill.tenant)
            return try await ill.database.one(
                .tenant(ill.tenant), "select tags from environment_runs where tenant_id = \(ill.tenant) and run_id = \(run)"
            ) { try $0.value("tags", as: [String]?.self) }
        }
        #expect(try await deliver(run, tags: ["b", "a", ""]) == ["a", "b"])
        #expect(try await deliver(run, tags: ["a", "b"]) == ["a", "b"])
        #expect(try await deliver(run, tags: ["a"]) == nil)
        #expect(try await deliver(run, tags: ["a", "b"]) == nil)
        #expect(try await deliver(.new(), tags: []) == [])
    }

    @Test("of one day, what is given back without tags leaves what was taken with them")
    func mixed() {
        func failure(_ result: ID<Result>) -> PlacedFailure {
            PlacedFailure(
                result: result, test: ill.tests[0], place: PlacedRun.Place(run: .new(), host: "h", zone: ""), group: 1, branch: "main",
                environment: "", commit: "c", startedAt: ill.began, failedTries: 0)
        }
        let (one, other) = (ID<Result>.new(), ID<Result>.new())
        let long = String(repeating: "x", count: 500)
        let counts = EnvironmentCounts(taken: [failure(one)], given: [failure(other)], suites: [:], tags: [one: ["a", long]])
        let day = ill.began.day
        #expect(
            counts.changes == [
                RollupKey(dimension: .all, value: "", day: day): .init(failures: 0, tagged: 1),
                RollupKey(dimension: .tag, value: "a", day: day): .init(failures: 1),
                RollupKey(dimension: .tag, value: String(repeating: "x", count: RollupKey.mostCharacters), day: day): .init(failures: 1),
            ])
        #expect(RollupKey.values(ofTags: ["b", long + "1", long + "2", "a", "b", ""]).map(\.count) == [1, 1, RollupKey.mostCharacters])
    }
}
