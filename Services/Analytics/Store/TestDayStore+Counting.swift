import Foundation
import Postgres
import Primitives

// What counts days of tests from their facts.

extension TestDayStore {
    /// Days of a project that are over and not counted, or not as they are now; newest first.
    /// - Parameter end: only those before it; `2026-03-01`.
    func open(
        before end: String, atMost most: Int, project: ID<Project>, tenant: ID<Tenant>
    ) async throws -> [(day: String, results: Int64)] {
        try await database.rows(
            .tenant(tenant),
            """
            select to_char(day, 'YYYY-MM-DD') as day, results from (
                \(fragment: Self.open(project, tenant: tenant)) and r.day < \(end)::text::date
                  and r.day > (now() at time zone 'UTC')::date - \(Int32(RollupStore.retention))
            ) o
            order by day desc
            limit \(most)
            """
        ) { (day: try $0.value("day"), results: try $0.value("results")) }
    }

    /// Tests that may have run on a day, by id.
    func tests(ranOn day: String, project: ID<Project>, tenant: ID<Tenant>) async throws -> [ID<Test>] {
        try await database.rows(
            .tenant(tenant),
            """
            select id from tests
            where tenant_id = \(tenant) and project_id = \(project)
              and first_seen_at < (\(day)::text::date + 1)::timestamp at time zone 'UTC'
              and last_seen_at >= \(day)::text::date::timestamp at time zone 'UTC'
            order by id
            """
        ) { try $0.value("id", as: ID<Test>.self) }
    }

    /// The tests of a project that took most time on the last days that are over, as far as these are counted, the longest first. All that may have run on
    /// them are looked through, so many in a statement and each by one short range of the primary key: less than counting one of the days takes.
    func busiest(_ most: Int, of project: ID<Project>, last days: Int32, atOnce part: Int = 5_000, tenant: ID<Tenant>) async throws -> [ID<Test>] {
        var longest: [(test: ID<Test>, taken: Int64)] = []
        var last: ID<Test>?
        while true {
            let page = try await tests(ranInLast: days, after: last, atMost: part, project: project, tenant: tenant)
            let found = try await database.rows(
                .tenant(tenant),
                """
                select u.id, d.taken from unnest(\(page)::uuid[]) as u (id) cross join lateral (
                    select sum(duration_us)::bigint as taken from test_days
                    where tenant_id = \(tenant) and test_id = u.id
                      and day >= (now() at time zone 'UTC')::date - \(days) and day < (now() at time zone 'UTC')::date
                ) d
                where d.taken > 0
                order by d.taken desc, u.id
                limit \(most)
                """
            ) { (test: try $0.value("id", as: ID<Test>.self), taken: try $0.value("taken", as: Int64.self)) }
            longest = Array((longest + found).sorted { ($1.taken, $0.test) < ($0.taken, $1.test) }.prefix(most))
            guard page.count == part else { return longest.map(\.test) }
            try Task.checkCancellation()
            last = page.last
        }
    }

    /// By id, by the index of migration 0030.
    private func tests(
        ranInLast days: Int32, after last: ID<Test>?, atMost most: Int, project: ID<Project>, tenant: ID<Tenant>
    ) async throws -> [ID<Test>] {
        let behind: SQL = last.map { "and id > \($0)" } ?? ""
        return try await database.rows(
            .tenant(tenant),
            """
            select id from tests
            where tenant_id = \(tenant) and project_id = \(project) \(fragment: behind)
              and last_seen_at >= ((now() at time zone 'UTC')::date - \(days))::timestamp at time zone 'UTC'
            order by id
            limit \(most)
            """
        ) { try $0.value("id", as: ID<Test>.self) }
    }

    /// Counts a day of some tests from their facts, whatever was counted before.
    func count(_ tests: [ID<Test>], on day: String, project: ID<Project>, tenant: ID<Tenant>) async throws {
        try await database.transaction(.tenant(tenant)) { tx in
            try await tx.pipeline([FactStore.planning, Self.locking(project)])
            try await Self.count(tests, from: day, to: day, tenant: tenant, in: tx)
        }
    }

    /// Says that days are about to be counted. When a release that knows nothing of counted days joins tests meanwhile, this is taken back (trigger of
    /// `test_aliases`), and they are not closed.
    func begin(_ days: [String], project: ID<Project>, tenant: ID<Tenant>) async throws {
        _ = try await database.transaction(.tenant(tenant)) { tx in
            try await tx.pipeline([
                Self.locking(project),
                """
                insert into test_day_counts (tenant_id, project_id, day, results)
                select \(tenant), \(project), u.day::date, -1 from unnest(\(days)::text[]) as u (day)
                on conflict on constraint test_day_counts_pkey do nothing
                """,
            ])
        }
    }

