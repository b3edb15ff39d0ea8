import Foundation
import Jobs
import Postgres
import Primitives
import TestSupport
import Testing

@testable import AnalyticsService

/// What is carried into sums and lines, whichever way it comes.
@Suite("batches of facts, alone and together", .database(AnalyticsProgram.schema, JobSchema.schema))
struct BatchTests {
    typealias TestID = ID<AnalyticsService.Test>

    private static let began = Date(timeIntervalSince1970: 1_790_000_000)
    private let project = ID<Project>.new()

    private var facts: FactStore {
        let database = TestDatabase.current.database
        return FactStore(database: database, stabilities: StabilityStore(database: database))
    }

    /// Twenty runs of ten tests on three days, some of a test twice in one batch, some of a second branch.
    private func batches(_ tests: [TestID], seed: UInt64) -> [FactBatch] {
        var random = SplitMix(seed: seed)
        return (0..<20).map { run in
            FactBatch(
                project: project, run: .new(), event: "event \(run)", branch: run % 4 == 3 ? "work" : "main", commit: "c\(run / 3)",
                environment: "", startedAt: Self.began + Double(run) * 7_000,
                facts: (tests + tests.prefix(3)).shuffled(using: &random).map { test in
                    Fact(
                        result: .new(), test: test, suiteName: "s", className: "c", name: "n",
                        outcome: [.passed, .passed, .passed, .failed, .errored, .skipped].randomElement(using: &random) ?? .passed,
                        duration: Bool.random(using: &random) ? 1000 : nil, failedTries: Int.random(in: 0..<8, using: &random) == 0 ? 1 : 0)
                })
        }
    }

    /// Everything that is known of a tenant's tests and days, in the order of tests.
    private func known(_ tests: [TestID], _ tenant: ID<Tenant>) async throws -> [String] {
        let database = TestDatabase.current.database
        var found: [String] = []
        for sql: SQL in [
            """
            select concat_ws('|', array_position(\(tests)::uuid[], id), passed, failed, errored, skipped, flips, last_passed, last_outcome,
                last_started_at, timed, duration_us, first_seen_at, last_seen_at, stability, confidence, flaky_chance) as line
            from tests where tenant_id = \(tenant) order by array_position(\(tests)::uuid[], id)
            """,
            """
            select concat_ws('|', array_position(\(tests)::uuid[], test_id), branch, results, last_at) as line
            from test_lines where tenant_id = \(tenant) order by array_position(\(tests)::uuid[], test_id), branch
            """,
            "select concat_ws('|', day, passed, failed, errored, skipped, flips, duration_us) as line from days where tenant_id = \(tenant) order by day",
            "select concat_ws('|', count(*), count(distinct result_id)) as line from facts where tenant_id = \(tenant)",
        ] {
            found += try await database.rows(.tenant(tenant), sql) { try $0.value("line", as: String.self) }
        }
        return found
    }

    @Test("batches that are stored together leave what they leave one by one", arguments: [UInt64(1), 2, 3])
    func together(seed: UInt64) async throws {
        let tests = (0..<10).map { _ in TestID.new() }
        let all = batches(tests, seed: seed)
        let (single, grouped) = (ID<Tenant>.new(), ID<Tenant>.new())
        for batch in all { try await facts.insert(batch, tenant: single) }
        // Groups of every size, each in disorder, one delivery of each repeated.
        var rest = all[...]
        for size in [1, 7, 3, 9] {
            let group = Array(rest.prefix(size))
            try await facts.insert((group + group.prefix(1)).shuffled(), tenant: grouped)
            try await facts.insert(group, tenant: grouped)
            rest = rest.dropFirst(size)
        }
        let expected = try await known(tests, single)
        #expect(expected.count > 20)
        #expect(try await known(tests, grouped) == expected)
    }

    @Test("batches that were overtaken, and are stored together, leave what all leave in their order", arguments: 1...10 as ClosedRange<UInt64>)
    func overtaken(seed: UInt64) async throws {
        let tests = (0..<10).map { _ in TestID.new() }
        // On two days: a change of outcome counts on the day of the later of its executions, whichever came last.
        let all = Array(batches(tests, seed: seed).enumerated().filter { $0.offset % 3 == 1 }.map(\.element).prefix(6))
        let (inOrder, overtaken) = (ID<Tenant>.new(), ID<Tenant>.new())
        for batch in all { try await facts.insert(batch, tenant: inOrder) }
        try await facts.insert([all[4], all[1]], tenant: overtaken)
        try await facts.insert([all[5], all[0], all[3], all[2]], tenant: overtaken)
        #expect(try await known(tests, overtaken) == known(tests, inOrder))
    }

    @Test("sums of tests and days are those of the facts that are stored, however many batches came at once")
    func recomputed() async throws {
        let tests = (0..<10).map { _ in TestID.new() }
        let tenant = ID<Tenant>.new()
        let queue = FactQueue(facts: facts)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for batch in batches(tests, seed: 9).shuffled() + batches(tests, seed: 9).prefix(4) {
                group.addTask { try await queue.insert(batch, tenant: tenant) }
            }
            try await group.waitForAll()
        }
        let differing = try await TestDatabase.current.database.rows(
            .tenant(tenant),
            """
            select t.id::text as id from tests t
            cross join lateral (
                select count(*) filter (where outcome = 'passed') as passed, count(*) filter (where outcome = 'failed') as failed,
                    count(*) filter (where outcome = 'errored') as errored, count(*) filter (where outcome = 'skipped') as skipped,
                    count(f.duration_us) filter (where outcome <> 'skipped') as timed,
                    coalesce(sum(f.duration_us) filter (where outcome <> 'skipped'), 0)::bigint as duration_us
                from facts f where f.tenant_id = t.tenant_id and f.test_id = t.id
            ) s
            where t.tenant_id = \(tenant) and (t.passed, t.failed, t.errored, t.skipped, t.timed, t.duration_us)
                is distinct from (s.passed, s.failed, s.errored, s.skipped, s.timed, s.duration_us)
            union all
            select d.day::text from days d
            where d.tenant_id = \(tenant) and d.passed + d.failed + d.errored + d.skipped is distinct from (
                select count(*) from facts f where f.tenant_id = d.tenant_id and (f.started_at at time zone 'UTC')::date = d.day)
            """
        ) { try $0.value("id", as: String.self) }
        #expect(differing.isEmpty)
        let stored = try await TestDatabase.current.database.one(.tenant(tenant), "select count(*) as n from facts") {
            try $0.value("n", as: Int.self)
        }
        #expect(stored == 20 * 13)
    }

    @Test("a batch that cannot be stored fails alone")
    func alone() async throws {
        let tests = (0..<3).map { _ in TestID.new() }
        let tenant = ID<Tenant>.new()
        let queue = FactQueue(facts: facts)
        var bad = batches(tests, seed: 4)[0]
        // PostgreSQL has no NUL in texts.
        bad = FactBatch(
            project: project, run: bad.run, event: "bad", branch: "a\0b", commit: "", environment: "", startedAt: bad.startedAt, facts: bad.facts)
        let failed = await withTaskGroup(of: String?.self, returning: [String].self) { group in
            for batch in batches(tests, seed: 5) + [bad] {
                group.addTask {
                    do {
                        try await queue.insert(batch, tenant: tenant)
                        return nil
                    } catch { return batch.event }
                }
            }
            return await group.reduce(into: []) { if let event = $1 { $0.append(event) } }
        }
        #expect(failed == ["bad"])
    }
}
