import Audit
import Foundation
import Jobs
import Postgres
import Primitives

extension GroupingDecisionStore {
    /// Takes the failures of a signature apart by a text that some of them contain: those that come from now on, and by a job those that are there.
    /// - Parameter named: one of the group's signatures; may be `nil` where there is one alone.
    /// - Returns: the decision that is there already where the same was said before.
    /// - Throws: `failure_group.not_found`, `failure_groups.not_in_group`, `failure_groups.signature_needed`, `failure_groups.holds_rest`,
    ///   `failure_groups.cuts_full`, `failure_groups.text_nowhere`, `failure_groups.text_everywhere`.
    func cut(
        _ named: ID<Signature>?, by text: String, in id: ID<FailureGroup>, by author: Author, at now: Date, _ scope: ProjectScope
    ) async throws -> ListedDecision {
        try await database.transaction(.tenant(scope.tenant)) { tx in
            try await scope.lock(in: tx)
            if let made = try await cuts.made(by: author.key, scope, in: tx) {
                AuditedCall.changedNothing()
                return try await cuts.get(made, scope, in: tx)
            }
            let group = try await groups.get(id, scope, in: tx).id
            let found = try await cuttable(named, in: group, scope, in: tx)
            let all = try await cuts.all(scope, in: tx)
            let own = all[found.signature.id]
            // Bytes are compared: letters that are written in two ways are two texts.
            let target = found.signature.cut(by: text).id
            if let same = own.first(where: { $0.target.id == target }) {
                AuditedCall.changedNothing()
                return try await cuts.get(same.id, scope, in: tx)
            }
            guard own.count < Cut.maxPerSignature, all.count < Cut.maxPerProject else { throw Fault.cutsFull }
            let cut = Cut(
                id: .new(), signature: found.signature, text: text,
                decidedAt: GroupingDecision.time(now: now, last: try await cuts.latest(scope, in: tx)), decidedBy: author.actor, note: author.note)
            try await look(for: cut, beside: all, scope, in: tx)
            try await cuts.insert(cut, key: author.key, total: found.failures, since: found.firstAt, scope, in: tx)
            try await jobs.enqueue(CutSignature.Payload(project: scope.project, cut: cut.id, after: nil), tenant: scope.tenant, in: tx)
            try await tx.audit(
                group, project: scope.project,
                details: ["signature": ID<Signature>(uuid: cut.signature.id.uuid).description, "text": text, "note": author.note])
            return try await cuts.get(cut.id, scope, in: tx)
        }
    }

    private func cuttable(
        _ named: ID<Signature>?, in group: ID<FailureGroup>, _ scope: ProjectScope, in tx: Transaction
    ) async throws -> (signature: Signature, failures: Int64, firstAt: Date) {
        let rows = try await tx.rows(
            """
            select origin, text, is_mined, failures, first_at from failure_signatures
            where tenant_id = \(scope.tenant) and project_id = \(scope.project) and group_id = \(group)
              and (\(named)::uuid is null or signature_id = \(named))
            limit 2
            """
        ) { row in
            (
                signature: Signature(origin: try row.value("origin"), text: try row.value("text")),
                failures: try row.value("failures", as: Int64.self),
                firstAt: try row.value("first_at", as: Date.self), isMined: try row.value("is_mined", as: Bool.self)
            )
        }
        guard let found = rows.first else { throw Fault.notInGroup }
        guard rows.count == 1 else { throw Fault.cutNeedsSignature }
        guard found.isMined else { throw Fault.holdsRest(group) }
        return (found.signature, found.failures, found.firstAt)
    }

    /// A text that stands in none, or in all, is more likely a mistake than meant. What older cuts take does not count: it is on its way out.
    private func look(for cut: Cut, beside others: Cuts, _ scope: ProjectScope, in tx: Transaction) async throws {
        let newest = try await cuts.newest(Cut.lookedAt, of: cut.signature.id, scope, in: tx)
        let left = newest.filter { others.path(from: cut.signature.id, for: $0).isEmpty }
        let taken = left.count { cut.takes($0) }
        guard taken > 0 else { throw Fault.textNowhere(among: left.count) }
        guard taken < left.count else { throw Fault.textEverywhere(among: left.count) }
    }
}
