import Postgres

/// What is counted as results come, held against the same counted anew from single facts and failures (I4 of the requirements).
struct CounterCheck: Sendable {
    private struct Counter: Sendable {
        let name: String
        /// Columns `key` and `n` of what is kept.
        let kept: SQL
        /// The same, counted anew.
        let counted: SQL
        /// Makes what is kept wrong.
        let damage: SQL
    }

    let database: Database

    private let counters = [
        Counter(
            name: "sums of tests",
            kept: "select id::text as key, passed * 1000000007 + failed * 10007 + errored * 101 + skipped as n from analytics.tests",
            counted: """
                select test_id::text as key, count(*) filter (where outcome = 'passed') * 1000000007 + count(*) filter (where outcome = 'failed') * 10007
                    + count(*) filter (where outcome = 'errored') * 101 + count(*) filter (where outcome = 'skipped') as n
                from analytics.facts group by 1
                """,
            damage: "update analytics.tests set passed = passed + 1 where id = (select id from analytics.tests limit 1)"),
        Counter(
            name: "changes of tests' outcomes",
            kept: "select id::text as key, flips as n from analytics.tests",
            counted: """
                select test_id::text as key, count(*) filter (where passed <> before) as n from (
                    select test_id, outcome = 'passed' as passed,
                        lag(outcome = 'passed') over (partition by test_id order by started_at, result_id) as before
                    from analytics.facts where outcome <> 'skipped' and not excused) told group by 1
                """,
            damage: "update analytics.tests set flips = flips + 1 where id = (select id from analytics.tests limit 1)"),
        Counter(
            name: "days' changes of outcomes",
            kept: "select project_id || ' ' || day as key, flips as n from analytics.days",
            counted: """
                select t.project_id || ' ' || f.day as key, count(*) filter (where f.passed <> f.before) as n from (
                    select tenant_id, test_id, (started_at at time zone 'UTC')::date as day, outcome = 'passed' as passed,
                        lag(outcome = 'passed') over (partition by tenant_id, test_id order by started_at, result_id) as before
                    from analytics.facts where outcome <> 'skipped' and not excused
                ) f join analytics.tests t on t.tenant_id = f.tenant_id and t.id = f.test_id group by 1
                """,
            damage: "update analytics.days set flips = flips + 1"),
        Counter(
            name: "results behind tests' verdicts",
            kept: "select test_id::text as key, sum(results) as n from analytics.test_lines group by 1",
            counted: """
                select test_id::text as key, sum(1 + failed_tries) as n from analytics.facts where outcome <> 'skipped' group by 1
                """,
            damage: "update analytics.test_lines set results = results + 1 where test_id = (select test_id from analytics.test_lines limit 1)"),
        Counter(
            name: "days",
            kept: "select project_id || ' ' || day as key, passed + failed * 1000003 + errored * 7919 + skipped * 31 as n from analytics.days",
            counted: """
                select t.project_id || ' ' || (f.started_at at time zone 'UTC')::date as key, count(*) filter (where outcome = 'passed')
                    + count(*) filter (where outcome = 'failed') * 1000003 + count(*) filter (where outcome = 'errored') * 7919
                    + count(*) filter (where outcome = 'skipped') * 31 as n
                from analytics.facts f join analytics.tests t on t.tenant_id = f.tenant_id and t.id = f.test_id group by 1
                """,
            damage: "update analytics.days set failed = failed + 1"),
        Counter(
            name: "rollups of projects, suites, branches, environments and tags",
            kept: """
                select project_id || ' ' || day || ' ' || dimension || ' ' || value as key,
                    passed + failed * 1000003 + errored * 7919 + skipped * 31 as n
                from analytics.rollups
                """,
            counted: """
                select project_id || ' ' || day || ' ' || dimension || ' ' || value as key, count(*) filter (where outcome = 'passed')
                    + count(*) filter (where outcome = 'failed') * 1000003 + count(*) filter (where outcome = 'errored') * 7919
                    + count(*) filter (where outcome = 'skipped') * 31 as n
                from (\(fragment: partsOfFacts)) parts group by 1
                """,
            damage: "update analytics.rollups set failed = failed + 1 where dimension = (select max(dimension) from analytics.rollups)"),
        Counter(
            name: "durations of rollups",
            kept: "select project_id || ' ' || day || ' ' || dimension || ' ' || value as key, duration_us as n from analytics.rollups",
            counted: """
                select project_id || ' ' || day || ' ' || dimension || ' ' || value as key, coalesce(sum(duration_us), 0)::bigint as n
                from (\(fragment: partsOfFacts)) parts group by 1
                """,
            damage: "update analytics.rollups set duration_us = duration_us + 1 where dimension = (select min(dimension) from analytics.rollups)"),
        Counter(
            name: "rollups' failures of the environment, in all, and under their tags",
            kept: """
                select project_id || ' ' || day || ' ' || dimension || ' ' || value as key, environmental * 1000003 + environmental_tagged as n
                from analytics.rollups
                """,
            counted: """
                select project_id || ' ' || day || ' ' || dimension || ' ' || value as key,
                    count(*) * 1000003 + count(*) filter (where dimension = 'all') as n
                from (\(fragment: partsOfIncidents)) parts group by 1
                """,
            damage: "update analytics.rollups set environmental = environmental + 1 where dimension = (select max(dimension) from analytics.rollups)"),
        Counter(
            name: "durations of tests",
            kept: "select id::text as key, timed * 1000000007 + duration_us as n from analytics.tests",
            counted: """
                select test_id::text as key, count(duration_us) * 1000000007 + coalesce(sum(duration_us), 0)::bigint as n
                from analytics.facts where outcome <> 'skipped' group by 1
                """,
            damage: "update analytics.tests set duration_us = duration_us + 1 where id = (select id from analytics.tests limit 1)"),
        Counter(
            name: "days of tests that are counted",
            kept: """
                select d.test_id || ' ' || d.day as key, d.passed + d.failed * 1000003 + d.errored * 7919 + d.skipped * 31 + d.duration_us * 127 as n
                from (
                    select t.project_id, d.* from analytics.test_days d join analytics.tests t on t.tenant_id = d.tenant_id and t.id = d.test_id offset 0
                ) d join (\(fragment: countedDays)) c on c.project_id = d.project_id and c.day = d.day
                """,
            // Facts find their tests before their days: planned the other way round, every fact may go through all tests of its project.
            counted: """
                select f.test_id || ' ' || c.day as key, count(*) filter (where f.outcome = 'passed')
                    + count(*) filter (where f.outcome = 'failed') * 1000003 + count(*) filter (where f.outcome = 'errored') * 7919
                    + count(*) filter (where f.outcome = 'skipped') * 31
                    + coalesce(sum(f.duration_us) filter (where f.outcome <> 'skipped'), 0)::bigint * 127 as n
                from (
                    select t.project_id, f.test_id, (f.started_at at time zone 'UTC')::date as day, f.outcome, f.duration_us
                    from analytics.facts f join analytics.tests t on t.tenant_id = f.tenant_id and t.id = f.test_id offset 0
                ) f join (\(fragment: countedDays)) c on c.project_id = f.project_id and c.day = f.day
                group by f.test_id, c.day
                """,
            // A day that is under way is not counted yet: it is said to be, too.
            damage: """
                with said as (
                    insert into analytics.test_day_counts (tenant_id, project_id, day, results)
                    select tenant_id, project_id, day, passed + failed + errored + skipped from analytics.rollups where dimension = 'all'
                    on conflict on constraint test_day_counts_pkey do update set results = excluded.results
                )
                update analytics.test_days set passed = passed + 1
                """),
        Counter(
            name: "sets and weeks that have a sheet",
            kept: """
                select distinct project_id || ' ' || kind || ' ' || branch || ' ' || environment || ' ' || week as key, 1 as n
                from analytics.test_sheets
                """,
            counted: """
                select distinct t.project_id || ' ' || s.kind || ' ' || s.branch || ' ' || s.environment || ' '
                    || date_trunc('week', f.started_at at time zone 'UTC')::date as key, 1 as n
                from analytics.facts f join analytics.tests t on t.tenant_id = f.tenant_id and t.id = f.test_id
                cross join lateral (values
                    ('branch', left(f.branch, 200), ''), ('environment', '', left(f.environment, 200)),
                    ('line', left(f.branch, 200), left(f.environment, 200))) s (kind, branch, environment)
                where (s.branch <> '' or s.kind = 'environment') and (s.environment <> '' or s.kind = 'branch')
                """,
            damage: "update analytics.test_sheets set branch = branch || 'x' where kind = 'branch'"),
        Counter(
            name: "failures of signatures",
            kept: "select project_id || ' ' || signature_id as key, failures as n from validation.failure_signatures",
            counted: "select project_id || ' ' || signature_id as key, count(*) as n from validation.failures where trusted group by 1",
            damage: """
                update validation.failure_signatures set failures = failures + 1
                where signature_id = (select signature_id from validation.failure_signatures limit 1)
                """),
        Counter(
            name: "failures of groups",
            kept: "select project_id || ' ' || group_id as key, failures as n from validation.failure_groups",
            counted: """
                select s.project_id || ' ' || s.group_id as key, count(*) as n
                from validation.failures f join validation.failure_signatures s using (tenant_id, project_id, signature_id) where f.trusted group by 1
                """,
            damage: """
                update validation.failure_groups set failures = failures + 1
                where group_id = (select group_id from validation.failure_groups limit 1)
                """),
        Counter(
            name: "tests of groups",
            kept: "select project_id || ' ' || group_id as key, tests as n from validation.failure_groups",
            counted: """
                select s.project_id || ' ' || s.group_id as key, count(distinct f.test_id) as n
                from validation.failures f join validation.failure_signatures s using (tenant_id, project_id, signature_id) where f.trusted group by 1
                """,
            damage: "update validation.failure_groups set tests = tests + 1"),
        Counter(
            name: "hours of signatures",
            kept: "select project_id || ' ' || signature_id as key, sum(failures)::bigint as n from validation.signature_hours group by 1",
            counted: "select project_id || ' ' || signature_id as key, count(*) as n from validation.failures where trusted group by 1",
            damage: "update validation.signature_hours set failures = failures + 1"),
        Counter(
            name: "branches of signatures",
            kept: "select project_id || ' ' || signature_id as key, sum(failures)::bigint as n from validation.signature_branches group by 1",
            counted: "select project_id || ' ' || signature_id as key, count(*) as n from validation.failures where trusted group by 1",
            damage: "update validation.signature_branches set failures = failures + 1"),
    ]