    /// From now on the day is answered from what was counted, unless more has come since there were so many results.
    func close(_ day: String, results: Int64, project: ID<Project>, tenant: ID<Tenant>) async throws {
        try await database.execute(
            .tenant(tenant),
            """
            update test_day_counts set results = greatest(results, \(results))
            where tenant_id = \(tenant) and project_id = \(project) and day = \(day)::text::date
            """)
    }

    /// The transaction counts days of tests that it joins (`join`), so those of others need not be counted again; see the trigger of `test_aliases`.
    static let joining: SQL = "select set_config('assay.test_days', 'joining', true)"

    /// Two tests have become one, whose facts are those of both by now: its days are counted again as far back as the other ran.
    /// - Parameter days: on which the other ran first and last.
    static func join(
        _ alias: ID<Test>, to test: ID<Test>, days: ClosedRange<String>, project: ID<Project>, tenant: ID<Tenant>, in tx: Transaction
    ) async throws {
        // A day that is being counted has both tests as one or none of them as such.
        try await tx.pipeline([locking(project), "delete from test_days where tenant_id = \(tenant) and test_id = \(alias)"])
        try await count([test], from: days.lowerBound, to: days.upperBound, tenant: tenant, in: tx)
    }

    /// In batches, since a day has as many rows as tests ran on it, and a statement has little time.
    func sweep(atOnce most: Int = 10_000) async throws {
        for table: SQL in ["test_days", "test_day_counts"] {
            let batch: SQL = """
                delete from \(fragment: table) where ctid = any(array(
                    select ctid from \(fragment: table)
                    where day < (now() at time zone 'UTC')::date - \(Int32(RollupStore.retention)) limit \(most)))
                """
            while try await database.execute(.system, batch) == most { try Task.checkCancellation() }
        }
    }

    /// - Parameters:
    ///   - first: of the days, as `last`; none is counted of which rollups are not kept.
    private static func count(_ tests: [ID<Test>], from first: String, to last: String, tenant: ID<Tenant>, in tx: Transaction) async throws {
        let rows = try await tx.rows(
            """
            select f.test_id, to_char(f.day, 'YYYY-MM-DD') as day, f.branch, \(fragment: sums)
            from unnest(\(tests)::uuid[]) as u (id) cross join lateral (
                select test_id, (started_at at time zone 'UTC')::date as day, branch, outcome, duration_us from facts
                where tenant_id = \(tenant) and test_id = u.id
                  and started_at >= greatest(\(first)::text::date, (now() at time zone 'UTC')::date - \(Int32(RollupStore.retention)))::timestamp
                    at time zone 'UTC'
                  and started_at < (\(last)::text::date + 1)::timestamp at time zone 'UTC'
                offset 0
            ) f \(fragment: timing("f"))
            group by f.test_id, f.day, f.branch, t.shift, t.taken >> t.shift
            """
        ) { row in
            (
                key: Key(test: try row.value("test_id"), day: try row.value("day")), branch: try row.value("branch", as: String.self),
                part: try Rollup(counted: row)
            )
        }
        var counted: [Key: TestDay] = [:]
        for row in rows { counted[row.key, default: TestDay()].add(row.part, on: row.branch) }
        guard !counted.isEmpty else { return }
        let (keys, days) = (Array(counted.keys), Array(counted.values))
        try await tx.execute(
            """
            insert into test_days (tenant_id, test_id, day, passed, failed, errored, skipped, duration_us, durations, branches)
            select \(tenant), u.test_id, u.day::date, u.passed, u.failed, u.errored, u.skipped, u.duration_us, u.durations, u.branches
            from unnest(
                \(keys.map(\.test))::uuid[], \(keys.map(\.day))::text[], \(days.map(\.total.tally.passed))::bigint[],
                \(days.map(\.total.tally.failed))::bigint[], \(days.map(\.total.tally.errored))::bigint[],
                \(days.map(\.total.tally.skipped))::bigint[], \(days.map(\.total.duration))::bigint[],
                \(days.map { Data($0.total.durations.bytes) })::bytea[], \(days.map { $0.branchBytes.map { Data($0) } } as [Data?])::bytea[]
            ) as u (test_id, day, passed, failed, errored, skipped, duration_us, durations, branches)
            on conflict on constraint test_days_pkey do update set
                passed = excluded.passed, failed = excluded.failed, errored = excluded.errored, skipped = excluded.skipped,
                duration_us = excluded.duration_us, durations = excluded.durations, branches = excluded.branches
            """)
    }

    private struct Key: Hashable {
        let test: ID<Test>
        let day: String
    }

    /// The trigger of `test_aliases` takes the same.
    private static func locking(_ project: ID<Project>) -> SQL {
        "select pg_advisory_xact_lock(hashtextextended('test_days/' || \(project)::uuid::text, 0))"
    }
}
