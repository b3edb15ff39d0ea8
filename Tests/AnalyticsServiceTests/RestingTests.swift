import Foundation
import Jobs
import Postgres
import Primitives
import TestSupport
import Testing

@testable import AnalyticsService

@Suite("tests that do not run any more", .serialized, .database(AnalyticsProgram.schema, JobSchema.schema))
struct RestingTests {
    typealias TestID = ID<AnalyticsService.Test>

    private let tenant = ID<Tenant>.new()
    private let project = ID<AnalyticsService.Project>.new()
    private let began = Date(timeIntervalSince1970: 1_790_000_000)

    private var database: Database { TestDatabase.current.database }
    private var stabilities: StabilityStore { StabilityStore(database: database) }
    private var tests: TestStore { TestStore(database: database) }
    private var verdicts: TestVerdictStore { TestVerdictStore(database: database) }

    /// `p`assed, `f`ailed, one run a minute, all of one commit.
    private func send(_ history: String, of test: TestID, day: Double) async throws {
        let facts = FactStore(database: database, stabilities: stabilities)
        for (minute, letter) in history.enumerated() {
            try await facts.insert(
                FactBatch(
                    project: project, run: .new(), event: UUID().uuidString, branch: "main", commit: "c",
                    startedAt: began + day * 86_400 + Double(minute) * 60,
                    facts: [
                        Fact(
                            result: .new(), test: test, suiteName: "s", className: "c", name: "n", outcome: letter == "p" ? .passed : .failed,
                            duration: 1)
                    ]), tenant: tenant)
        }
    }

    private func listed(_ said: TestStore.Said = .anybody) async throws -> Int {
        try await tests.flaky(PageRequest(limit: 50, cursor: ""), said: said, project: project, tenant: tenant).items.count
    }

    /// How many are in the list of these kinds, in both orders.
    private func known(_ kinds: Set<StabilityVerdict.Kind>) async throws -> [Int] {
        var counts: [Int] = []
        for order in [TestOrder.rank, .id] {
            let page = try PageRequest(limit: 50, cursor: "")
            counts.append(try await tests.list(page, kinds: kinds, by: order, project: project, tenant: tenant).items.count)
        }
        return counts
    }

    private func census() async throws -> TestCensus { try await tests.census(project: project, tenant: tenant) }

    @Test("a test that has not run for long is in no list of flaky tests or of a kind and in no census until it runs again; what is known stays")
    func rests() async throws {
        let (gone, said, living) = (TestID.new(), TestID.new(), TestID.new())
        let flaky = "pppfppppfpppppfpppppfppp"
        try await send(flaky, of: gone, day: 0)
        try await send("ppppp", of: said, day: 0)
        try await send(flaky, of: living, day: 50)
        let word = try await verdicts.put(.flaky, reason: "clock", on: said, version: 0, by: "usr_a", tenant: tenant)
        let before = try await tests.get(gone, tenant: tenant).stability
        #expect(before?.kind == .flaky)

        try await tests.rest(at: began + 55 * 86_400, atOnce: 1)
        #expect(try await listed() == 3)
        #expect(try await known([.flaky]) == [3, 3])
        let revision = try await RevisionStore(database: database).current(project: project, tenant: tenant).number
        try await tests.rest(at: began + 70 * 86_400, atOnce: 1)
        #expect(try await RevisionStore(database: database).current(project: project, tenant: tenant).number != revision)
        #expect(try await listed() == 1)
        #expect(try await listed(.person) == 0)
        #expect(try await known([.flaky, .broken]) == [1, 1])
        #expect(try await known([]) == [3, 3], "all tests are all tests")
        #expect(try await census() == TestCensus(tests: 1, flaky: 1, broken: 0))
        #expect(try await tests.get(gone, tenant: tenant).stability == before)
        #expect(try await tests.get(said, tenant: tenant).verdict == word)
        #expect(try await stabilities.replay(gone, tenant: tenant).agrees)

        // Older runs that are imported wake nothing, a newer one does.
        try await send("p", of: gone, day: -3)
        #expect(try await listed() == 1)
        try await send("p", of: gone, day: 69)
        try await send("p", of: said, day: 69)
        #expect(try await listed() == 3)
        #expect(try await listed(.person) == 1)
        #expect(try await known([.flaky]) == [3, 3])
        #expect(try await census() == TestCensus(tests: 3, flaky: 3, broken: 0))
    }

    @Test("what a release took in that knows of no rest is awake after the next sweep")
    func wakes() async throws {
        let test = TestID.new()
        try await send("pppfppppfpppppfpppppfppp", of: test, day: 0)
        try await tests.rest(at: began + 70 * 86_400)
        #expect(try await listed() == 0)
        try await database.execute(
            .tenant(tenant), "update tests set last_seen_at = \(began + 69 * 86_400) where tenant_id = \(tenant) and id = \(test)")
        try await tests.rest(at: began + 70 * 86_400)
        #expect(try await listed() == 1)
    }
}
