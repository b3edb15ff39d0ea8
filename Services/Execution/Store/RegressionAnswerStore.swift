import Foundation
import Postgres
import Primitives

/// All SQL about what was said of runs' regressions to those who asked.
struct RegressionAnswerStore: Sendable {
    /// Of one run. Answers are the same until something else is known.
    static let most = 100

    let database: Database

    private static let columns: SQL =
        """
        run_version, baseline_id, baseline_number, branch, environment, base_run_id, commit_sha, counts, assessed, edition, input_hash, basis,
        judged_at
        """

    /// The same answer is the first one.
    /// - Returns: `nil` when the run has as many as it may.
    func keep(_ answer: RegressionReceipt, of run: Run, tenant: ID<Tenant>) async throws -> RegressionReceipt? {
        // Most who ask have asked before, or somebody else has.
        if let first = try await same(answer, of: run, tenant: tenant) { return first }
        let held = answer.held
        try await database.execute(
            .tenant(tenant),
            """
            insert into regression_answers (
                tenant_id, run_id, run_version, project_id, baseline_id, baseline_number, branch, environment, base_run_id, commit_sha, counts,
                assessed, edition, input_hash, basis, judged_at)
            select \(tenant), \(run.id), \(answer.version), \(run.project), \(try ID<Baseline>(held.id)), \(held.number), \(held.branch),
                \(held.environment), \(held.run), \(held.commit), \(try JSONText(encoding: answer.counts)),
                \(try JSONText(encoding: answer.assessed)), \(answer.edition), \(answer.inputHash), \(answer.basis), \(answer.judgedAt)
            where (
                select count(*) from (
                    select from regression_answers where tenant_id = \(tenant) and run_id = \(run.id) limit \(Self.most)
                ) as kept
            ) < \(Self.most)
            on conflict on constraint regression_answers_pkey do nothing
            """)
        return try await same(answer, of: run, tenant: tenant)
    }

    private func same(_ answer: RegressionReceipt, of run: Run, tenant: ID<Tenant>) async throws -> RegressionReceipt? {
        try await database.lookUp(
            .tenant(tenant),
            """
            select \(fragment: Self.columns) from regression_answers
            where tenant_id = \(tenant) and run_id = \(run.id) and baseline_id = \(try ID<Baseline>(answer.held.id))
              and input_hash = \(answer.inputHash)
            """
        ) { row in
            var first = try RegressionReceipt(row: row)
            first.isAsked = true
            return first
        }
    }

    /// What a run was told, when it was finished or by an answer: the former before the latter, then the newest.
    /// - Parameters:
    ///   - branch: the baseline's.
    ///   - hash: hexadecimal digits of the SHA-256 of what was looked at.
    func find(
        _ run: ID<Run>, baseline: ID<Baseline>?, branch: String?, hash: String?, tenant: ID<Tenant>
    ) async throws -> RegressionReceipt? {
        try await database.lookUp(
            .tenant(tenant),
            """
            select \(fragment: Self.columns), is_asked from (
                select \(fragment: Self.columns), false as is_asked from regression_receipts where tenant_id = \(tenant) and run_id = \(run)
                union all
                select \(fragment: Self.columns), true from regression_answers where tenant_id = \(tenant) and run_id = \(run)
            ) t
            where (\(baseline)::uuid is null or baseline_id = \(baseline)) and (\(branch)::text is null or branch = \(branch))
              and (\(hash)::text is null or encode(input_hash, 'hex') = \(hash))
            order by is_asked, run_version desc, judged_at desc
            limit 1
            """
        ) { row in
            var found = try RegressionReceipt(row: row)
            found.isAsked = try row.value("is_asked")
            return found
        }
    }
}
