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

    /// What is asked of a span.
    private struct Question {
        let span: Span
        var before = true
        var behind = true
    }

    /// Looked for within a month of each first: partitions are months, and a look without bounds begins in every one that there is. Only where a
    /// month knows nothing the others are asked.
    /// - Parameter moved: results that count as well.
    /// - Returns: in the order of the spans.
    static func around(_ spans: [Span], besides moved: [ID<Result>] = [], tenant: ID<Tenant>, in tx: Transaction) async throws -> [Neighbours] {
        guard let first = spans.map(\.at).min(), let last = spans.map(\.at).max() else { return [] }
        // The outer bounds are known when the statement is planned, so that partitions beyond them are in no plan. A month and a day, whatever the
        // clocks.
        let month: TimeInterval = 32 * 86_400
        var around = try await ask(
            spans.map { Question(span: $0) },
            before: """
                f.started_at >= \(first - month) and f.started_at <= \(last) and f.started_at >= u.at - interval '31 days' and f.started_at <= u.at
                and (f.started_at, f.result_id) < (u.at, u.first)
                """,
            behind: """
                f.started_at >= \(first) and f.started_at <= \(last + month) and f.started_at >= u.at and f.started_at <= u.at + interval '31 days'
                and (f.started_at, f.result_id) > (u.at, u.last)
                """, besides: moved, tenant: tenant, in: tx)
        let open = around.indices.filter { around[$0].before == nil || around[$0].behind == nil }
        guard !open.isEmpty else { return around }
        let far = try await ask(
            open.map { Question(span: spans[$0], before: around[$0].before == nil, behind: around[$0].behind == nil) },
            before: "f.started_at < u.at - interval '31 days'", behind: "f.started_at > u.at + interval '31 days'", besides: moved, tenant: tenant,
            in: tx)
        for (index, found) in zip(open, far) {
            around[index] = Neighbours(before: around[index].before ?? found.before, behind: around[index].behind ?? found.behind)
        }
        return around
    }

    private static func ask(
        _ questions: [Question], before: SQL, behind: SQL, besides moved: [ID<Result>], tenant: ID<Tenant>, in tx: Transaction
    ) async throws -> [Neighbours] {
        let ended: SQL = """
            select f.outcome = 'passed' as passed, f.started_at, f.result_id from facts f
            where f.tenant_id = \(tenant) and f.test_id = u.test_id and f.outcome <> 'skipped'
              and (not f.excused or f.result_id = any(\(moved)::uuid[]))
            """
        return try await tx.rows(
            """
            select b.passed as before_passed, b.started_at as before_at, b.result_id as before_result,
                a.passed as behind_passed, a.started_at as behind_at, a.result_id as behind_result
            from unnest(
                \(questions.map(\.span.test))::uuid[], \(questions.map(\.span.at))::timestamptz[], \(questions.map(\.span.first))::uuid[],
                \(questions.map(\.span.last))::uuid[], \(questions.map(\.before))::boolean[], \(questions.map(\.behind))::boolean[]
            ) with ordinality as u (test_id, at, first, last, asks_before, asks_behind, number)
            left join lateral (
                \(fragment: ended) and u.asks_before and \(fragment: before) order by f.started_at desc, f.result_id desc limit 1
            ) b on true
            left join lateral (
                \(fragment: ended) and u.asks_behind and \(fragment: behind) order by f.started_at, f.result_id limit 1
            ) a on true
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
