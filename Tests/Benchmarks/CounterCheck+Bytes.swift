import Foundation
import Postgres

/// What Analytics keeps in bytes, which no SQL adds up: histograms of durations, and sheets of tests by weeks. Some of each are counted anew, others at every
/// run, so that a check of many results stays short.
extension CounterCheck {
    /// Rollups whose durations are compared.
    private static let mostHistograms: Int32 = 200
    /// Sheets, of all parts.
    private static let mostSheets: Int32 = 60

    /// With what makes them wrong.
    static let keptInBytes: [(name: String, damage: SQL, check: @Sendable (Transaction) async throws -> String?)] = [
        (
            "histograms of durations", "update analytics.rollups set durations = '\\x0100000000'",
            { try await histograms(in: $0) }
        ),
        (
            "sheets of tests by weeks", "update analytics.test_sheets set sums = '\\x0100', tests = 0",
            { try await sheets(in: $0) }
        ),
    ]

    /// Days of projects of which nothing has come since their tests were counted: of others `test_days` is not asked.
    static let countedDays: SQL = """
        select c.project_id, c.day from analytics.test_day_counts c
        join analytics.rollups r on r.tenant_id = c.tenant_id and r.project_id = c.project_id and r.dimension = 'all' and r.day = c.day
            and c.results = r.passed + r.failed + r.errored + r.skipped
        """

    /// The facts of each part of each project and day. What was skipped took no time.
    static let partsOfFacts: SQL = """
        select t.project_id, (f.started_at at time zone 'UTC')::date as day, p.dimension, p.value, f.outcome,
            case when f.outcome <> 'skipped' then f.duration_us end as duration_us
        from analytics.facts f join analytics.tests t on t.tenant_id = f.tenant_id and t.id = f.test_id
        left join execution.runs r on r.id = f.run_id
        cross join lateral (\(fragment: parts)) p
        """

    /// The same of failures that are put down to incidents that stand, or of which a person said that they were the environment's; what passed at last is no
    /// failure.
    static let partsOfIncidents: SQL = """
        select f.project_id, (f.started_at at time zone 'UTC')::date as day, p.dimension, p.value
        from analytics.environment_failures f
        left join analytics.environment_incidents i on i.tenant_id = f.tenant_id and i.id = f.incident_id and i.state = 'standing'
        join analytics.tests t on t.tenant_id = f.tenant_id and t.id = f.test_id
        left join execution.runs r on r.id = f.run_id
        cross join lateral (\(fragment: parts)) p
        where not f.passed and (f.said_environment or i.id is not null)
        """

    /// What a fact or failure `f` of a test `t` in a run `r` is part of.
    private static let parts: SQL = """
        select 'all' as dimension, '' as value
        union all select 'suite', left(t.suite_name, 200) where t.suite_name <> ''
        union all select 'branch', left(f.branch, 200) where f.branch <> ''
        union all select 'environment', left(f.environment, 200) where f.environment <> ''
        union all select 'tag', left(case when g.value = '' then g.key else g.key || ':' || g.value end, 200) from jsonb_each_text(r.tags) g
        """

    private static func histograms(in tx: Transaction) async throws -> String? {
        let rows = try await tx.rows(
            """
            with picked as (
                select project_id, day, dimension, value, durations from analytics.rollups order by random() limit \(mostHistograms)
            ), counted as (
                select project_id, day, dimension, value, array_agg(duration_us) filter (where duration_us is not null) as durations
                from (\(fragment: partsOfFacts)) parts group by 1, 2, 3, 4
            )
            select picked.durations as kept, coalesce(counted.durations, '{}') as counted
            from picked left join counted using (project_id, day, dimension, value)
            """
        ) { row in
            (kept: try row.value("kept", as: Data.self), counted: try row.value("counted", as: [Int64].self))
        }
        let wrong = rows.count { row in (try? KeptDurations(kept: row.kept)) != KeptDurations(row.counted) }
        return wrong == 0 ? nil : "\(wrong) of \(rows.count) histograms of durations are not what counting anew gives"
    }

    private static func sheets(in tx: Transaction) async throws -> String? {
        let kept = try await tx.rows(
            """
            select project_id, kind, branch, environment, week::text as week, array_agg(sums) as parts
            from analytics.test_sheets group by 1, 2, 3, 4, 5 order by random() limit \(mostSheets)
            """
        ) { row in
            let key = try ["kind", "branch", "environment", "week"].map { try row.value($0, as: String.self) }
            return (project: try row.value("project_id", as: UUID.self), key: key, parts: try row.value("parts", as: [Data].self))
        }
        var wrong = 0
        for sheet in kept {
            let (kind, branch, environment, week) = (sheet.key[0], sheet.key[1], sheet.key[2], sheet.key[3])
            let counted = try await tx.rows(
                """
                with known as (
                    select f.test_id, f.outcome, case when f.outcome = 'passed' then
                        round(ln(least(greatest(f.duration_us, 1), 4398046511103)::double precision) * 1024)::bigint end as steps
                    from analytics.facts f join analytics.tests t on t.tenant_id = f.tenant_id and t.id = f.test_id
                    where t.project_id = \(sheet.project) and date_trunc('week', f.started_at at time zone 'UTC')::date = \(week)::text::date
                      and (\(kind) = 'environment' or left(f.branch, 200) = \(branch))
                      and (\(kind) = 'branch' or left(f.environment, 200) = \(environment))
                )
                select test_id, array[count(*) filter (where outcome = 'passed'), count(*) filter (where outcome in ('failed', 'errored')),
                    count(*) filter (where outcome = 'skipped'), count(steps), coalesce(sum(steps), 0)::bigint,
                    coalesce(sum(steps * steps), 0)::bigint] as numbers
                from known group by 1
                """
            ) { (try $0.value("test_id", as: UUID.self), KeptTest(try $0.value("numbers", as: [Int64].self))) }
            let read = try? KeptTest.read(sheet.parts)
            if read != Dictionary(uniqueKeysWithValues: counted) { wrong += 1 }
        }
        return wrong == 0 ? nil : "\(wrong) of \(kept.count) sheets of tests by weeks are not what counting anew gives"
    }
}
