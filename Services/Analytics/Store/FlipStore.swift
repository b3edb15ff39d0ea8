import Foundation
import Postgres
import Primitives

/// All SQL about changes of outcome that are counted otherwise than as facts come in: in transactions that hold the project's lock.
enum FlipStore {
    /// Takes failures out of the changes that tests and days count, or back into them. What was not taken out is not put back, and the same twice changes
    /// nothing. What stands next to each is looked up along the primary key (`NeighbourStore`).
    static func change(
        excusing excused: [PlacedFailure], readmitting readmitted: [PlacedFailure], project: ID<Project>, tenant: ID<Tenant>, in tx: Transaction
    ) async throws {
        // What passed at last counts as a pass whatever its tries did.
        let (taken, given) = (excused.filter { !$0.passed }.map(\.result), readmitted.filter { !$0.passed }.map(\.result))
        let all = taken + given
        let marks = [Bool](repeating: true, count: taken.count) + [Bool](repeating: false, count: given.count)
        guard !all.isEmpty else { return }
        let marked = try await tx.rows(
            """
            update facts f set excused = u.excused
            from unnest(\(all)::uuid[], \(marks)::boolean[]) as u (result_id, excused)
            join environment_failures x on x.tenant_id = \(tenant) and x.result_id = u.result_id
            where f.tenant_id = \(tenant) and f.test_id = x.test_id and f.started_at = x.started_at and f.result_id = x.result_id
              and f.outcome in ('failed', 'errored') and f.excused <> u.excused
            returning f.test_id, f.started_at, f.result_id, f.excused
            """
        ) { row in
            (
                test: try row.value("test_id", as: ID<Test>.self), at: try row.value("started_at", as: Date.self),
                result: try row.value("result_id", as: ID<Result>.self), isExcused: try row.value("excused", as: Bool.self)
            )
        }
        guard !marked.isEmpty else { return }
        let around = try await NeighbourStore.around(
            marked.map { NeighbourStore.Span(test: $0.test, at: $0.at, first: $0.result, last: $0.result) }, besides: marked.map(\.result),
            tenant: tenant, in: tx)
        let moved = zip(marked, around).map { one, around in
            MovedFailure(
                test: one.test, at: one.at, result: one.result, isExcused: one.isExcused, before: around.before, behind: around.behind)
        }
        let changes = FlipChanges(moved)
        let tests = changes.tests.sorted { $0.key < $1.key }
        try await tx.execute(
            """
            update tests t set
                flips = greatest(0, t.flips + u.flips), last_passed = case when u.is_newest then u.last_passed else t.last_passed end
            from unnest(
                \(tests.map(\.key))::uuid[], \(tests.map(\.value.flips))::bigint[], \(tests.map(\.value.isNewest))::boolean[],
                \(tests.map(\.value.lastPassed))::boolean[]
            ) as u (id, flips, is_newest, last_passed)
            where t.tenant_id = \(tenant) and t.id = u.id
            """)
        try await tx.pipeline(counting(changes.days, project: project, tenant: tenant))
    }

    /// How many changes of outcome two tests have more, or fewer, by day, when they are one. One read of all their facts, which are about to be
    /// written anew.
    static func joining(_ alias: ID<Test>, to test: ID<Test>, tenant: ID<Tenant>, in tx: Transaction) async throws -> [String: Int64] {
        let days = try await tx.rows(
            """
            select to_char(d.day, 'YYYY-MM-DD') as day, d.flips from (
                select (f.started_at at time zone 'UTC')::date as day,
                    count(*) filter (where f.passed <> f.next_to) - count(*) filter (where f.passed <> f.next_to_own) as flips
                from (
                    select started_at, outcome = 'passed' as passed, lag(outcome = 'passed') over (order by started_at, result_id) as next_to,
                        lag(outcome = 'passed') over (partition by test_id order by started_at, result_id) as next_to_own
                    from facts
                    where tenant_id = \(tenant) and test_id in (\(alias), \(test)) and outcome <> 'skipped' and not excused
                ) f
                group by 1
            ) d
            where d.flips <> 0
            """
        ) { (try $0.value("day", as: String.self), try $0.value("flips", as: Int64.self)) }
        return Dictionary(uniqueKeysWithValues: days)
    }

    /// Counts what joining has changed, and says how the test ended last.
    static func count(_ days: [String: Int64], of test: ID<Test>, project: ID<Project>, tenant: ID<Tenant>, in tx: Transaction) async throws {
        let sums: SQL = """
            update tests t set flips = greatest(0, t.flips + \(days.values.reduce(0, +))::bigint), last_passed = (
                select f.outcome = 'passed' from facts f
                where f.tenant_id = \(tenant) and f.test_id = \(test) and f.outcome <> 'skipped' and not f.excused
                order by f.started_at desc, f.result_id desc limit 1)
            where t.tenant_id = \(tenant) and t.id = \(test)
            """
        try await tx.pipeline([sums] + counting(days, project: project, tenant: tenant))
    }

    /// - Parameter days: more changes, or fewer, by day. On each of them something ran, so that it has its row.
    static func counting(_ days: [String: Int64], project: ID<Project>, tenant: ID<Tenant>) -> [SQL] {
        let days = days.filter { $0.value != 0 }.sorted { $0.key < $1.key }
        guard !days.isEmpty else { return [] }
        return [
            """
            update days d set flips = greatest(0, d.flips + k.flips)
            from unnest(\(days.map(\.key))::text[], \(days.map(\.value))::bigint[]) as k (day, flips)
            where d.tenant_id = \(tenant) and d.project_id = \(project) and d.day = k.day::date
            """
        ]
    }
}
