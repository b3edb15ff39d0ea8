import Audit
import Foundation
import Jobs
import Postgres
import Primitives

/// All SQL of splits and merges by persons, beside which cuts are listed (`CutStore`). Decisions are added and never changed; what groups follow from them is mined anew at once.
struct GroupingDecisionStore: Sendable {
    let database: Database
    let groups: GroupStore
    let mining = MiningStore()
    let sums = GroupSums()
    let cuts = CutStore()

    var jobs: JobQueue { JobQueue(database: database) }

    /// Who decides, and how often the same may be said.
    struct Author: Sendable {
        let actor: String
        let note: String
        /// The idempotency key: the same one again decides nothing more.
        let key: String?
    }

    /// Takes signatures out of a group.
    /// - Parameter results: failing results whose signatures are meant as well.
    /// - Returns: the group that the first of what was taken out is in now.
    /// - Throws: `failure_group.not_found`, `failure_groups.not_in_group`, `failure_groups.nothing_left`, `failure_groups.holds_rest`,
    ///   `failure_groups.decisions_full`.
    func split(
        _ signatures: [ID<Signature>], and results: [ID<Result>], from id: ID<FailureGroup>, by author: Author, at now: Date, _ scope: ProjectScope
    ) async throws -> FailureGroup {
        try await database.transaction(.tenant(scope.tenant)) { tx in
            try await scope.lock(in: tx)
            let group = try await groups.get(id, scope, in: tx)
            var side = Set(signatures.map { SignatureID(uuid: $0.uuid) })
            side.formUnion(try await self.signatures(of: results, scope, in: tx))
            guard let first = side.min() else { throw Fault.nothingLeft }
            if try await wasDecided(author, scope, in: tx) {
                AuditedCall.changedNothing()
                return try await groups.get(ID(uuid: first.uuid), scope, in: tx)
            }
            let members = try await members(of: [group.id], scope, in: tx)[group.id] ?? []
            let decisions = try GroupingDecision.split(side, from: members)
            try await decide(.split, decisions, by: author, at: now, scope, in: tx)
            try await tx.audit(group.id, project: scope.project, details: ["signatures": "\(side.count)", "note": author.note])
            return try await groups.get(ID(uuid: first.uuid), scope, in: tx)
        }
    }

    /// Puts groups together.
    /// - Throws: `failure_group.not_found`, `failure_groups.holds_rest`, `failure_groups.decisions_full`.
    func merge(
        _ others: [ID<FailureGroup>], into id: ID<FailureGroup>, by author: Author, at now: Date, _ scope: ProjectScope
    ) async throws -> FailureGroup {
        try await database.transaction(.tenant(scope.tenant)) { tx in
            try await scope.lock(in: tx)
            var wanted: [ID<FailureGroup>] = []
            for one in [id] + others {
                let found = try await groups.get(one, scope, in: tx)
                if !wanted.contains(found.id) { wanted.append(found.id) }
            }
            let wasDecided = try await wasDecided(author, scope, in: tx)
            if wanted.count == 1 || wasDecided {
                AuditedCall.changedNothing()
                return try await groups.get(id, scope, in: tx)
            }
            let members = try await members(of: wanted, scope, in: tx)
            try await decide(.merge, GroupingDecision.merge(wanted.compactMap { members[$0] }), by: author, at: now, scope, in: tx)
            try await tx.audit(
                wanted[0], project: scope.project,
                details: ["groups": wanted.dropFirst().map(\.description).joined(separator: ","), "note": author.note])
            return try await groups.get(id, scope, in: tx)
        }
    }

    /// Newest first.
    /// - Parameter group: only those that name a signature of it, or made one.
    /// - Throws: `failure_group.not_found`.
    func list(_ page: PageRequest, of group: ID<FailureGroup>? = nil, _ scope: ProjectScope) async throws -> Page<ListedDecision> {
        let before = try page.after(ID<GroupingDecision>.self)
        return try await database.transaction(.tenant(scope.tenant)) { tx in
            var naming: SQL = ""
            let current = try await groupNow(group, scope, in: tx)
            if let current {
                naming = """
                    and id in (
                        select n.decision_id from failure_signatures s
                        join grouping_decision_signatures n on n.tenant_id = s.tenant_id and n.project_id = s.project_id
                            and n.signature_id = s.signature_id
                        where s.tenant_id = \(scope.tenant) and s.project_id = \(scope.project) and s.group_id = \(current))
                    """
            }
            let rows = try await tx.rows(
                """
                select id, kind, decided_at, decided_by, note, signatures from grouping_decisions
                where tenant_id = \(scope.tenant) and project_id = \(scope.project) and (\(before)::uuid is null or id < \(before))
                  \(fragment: naming)
                order by id desc
                limit \(page.limit + 1)
                """
            ) { try GroupingDecision(row: $0) }
            let shares = try await shares(of: rows.map(\.id), scope, in: tx)
            let cut = try await cuts.list(before: before, of: current, limit: page.limit + 1, scope, in: tx)
            let listed = rows.map { ListedDecision(decision: $0, groups: shares[$0.id] ?? []) }
            let ordered = (listed + cut).sorted { $0.decision.id > $1.decision.id }.prefix(page.limit + 1)
            return Page(rows: Array(ordered), limit: page.limit) { $0.decision.id.description }
        }
    }

    private func groupNow(_ group: ID<FailureGroup>?, _ scope: ProjectScope, in tx: Transaction) async throws -> ID<FailureGroup>? {
        guard let group else { return nil }
        return try await groups.get(group, scope, in: tx).id
    }

