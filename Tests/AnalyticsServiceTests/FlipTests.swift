import Foundation
import Jobs
import Postgres
import Primitives
import TestSupport
import Testing

@testable import AnalyticsService

/// Changes of outcome that an environment made up are none.
@Suite("changes of outcome beside an ill environment", .database(AnalyticsProgram.schema, JobSchema.schema))
struct FlipTests {
    typealias TestID = ID<AnalyticsService.Test>

    private static let began = Date(timeIntervalSince1970: 1_790_000_000)
    private let tenant = ID<Tenant>.new()
    private let project = ID<Project>.new()

    private var database: Database { TestDatabase.current.database }
    private var facts: FactStore { FactStore(database: database, stabilities: StabilityStore(database: database)) }

    // MARK: - As values

    private struct Ended {
        let end: Neighbours.End
        var isExcused = false
    }

    private static func flips(_ runs: [Ended]) -> (days: [String: Int64], last: Bool?) {
        let counted = runs.filter { !$0.isExcused }.map(\.end)
        var days: [String: Int64] = [:]
        for (end, next) in zip(counted, counted.dropFirst()) where end.passed != next.passed { days[next.at.day, default: 0] += 1 }
        return (days, counted.last?.passed)
    }

    @Test("what failures change by being taken and given back is what counting anew says", arguments: 1...200 as ClosedRange<UInt64>)
    func moved(seed: UInt64) {
        var random = SplitMix(seed: seed)
        let test = TestID.new()
        var runs = (0..<Int.random(in: 1...30, using: &random)).map { index in
            Ended(end: Neighbours.End(passed: Bool.random(using: &random), at: Self.began + Double(index) * 20_000, result: .new()))
        }
        for index in runs.indices where !runs[index].end.passed { runs[index].isExcused = Bool.random(using: &random) }
        let before = Self.flips(runs)
        var places: Set<Int> = []
        for index in runs.indices where !runs[index].end.passed && Bool.random(using: &random) {
            runs[index].isExcused.toggle()
            places.insert(index)
        }
        let (after, now) = (Self.flips(runs), runs)
        func first(_ indices: [Int]) -> Neighbours.End? {
            indices.first { !now[$0].isExcused || places.contains($0) }.map { now[$0].end }
        }
        let changes = FlipChanges(
            places.map { index in
                MovedFailure(
                    test: test, at: now[index].end.at, result: now[index].end.result, isExcused: now[index].isExcused,
                    before: first(Array(0..<index).reversed()), behind: first(Array(index + 1..<now.count)))
            })
        let change = changes.tests[test] ?? FlipChanges.OfTest()
        #expect(change.flips == after.days.values.reduce(0, +) - before.days.values.reduce(0, +))
        for day in Set(before.days.keys).union(after.days.keys) {
            #expect((changes.days[day] ?? 0) == (after.days[day] ?? 0) - (before.days[day] ?? 0))
        }
        #expect(changes.days.values.reduce(0, +) == change.flips)
        #expect(after.last == (change.isNewest ? change.lastPassed : before.last))
    }

    // MARK: - As they are kept

    private struct Sums: Equatable {
        let flips: Int64
        let days: [String]
    }

    private func sums(_ tenant: ID<Tenant>) async throws -> Sums {
        let flips = try await database.one(
            .tenant(tenant), "select coalesce(sum(flips), 0)::bigint as n from tests where tenant_id = \(tenant)"
        ) { try $0.value("n", as: Int64.self) }
        let days = try await database.rows(
            .tenant(tenant), "select concat_ws(' ', day, flips) as line from days where tenant_id = \(tenant) order by day"
        ) { try $0.value("line", as: String.self) }
        return Sums(flips: flips, days: days)
    }

    /// What is not as counting the facts anew says: of tests, of days, and which outcome the next one is held against.
    private func wrong(_ tenant: ID<Tenant>) async throws -> [String] {
        try await database.rows(
            .tenant(tenant),
            """
            with counted as (
                select test_id, started_at, result_id, (started_at at time zone 'UTC')::date as day, outcome = 'passed' as passed,
                    lag(outcome = 'passed') over (partition by test_id order by started_at, result_id) as before
                from facts where tenant_id = \(tenant) and outcome <> 'skipped' and not excused
            )
            select 'flips of ' || t.id::text as line from tests t
            where t.tenant_id = \(tenant) and t.flips <> (select count(*) from counted c where c.test_id = t.id and c.passed <> c.before)
            union all
            select 'flips on ' || d.day::text from days d
            where d.tenant_id = \(tenant) and d.flips <> (select count(*) from counted c where c.day = d.day and c.passed <> c.before)
            union all
            select 'newest of ' || t.id::text from tests t
            where t.tenant_id = \(tenant) and t.last_passed is distinct from (
                select c.passed from counted c where c.test_id = t.id order by c.started_at desc, c.result_id desc limit 1)
            """
        ) { try $0.value("line", as: String.self) }
    }

