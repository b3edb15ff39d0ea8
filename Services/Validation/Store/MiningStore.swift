import Foundation
import Postgres
import Primitives

/// All SQL that looks for which signatures belong together.
struct MiningStore: Sendable {
    /// Every signature of these buckets, of all buckets that persons' decisions tie to them, and the decisions.
    /// - Parameter naming: signatures that decisions may name although they are not stored (any more).
    func neighbourhood(
        of buckets: Set<SignatureID>, naming: [SignatureID], _ scope: ProjectScope, in tx: Transaction
    ) async throws -> Neighbourhood {
        var found = Neighbourhood()
        var loaded: Set<SignatureID> = []
        var frontier = buckets
        var asked = naming
        while !frontier.isEmpty {
            let members = try await tx.rows(
                """
                select signature_id, origin, text, bucket_id, group_id, first_at, last_at from failure_signatures
                where tenant_id = \(scope.tenant) and project_id = \(scope.project) and bucket_id = any(\(frontier.map(\.uuid))) and is_mined
                """
            ) { try Neighbourhood.Member(row: $0) }
            for member in members { found.members[member.known.signature.id] = member }
            loaded.formUnion(frontier)
            let named = try await decisions(naming: asked + members.map(\.known.signature.id), scope, &found, in: tx)
            asked = []
            let beyond = named.filter { found.members[$0] == nil }
            guard !beyond.isEmpty else { break }
            frontier = Set(try await self.buckets(of: beyond, scope, in: tx)).subtracting(loaded)
        }
        return found
    }

    /// - Returns: all that the decisions name which name any of these.
    private func decisions(
        naming signatures: [SignatureID], _ scope: ProjectScope, _ found: inout Neighbourhood, in tx: Transaction
    ) async throws -> [SignatureID] {
        let rows = try await tx.rows(
            """
            select d.id, d.kind, d.decided_at, d.decided_by, d.note, d.signatures, s.signature_id, s.is_taken_out
            from grouping_decisions d
            join grouping_decision_signatures s on s.tenant_id = d.tenant_id and s.project_id = d.project_id and s.decision_id = d.id
            where d.tenant_id = \(scope.tenant) and d.project_id = \(scope.project) and d.id in (
                select n.decision_id from grouping_decision_signatures n
                where n.tenant_id = \(scope.tenant) and n.project_id = \(scope.project) and n.signature_id = any(\(signatures.map(\.uuid))))
            """
        ) { (decision: try GroupingDecision(row: $0), id: try $0.signature("signature_id"), isTakenOut: try $0.value("is_taken_out", as: Bool.self)) }
        for (_, group) in Dictionary(grouping: rows, by: \.decision.id) {
            let decision = group[0].decision
            found.decisions[decision.id.description] = decision
            found.constraints[decision.id.description] = decision.constraint(
                group.map { (id: $0.id, isTakenOut: $0.isTakenOut) }.sorted { $0.id < $1.id })
        }
        return rows.map(\.id)
    }

    func buckets(of signatures: [SignatureID], _ scope: ProjectScope, in tx: Transaction) async throws -> [SignatureID] {
        try await tx.rows(
            """
            select distinct bucket_id from failure_signatures
            where tenant_id = \(scope.tenant) and project_id = \(scope.project) and signature_id = any(\(signatures.map(\.uuid))) and is_mined
            """
        ) { try $0.signature("bucket_id") }
    }

    /// Signatures that take part in the project's mining.
    func count(_ scope: ProjectScope, in tx: Transaction) async throws -> Int {
        try await tx.one(
            """
            select count(*) as n from failure_signatures
            where tenant_id = \(scope.tenant) and project_id = \(scope.project) and is_mined
            """
        ) { try $0.value("n", as: Int.self) }
    }

    /// Writes down the group of each signature that is stored in another one.
    /// - Returns: the groups that lost or got signatures.
    func assign(_ neighbourhood: Neighbourhood, _ scope: ProjectScope, in tx: Transaction) async throws -> Set<SignatureID> {
        let changes = neighbourhood.members.values.compactMap { member -> (id: SignatureID, from: SignatureID, to: SignatureID)? in
            let id = member.known.signature.id
            guard let stored = member.group, let group = neighbourhood.groups[id], group != stored else { return nil }
            return (id, stored, group)
        }
        guard !changes.isEmpty else { return [] }
        try await tx.execute(
            """
            update failure_signatures s set group_id = u.group_id
            from unnest(\(changes.map(\.id.uuid))::uuid[], \(changes.map(\.to.uuid))::uuid[]) as u (id, group_id)
            where s.tenant_id = \(scope.tenant) and s.project_id = \(scope.project) and s.signature_id = u.id
            """)
        return Set(changes.flatMap { [$0.from, $0.to] })
    }
}

extension Neighbourhood.Member {
    fileprivate init(row: Row) throws {
        let signature = Signature(origin: try row.value("origin"), text: try row.value("text"))
        self.init(
            known: KnownSignature(
                signature, firstSeen: try row.value("first_at", as: Date.self).milliseconds,
                lastSeen: try row.value("last_at", as: Date.self).milliseconds),
            bucket: try row.signature("bucket_id"), group: try row.signature("group_id"))
    }
}

extension GroupingDecision {
    init(row: Row) throws {
        self.init(
            id: try row.value("id"), kind: try stored(row.value("kind")), decidedAt: try row.value("decided_at"),
            decidedBy: try row.value("decided_by"), note: try row.value("note"), signatures: try row.value("signatures"))
    }
}
