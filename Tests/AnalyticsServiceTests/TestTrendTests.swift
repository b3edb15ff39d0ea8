import AnalyticsAPI
import CommonAPI
import Foundation
import GRPCCore
import Jobs
import Postgres
import Primitives
import ServiceKit
import SwiftProtobuf
import TestSupport
import Testing

@testable import AnalyticsService

@Suite("the trend and the durations of one test", .database(AnalyticsProgram.schema, JobSchema.schema))
struct TestTrendTests {
    typealias TestID = ID<AnalyticsService.Test>

    let tenant = ID<Tenant>.new()
    let project = ID<AnalyticsService.Project>.new()
    let test = TestID.new()
    let now = Date()

    private var database: Database { TestDatabase.current.database }
    private var facts: FactStore { FactStore(database: database, stabilities: StabilityStore(database: database)) }

    /// Executions of one run.
    private func insert(
        minutesAgo: Double, branch: String = "main", commit: String = "c", _ executions: [(outcome: Outcome, duration: Int64?)]
    ) async throws {
        try await facts.insert(
            FactBatch(
                project: project, run: .new(), event: UUID().uuidString, branch: branch, commit: commit, startedAt: now - minutesAgo * 60,
                facts: executions.map {
                    Fact(result: .new(), test: test, suiteName: "s", className: "", name: "n", outcome: $0.outcome, duration: $0.duration)
                }), tenant: tenant)
    }

    private func serve<R: Sendable>(as caller: Caller? = nil, _ body: (InProcess.Client) async throws -> R) async throws -> R {
        let tests = TestStore(database: database)
        return try await InProcess.serve(
            [
                TestTrendsRPC(tests: tests, days: TestDayStore(database: database), revisions: RevisionStore(database: database)),
                TestDurationsRPC(tests: tests, facts: facts, revisions: RevisionStore(database: database)),
            ],
            rules: AnalyticsContract.rules, as: caller ?? .service("gateway", tenant: tenant), signedBy: "gateway", body)
    }

    private func trend(_ client: InProcess.Client, _ change: (inout PBGetTestTrendRequest) -> Void = { _ in }) async throws -> PBTestTrend {
        var request = PBGetTestTrendRequest()
        request.test = test.description
        change(&request)
        return try await PBTestTrends.Client(wrapping: client).getTestTrend(request)
    }

    @Test("days have counts, pass rate and percentiles; what was skipped has no duration, and a day without a run is a day")
    func days() async throws {
        let day = 24 * 60.0
        try await insert(minutesAgo: 2 * day, (1...100).map { (.passed, Int64($0) * 1_000) } + [(.skipped, 9_000_000), (.failed, nil)])
        try await insert(minutesAgo: 0, branch: "topic", [(.errored, 5_000)])
        try await insert(minutesAgo: 60 * day, [(.failed, 7)])
        try await serve { client in
            let found = try await trend(client) { $0.days = 3 }
            #expect(found.data.map(\.day) == [2, 1, 0].map { (now - $0 * 86_400).day } && found.data.map(\.complete) == [true, true, false])
            let busy = found.data[0]
            #expect(busy.counts.passed == 100 && busy.counts.failed == 1 && busy.counts.skipped == 1 && busy.passRate == 100.0 / 101)
            let percentiles = [busy.durations.p50Us, busy.durations.p90Us, busy.durations.p95Us, busy.durations.p99Us]
            for (told, exact) in zip(percentiles, [50_000, 90_000, 95_000, 99_000]) { #expect((exact...exact + exact / 128).contains(Int(told))) }
            #expect(busy.durations.maxUs == 100_000 && busy.durations.count == 100 && busy.testDurationMs == 5_050)
            #expect(!found.data[1].hasPassRate && !found.data[1].hasDurations && found.data[1].counts.total == 0)
            #expect(found.executions == 103 && !found.shortened && !busy.hasRuns)
            let topic = try await trend(client) { ($0.days, $0.branch) = (3, "topic") }
            #expect(topic.data.map(\.counts.total) == [0, 0, 1] && topic.data[2].durations.p99Us == 5_000)
            // A month is whole wherever its window begins.
            let months = try await trend(client) { ($0.days, $0.period) = (60, .month) }
            #expect(months.data.first?.day == TrendPeriod.month.start(of: (now - 59 * day * 60).day))
            #expect(months.data.last?.complete == false && months.executions >= 103)
        }
    }

    @Test("durations have their percentiles and the executions since when they are at another level; skipped ones and those without do not count")
    func durations() async throws {
        for index in 0..<60 {
            let pace = Int64(index < 40 ? 10_000 : 16_000) + Int64(index * 37 % 400)
            try await insert(minutesAgo: Double(600 - index), commit: "c\(index)", [(index % 9 == 4 ? .failed : .passed, pace)])
            if index % 10 == 0 { try await insert(minutesAgo: Double(600 - index) - 0.5, [(.skipped, 1), (.passed, nil)]) }
        }
        try await serve { client in
            let durations = PBTestDurations.Client(wrapping: client)
            let found = try await durations.getTestDurations(.with { $0.test = test.description })
            #expect(found.durations.count == 60 && found.durations.p50Us > 10_000 && found.durations.maxUs > 16_000)
            let change = try #require(found.data.first)
            #expect(found.data.count == 1 && change.commitSha == "c40" && abs(change.executedAt.date.timeIntervalSince(now - 560 * 60)) < 1)
            #expect((10_000..<10_400).contains(change.beforeUs) && (16_000..<16_400).contains(change.afterUs) && change.result.hasPrefix("res_"))
            #expect(found.edition == ChangePoints.edition && found.inputHash.count == 16)
            let nothing = try await durations.getTestDurations(.with { ($0.test, $0.branch) = (test.description, "other") })
            #expect(!nothing.hasDurations && nothing.data.isEmpty && nothing.edition == found.edition && nothing.inputHash != found.inputHash)
            let missing = try await InProcess.fault { try await durations.getTestDurations(.with { $0.test = TestID.new().description }) }
            #expect(missing.code == "test.not_found")
        }
        let stranger = Caller.service("gateway", tenant: .new())
        try await serve(as: stranger) { client in
            let fault = try await InProcess.fault { try await trend(client) }
            #expect(fault.code == "test.not_found")
        }
    }

    @Test("of a branch the newest 500 are taken, not those of the newest 500 of all branches")
    func branch() async throws {
        for index in 0..<20 { try await insert(minutesAgo: 3_000 + Double(index), branch: "release", [(.passed, 70)]) }
        for index in 0..<4 { try await insert(minutesAgo: Double(index), (0..<200).map { _ in (.passed, 50) }) }
        try await serve { client in
            let durations = PBTestDurations.Client(wrapping: client)
            let release = try await durations.getTestDurations(.with { ($0.test, $0.branch) = (test.description, "release") })
            #expect(release.durations.count == 20 && release.durations.p50Us == 70)
            let main = try await durations.getTestDurations(.with { ($0.test, $0.branch) = (test.description, "main") })
            #expect(main.durations.count == 500 && main.durations.maxUs == 50)
        }
    }
}
