import Foundation
import Jobs
import Postgres
import Primitives
import TestSupport
import Testing

@testable import AnalyticsService

@Suite("what tests did day by day", .database(AnalyticsProgram.schema, JobSchema.schema))
struct TestDayTests {
    typealias TestID = ID<AnalyticsService.Test>

    let tenant = ID<Tenant>.new()
    let project = ID<AnalyticsService.Project>.new()
    let now = Date()

    private var database: Database { TestDatabase.current.database }
    private var stabilities: StabilityStore { StabilityStore(database: database) }
    private var facts: FactStore { FactStore(database: database, stabilities: stabilities) }
    private var days: TestDayStore { TestDayStore(database: database) }

    private func batch(daysAgo: Int, branch: String = "main", _ results: [(test: TestID, outcome: Outcome, duration: Int64?)]) -> FactBatch {
        FactBatch(
            project: project, run: .new(), event: UUID().uuidString, branch: branch, commit: "c", startedAt: now - Double(daysAgo) * 86_400,
            facts: results.map {
                Fact(result: .new(), test: $0.test, suiteName: "s", className: "", name: "n", outcome: $0.outcome, duration: $0.duration)
            })
    }

    private func insert(_ batch: FactBatch) async throws { try await facts.insert(batch, tenant: tenant) }

    private func rollUp() async throws {
        let job = Job(tenant: tenant, kind: RollUpTestDays.Payload.kind)
        try await RollUpTestDays(days: days, jobs: JobQueue(database: database)).handle(.init(project: project), job)
    }

    private func trend(
        of test: TestID, days length: Int = 30, branch: String = "", searching most: Int = TestDayStore.mostExecutions
    ) async throws -> (days: [Day], cut: TestTrend.Cut?) {
        let test = try await TestStore(database: database).get(test, tenant: tenant)
        return try await days.trend(of: test, days: length, branch: branch, searching: most, tenant: tenant)
    }

    private func open() async throws -> Int {
        try await days.open(before: now.day, atMost: 1_000, project: project, tenant: tenant).count
    }

    /// What the facts that were told add up to, by the day.
    private func expected(_ told: [FactBatch], of test: TestID, branch: String = "") -> [Day] {
        var days: [String: Day] = [:]
        for batch in told where branch.isEmpty || batch.branch == branch {
            for fact in batch.facts where fact.test == test {
                let name = batch.startedAt.day
                days[name, default: Day(day: name)].tally.count(fact.outcome)
                guard fact.outcome != .skipped, let time = fact.duration else { continue }
                days[name]?.duration += time
                days[name]?.durations.record(time)
            }
        }
        return days.values.sorted { $0.day < $1.day }
    }

    @Test("trends are what the facts add up to, whatever comes in whatever order, late or again, and whenever days are counted", arguments: 1...6)
    func random(seed: UInt64) async throws {
        var random = SplitMix(seed: seed)
        let tests = (0..<5).map { _ in TestID.new() }
        let branches = ["main", "topic", ""]
        var told: [FactBatch] = []
        for step in 0..<40 {
            if !told.isEmpty, Int.random(in: 0..<6, using: &random) == 0 { try await insert(told[Int.random(in: 0..<told.count, using: &random)]) }
            let new = batch(
                daysAgo: Int.random(in: 0..<12, using: &random), branch: branches[Int.random(in: 0..<3, using: &random)],
                (0..<Int.random(in: 1...12, using: &random)).map { _ in
                    let outcome = Outcome.allCases[Int.random(in: 0..<4, using: &random)]
                    let duration: Int64? = Int.random(in: 0..<4, using: &random) == 0 ? nil : Int64.random(in: 0..<3_000_000, using: &random)
                    return (tests[Int.random(in: 0..<5, using: &random)], outcome, duration)
                })
            told.append(new)
            try await insert(new)
            if step % 11 == 7 { try await rollUp() }
            guard step % 5 == 0 else { continue }
            for test in tests where told.contains(where: { $0.facts.contains { $0.test == test } }) {
                for branch in ["", "main", "topic", "other"] {
                    let found = try await trend(of: test, branch: branch).days.filter { $0.tally.total > 0 }
                    #expect(found == expected(told, of: test, branch: branch), "step \(step), branch \(branch)")
                }
            }
        }
    }

