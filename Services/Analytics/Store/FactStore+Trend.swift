import Foundation
import Postgres
import Primitives

extension FactStore {
    /// What a test's newest executions add up to, by periods. By the primary key: one range of the test, of bounded length.
    /// - Parameters:
    ///   - days: back from today.
    ///   - branch: only on this one; on any when empty.
    func trend(
        of test: ID<Test>, days: Int, by period: TrendPeriod, branch: String, tenant: ID<Tenant>
    ) async throws -> (found: [TestTrend.Period], isShortened: Bool) {
        let most = TestTrend.mostExecutions
        let searched = branch.isEmpty ? most : TestTrend.mostSearched
        // One more than is wanted tells whether there are more.
        let rows = try await database.rows(
            .tenant(tenant),
            """
            with newest as materialized (
                select started_at, outcome, duration_us, branch from facts
                where tenant_id = \(tenant) and test_id = \(test)
                  and started_at >= ((now() at time zone 'UTC')::date - \(Int32(days - 1)))::timestamp at time zone 'UTC'
                order by started_at desc, result_id desc
                limit \(searched + 1)
            ), known as materialized (
                select started_at, outcome, case when outcome <> 'skipped' then duration_us end as duration_us from newest
                where \(branch) = '' or branch = \(branch)
                order by started_at desc
                limit \(most + 1)
            )
            select to_char(date_trunc(\(period.unit), started_at at time zone 'UTC'), 'YYYY-MM-DD') as day,
                count(*) filter (where outcome = 'passed') as passed, count(*) filter (where outcome = 'failed') as failed,
                count(*) filter (where outcome = 'errored') as errored, count(*) filter (where outcome = 'skipped') as skipped,
                coalesce(sum(duration_us), 0)::bigint as duration_us, count(duration_us) as timed, coalesce(max(duration_us), 0) as longest,
                percentile_disc(array[0.5, 0.9, 0.95, 0.99]) within group (order by duration_us) as percentiles,
                (select count(*) from newest) > \(Int64(searched)) or (select count(*) from known) > \(Int64(most)) as is_shortened
            from known group by 1 order by 1
            """
        ) { (period: try TestTrend.Period(row: $0), isShortened: try $0.value("is_shortened", as: Bool.self)) }
        return (rows.map(\.period), rows.contains(where: \.isShortened))
    }
}

extension TrendPeriod {
    /// As `date_trunc` calls it.
    fileprivate var unit: String {
        switch self {
        case .day: "day"
        case .week: "week"
        case .month: "month"
        case .quarter: "quarter"
        }
    }
}

extension TestTrend.Period {
    fileprivate init(row: Row) throws {
        let timed = try row.value("timed", as: Int64.self)
        let ranks = timed > 0 ? try row.value("percentiles", as: [Int64].self) : []
        let longest = try row.value("longest", as: Int64.self)
        self.init(
            day: try row.value("day"), tally: try Tally(row: row), duration: try row.value("duration_us"),
            percentiles: ranks.count == 4
                ? TestTrend.Percentiles(p50: ranks[0], p90: ranks[1], p95: ranks[2], p99: ranks[3], longest: longest, count: timed) : nil)
    }
}
