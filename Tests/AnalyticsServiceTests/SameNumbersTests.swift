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

@Suite("the same numbers wherever they are told", .database(AnalyticsProgram.schema, JobSchema.schema))
struct SameNumbersTests {
    typealias TestID = ID<AnalyticsService.Test>

    let tenant = ID<Tenant>.new()
    let project = ID<AnalyticsService.Project>.new()
    let now = Date()

    private var database: Database { TestDatabase.current.database }
    private var tests: TestStore { TestStore(database: database) }
    private var rollups: RollupStore { RollupStore(database: database) }
    private var days: TestDayStore { TestDayStore(database: database) }
    private var facts: FactStore { FactStore(database: database, stabilities: StabilityStore(database: database)) }

    private func serve<R: Sendable>(_ body: (InProcess.Client) async throws -> R) async throws -> R {
        let revisions = RevisionStore(database: database)
        return try await InProcess.serve(
            [
                TrendsRPC(rollups: rollups, revisions: revisions),
                QualityScoresRPC(tests: tests, rollups: rollups, sheets: SheetStore(database: database), revisions: revisions),
                TestTrendsRPC(tests: tests, days: days, revisions: revisions), TestsRPC(tests: tests, facts: facts, revisions: revisions),
                TestGridsRPC(tests: tests, facts: facts, revisions: revisions),
            ], rules: AnalyticsContract.rules, as: .service("gateway", tenant: tenant), signedBy: "gateway", body)
    }

    @Test("trend, values, score, sheets, grid, tests and their trends tell the same sums of a project", arguments: 1...4)
    func faces(seed: UInt64) async throws {
        var random = SplitMix(seed: seed)
        let known = (0..<8).map { _ in TestID.new() }
        var told = AnalyticsService.Tally()
        var times: [TestID: [Int64]] = [:]
        for run in 0..<20 {
            let facts = known.compactMap { test -> Fact? in
                guard Int.random(in: 0..<5, using: &random) > 0 else { return nil }
                let outcome = Outcome.allCases[Int.random(in: 0..<4, using: &random)]
                // As JUnit's time="0" of what was skipped: it is no duration, and pulls nothing down.
                let duration: Int64 = outcome == .skipped ? 0 : Int64.random(in: 0..<9_000, using: &random) * 1_000
                told.count(outcome)
                if outcome != .skipped { times[test, default: []].append(duration) }
                return Fact(result: .new(), test: test, suiteName: "s\(run % 3)", className: "", name: "n", outcome: outcome, duration: duration)
            }
            let batch = FactBatch(
                project: project, run: .new(), event: "\(run)", branch: "main", commit: "c\(run)",
                startedAt: now - Double(Int.random(in: 0..<4, using: &random)) * 86_400 - Double(run), facts: facts)
            for _ in 0..<Int.random(in: 1...2, using: &random) { try await self.facts.insert(batch, tenant: tenant) }
            if run == 12 {
                let job = Job(tenant: tenant, kind: RollUpTestDays.Payload.kind)
                try await RollUpTestDays(days: days, jobs: JobQueue(database: database)).handle(.init(project: project), job)
            }
        }
        // What the release before this one reads is told by nobody any more.
        try await database.execute(
            .tenant(tenant), "update days set passed = passed + 7, duration_us = 0 where tenant_id = \(tenant) and project_id = \(project)")
        let time = times.values.joined().reduce(0, +)
        try await serve { [times, told] client in
            func sum(_ counts: [PBCounts]) -> AnalyticsService.Tally {
                counts.reduce(into: AnalyticsService.Tally()) {
                    $0.add(.init(passed: $1.passed, failed: $1.failed, errored: $1.errored, skipped: $1.skipped))
                }
            }
            let trends = PBTrends.Client(wrapping: client)
            for period in [PBTrendPeriod.Value.day, .week, .month] {
                let whole = try await trends.getTrend(.with { ($0.project, $0.period) = (project.description, period) }).data
                #expect(sum(whole.map(\.counts)) == told && whole.reduce(0) { $0 + $1.durations.count } == Int64(told.judged))
                let part = try await trends.getTrend(
                    .with { ($0.project, $0.period, $0.dimension, $0.value) = (project.description, period, .branch, "main") }
                ).data
                #expect(whole.map(\.counts) == part.map(\.counts) && whole.map(\.testDurationMs) == part.map(\.testDurationMs))
                #expect(whole.reduce(0) { $0 + $1.testDurationMs } == time / 1_000)
            }
            for dimension in [PBTrendDimension.Value.branch, .suite] {
                let values = try await trends.listTrendValues(.with { ($0.project, $0.dimension) = (project.description, dimension) }).data
                #expect(sum(values.map(\.counts)) == told)
            }
            let score = try await PBQualityScores.Client(wrapping: client).getQualityScore(.with { $0.project = project.description }).data
            #expect(score.first { $0.name == .failing }?.measured == Double(told.bad) / Double(told.judged))
            #expect(score.first { $0.name == .skipped }?.measured == Double(told.skipped) / Double(told.total))
            let main = try #require(RunSet(branch: "main", environment: ""))
            let sheet = try await SheetStore(database: database).sheet(of: main, in: WeekRange(4, now: now), project: project, tenant: tenant)
            let sums = sheet.rows.map(\.sums)
            #expect(sums.reduce(0) { $0 + $1.passed } == told.passed && sums.reduce(0) { $0 + $1.failed } == told.bad)
            #expect(sums.reduce(0) { $0 + $1.skipped } == told.skipped)
            let grid = try await PBTestGrids.Client(wrapping: client).getTestGrid(.with { ($0.project, $0.runs) = (project.description, 50) })
            #expect(grid.data.reduce(0) { $0 + $1.cells.count } == Int(told.total))
            #expect(grid.data.flatMap(\.cells).count { $0.outcome == .passed } == Int(told.passed))
            let listed = try await PBTests.Client(wrapping: client).listTests(.with { $0.project = project.description }).data
            #expect(sum(listed.map(\.counts)) == told)
            var byTest: [PBCounts] = []
            var testTime: Int64 = 0
            for test in listed {
                let own = try times[ID(test.id, field: "test")] ?? []
                #expect(test.hasMeanDurationUs ? test.meanDurationUs == own.reduce(0, +) / Int64(own.count) : own.isEmpty)
                let trend = try await PBTestTrends.Client(wrapping: client).getTestTrend(.with { $0.test = test.id }).data
                byTest += trend.map(\.counts)
                testTime += trend.reduce(0) { $0 + $1.testDurationMs }
            }
            #expect(sum(byTest) == told && testTime == time / 1_000)
        }
    }