    @Test("a day is counted when it is over, and again when something has come of it; counted twice it is the same")
    func counted() async throws {
        let test = TestID.new()
        for ago in [0, 1, 2] { try await insert(batch(daysAgo: ago, [(test, .passed, 10), (test, .failed, 20)])) }
        #expect(try await open() == 2)
        try await rollUp()
        #expect(try await open() == 0)
        let before = try await trend(of: test)
        // Facts of days that are counted are not asked any more.
        try await database.execute(.tenant(tenant), "delete from facts where tenant_id = \(tenant) and started_at < \(now - 86_000)")
        #expect(try await trend(of: test).days == before.days && before.days.map(\.tally.total) == [2, 2, 2])
        try await insert(batch(daysAgo: 2, [(test, .errored, nil)]))
        #expect(try await open() == 1)
        #expect(try await trend(of: test).days.map(\.tally) == [.init(errored: 1), .init(passed: 1, failed: 1), .init(passed: 1, failed: 1)])
        for _ in 0..<2 { try await rollUp() }
        #expect(try await open() == 0)
        let stranger = try await days.open(before: now.day, atMost: 9, project: project, tenant: .new())
        #expect(stranger.isEmpty)
    }

    @Test("what comes while a day is counted leaves it open; a replica that was slower does not bring an older count back")
    func raced() async throws {
        let test = TestID.new()
        try await insert(batch(daysAgo: 1, [(test, .passed, 10)]))
        let seen = try #require(try await days.open(before: now.day, atMost: 9, project: project, tenant: tenant).first)
        try await days.begin([seen.day], project: project, tenant: tenant)
        try await days.count([test], on: seen.day, project: project, tenant: tenant)
        try await insert(batch(daysAgo: 1, [(test, .failed, 10)]))
        try await days.close(seen.day, results: seen.results, project: project, tenant: tenant)
        #expect(try await open() == 1)
        #expect(try await trend(of: test).days.map(\.tally) == [.init(passed: 1, failed: 1)])
        try await rollUp()
        try await days.close(seen.day, results: seen.results, project: project, tenant: tenant)
        #expect(try await open() == 0)
        #expect(try await trend(of: test).days.map(\.tally) == [.init(passed: 1, failed: 1)])
    }

    @Test("a test that another was has the days of both, counted or not, and the other has none")
    func joined() async throws {
        let (old, new) = (TestID.new(), TestID.new())
        let told = [
            batch(daysAgo: 5, [(old, .passed, 10)]), batch(daysAgo: 3, branch: "topic", [(old, .failed, 30), (new, .passed, 40)]),
            batch(daysAgo: 0, [(new, .passed, 50), (old, .skipped, nil)]),
        ]
        for batch in told { try await insert(batch) }
        try await rollUp()
        let aliases = AliasStore(database: database, stabilities: stabilities, quarantines: QuarantineStore(database: database))
        try await aliases.set(old, to: new, project: project, tenant: tenant)
        let joined = told.map { batch in
            FactBatch(
                project: project, run: batch.run, event: "", branch: batch.branch, commit: "", startedAt: batch.startedAt,
                facts: batch.facts.map {
                    Fact(result: $0.result, test: new, suiteName: "", className: "", name: "", outcome: $0.outcome, duration: $0.duration)
                })
        }
        for branch in ["", "main", "topic"] {
            #expect(try await trend(of: new, branch: branch).days.filter { $0.tally.total > 0 } == expected(joined, of: new, branch: branch))
        }
        let rest = try await database.one(.tenant(tenant), "select count(*) as n from test_days where tenant_id = \(tenant) and test_id = \(old)") {
            try $0.value("n", as: Int.self)
        }
        let left = try await open()
        #expect(rest == 0 && left == 0)
    }

