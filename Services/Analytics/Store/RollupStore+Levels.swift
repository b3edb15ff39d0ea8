import Foundation
import Postgres
import Primitives

/// Which parts of a project are looked through for changes of level.
extension RollupStore {
    /// Suites, branches, environments and tags with most results on the last days that are over, so many of each. What their days had no room
    /// for is no part: from day to day it is something else.
    func busiest(_ most: Int, of project: ID<Project>, last days: Int, tenant: ID<Tenant>) async throws -> [TrendPart] {
        try await database.rows(
            .tenant(tenant),
            """
            select dimension, value from (
                select dimension, value, row_number() over (
                    partition by dimension order by sum(passed + failed + errored) desc, value) as place
                from rollups
                where tenant_id = \(tenant) and project_id = \(project) and dimension in ('suite', 'branch', 'environment', 'tag')
                  and value <> \(RollupKey.rest)
                  and day >= (now() at time zone 'UTC')::date - \(Int32(days)) and day < (now() at time zone 'UTC')::date
                group by dimension, value
            ) ranked
            where place <= \(most)
            order by dimension, value
            """
        ) { TrendPart(dimension: TrendDimension(rawValue: try $0.value("dimension")) ?? .all, value: try $0.value("value")) }
    }
}
