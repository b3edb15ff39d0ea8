import Foundation
import Jobs
import Postgres
import Primitives
import TestSupport
import Testing

@testable import AnalyticsService

@Suite("trends by parts of a project", .database(AnalyticsProgram.schema, JobSchema.schema))
struct TrendTests {
    typealias TestID = ID<AnalyticsService.Test>

    let tenant = ID<Tenant>.new()
    let project = ID<Project>.new()
    let today = Date()

    private var database: Database { TestDatabase.current.database }
    private var facts: FactStore { FactStore(database: database, stabilities: StabilityStore(database: database)) }
    private var rollups: RollupStore { RollupStore(database: database) }

    private func batch(
        daysAgo: Double, branch: String = "main", environment: String = "", tags: [String] = [],
        _ results: [(suite: String, outcome: Outcome, duration: Int64?)]
    ) -> FactBatch {
        FactBatch(
            project: project, run: .new(), event: UUID().uuidString, branch: branch, commit: "c", environment: environment, tags: tags,
            startedAt: today - daysAgo * 86_400,
            facts: results.map {
                Fact(result: .new(), test: .new(), suiteName: $0.suite, className: "", name: "n", outcome: $0.outcome, duration: $0.duration)
            })
    }

    @Test("what arrives is added up by suite, branch, environment and tag of its day; a delivery that comes again adds nothing")
    func rollup() async throws {
        let first = batch(
            daysAgo: 1, environment: "staging", tags: ["browser:firefox"],
            [("cart", .passed, 10), ("cart", .failed, 30), ("", .skipped, nil), ("pay", .errored, 20)])
        for batch in [first, first, batch(daysAgo: 1, branch: "topic", [("cart", .passed, 50)]), batch(daysAgo: 3, [("cart", .passed, 70)])] {
            try await facts.insert(batch, tenant: tenant)
        }
        func days(_ dimension: TrendDimension, _ value: String) async throws -> [Day] {
            try await rollups.days(dimension, value, project: project, last: 30, tenant: tenant)
        }
        let cart = try await days(.suite, "cart")
        #expect(cart.map(\.tally) == [AnalyticsService.Tally(passed: 1), AnalyticsService.Tally(passed: 2, failed: 1)])
        #expect(cart.last?.durations.percentile(100) == 50 && cart.last?.durations.count == 3)
        let all = try await days(.all, "")
        #expect(all.last?.tally == AnalyticsService.Tally(passed: 2, failed: 1, errored: 1, skipped: 1) && all.last?.duration == 110)
        let main = try await days(.branch, "main")
        #expect(main.last?.tally == AnalyticsService.Tally(passed: 1, failed: 1, errored: 1, skipped: 1))
        let staging = try await days(.environment, "staging")
        let firefox = try await days(.tag, "browser:firefox")
        #expect(staging == firefox && staging.count == 1)
        let strangers = try await rollups.days(.all, "", project: project, last: 30, tenant: .new())
        #expect(strangers.isEmpty)
    }

    @Test("what a clock that is ahead has counted for tomorrow is in no sum of today, as it is in no trend")
    func ahead() async throws {
        for daysAgo in [-1.0, 0] { try await facts.insert(batch(daysAgo: daysAgo, [("cart", .failed, 10)]), tenant: tenant) }
        for (dimension, value) in [(TrendDimension.all, ""), (.branch, "main")] {
            let days = try await rollups.days(dimension, value, project: project, last: 30, tenant: tenant)
            #expect(days.map(\.tally) == [AnalyticsService.Tally(failed: 1)])
        }
        let suites = try await rollups.values(PageRequest(limit: 5, cursor: ""), of: .suite, project: project, last: 30, tenant: tenant)
        #expect(suites.items.map(\.tally) == [AnalyticsService.Tally(failed: 1)])
    }