    @Test("failures that are put down to an incident are told as such, in counted days and in others, until it is dismissed")
    func environmental() async throws {
        let ill = IllEnvironment()
        try await ill.illHost()
        try await ill.search()
        let test = try await ill.known.get(ill.tests[0], tenant: ill.tenant)
        let reach = Int(now.timeIntervalSince(ill.began) / 86_400) + 3
        func environmental() async throws -> [Int64] {
            try await days.trend(of: test, days: max(reach, 3), branch: "main", tenant: ill.tenant).days.map(\.environmental)
        }
        let incident = try #require(try await ill.incidents().first)
        #expect(try await environmental() == [3])
        let job = Job(tenant: ill.tenant, kind: RollUpTestDays.Payload.kind)
        let later = ill.began + 2 * 86_400
        try await RollUpTestDays(days: days, jobs: JobQueue(database: database)) { later }.handle(.init(project: ill.project), job)
        #expect(try await environmental() == [3])
        let other = try await days.trend(of: test, days: max(reach, 3), branch: "other", tenant: ill.tenant).days
        #expect(other.allSatisfy { $0.environmental == 0 })
        _ = try await ill.environments.decide(.dismissed, on: incident, by: "usr_ann", reason: "No.", at: now, tenant: ill.tenant)
        #expect(try await environmental() == [0])
    }

    @Test("a test on more branches a day than are kept is counted from its facts where one branch is asked for")
    func manyBranches() async throws {
        let test = TestID.new()
        var part = Rollup()
        part.add(Fact(result: .new(), test: test, suiteName: "", className: "", name: "", outcome: .passed, duration: 7))
        var day = TestDay()
        for number in 0..<TestDay.mostBranches { day.add(part, on: "b\(number)") }
        let bytes = try #require(day.branchBytes)
        #expect(try TestDay.branches(bytes: bytes) == day.branches && bytes.count < TestDay.mostBranches * 40)
        #expect(throws: (any Error).self) { try TestDay.branches(bytes: Array(bytes.dropLast())) }
        day.add(part, on: "one more")
        #expect(day.branchBytes == nil && day.total.tally.passed == Int64(TestDay.mostBranches) + 1)

        for (branch, count) in [("a", 3), ("b", 2)] {
            try await insert(batch(daysAgo: 1, branch: branch, (0..<count).map { _ in (test, .passed, 1) }))
        }
        try await rollUp()
        try await database.execute(.tenant(tenant), "update test_days set branches = null where tenant_id = \(tenant) and test_id = \(test)")
        #expect(try await trend(of: test, branch: "b").days.map(\.tally.passed) == [2])
        #expect(try await trend(of: test).days.map(\.tally.passed) == [5])
    }

    @Test("of more executions than are counted from facts the newest are, and the trend begins behind the day that is not whole")
    func shortened() async throws {
        let test = TestID.new()
        for ago in 0..<4 { try await insert(batch(daysAgo: ago, (0..<100).map { _ in (test, .passed, 10) })) }
        let (found, cut) = try await trend(of: test, searching: 250)
        #expect(cut == .init(day: (now - 2 * 86_400).day, unknown: [(now - 3 * 86_400).day]) && found.last?.tally.passed == 100)
        let shown = TestTrend(found.filled(length: 6, until: now), by: .day, cut: cut)
        // Nothing is unknown of the two days before all of these.
        #expect(shown.periods.map(\.tally.passed) == [0, 0, 100, 100] && shown.partial == nil && shown.isShortened && shown.executions == 200)
        let unknown = (1...5).map { (now - Double($0) * 86_400).day }
        let alone = TestTrend(found.filled(length: 6, until: now), by: .day, cut: .init(day: now.day, unknown: unknown))
        #expect(alone.periods.map(\.day) == [now.day] && alone.partial == now.day)
        // No execution was on this branch, and yet not all were looked at.
        let nothing = try await trend(of: test, branch: "other", searching: 250)
        #expect(nothing.days.isEmpty && nothing.cut == cut)
        #expect(try await trend(of: test, branch: "other", searching: 400).cut == nil)
        #expect(try await trend(of: test, searching: 400).cut == nil)
        try await rollUp()
        let counted = try await trend(of: test, searching: 250)
        #expect(counted.cut == nil && counted.days.map(\.tally.passed) == [100, 100, 100, 100])
    }