    @Test("what is put down to the environment is as much by branch, suite and tag as in all, and as the failures are that it takes")
    func environmental() async throws {
        let stabilities = StabilityStore(database: database)
        let environments = EnvironmentStore(database: database, stabilities: stabilities)
        let known = (0..<12).map { _ in TestID.new() }
        for number in 0..<9 {
            let host = ["good", "ill", "fair"][number % 3]
            let batch = FactBatch(
                project: project, run: .new(), event: "\(number)", branch: "main", commit: "c", environment: "staging",
                tags: ["ci:x", "os:\(number % 2)"], startedAt: now - Double(9 - number) * 60,
                facts: known.enumerated().map { index, test in
                    Fact(
                        result: .new(), test: test, suiteName: "s\(index % 3)", className: "c\(index)", name: "n",
                        outcome: host == "ill" && index < 10 ? .errored : .passed, duration: 1, host: host)
                })
            try await facts.insert(batch, tenant: tenant)
        }
        func check(_ expected: Int64) async throws {
            let counted = try await database.one(
                .tenant(tenant),
                """
                select count(*) as n from environment_failures f
                left join environment_incidents i on i.tenant_id = f.tenant_id and i.id = f.incident_id and i.state = 'standing'
                where f.tenant_id = \(tenant) and not f.passed and (f.said_environment or i.id is not null)
                """
            ) { try $0.value("n", as: Int64.self) }
            #expect(counted == expected)
            let parts: [(dimension: TrendDimension, values: [String])] = [
                (.all, [""]), (.branch, ["main"]), (.environment, ["staging"]), (.suite, ["s0", "s1", "s2"]), (.tag, ["ci:x"]),
                (.tag, ["os:0", "os:1"]),
            ]
            for part in parts {
                var sum = Day(day: "")
                for value in part.values {
                    for day in try await rollups.days(part.dimension, value, project: project, last: 3, tenant: tenant) { sum.add(day) }
                }
                #expect(sum.environmental == expected && sum.untagged == 0 && sum.telling.errored == 30 - expected, "\(part)")
            }
        }
        try await check(0)
        try await SearchEnvironment(environments: environments).handle(
            .init(project: project), Job(tenant: tenant, kind: SearchEnvironment.Payload.kind))
        try await check(30)
        let incident = try #require(
            try await environments.list(PageRequest(limit: 5, cursor: ""), states: nil, project: project, tenant: tenant).items.first)
        for (decision, expected) in [(EnvironmentVerdict.Decision.dismissed, Int64(0)), (.reinstated, 30)] {
            _ = try await environments.decide(decision, on: incident, by: "usr_1", reason: "", at: now, tenant: tenant)
            try await check(expected)
        }
        // What a person says of single failures is counted alike, once beside an incident.
        let failures = try await environments.window(of: project, at: now, tenant: tenant).failures.prefix(7)
        func say(_ isEnvironment: Bool, version: Int64) async throws {
            let verdicts = failures.map {
                FailureVerdict(result: $0.result, isEnvironment: isEnvironment, version: version, decidedAt: now)
            }
            #expect(try await environments.hear(verdicts, of: project, tenant: tenant).isEmpty)
        }
        try await say(true, version: 2)
        try await check(30)
        _ = try await environments.decide(.dismissed, on: incident, by: "usr_1", reason: "", at: now, tenant: tenant)
        try await check(7)
        try await say(false, version: 3)
        try await check(0)
    }

    @Test("each period is held against the one before and the same of another week or year, the one under way against as many days")
    func compared() {
        let last = Date(timeIntervalSince1970: Double(DayNumber.of(year: 2026, month: 11, day: 26)) * 86_400 + 3_600)
        // Every day has one result more than the day before.
        let days = [Day]().filled(length: 490, until: last).enumerated().map { number, day in
            Day(day: day.day, tally: AnalyticsService.Tally(passed: Int64(number)))
        }
        func total(_ first: String, _ count: Int) -> Int64 {
            let start = days.firstIndex { $0.day == first } ?? 0
            return days[start..<start + count].reduce(0) { $0 + $1.tally.passed }
        }
        let byDay = days.compared(length: 3, by: .day)
        #expect(byDay.map(\.previous?.day) == ["2026-11-23", "2026-11-24", "2026-11-25"])
        #expect(byDay.map(\.earlier?.day) == ["2026-11-17", "2026-11-18", "2026-11-19"])
        #expect(byDay.last?.previous?.tally.passed == 488 && byDay.last?.period.tally.passed == 489)
        let byWeek = days.compared(length: 11, by: .week)
        #expect(byWeek.map(\.period.day) == ["2026-11-16", "2026-11-23"] && byWeek.map(\.earlier?.day) == ["2025-11-17", "2025-11-24"])
        // Monday to Thursday.
        #expect(byWeek[1].previous?.tally.passed == total("2026-11-16", 4) && byWeek[0].previous?.tally.passed == total("2026-11-09", 7))
        let byMonth = days.compared(length: 57, by: .month)
        #expect(byMonth.map(\.period.day) == ["2026-10-01", "2026-11-01"] && byMonth[0].previous?.tally.passed == total("2026-09-01", 30))
        #expect(byMonth[1].earlier?.day == "2025-11-01" && byMonth[1].earlier?.tally.passed == total("2025-11-01", 26))
        let byQuarter = days.compared(length: 57, by: .quarter)
        #expect(byQuarter.map(\.previous?.day) == ["2026-07-01"] && byQuarter[0].earlier?.tally.passed == total("2025-10-01", 57))
        // Of a quarter that is not kept whole nothing is told: of 490 days the first is in July.
        #expect(days.compared(length: 240, by: .quarter).map { $0.earlier == nil } == [true, true, false])
        // Of March 31st on, a shorter February is held against whole.
        let march = Date(timeIntervalSince1970: Double(DayNumber.of(year: 2026, month: 3, day: 31)) * 86_400)
        let short = [Day]().filled(length: 100, until: march).map { Day(day: $0.day, tally: .init(passed: 1)) }.compared(length: 31, by: .month)
        #expect(short.map(\.previous?.tally.passed) == [28])
        #expect(
            TrendPeriod.month.start(1, before: "2026-01-01") == "2025-12-01" && TrendPeriod.quarter.start(1, before: "2026-01-01") == "2025-10-01")
    }

    @Test("a trend tells what its points are held against, from days that it does not show")
    func previous() async throws {
        for (ago, passed) in [(0, 1), (1, 2), (7, 3), (8, 4)] {
            try await facts.insert(
                FactBatch(
                    project: project, run: .new(), event: "\(ago)", branch: "main", commit: "c", startedAt: now - Double(ago) * 86_400,
                    facts: (0..<passed).map { _ in
                        Fact(result: .new(), test: .new(), suiteName: "s", className: "", name: "n", outcome: .passed, duration: 2_000)
                    }), tenant: tenant)
        }
        try await DayStore(database: database).count(
            run: .new(), project: project, passed: true, startedAt: now - 86_400, finishedAt: now, tenant: tenant)
        try await serve { client in
            let trends = PBTrends.Client(wrapping: client)
            let whole = try await trends.getTrend(.with { ($0.project, $0.days) = (project.description, 2) }).data
            #expect(whole.map(\.counts.passed) == [2, 1] && whole.map(\.previous.counts.passed) == [0, 2])
            #expect(whole.map(\.earlier.counts.passed) == [4, 3] && whole[1].previous.runs == 1 && whole[1].previous.testDurationMs == 4)
            #expect(!whole[0].previous.hasPassRate && whole[1].previous.passRate == 1 && whole.map(\.runs) == [1, 0])
            let part = try await trends.getTrend(
                .with { ($0.project, $0.days, $0.dimension, $0.value) = (project.description, 2, .suite, "s") }
            ).data
            #expect(part.map(\.earlier.counts.passed) == [4, 3] && !part[1].previous.hasRuns)
            let long = try await trends.getTrend(.with { ($0.project, $0.days) = (project.description, 400) }).data
            #expect(long.count == 400 && long.allSatisfy { $0.hasPrevious && $0.hasEarlier })
        }
    }

    @Test("days from before rollups were kept have their sums after the migration, and the day of that upgrade all of its results")
    func migrated() async throws {
        for ago in 0..<3 {
            let facts = (0..<4).map { number in
                Fact(
                    result: .new(), test: .new(), suiteName: "s", className: "", name: "n", outcome: number == 0 ? .failed : .passed, duration: 2_000)
            }
            let batch = FactBatch(
                project: project, run: .new(), event: "\(ago)", branch: "main", commit: "c", startedAt: now - Double(ago) * 86_400, facts: facts)
            try await self.facts.insert(batch, tenant: tenant)
        }
        func trend() async throws -> [PBTrendPoint] {
            try await serve { try await PBTrends.Client(wrapping: $0).getTrend(.with { ($0.project, $0.days) = (project.description, 3) }).data }
        }
        let before = try await trend()
        let days = before.map(\.day)
        try await database.execute(.tenant(tenant), "delete from rollups where tenant_id = \(tenant) and day = \(days[0])::date")
        try await database.execute(
            .tenant(tenant), "update rollups set passed = 1, failed = 0 where tenant_id = \(tenant) and day = \(days[1])::date")
        #expect(try await trend().map(\.counts) != before.map(\.counts))

        let whole = try #require(AnalyticsProgram.schema.files.first { $0.name == "0018_days_before_rollups.sql" }?.sql)
        let backfill = whole.split(separator: ";").map { $0.trimmingCharacters(in: .whitespacesAndNewlines) }.filter { $0.hasPrefix("insert ") }
        #expect(backfill.count == 1)
        for statement in backfill { try await database.execute(.tenant(tenant), SQL(stringLiteral: statement)) }
        let after = try await trend()
        #expect(after.map(\.counts) == before.map(\.counts) && after.map(\.testDurationMs) == before.map(\.testDurationMs))
        // How long each of them took is not known any more.
        #expect(after.map(\.durations.count) == [0, 4, 4])
    }
}
