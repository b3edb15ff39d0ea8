import Foundation
import Postgres
import Primitives

/// What parts of a project did on both sides of a change. What its days had no room for is no part: from day to day it is something else.
extension RollupStore {
    /// Values of which a cause may be one of: those that fail most differently.
    static let mostParts: Int32 = 2_000
    /// Of each dimension, where histograms have to be read: those with most results. What a part makes up is bounded by its share of them.
    static let mostTimedParts: Int32 = 25

    /// The parts of the pass rate without what is put down to the environment, those first whose failures changed most. Where some of that is counted under no
    /// tag, because those of its run were not kept, no tag is held against the others.
    func parts(of change: TrendChange, project: ID<Project>, tenant: ID<Tenant>) async throws -> [TrendCause.Part] {
        try await database.rows(
            .tenant(tenant),
            """
            select dimension, value,
                sum(passed + failed + errored - environmental) filter (where day < \(change.day)::date)::bigint as all_before,
                sum(failed + errored - environmental) filter (where day < \(change.day)::date)::bigint as bad_before,
                sum(passed + failed + errored - environmental) filter (where day >= \(change.day)::date)::bigint as all_after,
                sum(failed + errored - environmental) filter (where day >= \(change.day)::date)::bigint as bad_after
            from rollups
            where tenant_id = \(tenant) and project_id = \(project) and dimension in ('suite', 'branch', 'environment', 'tag')
              and value <> \(RollupKey.rest)
              and day between \(change.daysBefore.lowerBound)::date and \(change.daysAfter.upperBound)::date
              and (dimension <> 'tag' or not exists (
                  select from rollups
                  where tenant_id = \(tenant) and project_id = \(project) and dimension = 'all' and value = ''
                    and day between \(change.daysBefore.lowerBound)::date and \(change.daysAfter.upperBound)::date
                    and environmental <> environmental_tagged))
            group by dimension, value
            having \(fragment: Self.known(on: change.day, from: change.daysBefore, to: change.daysAfter, project: project, tenant: tenant))
            order by abs(coalesce(sum(failed + errored - environmental) filter (where day >= \(change.day)::date), 0)
                - coalesce(sum(failed + errored - environmental) filter (where day < \(change.day)::date), 0)) desc
            limit \(Self.mostParts)
            """
        ) { row in
            func share(_ side: String) throws -> TrendCause.Share {
                TrendCause.Share(
                    bad: try row.value("bad_\(side)", as: Int64?.self) ?? 0, all: try row.value("all_\(side)", as: Int64?.self) ?? 0)
            }
            return TrendCause.Part(
                dimension: TrendDimension(rawValue: try row.value("dimension")) ?? .all, value: try row.value("value"), before: try share("before"),
                after: try share("after"))
        }
    }

    /// The parts of the durations: what of each took longer than `level`, on so many days beside the change that reading them stays cheap.
    func timedParts(
        of change: TrendChange, above level: Int64, project: ID<Project>, tenant: ID<Tenant>
    ) async throws -> [TrendCause.Part] {
        let rows = try await database.rows(
            .tenant(tenant),
            """
            with part as (
                select dimension, value from (
                    select dimension, value, row_number() over (
                        partition by dimension order by sum(passed + failed + errored) desc, value) as place
                    from rollups
                    where tenant_id = \(tenant) and project_id = \(project) and dimension in ('suite', 'branch', 'environment', 'tag')
                      and value <> \(RollupKey.rest)
                      and day between \(change.nearBefore.lowerBound)::date and \(change.nearAfter.upperBound)::date
                    group by dimension, value
                    having \(fragment: Self.known(on: change.day, from: change.nearBefore, to: change.nearAfter, project: project, tenant: tenant))
                ) ranked where place <= \(Self.mostTimedParts)
            )
            select r.dimension, r.value, r.day >= \(change.day)::date as is_after, r.durations
            from part p join rollups r on r.tenant_id = \(tenant) and r.project_id = \(project) and r.dimension = p.dimension and r.value = p.value
                and r.day between \(change.nearBefore.lowerBound)::date and \(change.nearAfter.upperBound)::date
            """
        ) { row in
            let durations = try DurationHistogram(stored: row.value("durations"))
            return (
                dimension: TrendDimension(rawValue: try row.value("dimension")) ?? .all, value: try row.value("value", as: String.self),
                isAfter: try row.value("is_after", as: Bool.self), share: TrendCause.Share(of: durations, above: level)
            )
        }
        return Dictionary(grouping: rows) { [$0.dimension.rawValue, $0.value] }.values.map { rows in
            func share(isAfter: Bool) -> TrendCause.Share {
                rows.filter { $0.isAfter == isAfter }.reduce(into: TrendCause.Share()) { $0.add($1.share) }
            }
            return TrendCause.Part(
                dimension: rows[0].dimension, value: rows[0].value, before: share(isAfter: false), after: share(isAfter: true))
        }
    }

    /// Of the groups of both: a suite without a row on one side of a change may have stood under the rest of those days, where there is one. What it did
    /// there is not known, and no suite has done nothing for want of a name.
    private static func known(
        on day: String, from before: ClosedRange<String>, to after: ClosedRange<String>, project: ID<Project>, tenant: ID<Tenant>
    ) -> SQL {
        let rest: SQL = """
            select from rollups
            where tenant_id = \(tenant) and project_id = \(project) and dimension = 'suite' and value = \(RollupKey.rest)
            """
        return """
            (dimension <> 'suite'
                or (bool_or(day < \(day)::date)
                        or not exists (\(fragment: rest) and day >= \(before.lowerBound)::date and day < \(day)::date))
                    and (bool_or(day >= \(day)::date)
                        or not exists (\(fragment: rest) and day between \(day)::date and \(after.upperBound)::date)))
            """
    }
}