    /// - Returns: one sentence for each counter that is not what counting anew gives.
    func problems(in tx: Transaction) async throws -> [String] {
        var problems: [String] = []
        for counter in counters {
            let (all, wrong) = try await compare(counter, in: tx)
            if wrong > 0 { problems.append("\(wrong) of \(all) \(counter.name) are not what counting anew gives") }
        }
        for kept in Self.keptInBytes {
            if let problem = try await kept.check(tx) { problems.append(problem) }
        }
        return problems
    }

    /// Makes every counter wrong, one after the other, and undoes it.
    /// - Returns: what the comparison did not see.
    func blindSpots() async throws -> [String] {
        var unseen: [String] = []
        for counter in counters {
            do {
                try await database.transaction(.system) { tx in
                    _ = try await tx.execute(counter.damage)
                    if try await compare(counter, in: tx).wrong == 0 { unseen.append("the check does not see that \(counter.name) are wrong") }
                    throw Undo()
                }
            } catch is Undo {}
        }
        for kept in Self.keptInBytes {
            do {
                try await database.transaction(.system) { tx in
                    _ = try await tx.execute(kept.damage)
                    if try await kept.check(tx) == nil { unseen.append("the check does not see that \(kept.name) are wrong") }
                    throw Undo()
                }
            } catch is Undo {}
        }
        return unseen
    }

    private struct Undo: Error {}

    private func compare(_ counter: Counter, in tx: Transaction) async throws -> (all: Int, wrong: Int) {
        try await tx.one(
            """
            select count(*) as total, count(*) filter (where coalesce(kept.n, 0) <> coalesce(counted.n, 0)) as wrong
            from (\(fragment: counter.kept)) kept full join (\(fragment: counter.counted)) counted using (key)
            """
        ) { (all: try $0.value("total", as: Int.self), wrong: try $0.value("wrong", as: Int.self)) }
    }
}
