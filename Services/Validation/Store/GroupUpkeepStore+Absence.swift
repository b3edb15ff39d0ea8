import Foundation
import Postgres
import Primitives

/// Which groups have been absent from enough runs (`Absence`).
extension GroupUpkeepStore {
    /// Up to `maxResolved` groups with the runs that they were absent from. Runs of other branches are looked at only where those of the own one are
    /// too few and it is silent.
    static func absent(_ scope: ProjectScope, now: Date) -> SQL {
        let (cutoff, needed) = (Absence.cutoff(now: now), LifeCycle.current.absentRuns)
        return """
            with silent as materialized (\(fragment: silent(scope, since: Absence.silence(now: now))))
            select g.group_id, g.last_at, g.reopened_at, g.is_elsewhere,
                case when g.is_elsewhere then (\(fragment: runs(.others, upTo: Absence.maxCounted)))
                    else (\(fragment: runs(.own, upTo: Absence.maxCounted))) end as runs
            from (
                select g.* from (
                    select g.*, own.runs as own_runs, own.runs < \(needed) and g.last_branch in (select branch from silent) as is_elsewhere
                    from (
                        select g.*, r.reopened_at, greatest(g.last_at, r.reopened_at) as absent_since
                        from failure_groups g, lateral (\(fragment: reopening)) r
                        where g.tenant_id = \(scope.tenant) and g.project_id = \(scope.project) and g.state <> 'resolved' and g.last_at < \(cutoff)
                    ) g, lateral (\(fragment: runs(.own, upTo: needed))) own
                    where g.absent_since < \(cutoff)
                ) g
                where case when g.is_elsewhere then (\(fragment: runs(.others, upTo: needed))) else g.own_runs end >= \(needed)
                limit \(maxResolved)
            ) g
            """
    }

    /// When the group `g` was last reopened. A word of its signatures, so that it stays with them when groups are put together and taken apart.
    private static let reopening: SQL = """
        select max(s.reopened_at) as reopened_at from failure_signatures s
        where s.tenant_id = g.tenant_id and s.project_id = g.project_id and s.group_id = g.group_id
        """

    private enum Branches { case own, others }

    /// Counts the runs that could have shown the group `g` since it is absent, among the newest `Absence.maxLookedAt`: which of those that the index
    /// gives are large enough, or on other branches, their rows alone tell.
    private static func runs(_ branches: Branches, upTo limit: Int) -> SQL {
        """
        select count(*) as runs from (
            select 1 from (\(fragment: newest(branches))) v
            where \(fragment: couldShow(branches))
            limit \(limit)
        ) r
        """
    }

    /// - Parameter end: which of these runs `v` are meant.
    private static func newest(_ branches: Branches, where end: SQL = "true") -> SQL {
        let given: SQL = branches == .own ? "v.branch = g.last_branch" : "true"
        return """
            select v.branch, v.tests from validations v
            where v.tenant_id = g.tenant_id and v.project_id = g.project_id and v.lane = 'trusted' and v.judged_at is not null
              and \(fragment: given) and v.environment = g.last_environment and v.started_at > g.absent_since and \(fragment: end)
            order by v.started_at desc
            limit \(Absence.maxLookedAt)
            """
    }

    private static func couldShow(_ branches: Branches) -> SQL {
        let left: SQL = branches == .own ? "true" : "v.branch <> g.last_branch"
        return """
            \(fragment: left)
            and v.tests * 2 >= coalesce((select l.tests from validations l where l.tenant_id = g.tenant_id and l.run_id = g.last_run), 0)
            """
    }

    /// The absence that resolved a group, counted once more among the runs that began before it was resolved.
    /// - Returns: `nil` where something else did, or where it cannot be counted (any more).
    static func absenceAgain(of group: FailureGroup, _ scope: ProjectScope, in tx: Transaction) async throws -> Absence.Proof? {
        guard group.state == .resolved, let kept = group.resolution?.absence else { return nil }
        let branches: Branches = kept.isElsewhere ? .others : .own
        let recount = try await tx.first(
            """
            with absent as (
                select s.tenant_id, s.project_id, s.last_branch, s.last_environment, s.last_run, g.resolved_at,
                    greatest(s.last_at, max(s.reopened_at) over ()) as absent_since
                from failure_groups g
                join failure_signatures s on s.tenant_id = g.tenant_id and s.project_id = g.project_id and s.group_id = g.group_id
                    and s.resolved_at = g.resolved_at and s.resolved_by = ''
                where g.tenant_id = \(scope.tenant) and g.project_id = \(scope.project) and g.group_id = \(group.id)
                order by s.last_at desc, s.last_result desc
                limit 1
            )
            select g.absent_since, g.resolved_at, v.runs, v.looked_at, exists (
                    select 1 from validations l where l.tenant_id = g.tenant_id and l.run_id = g.last_run) as is_whole
            from absent g, lateral (
                select count(*) as looked_at, count(*) filter (where \(fragment: couldShow(branches))) as runs
                from (\(fragment: newest(branches, where: "v.started_at < g.resolved_at"))) v
            ) v
            """
        ) { row in
            Absence.Recount(
                start: try row.value("absent_since"), resolvedAt: try row.value("resolved_at"), runs: try row.value("runs"),
                lookedAt: try row.value("looked_at"), isWhole: try row.value("is_whole"))
        }
        return recount?.proof(beside: kept)
    }

    /// Branches that groups were last seen on and nothing has run on since, in any environment: merged or deleted. Only groups that are older
    /// than that can be on one.
    private static func silent(_ scope: ProjectScope, since time: Date?) -> SQL {
        """
        select b.branch
        from (
            select distinct last_branch as branch from failure_groups
            where tenant_id = \(scope.tenant) and project_id = \(scope.project) and state <> 'resolved' and last_at < \(time)
        ) b
        where not exists (
            select 1 from validations v
            where v.tenant_id = \(scope.tenant) and v.project_id = \(scope.project) and v.lane = 'trusted' and v.judged_at is not null
              and v.branch = b.branch and v.started_at >= \(time))
        """
    }
}
