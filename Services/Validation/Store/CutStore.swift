import Foundation
import Postgres
import Primitives

/// All SQL of cuts by persons. They are added and never changed; how far the failures that were there before have been gone through stands beside them.
struct CutStore: Sendable {
    private static let columns: SQL = "c.id, c.signature_id, c.origin, c.text, c.containing, c.decided_at, c.decided_by, c.note"

    /// `Cut.maxPerProject` at most.
    func all(_ scope: ProjectScope, in tx: Transaction) async throws -> Cuts {
        let rows = try await tx.rows(
            """
            select \(fragment: Self.columns) from signature_cuts c
            where c.tenant_id = \(scope.tenant) and c.project_id = \(scope.project)
            """
        ) { try Cut(row: $0) }
        return Cuts(rows)
    }

    /// The one that the same call has made before.
    func made(by key: String?, _ scope: ProjectScope, in tx: Transaction) async throws -> ID<GroupingDecision>? {
        guard let key else { return nil }
        return try await tx.first(
            """
            select id from signature_cuts
            where tenant_id = \(scope.tenant) and project_id = \(scope.project) and idempotency_key = \(key)
            """
        ) { try $0.value("id", as: ID<GroupingDecision>.self) }
    }

    /// When the latest was decided.
    func latest(_ scope: ProjectScope, in tx: Transaction) async throws -> Date? {
        try await tx.one(
            "select max(decided_at) as last from signature_cuts where tenant_id = \(scope.tenant) and project_id = \(scope.project)"
        ) { try $0.value("last", as: Date?.self) }
    }

    /// - Parameters:
    ///   - total: failures that the signature counts.
    ///   - since: when it was seen first.
    func insert(_ cut: Cut, key: String?, total: Int64, since: Date, _ scope: ProjectScope, in tx: Transaction) async throws {
        try await tx.pipeline([
            """
            insert into signature_cuts (tenant_id, project_id, id, signature_id, target_id, origin, text, containing, decided_at, decided_by, note,
                idempotency_key)
            values (\(scope.tenant), \(scope.project), \(cut.id), \(cut.signature.id.uuid), \(cut.target.id.uuid), \(cut.signature.origin),
                    \(cut.signature.text), \(cut.text), \(cut.decidedAt), \(cut.decidedBy), \(cut.note), \(key))
            """,
            """
            insert into signature_cut_progress (tenant_id, project_id, cut_id, total, counted_since)
            values (\(scope.tenant), \(scope.project), \(cut.id), \(total), \(since))
            """,
        ])
    }

    /// What the newest failures of a signature said whose texts are kept, without those of untrusted runs.
    func newest(_ limit: Int, of signature: SignatureID, _ scope: ProjectScope, in tx: Transaction) async throws -> [Symptoms] {
        try await tx.rows(
            """
            select \(fragment: SymptomStore.columns)
            from (
                select symptoms_hash from failures
                where tenant_id = \(scope.tenant) and project_id = \(scope.project) and signature_id = \(signature.uuid) and trusted
                order by result_id desc
                limit \(limit)
            ) f
            join symptoms s on s.tenant_id = \(scope.tenant) and s.hash = f.symptoms_hash
            """
        ) { try Symptoms(row: $0) }
    }

    /// Cuts with how far they are, newest first.
    /// - Parameters:
    ///   - before: only older ones.
    ///   - group: only those of its signatures, and those that made one of them.
    func list(
        before: ID<GroupingDecision>?, of group: ID<FailureGroup>?, limit: Int, _ scope: ProjectScope, in tx: Transaction
    ) async throws -> [ListedDecision] {
        var naming: SQL = ""
        if let group {
            naming = """
                and exists (
                    select 1 from failure_signatures g
                    where g.tenant_id = c.tenant_id and g.project_id = c.project_id and g.signature_id in (c.signature_id, c.target_id)
                      and g.group_id = \(group))
                """
        }
        return try await tx.rows(
            """
            \(fragment: Self.listing(scope)) and (\(before)::uuid is null or c.id < \(before)) \(fragment: naming)
            order by c.id desc
            limit \(limit)
            """
        ) { try ListedDecision(cut: $0) }
    }

    /// One that is there.
    func get(_ id: ID<GroupingDecision>, _ scope: ProjectScope, in tx: Transaction) async throws -> ListedDecision {
        try await tx.one("\(fragment: Self.listing(scope)) and c.id = \(id)") { try ListedDecision(cut: $0) }
    }

    private static func listing(_ scope: ProjectScope) -> SQL {
        """
        select \(fragment: columns), p.state, p.total, p.done, p.moved, p.without_texts, p.finished_at, s.group_id as left_group,
            t.group_id as taken_group
        from signature_cuts c
        join signature_cut_progress p on p.tenant_id = c.tenant_id and p.project_id = c.project_id and p.cut_id = c.id
        left join failure_signatures s on s.tenant_id = c.tenant_id and s.project_id = c.project_id and s.signature_id = c.signature_id
        left join failure_signatures t on t.tenant_id = c.tenant_id and t.project_id = c.project_id and t.signature_id = c.target_id
        where c.tenant_id = \(scope.tenant) and c.project_id = \(scope.project)
        """
    }
}

extension Cut {
    fileprivate init(row: Row) throws {
        self.init(
            id: try row.value("id"), signature: Signature(origin: try row.value("origin"), text: try row.value("text")),
            text: try row.value("containing"), decidedAt: try row.value("decided_at"), decidedBy: try row.value("decided_by"),
            note: try row.value("note"))
    }
}

extension ListedDecision {
    fileprivate init(cut row: Row) throws {
        let cut = try Cut(row: row)
        let left = try row.value("left_group", as: ID<FailureGroup>?.self).map { Share(group: $0, signatures: 1, isTakenOut: false) }
        let taken = try row.value("taken_group", as: ID<FailureGroup>?.self).map { Share(group: $0, signatures: 1, isTakenOut: true) }
        self.init(
            decision: cut.decision, groups: [left, taken].compactMap(\.self),
            cut: CutProgress(
                signature: ID(uuid: cut.signature.id.uuid), target: ID(uuid: cut.target.id.uuid), text: cut.text,
                state: try stored(row.value("state")), total: try row.value("total"), done: try row.value("done"), moved: try row.value("moved"),
                withoutTexts: try row.value("without_texts"), finishedAt: try row.value("finished_at", as: Date?.self)))
    }
}
