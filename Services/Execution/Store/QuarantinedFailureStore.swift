import Foundation
import Postgres
import Primitives

/// All SQL that holds a run's failures against a list of tests: what is in quarantine, as Analytics says, at most 1,000.
struct QuarantinedFailureStore: Sendable {
    let database: Database

    /// What the failures of a run are, tests that are aliases as what they stand for: numbers of all of them, and the tests that are named, in one
    /// statement, so that both are of one moment.
    func find(_ run: Run, _ span: RunSpan, quarantined: QuarantinedTests, tenant: ID<Tenant>) async throws -> ExcuseQuestion {
        let rows: [(failing: Int, passedAgain: Int, test: ExcuseQuestion.Test?)] = try await database.rows(
            .tenant(tenant),
            """
            with answered as materialized (\(fragment: RetryStore.answered(span.run, tenant: tenant))),
            failing as materialized (
                select coalesce(a.test_id, r.test_id) as test_id, r.id, r.suite_name, r.class_name, r.name, r.outcome,
                    r.id not in (select id from answered) as stands
                from results r
                left join test_aliases a on a.tenant_id = \(tenant) and a.project_id = \(span.project) and a.alias_id = r.test_id
                where r.tenant_id = \(tenant) and r.run_id = \(span.run) and \(fragment: span.condition) and r.outcome in (2, 3)
            ),
            named as materialized (
                select distinct on (test_id) test_id, id, suite_name, class_name, name, outcome,
                    test_id = any(\(quarantined.tests.map(\.uuid))) as is_quarantined
                from failing
                where stands
                order by test_id, case outcome when 2 then 0 else 1 end, id
            )
            select c.failing, c.failed, t.* from (
                select count(distinct test_id) filter (where stands) as failing, count(distinct test_id) as failed from failing
            ) c
            left join (
                (select * from named where is_quarantined order by test_id limit \(ExcuseQuestion.mostQuarantined))
                union all
                (select * from named where not is_quarantined order by test_id limit \(ExcuseQuestion.mostOthers))
            ) t on true
            order by t.is_quarantined desc, t.test_id
            """
        ) { row in
            let failing = try row.value("failing", as: Int.self)
            return (
                failing: failing, passedAgain: try row.value("failed", as: Int.self) - failing,
                test: try Self.test(row, by: quarantined.entries)
            )
        }
        return ExcuseQuestion(
            run, failing: rows.first?.failing ?? 0, passedAgain: rows.first?.passedAgain ?? 0, tests: rows.compactMap { $0.test })
    }

    /// `nil` in the one row that there is when nothing fails.
    private static func test(_ row: Row, by entries: [ID<TestIdentity>: QuarantineEntry]) throws -> ExcuseQuestion.Test? {
        guard let test = try row.value("test_id", as: ID<TestIdentity>?.self) else { return nil }
        return ExcuseQuestion.Test(
            test: test, result: try row.value("id"), suite: try row.value("suite_name"), className: try row.value("class_name"),
            name: try row.value("name"), outcome: Outcome(rawValue: try row.value("outcome")) ?? .errored,
            isQuarantined: try row.value("is_quarantined"), entry: entries[test])
    }
}
