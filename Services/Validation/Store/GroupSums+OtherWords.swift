import Foundation
import Postgres
import Primitives

/// What contradicts the resolution of a group though nobody resolved it: signatures that came after it.
extension GroupSums {
    /// Of each group in which a failure of an open signature that was seen first after the group's latest resolution contradicts that: the earliest
    /// one. All such signatures are looked at, of which a project has a bounded number (`GroupingIndex.maxSignatures`), and each of their commits is
    /// looked up once; further failures are looked through of those alone of which the first proves nothing.
    func otherWords(
        of groups: Set<SignatureID>, by rules: LifeCycle, _ scope: ProjectScope, in tx: Transaction
    ) async throws -> [SignatureID: Proof] {
        let ends = try await tx.rows(
            """
            \(fragment: newer(of: groups, scope)),
            commits as (
                select c.commit, f.started_at
                from (
                    select first_commit as commit from suspects where first_commit <> ''
                    union
                    select last_commit from suspects where last_commit <> ''
                ) c, lateral (\(fragment: Self.start(of: "c.commit", scope))) f
            )
            select n.*, least(n.first_at, f.started_at) as first_since, least(n.last_at, l.started_at) as last_since
            from suspects n left join commits f on f.commit = n.first_commit left join commits l on l.commit = n.last_commit
            """
        ) { row -> (suspect: Suspect, first: Proof?, last: Proof?) in
            let (group, signature, resolution) = (try row.signature("group_id"), try row.signature("signature_id"), try Resolution(row: row))
            func proof(_ which: String) throws -> Proof? {
                let sighting = try Sighting(row: row, which)
                let since = try row.value(which + "_since", as: Date.self)
                guard let resolution, resolution.isContradicted(by: sighting, commitSince: since) else { return nil }
                return Proof(group: group, signature: signature, contradiction: Contradiction(sighting: sighting, since: since))
            }
            let suspect = Suspect(group: group, signature: signature, lastAt: try row.value("last_at"))
            return (suspect: suspect, first: try proof("first"), last: try proof("last"))
        }
        var proofs = ends.compactMap { $0.first ?? $0.last }
        if rules.otherWords == .contradicting {
            let portions = Suspect.portions(of: ends.filter { $0.first == nil }.map(\.suspect))
            proofs += try await lookThrough(
                portions.map { newer(of: Set($0.map(\.group)), only: $0.map(\.signature), scope) }, scope, in: tx)
        }
        return Proof.earliest(of: proofs)
    }

    /// `suspects`: the signatures that came after the latest resolutions of their groups, with these.
    /// - Parameter signatures: `nil` for all of them.
    private func newer(of groups: Set<SignatureID>, only signatures: [SignatureID]? = nil, _ scope: ProjectScope) -> SQL {
        let named = signatures.map { ids -> SQL in "and s.signature_id = any(\(ids.map(\.uuid)))" } ?? ""
        return """
            with resolutions as (
                select distinct on (group_id) group_id, resolved_at, resolved_by, resolved_branch, resolved_commit, absent_runs, absent_days,
                    absent_runs_needed, absent_days_needed, absent_elsewhere
                from failure_signatures
                where tenant_id = \(scope.tenant) and project_id = \(scope.project) and group_id = any(\(groups.map(\.uuid)))
                  and resolved_at is not null
                order by group_id, resolved_at desc, signature_id
            ),
            suspects as (
                select s.signature_id, s.first_at, s.first_result, s.first_run, s.first_branch, s.first_commit, s.first_environment,
                    s.last_at, s.last_result, s.last_run, s.last_branch, s.last_commit, s.last_environment, r.*, r.resolved_at as searched_from,
                    ''::text as known_commit, null::uuid as known_run
                from failure_signatures s join resolutions r on r.group_id = s.group_id
                where s.tenant_id = \(scope.tenant) and s.project_id = \(scope.project) and s.group_id = any(\(groups.map(\.uuid)))
                  and s.resolved_at is null and s.first_at > r.resolved_at
                  \(fragment: named)
            )
            """
    }
}
