import Foundation
import Postgres
import Primitives

/// All SQL that carries what is said of failures to the groups that they are in. Each step is a function of rows that are there, so who hears of what
/// first makes no difference, and costs what has changed, however many failures people have said something of.
struct SignatureVerdicts: Sendable {
    let sums = GroupSums()

    /// After a person has judged a failure, or taken that back. In a transaction that holds the project's lock (`ProjectScope.lock`): so what is said is
    /// later than all that was said before, and only what is taken back leaves a signature to look for another word.
    func update(of result: ID<Result>, _ scope: ProjectScope, in tx: Transaction) async throws {
        var groups = try await tx.rows(
            """
            update failure_signatures s
            set verdict_category = v.category, verdict_severity = v.severity, verdict_at = v.decided_at, verdict_result = v.result_id
            from failures f
            join failure_verdicts v on v.tenant_id = f.tenant_id and v.result_id = f.result_id and v.version = f.verdict_version
            where f.tenant_id = \(scope.tenant) and f.result_id = \(result) and f.judged_category is not null and f.trusted
              and s.tenant_id = f.tenant_id and s.project_id = \(scope.project) and s.signature_id = f.signature_id
            returning s.group_id
            """
        ) { try $0.signature("group_id") }
        if groups.isEmpty {
            let own: SQL = "select signature_id from failures where tenant_id = \(scope.tenant) and result_id = \(result) and trusted"
            groups = try await replace(own, scope, in: tx)
        }
        try await sums.update(Set(groups), recount: [], descriptions: [:], scope, in: tx)
    }

    /// After what people had said of some failures of these signatures has been taken back. The rows of their groups are left as they are.
    func update(_ signatures: [SignatureID], _ scope: ProjectScope, in tx: Transaction) async throws {
        guard !signatures.isEmpty else { return }
        _ = try await replace("select unnest(\(signatures.map(\.uuid))::uuid[]) as signature_id", scope, in: tx)
    }

    /// After failures on which people's words stand have been moved from some of these signatures to others. The rows of their groups are left as they are.
    func find(_ signatures: [SignatureID], _ scope: ProjectScope, in tx: Transaction) async throws {
        _ = try await replace("select unnest(\(signatures.map(\.uuid))::uuid[]) as signature_id", anyway: true, scope, in: tx)
    }

    /// Looks for the latest word that stands on any failure of those signatures whose own has been taken back. An index has it; words that an earlier
    /// release took, which are few, are looked at one by one.
    /// - Parameter anyway: of all of them, whatever they show.
    /// - Returns: the groups of those that have another one now, or none.
    private func replace(_ signatures: SQL, anyway: Bool = false, _ scope: ProjectScope, in tx: Transaction) async throws -> [SignatureID] {
        try await tx.rows(
            """
            with lost as materialized (
                select s.signature_id
                from (\(fragment: signatures)) k
                join failure_signatures s on s.tenant_id = \(scope.tenant) and s.project_id = \(scope.project) and s.signature_id = k.signature_id
                left join failures f on f.tenant_id = s.tenant_id and f.result_id = s.verdict_result
                where \(anyway) or s.verdict_at is not null and f.judged_category is null
            ),
            latest as (
                select l.signature_id, w.category, w.severity, w.decided_at, w.result_id
                from lost l left join lateral (
                    select * from (
                        (select n.category, n.severity, n.verdict_at as decided_at, n.result_id
                         from failures n
                         where n.tenant_id = \(scope.tenant) and n.project_id = \(scope.project) and n.signature_id = l.signature_id
                           and n.judged_category is not null and n.trusted and n.verdict_at is not null
                         order by n.verdict_at desc, n.result_id desc
                         limit 1)
                        union all
                        (select v.category, v.severity, v.decided_at, v.result_id
                         from failures n
                         join failure_verdicts v on v.tenant_id = n.tenant_id and v.result_id = n.result_id and v.version = n.verdict_version
                         where n.tenant_id = \(scope.tenant) and n.project_id = \(scope.project) and n.signature_id = l.signature_id
                           and n.judged_category is not null and n.trusted and n.verdict_at is null)
                    ) a
                    order by a.decided_at desc, a.result_id desc
                    limit 1
                ) w on true
            )
            update failure_signatures s
            set verdict_category = l.category, verdict_severity = l.severity, verdict_at = l.decided_at, verdict_result = l.result_id
            from latest l
            where s.tenant_id = \(scope.tenant) and s.project_id = \(scope.project) and s.signature_id = l.signature_id
            returning s.group_id
            """
        ) { try $0.signature("group_id") }
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