    @Test("rollups equal what the stored facts add up to (I4)")
    func recomputed() async throws {
        for index in 0..<12 {
            try await facts.insert(
                batch(
                    daysAgo: Double(index % 4), branch: index % 3 == 0 ? "topic" : "main",
                    (0..<40).map { ("s\($0 % 5)", Outcome.allCases[($0 * 7 + index) % 4], $0 % 6 == 0 ? nil : Int64($0 * index)) }), tenant: tenant)
        }
        let stored = try await database.rows(
            .tenant(tenant),
            """
            select to_char(started_at at time zone 'UTC', 'YYYY-MM-DD') as day, branch, count(*) filter (where outcome = 'passed') as passed,
                count(*) filter (where outcome = 'failed') as failed, coalesce(sum(taken), 0)::bigint as duration, count(taken) as timed
            from facts cross join lateral (select case when outcome <> 'skipped' then duration_us end as taken) t where tenant_id = \(tenant) group by 1, 2
            """
        ) { row in
            (
                day: try row.value("day", as: String.self), branch: try row.value("branch", as: String.self),
                passed: try row.value("passed", as: Int64.self), failed: try row.value("failed", as: Int64.self),
                duration: try row.value("duration", as: Int64.self), timed: try row.value("timed", as: Int64.self)
            )
        }
        #expect(!stored.isEmpty)
        for row in stored {
            let days = try await rollups.days(.branch, row.branch, project: project, last: 30, tenant: tenant)
            let day = try #require(days.first { $0.day == row.day })
            #expect(day.tally.passed == row.passed && day.tally.failed == row.failed)
            #expect(day.duration == row.duration && day.durations.count == UInt64(row.timed))
        }
    }

    @Test("a suite has its own trend however many a delivery brings; values are listed by their failures, page by page, and long ones are cut")
    func values() async throws {
        let long = String(repeating: "x", count: 5_000)
        let suites = (0..<1_000).map { "com.acme.Suite\($0)" } + [long]
        let failing = "com.acme.Suite999"
        try await facts.insert(batch(daysAgo: 0, suites.map { ($0, $0 == failing ? .failed : .passed, 1) }), tenant: tenant)
        var listed: [TrendValue] = []
        var cursor = ""
        repeat {
            let page = try await rollups.values(PageRequest(limit: 190, cursor: cursor), of: .suite, project: project, last: 1, tenant: tenant)
            listed += page.items
            cursor = page.next ?? ""
        } while !cursor.isEmpty
        #expect(listed.first?.value == failing)
        #expect(Set(listed.map(\.value)) == Set(suites.map { String($0.prefix(RollupKey.mostCharacters)) }) && listed.count == suites.count)
        #expect(listed.reduce(0) { $0 + $1.tally.total } == 1_001)
        let days = try await rollups.days(.suite, failing, project: project, last: 1, tenant: tenant)
        #expect(days.map(\.tally) == [AnalyticsService.Tally(failed: 1)])
    }

    @Test("suites that come when a day has as many as it has room for are added up together, whichever delivery brings them; those that stand go on")
    func room() async throws {
        let facts = FactStore(database: database, stabilities: StabilityStore(database: database), mostSuites: 3)
        func insert(_ suites: String...) async throws {
            try await facts.insert(batch(daysAgo: 1, suites.map { ($0, .passed, 10) }), tenant: tenant)
        }
        func listed(last days: Int = 30) async throws -> [String: Int64] {
            let page = try await rollups.values(PageRequest(limit: 50, cursor: ""), of: .suite, project: project, last: days, tenant: tenant)
            return Dictionary(uniqueKeysWithValues: page.items.map { ($0.value, $0.tally.total) })
        }
        try await insert("b", "a", "a")
        #expect(try await listed() == ["a": 2, "b": 1])
        // Of what comes new the first by its name has the last room.
        try await insert("e", "d", "c", "b")
        #expect(try await listed() == ["a": 2, "b": 2, "c": 1, RollupKey.rest: 2])
        try await insert("d", "c", "a")
        #expect(try await listed() == ["a": 3, "b": 2, "c": 2, RollupKey.rest: 3])
        let rest = try await rollups.days(.suite, RollupKey.rest, project: project, last: 30, tenant: tenant)
        #expect(rest.map(\.duration) == [30] && rest.first?.durations.count == 3)
        // Another day has room of its own; deliveries that are stored together share that of their day.
        let together = [["f", "e"], ["d", "c"]].map { suites in batch(daysAgo: 0, suites.map { ($0, .passed, 10) }) }
        try await facts.insert(together, tenant: tenant)
        #expect(try await listed(last: 1) == ["c": 1, "d": 1, "e": 1, RollupKey.rest: 1])
        let all = try await rollups.days(.all, "", project: project, last: 30, tenant: tenant)
        #expect(all.map(\.tally.total) == [10, 4])
    }

