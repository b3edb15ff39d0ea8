import Foundation
import Postgres
import Primitives

/// Rows of groups that are not what their signatures and tests come to: an earlier release wrote them last, which keeps less of them, or failures
/// have said since whose their tests are.
extension GroupUpkeepStore {
    /// Groups that are looked at at once, so that a project's intake never waits long: of each of them thousands of failures may have to be looked through
    /// (`GroupSums.Suspect`).
    static let maxRenewed = 25

    /// Looks at the next groups, and makes those again of which nothing is kept that their states were reached from, or something else than it is
    /// now, or another failure that contradicts, or that live by an earlier edition of the rules; and counts tests and owners again where these may
    /// be others.
    /// - Parameter last: the last one that was looked at before; `nil` to begin.
    /// - Returns: the last one that was looked at now; `nil` when it was the last of all.
    func renew(after last: SignatureID?, _ scope: ProjectScope) async throws -> SignatureID? {
        try await database.transaction(.tenant(scope.tenant)) { tx in
            try await scope.lock(in: tx)
            let groups = try await tx.rows(
                """
                select group_id, has_stale_owners, state_edition, is_recurring, is_contradicted, open_signatures, newest_open_at, other_words_at,
                    resolved_at, resolved_by, resolved_branch, resolved_commit, absent_runs, absent_days, absent_runs_needed, absent_days_needed,
                    absent_elsewhere, regressed_at, regressed_result, regressed_run, regressed_branch, regressed_commit, regressed_environment,
                    regressed_since
                from failure_groups
                where tenant_id = \(scope.tenant) and project_id = \(scope.project) and (\(last?.uuid)::uuid is null or group_id > \(last?.uuid))
                order by group_id
                limit \(Self.maxRenewed)
                """
            ) { row in
                (
                    id: try row.signature("group_id"), basis: try StateBasis(row: row, Resolution(row: row)), regression: try Contradiction(row: row),
                    hasStaleOwners: try row.value("has_stale_owners", as: Bool.self)
                )
            }
            let measure = try await sums.measure(Set(groups.map(\.id)), scope, in: tx)
            // Also where nothing else changes: it is the turn of signatures then that have not been looked through.
            try await sums.correct(measure.corrections, scope, in: tx)
            let stale = groups.filter { group in
                guard let basis = group.basis, let now = measure.evidence[group.id] else { return true }
                return group.hasStaleOwners || basis != StateBasis(edition: LifeCycle.current.number, evidence: now)
                    || group.regression != measure.proofs[group.id]?.contradiction
            }
            let recount = Set(stale.filter(\.hasStaleOwners).map(\.id))
            try await sums.update(Set(stale.map(\.id)), recount: recount, descriptions: [:], scope, in: tx)
            return groups.count == Self.maxRenewed ? groups.last?.id : nil
        }
    }
}
