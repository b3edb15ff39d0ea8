import Foundation
import Postgres
import Primitives

/// What contradicts the resolution of a group though nobody resolved it: signatures that came after it.
extension GroupSums {
    /// The newest failures of such a signature that are looked through for one that contradicts, where its first proves nothing.
    static let mostLookedThrough = 1000
    /// Signatures of which so many are, those that were seen last: a group may have very many.
    static let mostSearched = 20

    /// An open signature that was seen first after its group's latest resolution, of which a failure contradicts it.
    struct Return: Sendable {
        let group: SignatureID
        /// The first that does.
        let sighting: Sighting
        /// Since when the commit of that failure runs.
        let since: Date
    }

    /// What the states of groups follow from, by what their signatures come to now, as an edition of the rules looks at them.
    func evidence(
        of groups: Set<SignatureID>, by rules: LifeCycle = .current, _ scope: ProjectScope, in tx: Transaction
    ) async throws -> [SignatureID: GroupEvidence] {
        try await measure(groups, by: rules, scope, in: tx).evidence
    }

    /// The same, with the failure that is the earliest proof of each group. Only of groups that are resolved and got signatures since more is asked
    /// for than the sums.
    func measure(
        _ groups: Set<SignatureID>, by rules: LifeCycle = .current, _ scope: ProjectScope, in tx: Transaction
    ) async throws -> (evidence: [SignatureID: GroupEvidence], returns: [Return]) {
        var evidence = try await sum(groups, scope, in: tx)
        let suspected = evidence.filter { _, sums in
            guard let resolvedAt = sums.resolvedAt, let newest = sums.newestOpenAt else { return false }
            return newest > resolvedAt
        }
        guard !suspected.isEmpty else { return (evidence, []) }
        let found = try await earliest(of: Set(suspected.keys), by: rules, scope, in: tx)
        for (group, proof) in found { evidence[group]?.otherWordsAt = proof.sighting.at }
        return (evidence, Array(found.values))
    }

    /// Of each group that has any. All its newer signatures are looked at, of which a project has a bounded number (`GroupingIndex.maxSignatures`),
    /// and each of their commits is looked up once.
    private func earliest(
        of groups: Set<SignatureID>, by rules: LifeCycle, _ scope: ProjectScope, in tx: Transaction
    ) async throws -> [SignatureID: Return] {
        let ends = try await tx.rows(
            """
            \(fragment: newer(of: groups, scope)),
            commits as (
                select c.commit, f.started_at
                from (
                    select first_commit as commit from newer where first_commit <> ''
                    union
                    select last_commit from newer where last_commit <> ''
                ) c, lateral (\(fragment: Self.start(of: "c.commit", scope))) f
            )
            select n.*, least(n.first_at, f.started_at) as first_since, least(n.last_at, l.started_at) as last_since
            from newer n left join commits f on f.commit = n.first_commit left join commits l on l.commit = n.last_commit
            """
        ) { row -> (first: Return?, last: Return?) in
            let (group, resolution) = (try row.signature("group_id"), try Resolution(row: row))
            func proof(_ which: String) throws -> Return? {
                let sighting = try Sighting(row: row, which)
                let since = try row.value(which + "_since", as: Date.self)
                guard let resolution, resolution.isContradicted(by: sighting, commitSince: since) else { return nil }
                return Return(group: group, sighting: sighting, since: since)
            }
            return (try proof("first"), try proof("last"))
        }
        var returns = ends.compactMap { $0.first ?? $0.last }
        if rules.otherWords == .contradicting, ends.contains(where: { $0.first == nil }) {
            returns += try await between(of: groups, scope, in: tx)
        }
        let sorted = returns.sorted { ($0.sighting.at, $0.sighting.result) < ($1.sighting.at, $1.sighting.result) }
        return Dictionary(sorted.map { ($0.group, $0) }) { first, _ in first }
    }

    /// Failures that contradict, one of each commit of each newer signature: the earliest.
    private func between(of groups: Set<SignatureID>, _ scope: ProjectScope, in tx: Transaction) async throws -> [Return] {
        try await tx.rows(
            """
            \(fragment: newer(of: groups, scope)),
            searched as (
                select * from (select n.*, row_number() over (partition by n.group_id order by n.last_at desc, n.signature_id) as place from newer n) p
                where place <= \(Self.mostSearched)
            ),
            seen as (
                select distinct on (s.signature_id, v.branch, v.commit_sha) s.*, v.started_at as seen_at, f.result_id as seen_result,
                    v.run_id as seen_run, v.branch as seen_branch, v.commit_sha as seen_commit, v.environment as seen_environment
                from searched s
                cross join lateral (
                    select f.result_id, f.run_id from failures f
                    where f.tenant_id = \(scope.tenant) and f.project_id = \(scope.project) and f.signature_id = s.signature_id and f.trusted
                    order by f.result_id desc
                    limit \(Self.mostLookedThrough)
                ) f
                join validations v on v.tenant_id = \(scope.tenant) and v.run_id = f.run_id
                where v.started_at > s.resolved_at and (s.resolved_branch = '' or v.branch = s.resolved_branch)
                order by s.signature_id, v.branch, v.commit_sha, v.started_at, f.result_id
            ),
            commits as (
                select c.commit, f.started_at
                from (select distinct seen_commit as commit from seen where seen_commit <> '') c,
                    lateral (\(fragment: Self.start(of: "c.commit", scope))) f
            )
            select s.*, least(s.seen_at, c.started_at) as seen_since from seen s left join commits c on c.commit = s.seen_commit
            """
        ) { row -> Return? in
            let (sighting, since) = (try Sighting(row: row, "seen"), try row.value("seen_since", as: Date.self))
            guard let resolution = try Resolution(row: row), resolution.isContradicted(by: sighting, commitSince: since) else { return nil }
            return Return(group: try row.signature("group_id"), sighting: sighting, since: since)
        }.compactMap { $0 }
    }

    /// `newer`: the signatures that came after the latest resolutions of their groups, with these.
    private func newer(of groups: Set<SignatureID>, _ scope: ProjectScope) -> SQL {
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
            select s.signature_id, s.first_at, s.first_result, s.first_run, s.first_branch, s.first_commit, s.first_environment,
                s.last_at, s.last_result, s.last_run, s.last_branch, s.last_commit, s.last_environment, r.*
            from failure_signatures s join resolutions r on r.group_id = s.group_id
            where s.tenant_id = \(scope.tenant) and s.project_id = \(scope.project) and s.group_id = any(\(groups.map(\.uuid)))
              and s.resolved_at is null and s.first_at > r.resolved_at
        )
        """
    }

    /// When a commit ran first.
    private static func start(of commit: SQL, _ scope: ProjectScope) -> SQL {
        """
        select min(v.started_at) as started_at from validations v
        where v.tenant_id = \(scope.tenant) and v.project_id = \(scope.project) and v.lane = 'trusted' and v.commit_sha <> ''
          and v.commit_sha = \(fragment: commit)
        """
    }
}