    @Test("what came late of an old day is counted from its facts alone: days between that are counted are neither read nor left out")
    func lateAlone() async throws {
        let test = TestID.new()
        for ago in [1, 2, 3, 9] { try await insert(batch(daysAgo: ago, (0..<100).map { _ in (test, .passed, 10) })) }
        try await rollUp()
        try await insert(batch(daysAgo: 9, [(test, .failed, 10)]))
        let whole = try await trend(of: test, searching: 150)
        #expect(whole.cut == nil && whole.days.map(\.tally.total) == [101, 100, 100, 100])
        let (found, cut) = try await trend(of: test, searching: 50)
        #expect(cut == .init(day: (now - 9 * 86_400).day, unknown: []))
        let shown = TestTrend(found.filled(length: 10, until: now), by: .day, cut: cut)
        #expect(shown.executions == 300 && shown.periods.count == 9 && shown.partial == nil)
        // Today's are too many: what is counted stays, today is told as far as it is.
        for _ in 0..<3 { try await insert(batch(daysAgo: 0, (0..<100).map { _ in (test, .passed, 10) })) }
        let today = try await trend(of: test, searching: 250)
        #expect(today.cut == .init(day: now.day, unknown: [(now - 9 * 86_400).day]))
        let busy = TestTrend(today.days.filled(length: 10, until: now), by: .day, cut: today.cut)
        #expect(busy.periods.map(\.tally.total).suffix(4) == [100, 100, 100, 251] && busy.periods.count == 9 && busy.partial == now.day)
    }

    @Test("a release that knows nothing of counted days joins tests: facts are asked until days are counted again, also one that is being counted")
    func joinedByOlder() async throws {
        let (old, new) = (TestID.new(), TestID.new())
        for ago in [1, 2] { try await insert(batch(daysAgo: ago, [(old, .passed, 10), (new, .passed, 10), (new, .failed, 10)])) }
        try await rollUp()
        let other = ID<AnalyticsService.Project>.new()
        try await days.begin([now.day], project: other, tenant: tenant)
        try await days.begin([now.day], project: project, tenant: tenant)
        try await database.transaction(.tenant(tenant)) { tx in
            try await tx.execute(
                "insert into test_aliases (tenant_id, project_id, alias_id, test_id) values (\(tenant), \(project), \(old), \(new))")
            try await tx.execute("update facts set test_id = \(new) where tenant_id = \(tenant) and test_id = \(old)")
        }
        #expect(try await open() == 2)
        #expect(try await trend(of: new).days.map(\.tally) == [.init(passed: 2, failed: 1), .init(passed: 2, failed: 1)])
        try await days.close(now.day, results: 6, project: project, tenant: tenant)
        let begun = try await database.rows(.tenant(tenant), "select project_id from test_day_counts where tenant_id = \(tenant)") {
            try $0.value("project_id", as: ID<AnalyticsService.Project>.self)
        }
        #expect(begun == [other])
        try await rollUp()
        #expect(try await open() == 0)
        #expect(try await trend(of: new).days.map(\.tally) == [.init(passed: 2, failed: 1), .init(passed: 2, failed: 1)])
        let rest = try await database.one(.tenant(tenant), "select count(*) as n from test_days where tenant_id = \(tenant) and test_id = \(old)") {
            try $0.value("n", as: Int.self)
        }
        #expect(rest == 0)
    }

    @Test("days that are older than rollups are swept, in as many batches as it takes")
    func swept() async throws {
        let test = TestID.new()
        try await insert(batch(daysAgo: 1, [(test, .passed, 10)]))
        try await rollUp()
        try await database.execute(
            .tenant(tenant),
            """
            insert into test_days (tenant_id, test_id, day, passed, failed, errored, skipped, duration_us, durations)
            select \(tenant), gen_random_uuid(), (now() at time zone 'UTC')::date - \(Int32(RollupStore.retention)) - 1, 1, 0, 0, 0, 0, ''
            from generate_series(1, 25)
            """)
        try await days.sweep(atOnce: 10)
        let left = try await database.rows(.tenant(tenant), "select test_id from test_days where tenant_id = \(tenant)") {
            try $0.value("test_id", as: TestID.self)
        }
        #expect(left == [test])
    }

