import Foundation
import Jobs
import Primitives
import TestSupport
import Testing

@testable import AnalyticsService

@Suite("where tests turned", .database(AnalyticsProgram.schema, JobSchema.schema))
struct TurnTests {
    let tenant = ID<Tenant>.new()
    let project = ID<Project>.new()
    let began = Date(timeIntervalSince1970: 1_790_000_000)

    /// `p`assed, `f`ailed, `s`kipped, one run a minute; the commit is the letter's place.
    private func send(_ history: String, of test: ID<AnalyticsService.Test>, branch: String = "main") async throws {
        let database = TestDatabase.current.database
        let facts = FactStore(database: database, stabilities: StabilityStore(database: database))
        for (index, letter) in history.enumerated() {
            let outcome: Outcome = letter == "p" ? .passed : letter == "s" ? .skipped : .failed
            try await facts.insert(
                FactBatch(
                    project: project, run: .new(), event: UUID().uuidString, branch: branch, commit: "\(branch)-\(index)",
                    startedAt: began + Double(index) * 60,
                    facts: [Fact(result: .new(), test: test, suiteName: "s", className: "c", name: "n", outcome: outcome, duration: 1)]),
                tenant: tenant)
        }
    }

    @Test(
        "the last pass and the first failure after it, on this branch and until the run that is asked for",
        arguments: [
            ("ppfff", 4, "main-1", "main-2"), ("ppfff", 3, "main-1", "main-2"), ("fpfpsff", 6, "main-3", "main-5"), ("fff", 2, nil, "main-0"),
            ("ppfp", 2, "main-1", "main-2"), ("pp", 1, "main-1", nil), ("ppfff", 1, "main-1", nil),
        ] as [(String, Int, String?, String?)])
    func turn(history: String, until: Int, pass: String?, failure: String?) async throws {
        let test = ID<AnalyticsService.Test>.new()
        try await send(history, of: test)
        try await send("pppppppppp", of: test, branch: "other")
        let found = try await TurnStore(database: TestDatabase.current.database).list(
            [.new(), test], branch: "main", environment: "", until: began + Double(until) * 60, project: project, tenant: tenant)
        try #require(found.count == 2)
        #expect(found[0].lastPass == nil && found[0].firstFailure == nil)
        #expect(found[1].test == test && found[1].lastPass?.commit == pass && found[1].firstFailure?.commit == failure)
    }
}
