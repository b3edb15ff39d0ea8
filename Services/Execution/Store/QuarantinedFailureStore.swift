import Foundation
import Postgres
import Primitives

/// All SQL that holds a run's failures against a list of tests: what is in quarantine, as Analytics says, at most 1,000.
struct QuarantinedFailureStore: Sendable {
    let database: Database

    /// The failures of the run, tests that are aliases as what they stand for.
    private static func failing(_ span: RunSpan, tenant: ID<Tenant>) -> SQL {
        """
        with answered as materialized (\(fragment: RetryStore.answered(span.run, tenant: tenant))),
        all_failing as (
            select coalesce(a.test_id, r.test_id) as test_id, r.id, r.suite_name, r.class_name, r.name, r.outcome,
                r.id not in (select id from answered) as stands
            from results r
            left join test_aliases a on a.tenant_id = \(tenant) and a.project_id = \(span.project) and a.alias_id = r.test_id
            where r.tenant_id = \(tenant) and r.run_id = \(span.run) and \(fragment: span.condition) and r.outcome in (2, 3)
        ),
        failing as (select * from all_failing where stands)
        """
    }

    /// Of all failures of the run.
    func find(_ span: RunSpan, quarantined: [ID<TestIdentity>], tenant: ID<Tenant>) async throws -> QuarantinedFailures {
        try await database.one(
            .tenant(tenant),
            """
            \(fragment: Self.failing(span, tenant: tenant))
            select count(distinct test_id) filter (where stands) as failing,
                count(distinct test_id) filter (where stands and test_id = any(\(quarantined.map(\.uuid)))) as quarantined,
                count(distinct test_id) as failed
            from all_failing
            """
        ) { row in
            let failing = try row.value("failing", as: Int.self)
            return QuarantinedFailures(
                failing: failing, quarantined: try row.value("quarantined"), passedAgain: try row.value("failed", as: Int.self) - failing)
        }
    }

    /// The quarantined ones by id, each once.
    /// - Throws: `page.invalid_cursor`.
    func list(_ page: PageRequest, _ span: RunSpan, quarantined: [ID<TestIdentity>], tenant: ID<Tenant>) async throws -> Page<QuarantinedFailure> {
        let after = try page.after(ID<TestIdentity>.self)
        let rows = try await database.rows(
            .tenant(tenant),
            """
            \(fragment: Self.failing(span, tenant: tenant))
            select distinct on (test_id) test_id, suite_name, class_name, name, outcome from failing
            where test_id = any(\(quarantined.map(\.uuid))) and (\(after)::uuid is null or test_id > \(after))
            order by test_id, case outcome when 2 then 0 else 1 end, id
            limit \(page.limit + 1)
            """
        ) { row in
            QuarantinedFailure(
                test: try row.value("test_id"), suiteName: try row.value("suite_name"), className: try row.value("class_name"),
                name: try row.value("name"), outcome: Outcome(rawValue: try row.value("outcome")) ?? .errored)
        }
        return Page(rows: rows, limit: page.limit) { $0.test.description }
    }
}