    @Test("suites without a room of their own are named as no cause of a change")
    func restIsNoCause() async throws {
        let facts = FactStore(database: database, stabilities: StabilityStore(database: database), mostSuites: 1)
        for ago in (0..<40).reversed() {
            let isBad = ago < 15
            try await facts.insert(
                batch(
                    daysAgo: Double(ago),
                    (0..<200).map { index in
                        let suite = index % 2 == 0 ? "cart" : "pay"
                        let fails = index % 50 == 0 || (isBad && suite == "pay" && index % 8 == 1)
                        return (suite, fails ? .failed : .passed, 1_000)
                    }), tenant: tenant)
        }
        let days = try await rollups.days(.all, "", project: project, last: 90, tenant: tenant)
        let change = try #require(TrendChange.all(in: days).first { $0.figure == .passRate })
        let parts = try await rollups.parts(of: change, project: project, tenant: tenant)
        #expect(Set(parts.map(\.value)) == ["cart", "main"])
        let timed = try await rollups.timedParts(of: change, above: 500, project: project, tenant: tenant)
        #expect(Set(timed.map(\.value)) == ["cart", "main"])
    }

    @Test(
        "a suite that may have stood under the rest of one side of a change is named as no cause of it; one that cannot have is",
        arguments: [(1, 10, ["cart"]), (10, 1, ["cart"]), (10, 3, ["cart", "new", "pay"])])
    func oneSide(before: Int, after: Int, named: [String]) async throws {
        for ago in (0..<40).reversed() {
            let isBad = ago < 15
            let suites = isBad ? ["cart", "new", "pay", "zoo"] : ["cart", "pay"]
            let facts = FactStore(database: database, stabilities: StabilityStore(database: database), mostSuites: isBad ? after : before)
            try await facts.insert(
                batch(
                    daysAgo: Double(ago),
                    (0..<200).map { index in
                        let fails = index % 50 == 0 || (isBad && index % 8 == 1)
                        return (suites[index % suites.count], fails ? .failed : .passed, 1_000)
                    }), tenant: tenant)
        }
        let days = try await rollups.days(.all, "", project: project, last: 90, tenant: tenant)
        let change = try #require(TrendChange.all(in: days).first { $0.figure == .passRate })
        let parts = try await rollups.parts(of: change, project: project, tenant: tenant)
        #expect(Set(parts.map(\.value)) == Set(named + ["main"]))
        let timed = try await rollups.timedParts(of: change, above: 500, project: project, tenant: tenant)
        #expect(Set(timed.map(\.value)) == Set(named + ["main"]))
    }

    @Test(
        "a period begins on its first day",
        arguments: [
            ("2026-11-26", "2026-11-23", "2026-11-01", "2026-10-01"), ("2026-11-23", "2026-11-23", "2026-11-01", "2026-10-01"),
            ("2026-01-01", "2025-12-29", "2026-01-01", "2026-01-01"), ("2024-02-29", "2024-02-26", "2024-02-01", "2024-01-01"),
            ("2026-03-01", "2026-02-23", "2026-03-01", "2026-01-01"),
        ])
    func periods(day: String, week: String, month: String, quarter: String) {
        #expect(TrendPeriod.day.start(of: day) == day)
        #expect(TrendPeriod.week.start(of: day) == week)
        #expect(TrendPeriod.month.start(of: day) == month)
        #expect(TrendPeriod.quarter.start(of: day) == quarter)
    }

    @Test("a longer period has the sums of its days, and percentiles of all their durations")
    func grouped() {
        var durations = DurationHistogram()
        durations.record(5)
        let days = ["2026-11-22", "2026-11-23", "2026-11-24"].map {
            Day(day: $0, runs: 1, tally: AnalyticsService.Tally(passed: 2), flips: 1, duration: 5, durations: durations)
        }
        let weeks = days.grouped(by: .week)
        #expect(weeks.map(\.day) == ["2026-11-16", "2026-11-23"])
        #expect(weeks[1].runs == 2 && weeks[1].tally.passed == 4 && weeks[1].flips == 2 && weeks[1].durations.count == 2)
    }

