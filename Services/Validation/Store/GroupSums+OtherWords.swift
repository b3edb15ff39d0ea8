import Foundation
import Postgres
import Primitives

/// What contradicts the resolution of a group though nobody resolved it: signatures that came after it.
extension GroupSums {
    /// An open signature that was seen first after its group's latest resolution, of which the first or the last failure contradicts it.
    struct Return: Sendable {
        let group: SignatureID
        /// The first that does.
        let sighting: Sighting
        /// Since when the commit of that failure runs.
        let since: Date
    }

    /// What the states of groups follow from, by what their signatures come to now.
    func evidence(of groups: Set<SignatureID>, _ scope: ProjectScope, in tx: Transaction) async throws -> [SignatureID: GroupEvidence] {
        try await measure(groups, scope, in: tx).evidence
    }

    /// The same, with the failure that is the earliest proof of each group. Only of groups that are resolved and got signatures since more is asked
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
        for (group, proof) in found { evidence[group]?.otherWordsAt = proof.sighting.at }
        return (evidence, Array(found.values))
    }

    /// Of each group that has any. All its newer signatures are looked at, of which a project has a bounded number (`GroupingIndex.maxSignatures`),
    /// and each of their commits is looked up once. Of a signature its first and its last failure are kept, so one between them
    /// is not heard of.
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
                select s.first_at, s.first_result, s.first_run, s.first_branch, s.first_commit, s.first_environment,
                    s.last_at, s.last_result, s.last_run, s.last_branch, s.last_commit, s.last_environment, r.*
                from failure_signatures s join resolutions r on r.group_id = s.group_id
                where s.tenant_id = \(scope.tenant) and s.project_id = \(scope.project) and s.group_id = any(\(groups.map(\.uuid)))
                  and s.resolved_at is null and s.first_at > r.resolved_at
            ),
            commits as (
                select c.commit, f.started_at
                from (
                    select first_commit as commit from newer where first_commit <> ''
                    union
                    select last_commit from newer where last_commit <> ''
                ) c, lateral (
                    select min(v.started_at) as started_at from validations v
                    where v.tenant_id = \(scope.tenant) and v.project_id = \(scope.project) and v.lane = 'trusted' and v.commit_sha <> ''
                      and v.commit_sha = c.commit
                ) f
            )
            select n.*, least(n.first_at, f.started_at) as first_since, least(n.last_at, l.started_at) as last_since
            from newer n left join commits f on f.commit = n.first_commit left join commits l on l.commit = n.last_commit
            """
        ) { row -> Return? in
            guard let resolution = try Resolution(row: row) else { return nil }
            for which in ["first", "last"] {
                let sighting = try Sighting(row: row, which)
                let since = try row.value(which + "_since", as: Date.self)
                guard resolution.isContradicted(by: sighting, commitSince: since) else { continue }
                return Return(group: try row.signature("group_id"), sighting: sighting, since: since)
            }
            return nil
        }
        let returns = rows.compactMap { $0 }.sorted { ($0.sighting.at, $0.sighting.result) < ($1.sighting.at, $1.sighting.result) }
        return Dictionary(returns.map { ($0.group, $0) }) { first, _ in first }
    }
}
