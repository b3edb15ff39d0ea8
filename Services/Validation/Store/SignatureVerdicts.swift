import Foundation
import Postgres
import Primitives

/// All SQL that carries what is said of failures to the groups that they are in. Each step is a function of rows that are there, so who hears of what
/// first makes no difference, and costs what has changed.
struct SignatureVerdicts: Sendable {
    let sums = GroupSums()

    /// After a person has judged a failure, or taken that back. In a transaction that holds the project's lock (`ProjectScope.lock`).
    func update(of result: ID<Result>, _ scope: ProjectScope, in tx: Transaction) async throws {
        let groups = try await tx.rows(
            """
            with said as materialized (
                select signature_id from failures where tenant_id = \(scope.tenant) and result_id = \(result) and trusted
            ),
            latest as (
                select v.category, v.severity, v.decided_at, v.result_id
                from said
                join failures f on f.tenant_id = \(scope.tenant) and f.project_id = \(scope.project) and f.signature_id = said.signature_id
                    and f.judged_category is not null and f.trusted
                join failure_verdicts v on v.tenant_id = f.tenant_id and v.result_id = f.result_id and v.version = f.verdict_version
                order by v.decided_at desc, v.result_id desc
                limit 1
            )
            update failure_signatures s
            set (verdict_category, verdict_severity, verdict_at, verdict_result) = (select category, severity, decided_at, result_id from latest)
            from said
            where s.tenant_id = \(scope.tenant) and s.project_id = \(scope.project) and s.signature_id = said.signature_id
            returning s.group_id
            """
        ) { try $0.signature("group_id") }
        try await sums.update(Set(groups), recount: [], descriptions: [:], scope, in: tx)
    }

    /// After what people had said of some failures of these signatures has been taken back. The rows of their groups are left as they are.
    func update(_ signatures: [SignatureID], _ scope: ProjectScope, in tx: Transaction) async throws {
        guard !signatures.isEmpty else { return }
        try await tx.execute(
            """
            with latest as (
                select distinct on (f.signature_id) f.signature_id, v.category, v.severity, v.decided_at, v.result_id
                from failures f
                join failure_verdicts v on v.tenant_id = f.tenant_id and v.result_id = f.result_id and v.version = f.verdict_version
                where f.tenant_id = \(scope.tenant) and f.project_id = \(scope.project) and f.signature_id = any(\(signatures.map(\.uuid)))
                  and f.judged_category is not null and f.trusted
                order by f.signature_id, v.decided_at desc, v.result_id desc
            )
            update failure_signatures s
            set verdict_category = l.category, verdict_severity = l.severity, verdict_at = l.decided_at, verdict_result = l.result_id
            from unnest(\(signatures.map(\.uuid))::uuid[]) as u (id)
            left join latest l on l.signature_id = u.id
            where s.tenant_id = \(scope.tenant) and s.project_id = \(scope.project) and s.signature_id = u.id
            """)
    }

    /// After the machine has judged failures again: a signature is of the category of the failure that was seen last.
    func rejudge(_ results: [ID<Result>], _ scope: ProjectScope, in tx: Transaction) async throws {
        guard !results.isEmpty else { return }
        let groups = try await tx.rows(
            """
            update failure_signatures s
            set category = coalesce(f.judged_category, f.category), severity = coalesce(f.judged_severity, f.severity)
            from failures f
            where f.tenant_id = \(scope.tenant) and f.result_id = any(\(results.map(\.uuid)))
              and s.tenant_id = f.tenant_id and s.project_id = \(scope.project) and s.signature_id = f.signature_id and s.last_result = f.result_id
            returning s.group_id
            """
        ) { try $0.signature("group_id") }
        try await sums.update(Set(groups), recount: [], descriptions: [:], scope, in: tx)
    }
}