    @Test("a fall of the pass rate is found with its day, and put down to the suite that fails since")
    func changes() async throws {
        for ago in (0..<40).reversed() {
            let isBad = ago < 15
            try await facts.insert(
                batch(
                    daysAgo: Double(ago),
                    (0..<200).map { index in
                        let suite = index % 2 == 0 ? "cart" : "pay"
                        let fails = index % 50 == 0 || (isBad && suite == "pay" && index % 8 == 1)
                        return (suite, fails ? .failed : .passed, 1_000)
                    }), tenant: tenant)
        }
        let days = try await rollups.days(.all, "", project: project, last: 90, tenant: tenant)
        let found = TrendChange.all(in: days)
        let change = try #require(found.first { $0.figure == .passRate })
        #expect(found.count == 1 && change.before > 0.97 && change.after < 0.9)
        #expect(change.day == (today - 14 * 86_400).day)
        let parts = try await rollups.parts(of: change, project: project, tenant: tenant)
        let shares = change.shares(in: days)
        let causes = TrendCause.of(before: shares.before, after: shares.after, isMore: true, parts: parts)
        // The branch makes up all of it as well, and has all of the results: that says nothing.
        #expect(causes.map(\.value) == ["pay"] && causes.map(\.dimension) == [.suite])
        #expect(abs(causes[0].share - 1) < 0.05 && causes[0].weight == 0.5)
    }

    @Test(
        "a trend goes back to the first day of its first period",
        arguments: [
            (TrendPeriod.day, "2026-11-26", 10, 10), (.week, "2026-11-26", 4, 4), (.week, "2026-11-26", 5, 11), (.week, "2026-11-23", 1, 1),
            (.month, "2026-11-26", 30, 57), (.quarter, "2026-11-26", 57, 57), (.quarter, "2026-11-26", 58, 149),
            (.quarter, "2026-11-26", 400, 422), (.month, "2024-03-01", 2, 30),
        ])
    func reach(period: TrendPeriod, last: String, days: Int, reach: Int) throws {
        let now = try Date(last, strategy: .iso8601.year().month().day())
        #expect(period.reach(days, until: now) == reach && period.reach(days, until: now + 86_399) == reach)
        #expect(period.reach(TrendLength.limit, until: now) <= RollupStore.retention)
    }

    @Test("causes are what makes up more of a change than it has of the results, those first that do so most; nothing where the sums say otherwise")
    func causes() {
        func part(_ value: String, _ before: (Int64, Int64), _ after: (Int64, Int64)) -> TrendCause.Part {
            TrendCause.Part(
                dimension: .suite, value: value, before: .init(bad: before.0, all: before.1), after: .init(bad: after.0, all: after.1))
        }
        let parts = [
            part("worse", (10, 250), (60, 250)), part("a little", (10, 250), (30, 250)), part("as all", (20, 500), (50, 500)),
            part("everything", (40, 1_000), (140, 1_000)), part("new", (0, 0), (30, 100)),
        ]
        let (before, after) = (TrendCause.Share(bad: 40, all: 1_000), TrendCause.Share(bad: 140, all: 1_000))
        let causes = TrendCause.of(before: before, after: after, isMore: true, parts: parts)
        #expect(causes.map(\.value) == ["new", "worse"])
        #expect(abs(causes[0].share - 0.3) < 1e-9 && abs(causes[0].weight - 0.05) < 1e-9 && abs(causes[1].share - 0.5) < 1e-9)
        #expect(TrendCause.of(before: before, after: after, isMore: false, parts: parts).isEmpty)
        #expect(TrendCause.of(before: before, after: before, isMore: true, parts: parts).isEmpty)
        #expect(TrendCause.of(before: .init(), after: after, isMore: true, parts: parts).isEmpty)
    }

    @Test("the score's terms are measured from days and tests; what was not measured counts neither way")
    func score() async throws {
        try await facts.insert(batch(daysAgo: 0, (0..<20).map { ("s", $0 == 0 ? .failed : $0 == 1 ? .skipped : .passed, 1) }), tenant: tenant)
        let days = try await rollups.days(.all, "", project: project, last: 30, tenant: tenant)
        let census = try await TestStore(database: database).census(project: project, tenant: tenant)
        #expect(census.tests == 20)
        let measured = QualityScore.measured(days: days, census: census)
        #expect(measured[.failing] == 1.0 / 19 && measured[.skipped] == 1.0 / 20 && measured[.slower] == nil)
        #expect(QualityScore.measured(days: [], census: TestCensus()).isEmpty)
    }
}
