import Foundation
import Postgres
import Primitives

/// All SQL about what stands next to executions of a test, among those that count: neither skipped nor an environment's.
enum NeighbourStore {
    /// Executions of a test in one run; what stands between its first and its last is not asked for.
    struct Span: Sendable {
        let test: ID<Test>
        let at: Date
        let first: ID<Result>
        let last: ID<Result>
    }

    /// Looked for within a month of each first: partitions are months, and a look without bounds begins in every one that there is. Only where a month
    /// knows nothing the others are asked.
    /// - Parameter moved: results that count as well.
    /// - Returns: in the order of the spans.
    static func around(_ spans: [Span], besides moved: [ID<Result>] = [], tenant: ID<Tenant>, in tx: Transaction) async throws -> [Neighbours] {
        guard !spans.isEmpty else { return [] }
        let ended: SQL = """
            select f.outcome = 'passed' as passed, f.started_at, f.result_id from facts f
            where f.tenant_id = \(tenant) and f.test_id = u.test_id and f.outcome <> 'skipped'
              and (not f.excused or f.result_id = any(\(moved)::uuid[]))
            """
        return try await tx.rows(
            """
            select u.number, coalesce(b.passed, bb.passed) as before_passed, coalesce(b.started_at, bb.started_at) as before_at,
                coalesce(b.result_id, bb.result_id) as before_result, coalesce(a.passed, aa.passed) as behind_passed,
                coalesce(a.started_at, aa.started_at) as behind_at, coalesce(a.result_id, aa.result_id) as behind_result
            from unnest(
                \(spans.map(\.test))::uuid[], \(spans.map(\.at))::timestamptz[], \(spans.map(\.first))::uuid[], \(spans.map(\.last))::uuid[]
            ) with ordinality as u (test_id, at, first, last, number)
            left join lateral (
                \(fragment: ended) and f.started_at >= u.at - interval '31 days' and f.started_at <= u.at
                  and (f.started_at, f.result_id) < (u.at, u.first)
                order by f.started_at desc, f.result_id desc limit 1
            ) b on true
            left join lateral (
                \(fragment: ended) and f.started_at < u.at - interval '31 days' and b.result_id is null
                order by f.started_at desc, f.result_id desc limit 1
            ) bb on true
            left join lateral (
                \(fragment: ended) and f.started_at >= u.at and f.started_at <= u.at + interval '31 days'
                  and (f.started_at, f.result_id) > (u.at, u.last)
                order by f.started_at, f.result_id limit 1
            ) a on true
            left join lateral (
                \(fragment: ended) and f.started_at > u.at + interval '31 days' and a.result_id is null
                order by f.started_at, f.result_id limit 1
            ) aa on true
            order by u.number
            """
        ) { row in
            Neighbours(before: try Neighbours.End(row: row, side: "before"), behind: try Neighbours.End(row: row, side: "behind"))
        }
    }
}

extension Neighbours.End {
    /// `nil` for the empty side of an outer join.
    fileprivate init?(row: Row, side: String) throws {
        guard let passed = try row.value("\(side)_passed", as: Bool?.self) else { return nil }
        self.init(passed: passed, at: try row.value("\(side)_at"), result: try row.value("\(side)_result"))
    }
}
