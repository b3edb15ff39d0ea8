import Foundation
import Postgres
import Primitives

/// All SQL about what each test did day by day. A day that is over is counted from facts once nothing more comes of it; while its count is not the one that its
/// project has (`test_day_counts`), facts are what is asked.
struct TestDayStore: Sendable {
    let database: Database

    /// Executions that a trend counts from facts: those of days that are not counted yet.
    static let mostExecutions = 100_000
    /// Tests that are counted in one transaction.
    static let mostTests = 500

    // MARK: - Reading

    /// What a test did on each day on which it ran, of one moment: what is stored meanwhile is in all of it or in nothing.
    /// - Parameters:
    ///   - days: back from today.
    ///   - branch: only on this one; on any when empty.
    /// - Returns: `cut` is a day of which only a part was counted, because more than `most` executions are not counted yet.
    func trend(
        of test: Test, days: Int, branch: String, searching most: Int = Self.mostExecutions, tenant: ID<Tenant>
    ) async throws -> (days: [Day], cut: TestTrend.Cut?) {
        let rows = try await database.rows(.tenant(tenant), Self.reading(test, days: days, branch: branch, searching: most, tenant: tenant)) { row in
            (
                day: try row.value("day", as: String?.self) == nil ? nil : Day(row: row, branch: branch),
                cut: try row.value("cut_on", as: String?.self).map { TestTrend.Cut(day: $0, unknown: try row.value("unknown")) }
            )
        }
        var known: [String: Day] = [:]
        for day in rows.compactMap(\.day) { known[day.day, default: Day(day: day.day)].add(day) }
        return (known.values.sorted { $0.day < $1.day }, rows.first?.cut)
    }

    /// One range of days, one of facts by their primary key for each day that is not counted yet, newest first, and failures that were put down to
    /// incidents, or that a person said were the environment's, by their indexes. There is a row without a day when nothing is found.
    static func reading(_ test: Test, days: Int, branch: String, searching most: Int, tenant: ID<Tenant>) -> SQL {
        """
        with open as materialized (
            \(fragment: open(test.project, tenant: tenant)) and r.day > (now() at time zone 'UTC')::date - \(Int32(days))
        ), kept as materialized (
            select day, passed, failed, errored, skipped, duration_us, durations, branches from test_days
            where tenant_id = \(tenant) and test_id = \(test.id) and day > (now() at time zone 'UTC')::date - \(Int32(days))
              and day not in (select day from open)
        ), loose as materialized (
            select day from open union select day from kept where \(branch) <> '' and branches is null
        ), newest as materialized (
            select l.day, f.outcome, f.duration_us, f.branch
            from (select day from loose order by day desc) l cross join lateral (
                select outcome, duration_us, branch from facts
                where tenant_id = \(tenant) and test_id = \(test.id)
                  and started_at >= l.day::timestamp at time zone 'UTC' and started_at < (l.day + 1)::timestamp at time zone 'UTC'
                order by started_at desc, result_id desc
                limit \(most + 1)
            ) f
            order by l.day desc
            limit \(most + 1)
        ), cut as materialized (
            select to_char(c.day, 'YYYY-MM-DD') as cut_on, array(select to_char(l.day, 'YYYY-MM-DD') from loose l where l.day < c.day) as unknown
            from (select case when count(*) > \(Int64(most)) then min(day) end as day from newest) c
        ), found as (
            select day, passed, failed, errored, skipped, duration_us, 0::bigint as timed, 0::bigint as timed_us, null::bigint as shortest,
                null::bigint as longest, durations, branches, 0::bigint as environmental
            from kept where \(branch) = '' or branches is not null
            union all
            select n.day, \(fragment: sums), null, null, 0
            from newest n \(fragment: timing("n"))
            where \(branch) = '' or n.branch = \(branch)
            group by n.day, t.shift, t.taken >> t.shift
            union all
            select (f.started_at at time zone 'UTC')::date, 0, 0, 0, 0, 0, 0, 0, null, null, null, null, count(*)
            from environment_failures f
            join environment_incidents i on i.tenant_id = f.tenant_id and i.id = f.incident_id and i.state = 'standing'
            where f.tenant_id = \(tenant) and f.test_id = \(test.id) and f.incident_id is not null and not f.passed
              and f.started_at >= ((now() at time zone 'UTC')::date - \(Int32(days - 1)))::timestamp at time zone 'UTC'
              and (\(branch) = '' or f.branch = \(branch))
            group by 1
            union all
            select (f.started_at at time zone 'UTC')::date, 0, 0, 0, 0, 0, 0, 0, null, null, null, null, count(*)
            from environment_failures f
            left join environment_incidents i on i.tenant_id = f.tenant_id and i.id = f.incident_id and i.state = 'standing'
            where f.tenant_id = \(tenant) and f.test_id = \(test.id) and f.said_environment and i.id is null and not f.passed
              and f.started_at >= ((now() at time zone 'UTC')::date - \(Int32(days - 1)))::timestamp at time zone 'UTC'
              and (\(branch) = '' or f.branch = \(branch))
            group by 1
        )
        select to_char(f.day, 'YYYY-MM-DD') as day, f.passed, f.failed, f.errored, f.skipped, f.duration_us, f.timed, f.timed_us, f.shortest, f.longest,
            f.durations, f.branches, f.environmental, c.cut_on, c.unknown
        from cut c left join found f on true
        """
    }

