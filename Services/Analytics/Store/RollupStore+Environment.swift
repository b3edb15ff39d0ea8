import Foundation
import Postgres
import Primitives

// What incidents take from days and parts of projects, kept in the transactions that change them.

extension RollupStore {
    /// What incidents take, or give back. Suites that were too many for a day stand under its rest.
    static func counting(_ counts: EnvironmentCounts, project: ID<Project>, tenant: ID<Tenant>) -> [SQL] {
        let keys = counts.changes.keys.sorted { ($0.dimension.rawValue, $0.value, $0.day) < ($1.dimension.rawValue, $1.value, $1.day) }
        guard !keys.isEmpty else { return [] }
        let changes = keys.map { counts.changes[$0] ?? EnvironmentCounts.Change() }
        let days = keys.filter { $0.dimension == .all }
        return [
            """
            with known as (
                select k.dimension, k.day::date as day, k.failures, k.tagged,
                    case when exists (
                        select 1 from rollups r
                        where r.tenant_id = \(tenant) and r.project_id = \(project) and r.dimension = k.dimension and r.value = k.value
                          and r.day = k.day::date
                    ) then k.value else \(RollupKey.rest) end as value
                from unnest(
                    \(keys.map(\.dimension.rawValue))::text[], \(keys.map(\.value))::text[], \(keys.map(\.day))::text[],
                    \(changes.map(\.failures))::bigint[], \(changes.map(\.tagged))::bigint[]
                ) as k (dimension, value, day, failures, tagged)
            )
            update rollups r set
                environmental = greatest(0, r.environmental + k.failures), environmental_tagged = greatest(0, r.environmental_tagged + k.tagged)
            from (
                select dimension, value, day, sum(failures)::bigint as failures, sum(tagged)::bigint as tagged from known group by dimension, value, day
            ) k
            where r.tenant_id = \(tenant) and r.project_id = \(project) and r.dimension = k.dimension and r.value = k.value and r.day = k.day
            """,
            """
            update days d set environmental = greatest(0, d.environmental + k.failures)
            from unnest(\(days.map(\.day))::text[], \(days.map { counts.changes[$0]?.failures ?? 0 })::bigint[]) as k (day, failures)
            where d.tenant_id = \(tenant) and d.project_id = \(project) and d.day = k.day::date
            """,
        ]
    }

    /// What recoveries are left without those that an environment made up. In a transaction that holds the project's lock. Days that are let go stay so.
    static func correcting(_ changes: RecoveryChanges, project: ID<Project>, tenant: ID<Tenant>, in tx: Transaction) async throws {
        let keys = changes.keys
        guard !keys.isEmpty else { return }
        let known = try await tx.rows(
            """
            select k.number, r.recoveries
            from unnest(\(keys.map(\.value))::text[], \(keys.map(\.day))::text[]) with ordinality as k (value, day, number)
            join rollups r on r.tenant_id = \(tenant) and r.project_id = \(project) and r.dimension = 'branch' and r.value = k.value
                and r.day = k.day::date
            """
        ) { row in
            (
                key: keys[Int(try row.value("number", as: Int64.self)) - 1],
                recoveries: try row.value("recoveries", as: Data?.self).map { stored throws(Fault) in try DurationHistogram(stored: stored) }
            )
        }
        let corrected = known.map { (key: $0.key, recoveries: changes.applied(to: $0.recoveries ?? DurationHistogram(), of: $0.key)) }
        try await tx.execute(
            """
            update rollups r set recoveries = k.recoveries
            from unnest(
                \(corrected.map(\.key.value))::text[], \(corrected.map(\.key.day))::text[],
                \(corrected.map { $0.recoveries.count > 0 ? Data($0.recoveries.bytes) : nil } as [Data?])::bytea[]
            ) as k (value, day, recoveries)
            where r.tenant_id = \(tenant) and r.project_id = \(project) and r.dimension = 'branch' and r.value = k.value and r.day = k.day::date
            """)
    }
}