    private func shares(
        of decisions: [ID<GroupingDecision>], _ scope: ProjectScope, in tx: Transaction
    ) async throws -> [ID<GroupingDecision>: [ListedDecision.Share]] {
        guard !decisions.isEmpty else { return [:] }
        let rows = try await tx.rows(
            """
            select decision_id, group_id, is_taken_out, signatures from (
                select n.decision_id, s.group_id, n.is_taken_out, count(*) as signatures,
                    row_number() over (partition by n.decision_id order by count(*) desc, s.group_id, n.is_taken_out) as place
                from grouping_decision_signatures n
                join failure_signatures s on s.tenant_id = n.tenant_id and s.project_id = n.project_id and s.signature_id = n.signature_id
                where n.tenant_id = \(scope.tenant) and n.project_id = \(scope.project) and n.decision_id = any(\(decisions.map(\.uuid)))
                group by n.decision_id, s.group_id, n.is_taken_out
            ) counted
            where place <= \(ListedDecision.mostGroups)
            order by decision_id, place
            """
        ) { row in
            (
                decision: try row.value("decision_id", as: ID<GroupingDecision>.self),
                share: ListedDecision.Share(
                    group: try row.value("group_id"), signatures: try row.value("signatures"), isTakenOut: try row.value("is_taken_out"))
            )
        }
        return Dictionary(grouping: rows, by: \.decision).mapValues { $0.map(\.share) }
    }

    /// Writes decisions down and makes the groups that follow.
    private func decide(
        _ kind: GroupingDecision.Kind, _ decisions: [[(id: SignatureID, isTakenOut: Bool)]], by author: Author, at now: Date, _ scope: ProjectScope,
        in tx: Transaction
    ) async throws {
        let (count, last) = try await tx.one(
            """
            select count(*) as n, max(decided_at) as last from grouping_decisions
            where tenant_id = \(scope.tenant) and project_id = \(scope.project)
            """
        ) { (try $0.value("n", as: Int.self), try $0.value("last", as: Date?.self)) }
        guard count + decisions.count <= GroupingIndex.maxConstraints else { throw Fault.decisionsFull }
        let at = GroupingDecision.time(now: now, last: last)
        for (number, named) in decisions.enumerated() {
            let id = ID<GroupingDecision>.new()
            try await tx.pipeline([
                """
                insert into grouping_decisions (tenant_id, project_id, id, kind, decided_at, decided_by, note, signatures,
                    idempotency_key)
                values (\(scope.tenant), \(scope.project), \(id), \(kind.rawValue), \(at), \(author.actor), \(author.note),
                        \(named.count), \(number == 0 ? author.key : nil))
                """,
                """
                insert into grouping_decision_signatures (tenant_id, project_id, decision_id, signature_id, is_taken_out)
                select \(scope.tenant), \(scope.project), \(id), u.id, u.is_taken_out
                from unnest(\(named.map(\.id.uuid))::uuid[], \(named.map(\.isTakenOut))::boolean[]) as u (id, is_taken_out)
                """,
            ])
        }
        let named = Set(decisions.flatMap { $0.map(\.id) })
        let buckets = try await mining.buckets(of: Array(named), scope, in: tx)
        var neighbourhood = try await mining.neighbourhood(of: Set(buckets), naming: [], scope, in: tx)
        neighbourhood.group()
        let touched = try await mining.assign(neighbourhood, scope, in: tx)
        try await sums.update(touched, recount: touched, descriptions: neighbourhood.descriptions(of: touched), scope, in: tx)
    }

    private func wasDecided(_ author: Author, _ scope: ProjectScope, in tx: Transaction) async throws -> Bool {
        guard let key = author.key else { return false }
        return try await tx.first(
            """
            select 1 as one from grouping_decisions
            where tenant_id = \(scope.tenant) and project_id = \(scope.project) and idempotency_key = \(key)
            """
        ) { try $0.value("one", as: Int32.self) } != nil
    }

    /// In the order of their first failure; that is the group's own name, then the others.
    /// - Throws: `failure_groups.holds_rest`: what stands for a bucket's rest takes no part in mining, so that a decision about it would do nothing.
    private func members(of groups: [ID<FailureGroup>], _ scope: ProjectScope, in tx: Transaction) async throws -> [ID<FailureGroup>: [SignatureID]] {
        let rows = try await tx.rows(
            """
            select group_id, signature_id, is_mined from failure_signatures
            where tenant_id = \(scope.tenant) and project_id = \(scope.project) and group_id = any(\(groups.map(\.uuid)))
            order by first_at, signature_id
            """
        ) { row in
            let group = try row.value("group_id", as: ID<FailureGroup>.self)
            guard try row.value("is_mined", as: Bool.self) else { throw Fault.holdsRest(group) }
            return (group: group, id: try row.signature("signature_id"))
        }
        return Dictionary(grouping: rows, by: \.group).mapValues { $0.map(\.id) }
    }

    /// - Throws: `failure_groups.not_in_group` for a result that is not there, or of which nothing is learnt.
    private func signatures(of results: [ID<Result>], _ scope: ProjectScope, in tx: Transaction) async throws -> [SignatureID] {
        guard !results.isEmpty else { return [] }
        let found = try await tx.rows(
            """
            select signature_id from failures
            where tenant_id = \(scope.tenant) and result_id = any(\(results)) and project_id = \(scope.project) and trusted
              and signature_id is not null
            """
        ) { try $0.signature("signature_id") }
        guard found.count == Set(results).count else { throw Fault.notInGroup }
        return found
    }
}
