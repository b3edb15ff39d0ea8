import Foundation
import Postgres
import Primitives

/// What contradicts the resolution of a group though nobody resolved it: signatures that came after it.
extension GroupSums {
    /// An open signature that was seen first after its group's latest resolution, in a failure that contradicts it.
    struct Return: Sendable {
        let signature: SignatureID
        /// When it was seen first.
        let at: Date
        /// Since when the commit of that failure runs.
        let since: Date
    }

    /// What the states of groups follow from, by what their signatures come to now.
    func evidence(of groups: Set<SignatureID>, _ scope: ProjectScope, in tx: Transaction) async throws -> [SignatureID: GroupEvidence] {
        try await measure(groups, scope, in: tx).evidence
    }

    /// The same, with the signature that is the earliest proof of each group. Only of groups that are resolved and got signatures since more is asked
    /// for than the sums.
    func measure(
        _ groups: Set<SignatureID>, _ scope: ProjectScope, in tx: Transaction
    ) async throws -> (evidence: [SignatureID: GroupEvidence], returns: [Return]) {
        var evidence = try await sum(groups, scope, in: tx)
        let suspected = evidence.filter { _, sums in
            guard let resolvedAt = sums.resolvedAt, let newest = sums.newestOpenAt else { return false }
            return newest > resolvedAt
        }
        guard !suspected.isEmpty else { return (evidence, []) }
        let found = try await earliest(of: Set(suspected.keys), scope, in: tx)
        for (group, proof) in found { evidence[group]?.otherWordsAt = proof.at }
        return (evidence, Array(found.values))
    }

    /// Of each group that has any. All its newer signatures are looked at, of which a project has a bounded number (`GroupingIndex.maxSignatures`),
    /// and each of their commits is looked up once.
    private func earliest(
        of groups: Set<SignatureID>, _ scope: ProjectScope, in tx: Transaction
    ) async throws -> [SignatureID: Return] {
        let rows = try await tx.rows(
            """
            with resolutions as (
                select distinct on (group_id) group_id, resolved_at, resolved_by, resolved_branch, resolved_commit, absent_runs, absent_days,
                    absent_runs_needed, absent_days_needed, absent_elsewhere
                from failure_signatures
                where tenant_id = \(scope.tenant) and project_id = \(scope.project) and group_id = any(\(groups.map(\.uuid)))
                  and resolved_at is not null
                order by group_id, resolved_at desc, signature_id
            ),
            newer as (
                select s.signature_id, s.first_at, s.first_result, s.first_run, s.first_branch, s.first_commit, s.first_environment, r.*
                from failure_signatures s join resolutions r on r.group_id = s.group_id
                where s.tenant_id = \(scope.tenant) and s.project_id = \(scope.project) and s.group_id = any(\(groups.map(\.uuid)))
                  and s.resolved_at is null and s.first_at > r.resolved_at
            ),
            commits as (
                select c.commit, f.started_at
                from (select distinct first_commit as commit from newer where first_commit <> '') c, lateral (
                    select min(v.started_at) as started_at from validations v
                    where v.tenant_id = \(scope.tenant) and v.project_id = \(scope.project) and v.lane = 'trusted' and v.commit_sha <> ''
                      and v.commit_sha = c.commit
                ) f
            )
            select n.*, least(n.first_at, c.started_at) as since
            from newer n left join commits c on c.commit = n.first_commit
            order by n.group_id, n.first_at, n.first_result
            """
        ) { row -> (SignatureID, Return)? in
            let sighting = try Sighting(row: row, "first")
            let since = try row.value("since", as: Date.self)
            guard let resolution = try Resolution(row: row), resolution.isContradicted(by: sighting, commitSince: since) else { return nil }
            return (try row.signature("group_id"), Return(signature: try row.signature("signature_id"), at: sighting.at, since: since))
        }
        return Dictionary(rows.compactMap { $0 }) { first, _ in first }
    }
}