    @Test("counting is asked for once for today's results, some time after midnight, and some minutes after older ones")
    func due() async throws {
        let noon = Date(timeIntervalSince1970: 1_790_000_000 - 1_790_000_000.0.truncatingRemainder(dividingBy: 86_400) + 43_200)
        let today = RollUpTestDays.due(after: [noon, noon - 60], of: project, at: noon)
        #expect(today.count == 1 && today[0].key == "\(project)/\(noon.day)")
        #expect((44_100...47_700).contains(today[0].delay.components.seconds))
        let late = RollUpTestDays.due(after: [noon - 90_000, noon], of: project, at: noon)
        #expect(late.map(\.delay).last == .seconds(660) && late.count == 2)
        let test = TestID.new()
        for _ in 0..<3 { try await insert(batch(daysAgo: 0, [(test, .passed, 1)])) }
        let jobs = try await database.one(
            .tenant(tenant), "select count(*) as n from jobs where tenant_id = \(tenant) and kind = 'roll-up-test-days'"
        ) { try $0.value("n", as: Int.self) }
        #expect(jobs == 1)
    }

    @Test("more days than one job counts are counted by those that follow it")
    func followed() async throws {
        let test = TestID.new()
        try await facts.insert((1...RollUpTestDays.mostDays + 2).map { batch(daysAgo: $0, [(test, .passed, 1)]) }, tenant: tenant)
        try await rollUp()
        #expect(try await open() == 2)
        let next = try await database.one(
            .tenant(tenant), "select payload->>'before' as day from jobs where tenant_id = \(tenant) and key like '%/before/%'"
        ) { try $0.value("day", as: String.self) }
        #expect(next == (now - Double(RollUpTestDays.mostDays) * 86_400).day)
        let job = Job(tenant: tenant, kind: RollUpTestDays.Payload.kind)
        try await RollUpTestDays(days: days, jobs: JobQueue(database: database)).handle(.init(project: project, before: next), job)
        #expect(try await open() == 0)
    }

    @Test("a trend reads by keys alone, of a test with 200,000 executions no more than those of days that are not counted")
    func plan() async throws {
        let test = TestID.new()
        for ago in [0, 1] { try await insert(batch(daysAgo: ago, [(test, .passed, 10)])) }
        try await rollUp()
        try await database.execute(
            .tenant(tenant),
            """
            insert into facts (tenant_id, test_id, result_id, run_id, started_at, outcome, duration_us, branch)
            select \(tenant), \(test), gen_random_uuid(), gen_random_uuid(), \(now) - interval '1 day' - n * interval '1 second', 'passed', n, 'main'
            from generate_series(1, 200000) n
            """)
        let known = try await TestStore(database: database).get(test, tenant: tenant)
        let plan = try await database.rows(
            .tenant(tenant),
            """
            explain (analyze, timing off, costs off, summary off)
            \(fragment: TestDayStore.reading(known, days: 400, branch: "", searching: TestDayStore.mostExecutions, tenant: tenant))
            """
        ) { try $0.value("QUERY PLAN", as: String.self) }
        let scans = plan.filter { $0.contains(" on facts") || $0.contains("on test_days") || $0.contains("on environment_failures") }
        #expect(!scans.isEmpty && scans.allSatisfy { !$0.contains("Seq Scan") }, "\(plan.joined(separator: "\n"))")
        let clock = ContinuousClock()
        let took = try await clock.measure { _ = try await trend(of: test, days: 400) }
        #expect(took < .milliseconds(500), "\(took)")
        let newest = try await trend(of: test, days: 400).days.last
        #expect(newest?.day == now.day && newest?.tally.passed == 1)
    }
}