    // MARK: - What statements share

    /// The days of which something has come since their tests were counted, or that never were; a condition on `r.day` may follow. Counts only ever rise, so what is
    /// the same has not changed.
    static func open(_ project: ID<Project>, tenant: ID<Tenant>) -> SQL {
        """
        select r.day, r.passed + r.failed + r.errored + r.skipped as results from rollups r
        left join test_day_counts c on c.tenant_id = r.tenant_id and c.project_id = r.project_id and c.day = r.day
        where r.tenant_id = \(tenant) and r.project_id = \(project) and r.dimension = 'all' and r.value = ''
          and c.results is distinct from r.passed + r.failed + r.errored + r.skipped
        """
    }

    /// How long each execution of `source` took, within what histograms hold, and how wide its bucket is.
    static func timing(_ source: SQL) -> SQL {
        """
        cross join lateral (
            select taken, width_bucket(taken, \(DurationHistogram.doublings)::bigint[]) as shift from (
                select case when \(fragment: source).outcome <> 'skipped' and \(fragment: source).duration_us is not null
                    then least(greatest(\(fragment: source).duration_us, 0), \(DurationHistogram.longest)) end as taken
            ) told
        ) t
        """
    }

    /// Of executions that share a bucket.
    static let sums: SQL = """
        count(*) filter (where outcome = 'passed') as passed, count(*) filter (where outcome = 'failed') as failed,
        count(*) filter (where outcome = 'errored') as errored, count(*) filter (where outcome = 'skipped') as skipped,
        coalesce(sum(duration_us) filter (where taken is not null), 0)::bigint as duration_us, count(taken) as timed,
        coalesce(sum(taken), 0)::bigint as timed_us, min(taken) as shortest, max(taken) as longest
        """
}

extension Rollup {
    init(counted row: Row) throws {
        self.init(tally: try Tally(row: row), duration: try row.value("duration_us"))
        guard let shortest = try row.value("shortest", as: Int64?.self), let longest = try row.value("longest", as: Int64?.self) else { return }
        durations.record(
            UInt64(try row.value("timed", as: Int64.self)), from: shortest, to: longest, sum: UInt64(try row.value("timed_us", as: Int64.self)))
    }
}

extension Day {
    /// - Parameter branch: on which executions are asked for; on any when empty.
    fileprivate init(row: Row, branch: String) throws {
        let name: String = try row.value("day")
        let part: Rollup
        if let stored = try row.value("durations", as: Data?.self) {
            if branch.isEmpty {
                part = Rollup(
                    tally: try Tally(row: row), duration: try row.value("duration_us"), durations: try DurationHistogram(stored: stored))
            } else {
                part = try TestDay.branches(bytes: Array(row.value("branches", as: Data.self)))[branch] ?? Rollup()
            }
        } else {
            part = try Rollup(counted: row)
        }
        self.init(
            day: name, tally: part.tally, environmental: try row.value("environmental"), duration: part.duration, durations: part.durations)
    }
}
