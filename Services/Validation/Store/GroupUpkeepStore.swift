import Foundation
import Postgres
import Primitives

/// All SQL that time alone brings about in groups.
struct GroupUpkeepStore: Sendable {
    /// At once, so that a project's intake never waits long.
    static let maxResolved = 200
    /// Signatures; the last group is taken whole.
    static let maxForgotten = 200

    let database: Database
    let mining = MiningStore()
    let sums = GroupSums()
    let lessons = SignatureLessons()

    /// Resolves groups that have been absent from enough runs (`Absence`), and keeps how many those were, and the person's resolution that this takes
    /// the place of.
    /// - Returns: how many; `maxResolved` when there may be more.
    func resolveAbsent(_ scope: ProjectScope, now: Date) async throws -> Int {
        try await database.transaction(.tenant(scope.tenant)) { tx in
            try await scope.lock(in: tx)
            let candidates = try await tx.rows(Self.absent(scope, now: now)) { row in
                (
                    id: try row.signature("group_id"),
                    start: Absence.start(lastSeen: try row.value("last_at"), reopenedAt: try row.value("reopened_at", as: Date?.self)),
                    runs: try row.value("runs", as: Int.self), isElsewhere: try row.value("is_elsewhere", as: Bool.self)
                )
            }
            let over = candidates.filter { Absence.isOver(since: $0.start, runsSince: $0.runs, now: now) }
            guard !over.isEmpty else { return 0 }
            let proofs = over.map { Absence.proof(since: $0.start, runsSince: $0.runs, elsewhere: $0.isElsewhere, now: now) }
            try await tx.execute(
                """
                update failure_signatures set overtaken_at = resolved_at, overtaken_by = resolved_by, overtaken_branch = resolved_branch,
                    overtaken_commit = resolved_commit
                where tenant_id = \(scope.tenant) and project_id = \(scope.project) and group_id = any(\(over.map(\.id.uuid))) and resolved_by <> ''
                """)
            try await tx.execute(
                """
                update failure_signatures s set resolved_at = \(now), resolved_by = '', resolved_branch = '', resolved_commit = '',
                    absent_runs = u.runs, absent_days = u.days, absent_runs_needed = u.runs_needed, absent_days_needed = u.days_needed,
                    absent_elsewhere = u.is_elsewhere,
                    regressed_at = null, regressed_result = null, regressed_run = null, regressed_branch = null, regressed_commit = null,
                    regressed_environment = null, regressed_since = null
                from unnest(
                    \(over.map(\.id.uuid))::uuid[], \(proofs.map(\.runs))::integer[], \(proofs.map(\.days))::integer[],
                    \(proofs.map(\.neededRuns))::integer[], \(proofs.map(\.neededDays))::integer[], \(proofs.map(\.isElsewhere))::boolean[]
                ) as u (group_id, runs, days, runs_needed, days_needed, is_elsewhere)
                where s.tenant_id = \(scope.tenant) and s.project_id = \(scope.project) and s.group_id = u.group_id
                """)
            try await sums.update(Set(over.map(\.id)), recount: [], descriptions: [:], scope, in: tx)
            return over.count
        }
    }

    /// Finds the groups anew that people have decided about. Groups are mined when something is learnt or decided; what a release makes of decisions that are
    /// there already would otherwise wait for that.
    /// - Returns: groups that lost or got signatures: none, but for a change of the rules.
    func regroup(_ scope: ProjectScope) async throws -> Int {
        try await database.transaction(.tenant(scope.tenant)) { tx in
            try await scope.lock(in: tx)
            let named = try await tx.rows(
                """
                select distinct signature_id from grouping_decision_signatures
                where tenant_id = \(scope.tenant) and project_id = \(scope.project)
                """
            ) { try $0.signature("signature_id") }
            guard !named.isEmpty else { return 0 }
            var neighbourhood = try await mining.neighbourhood(
                of: Set(mining.buckets(of: named, scope, in: tx)), naming: [], scope, in: tx)
            neighbourhood.group()
            let touched = try await mining.assign(neighbourhood, scope, in: tx)
            try await sums.update(touched, recount: touched, descriptions: neighbourhood.descriptions(of: touched), scope, in: tx)
            return touched.count
        }
    }

    /// - Returns: how many; `SignatureLessons.mostAtOnce` when there may be more.
    func catchUpLessons(_ scope: ProjectScope) async throws -> Int {
        try await database.transaction(.tenant(scope.tenant)) { tx in
            try await scope.lock(in: tx)
            return try await lessons.catchUp(scope, in: tx)
        }
    }

    /// Drops groups that were not seen since, whole, unless a person has said anything about them: no verdict, split, merge, cut, resolution, reopening or
    /// owner is ever lost, nor a resolution that absence has taken the place of. What stays, stays as it is: what the machine puts a group together by
    /// are the group's own signatures, so another one that goes takes nothing from it.
    /// - Returns: signatures that are gone; 0 when there is nothing more to forget.
    func forget(before time: Date, _ scope: ProjectScope) async throws -> Int {
        try await database.transaction(.tenant(scope.tenant)) { tx in
            try await scope.lock(in: tx)
            let gone = try await tx.rows(
                """
                delete from failure_signatures
                where tenant_id = \(scope.tenant) and project_id = \(scope.project) and group_id in (
                    select c.group_id from (
                        select g.group_id, g.signatures, sum(g.signatures) over (order by g.last_at, g.group_id) as total
                        from failure_groups g
                        where g.tenant_id = \(scope.tenant) and g.project_id = \(scope.project) and g.last_at < \(time)
                          and not exists (
                              select 1 from failure_signatures s
                              where s.tenant_id = g.tenant_id and s.project_id = g.project_id and s.group_id = g.group_id
                                and (s.verdict_at is not null or s.owner <> '' or s.resolved_by <> '' or s.overtaken_at is not null
                                  or s.reopened_at is not null or exists (
                                    select 1 from grouping_decision_signatures d
                                    where d.tenant_id = s.tenant_id and d.project_id = s.project_id and d.signature_id = s.signature_id)
                                  or exists (
                                    select 1 from signature_cuts d
                                    where d.tenant_id = s.tenant_id and d.project_id = s.project_id
                                      and (d.signature_id = s.signature_id or d.target_id = s.signature_id))))
                    ) c
                    where c.total - c.signatures < \(Self.maxForgotten))
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
            try await sums.update(Set(gone.map(\.group)), recount: [], descriptions: [:], scope, in: tx)
            return gone.count
        }
    }
}
