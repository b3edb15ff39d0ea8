import Foundation
import Postgres
import Primitives

/// All SQL that time alone brings about in groups.
struct GroupUpkeepStore: Sendable {
    /// At once, so that a project's intake never waits long.
    static let maxResolved = 200
    static let maxForgotten = 200

    let database: Database
    let mining = MiningStore()
    let sums = GroupSums()

    /// Resolves groups that have been absent from enough runs (`Absence`).
    /// - Returns: how many; `maxResolved` when there may be more.
    func resolveAbsent(_ scope: ProjectScope, now: Date) async throws -> Int {
        try await database.transaction(.tenant(scope.tenant)) { tx in
            try await scope.lock(in: tx)
            let candidates = try await tx.rows(
                """
                select g.group_id, g.last_at, n.runs
                from failure_groups g, lateral (
                    select count(*) as runs from (
                        select 1 from validations v
                        where v.tenant_id = g.tenant_id and v.project_id = g.project_id and v.lane = 'trusted' and v.judged_at is not null
                          and v.branch = g.last_branch and v.environment = g.last_environment and v.started_at > g.last_at
                          and v.tests * 2 >= coalesce((
                              select l.tests from validations l where l.tenant_id = g.tenant_id and l.run_id = g.last_run), 0)
                        limit \(Absence.runs)
                    ) r
                ) n
                where g.tenant_id = \(scope.tenant) and g.project_id = \(scope.project) and g.state <> 'resolved'
                  and g.last_at < \(Absence.cutoff(now: now)) and n.runs >= \(Absence.runs)
                limit \(Self.maxResolved)
                """
            ) { row in
                (
                    id: try row.signature("group_id"), lastSeen: try row.value("last_at", as: Date.self),
                    runs: try row.value("runs", as: Int.self)
                )
            }
            let over = candidates.filter { Absence.isOver(lastSeen: $0.lastSeen, runsSince: $0.runs, now: now) }.map(\.id)
            guard !over.isEmpty else { return 0 }
            try await tx.execute(
                """
                update failure_signatures set resolved_at = \(now), resolved_by = '', resolved_branch = '', resolved_commit = '',
                    regressed_at = null, regressed_result = null, regressed_run = null, regressed_branch = null, regressed_commit = null,
                    regressed_environment = null
                where tenant_id = \(scope.tenant) and project_id = \(scope.project) and group_id = any(\(over.map(\.uuid)))
                """)
            try await sums.update(Set(over), recount: [], descriptions: [:], scope, in: tx)
            return over.count
        }
    }

    /// Drops signatures that were not seen since, unless a person has decided about them, and finds the groups of what is left.
    /// - Returns: how many; `maxForgotten` when there may be more.
    func forget(before time: Date, _ scope: ProjectScope) async throws -> Int {
        try await database.transaction(.tenant(scope.tenant)) { tx in
            try await scope.lock(in: tx)
            let gone = try await tx.rows(
                """
                delete from failure_signatures where (tenant_id, project_id, signature_id) in (
                    select s.tenant_id, s.project_id, s.signature_id from failure_signatures s
                    where s.tenant_id = \(scope.tenant) and s.project_id = \(scope.project) and s.last_at < \(time)
                      and s.verdict_at is null
                      and not exists (
                          select 1 from grouping_decision_signatures d
                          where d.tenant_id = s.tenant_id and d.project_id = s.project_id and d.signature_id = s.signature_id)
                    limit \(Self.maxForgotten))
                returning signature_id, bucket_id, group_id
                """
            ) { (id: try $0.signature("signature_id"), bucket: try $0.signature("bucket_id"), group: try $0.signature("group_id")) }
            let ids = gone.map(\.id.uuid)
            try await tx.pipeline([
                """
                delete from signature_tests
                where tenant_id = \(scope.tenant) and project_id = \(scope.project) and signature_id = any(\(ids))
                """,
                """
                delete from signature_branches where tenant_id = \(scope.tenant) and project_id = \(scope.project) and last_at < \(time)
                """,
                """
                delete from signature_hours where tenant_id = \(scope.tenant) and project_id = \(scope.project) and hour < \(time)
                """,
            ])
            guard !gone.isEmpty else { return 0 }
            var neighbourhood = try await mining.neighbourhood(of: Set(gone.map(\.bucket)), naming: [], scope, in: tx)
            neighbourhood.group()
            let touched = try await mining.assign(neighbourhood, scope, in: tx).union(gone.map(\.group))
            try await sums.update(
                touched, recount: touched, descriptions: neighbourhood.descriptions(of: touched), scope, in: tx)
            return gone.count
        }
    }
}