    private func failures() async throws -> [PlacedFailure] {
        try await database.rows(
            .tenant(tenant), "select \(fragment: EnvironmentStore.failureColumns) from environment_failures where tenant_id = \(tenant)"
        ) { try PlacedFailure(row: $0) }
    }

    private func change(excusing excused: [PlacedFailure], readmitting readmitted: [PlacedFailure]) async throws {
        try await database.transaction(.tenant(tenant)) { tx in
            _ = try await tx.pipeline([FactStore.planning])
            try await FlipStore.change(excusing: excused, readmitting: readmitted, project: project, tenant: tenant, in: tx)
        }
    }

    @Test(
        "in whatever order runs come and failures are taken and given back, tests and days have the changes of the facts that count",
        arguments: 1...6 as ClosedRange<UInt64>)
    func anyOrder(seed: UInt64) async throws {
        var random = SplitMix(seed: seed)
        let tests = (0..<6).map { _ in TestID.new() }
        // Of some runs tests were tried again, and that was delivered by itself.
        let runs = (0..<24).map { $0 % 6 < 3 ? $0 / 3 * 3 : $0 }
        let ids = (0..<24).map { _ in ID<Run>.new() }
        var batches = runs.enumerated().map { number, run in
            FactBatch(
                project: project, run: ids[run], event: "event \(number)", branch: "main", commit: "c\(run / 4)",
                startedAt: Self.began + Double(run) * 9_000,
                facts: tests.map { test in
                    Fact(
                        result: .new(), test: test, suiteName: "s", className: "c", name: "n",
                        outcome: [.passed, .passed, .failed, .errored, .skipped].randomElement(using: &random) ?? .passed, duration: 1,
                        failedTries: Int.random(in: 0..<4, using: &random) == 0 ? 1 : 0)
                })
        }
        batches.shuffle(using: &random)
        var excused: Set<ID<AnalyticsService.Result>> = []
        while !batches.isEmpty {
            let group = Array(batches.prefix(Int.random(in: 1...5, using: &random)))
            batches.removeFirst(group.count)
            try await facts.insert(group, tenant: tenant)
            #expect(try await wrong(tenant) == [])
            var (taken, given): ([PlacedFailure], [PlacedFailure]) = ([], [])
            for failure in try await failures() where Int.random(in: 0..<3, using: &random) == 0 {
                if excused.remove(failure.result) != nil {
                    given.append(failure)
                } else {
                    excused.insert(failure.result)
                    taken.append(failure)
                }
            }
            try await change(excusing: taken, readmitting: given)
            #expect(try await wrong(tenant) == [])
        }
        let all = try await failures()
        try await change(excusing: [], readmitting: all)
        let whole = try await sums(tenant)
        #expect(whole.flips > 0 && whole.days.count > 2)
        for _ in 0..<2 {
            try await change(excusing: all, readmitting: [])
            #expect(try await sums(tenant).flips == 0)
            #expect(try await wrong(tenant) == [])
        }
        for _ in 0..<2 {
            try await change(excusing: [], readmitting: all)
            #expect(try await sums(tenant) == whole)
            #expect(try await wrong(tenant) == [])
        }
    }

    /// One test ended so, in runs that began so many days after the first.
    private func insert(_ test: TestID, _ ended: [(day: Double, result: ID<AnalyticsService.Result>, passed: Bool)]) async throws {
        for one in ended {
            let fact = Fact(
                result: one.result, test: test, suiteName: "s", className: "c", name: "n", outcome: one.passed ? .passed : .failed, duration: 1)
            let batch = FactBatch(
                project: project, run: .new(), event: UUID().uuidString, branch: "main", commit: "c",
                startedAt: Self.began + one.day * 86_400 + 0.123, facts: [fact])
            try await facts.insert(batch, tenant: tenant)
            #expect(try await wrong(tenant) == [])
        }
    }

    @Test("two deliveries of one run follow each other as their results were made, whichever comes first")
    func oneRun() async throws {
        for isReversed in [false, true] {
            let test = TestID.new()
            try await insert(test, [(day: 0, result: .new(), passed: true)])
            let (failed, passed) = (ID<AnalyticsService.Result>.new(), ID<AnalyticsService.Result>.new())
            let ended = [(day: 1.0, result: failed, passed: false), (day: 1.0, result: passed, passed: true)]
            try await insert(test, isReversed ? Array(ended.reversed()) : ended)
            let flips = try await TestStore(database: database).get(test, tenant: tenant).flips
            #expect(flips == 2)
        }
    }

