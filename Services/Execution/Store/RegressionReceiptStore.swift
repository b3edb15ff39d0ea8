import Foundation
import Postgres
import Primitives

/// All SQL about what runs were told of their regressions when they were finished.
struct RegressionReceiptStore: Sendable {
    let database: Database

    /// The newest of a run; `nil` for a run that was told nothing.
    func find(_ run: ID<Run>, tenant: ID<Tenant>) async throws -> RegressionReceipt? {
        try await database.lookUp(
            .tenant(tenant),
            """
            select run_version, baseline_id, baseline_number, branch, environment, base_run_id, commit_sha, counts, assessed, edition, input_hash,
                basis, judged_at
            from regression_receipts where tenant_id = \(tenant) and run_id = \(run)
            order by run_version desc
            limit 1
            """
        ) { try RegressionReceipt(row: $0) }
    }

    /// What runs were told in the version that they have, in their order; `nil` for one that was told nothing, or not of this baseline. Which tests it was
    /// comes only where somebody has spoken of any test of the run's line: that is most of a receipt.
    func told(_ asked: [(run: Run, baseline: ID<Baseline>)], tenant: ID<Tenant>) async throws -> [ToldRegressions?] {
        guard !asked.isEmpty else { return [] }
        let runs = asked.map { $0.run }
        let baselines = asked.map { $0.baseline }
        let rows = try await database.rows(
            .tenant(tenant),
            """
            select u.number, r.counts, r.assessed,
                case when exists (
                    select from regression_verdicts v
                    where v.tenant_id = r.tenant_id and v.project_id = r.project_id and v.baseline_id = r.baseline_id and v.branch = u.branch
                      and v.environment = u.environment
                ) then r.basis end as basis
            from unnest(
                \(runs.map(\.id))::uuid[], \(runs.map(\.version))::bigint[], \(baselines)::uuid[], \(runs.map(\.branch))::text[],
                \(runs.map(\.environment))::text[]
            ) with ordinality as u (run_id, run_version, baseline_id, branch, environment, number)
            join regression_receipts r on r.tenant_id = \(tenant) and r.run_id = u.run_id and r.run_version = u.run_version
                and r.baseline_id = u.baseline_id
            """
        ) { (number: try $0.value("number", as: Int.self), told: try ToldRegressions(row: $0)) }
        var told = [ToldRegressions?](repeating: nil, count: asked.count)
        for row in rows { told[row.number - 1] = row.told }
        return told
    }

    /// What was told first stays: the same finish again changes nothing.
    func insert(_ receipt: RegressionReceipt, of run: Run, tenant: ID<Tenant>) async throws {
        let held = receipt.held
        try await database.execute(
            .tenant(tenant),
            """
            insert into regression_receipts (
                tenant_id, run_id, run_version, project_id, baseline_id, baseline_number, branch, environment, base_run_id, commit_sha, counts,
                assessed, edition, input_hash, basis, judged_at)
            values (\(tenant), \(run.id), \(receipt.version), \(run.project), \(try ID<Baseline>(held.id)), \(held.number), \(held.branch),
                    \(held.environment), \(held.run), \(held.commit), \(try JSONText(encoding: receipt.counts)),
                    \(try JSONText(encoding: receipt.assessed)), \(receipt.edition), \(receipt.inputHash), \(receipt.basis), \(receipt.judgedAt))
            on conflict on constraint regression_receipts_pkey do nothing
            """)
    }
}

extension RegressionReceipt {
    init(row: Row) throws {
        held = HeldAgainst(
            id: try row.value("baseline_id", as: ID<Baseline>.self).description, number: try row.value("baseline_number"),
            branch: try row.value("branch"), environment: try row.value("environment"), run: try row.value("base_run_id"),
            commit: try row.value("commit_sha"))
        version = try row.value("run_version")
        counts = try row.value("counts", as: JSONText.self).decode(RegressionCounts.self)
        assessed = try row.value("assessed", as: JSONText.self).decode(AssessmentCounts.self)
        edition = try row.value("edition")
        inputHash = try row.value("input_hash")
        basis = try row.value("basis")
        judgedAt = try row.value("judged_at")
    }
}

extension ToldRegressions {
    fileprivate init(row: Row) throws {
        counts = try row.value("counts", as: JSONText.self).decode(RegressionCounts.self)
        assessed = try row.value("assessed", as: JSONText.self).decode(AssessmentCounts.self)
        // What only another release can read leaves what the machine made of it.
        let basis = try row.value("basis", as: Data?.self).flatMap { try? JSONDecoder().decode(RegressionReceipt.Basis.self, from: $0) }
        failures = basis?.failures ?? []
    }
}