    @Test("of a test that was skipped nothing is looked for beside it, and what passes late of one that was skipped since counts")
    func skipped() async throws {
        let skipped = KnownTest(lastPassed: nil, lastOutcome: .skipped, lastStartedAt: Self.began + 9 * 86_400)
        let counted = KnownTest(lastPassed: true, lastOutcome: .skipped, lastStartedAt: Self.began + 9 * 86_400)
        let tests = (0..<4).map { _ in TestID.new() }
        func fact(_ test: TestID, _ outcome: Outcome) -> Fact {
            Fact(result: .new(), test: test, suiteName: "s", className: "c", name: "n", outcome: outcome, duration: nil)
        }
        let facts = [fact(tests[0], .skipped), fact(tests[1], .passed), fact(tests[2], .skipped), fact(tests[3], .passed)]
        let late = FactBatch(project: project, run: .new(), event: "late", branch: "main", commit: "c", startedAt: Self.began, facts: facts)
        let known = [tests[0]: counted, tests[1]: counted, tests[2]: skipped, tests[3]: skipped]
        #expect(BatchChanges.late(late, aliases: [:], known: known).map(\.test) == [tests[1]])
        let changes = BatchChanges([late], aliases: [:], known: known, around: ["late": [tests[1]: Neighbours(before: nil, behind: nil)]])
        func passed(_ test: TestID) -> Bool? { changes.tests.first { $0.test == test }?.lastPassed }
        #expect(passed(tests[3]) == true && passed(tests[2]) == nil && changes.tests.allSatisfy { $0.flips == 0 })
    }

    @Test("tests that are joined have the changes of outcome of their histories together", arguments: 1...6 as ClosedRange<UInt64>)
    func joined(seed: UInt64) async throws {
        var random = SplitMix(seed: seed)
        let tests = [TestID.new(), TestID.new()]
        for day in 0..<12 {
            let passed = Bool.random(using: &random)
            let test = tests[Int.random(in: 0..<2, using: &random)]
            try await insert(test, [(day: Double(day), result: .new(), passed: passed)])
        }
        let some = try await failures().filter { _ in Bool.random(using: &random) }
        try await change(excusing: some, readmitting: [])
        let stabilities = StabilityStore(database: database)
        let aliases = AliasStore(
            database: database, stabilities: stabilities, quarantines: QuarantineStore(database: database), mostMoved: 2)
        for _ in 0..<2 {
            try await aliases.set(tests[0], to: tests[1], project: project, tenant: tenant)
            #expect(try await wrong(tenant) == [])
        }
        let left = try await database.one(
            .tenant(tenant), "select count(*) as n from facts where tenant_id = \(tenant) and test_id = \(tests[0])"
        ) { try $0.value("n", as: Int.self) }
        #expect(left == 0)
        try await change(excusing: [], readmitting: try await failures())
        #expect(try await wrong(tenant) == [])
    }

    @Test("what stands next to a run is found however long ago it was")
    func far() async throws {
        let test = TestID.new()
        for (day, passed) in [(0.0, true), (400, true), (200, false), (10, false), (390, true)] {
            try await insert(test, [(day: day, result: .new(), passed: passed)])
        }
        let placed = try await failures()
        try await change(excusing: placed, readmitting: [])
        #expect(try await sums(tenant).flips == 0)
        try await change(excusing: [], readmitting: placed)
        #expect(try await sums(tenant).flips == 2)
        #expect(try await wrong(tenant) == [])
    }

    @Test("an incident takes the changes of outcome that it made up from its tests and days, and they come back when a person dismisses it")
    func incident() async throws {
        let ill = IllEnvironment()
        func flips() async throws -> [Int64] {
            var flips: [Int64] = []
            for test in ill.tests { flips.append(try await ill.known.get(test, tenant: ill.tenant).flips) }
            return flips
        }
        func each(_ count: Int64) -> [Int64] { [Int64](repeating: count, count: 10) + [0, 0] }
        // Every third run fails.
        try await ill.illHost()
        #expect(try await flips() == each(6))
        try await ill.search()
        #expect(try await flips() == each(0))
        #expect(try await wrong(ill.tenant) == [])
        #expect(try await sums(ill.tenant).days.allSatisfy { $0.hasSuffix(" 0") })
        // One more is the tests' own until it is looked at, and what passes afterwards has changed nothing then.
        try await ill.run(9, on: "ill", failing: Set(0..<10))
        #expect(try await flips() == each(1))
        try await ill.search(minutes: 61)
        try await ill.run(10, on: "good")
        #expect(try await flips() == each(0))
        #expect(try await wrong(ill.tenant) == [])
        let found = try #require(try await ill.incidents().first)
        for (decision, count) in [(EnvironmentVerdict.Decision.dismissed, Int64(8)), (.reinstated, 0), (.dismissed, 8)] {
            _ = try await ill.environments.decide(decision, on: found, by: "usr_ann", reason: "", at: Date(), tenant: ill.tenant)
            #expect(try await flips() == each(count))
            #expect(try await wrong(ill.tenant) == [])
        }
    }
}
