import Foundation
import Postgres
import Primitives

/// All SQL that takes facts in, and reads them back as history.
struct FactStore: Sendable {
    let database: Database
    let stabilities: StabilityStore

    /// Stores a batch and carries it into the sums of its tests and of its day, in one transaction. A batch that was taken already changes nothing.
    func insert(_ batch: FactBatch, tenant: ID<Tenant>) async throws {
        let facts = batch.facts
        let day = batch.startedAt
        try await database.transaction(.tenant(tenant)) { tx in
            let isNew = try await tx.execute(
                "insert into inbox (tenant_id, event) values (\(tenant), \(batch.event)) on conflict on constraint inbox_pkey do nothing")
            guard isNew > 0, !facts.isEmpty else { return }
            // Before the statement below looks at the aliases.
            try await tx.execute("select pg_advisory_xact_lock_shared(\(fragment: AliasStore.lock(batch.project)))")
            // Rows of the same tests are locked in the order of their ids, so that two batches cannot wait for each other.
            let flips = try await tx.one(
                """
                with incoming as (
                    select coalesce(a.test_id, f.test_id) as test_id, f.result_id, f.suite_name, f.class_name, f.name, f.outcome, f.duration_us,
                        f.failed_tries, f.position
                    from unnest(
                        \(facts.map(\.test))::uuid[], \(facts.map(\.result))::uuid[], \(facts.map(\.suiteName))::text[],
                        \(facts.map(\.className))::text[], \(facts.map(\.name))::text[], \(facts.map(\.outcome.rawValue))::text[],
                        \(facts.map(\.duration))::bigint[], \(facts.map { Int16(clamping: $0.failedTries) })::smallint[]
                    ) with ordinality as f (test_id, result_id, suite_name, class_name, name, outcome, duration_us, failed_tries, position)
                    left join test_aliases a on a.tenant_id = \(tenant) and a.project_id = \(batch.project) and a.alias_id = f.test_id
                ),
                stored as (
                    insert into facts (
                        tenant_id, test_id, result_id, run_id, started_at, outcome, duration_us, branch, commit_sha, environment, failed_tries)
                    select \(tenant), test_id, result_id, \(batch.run), \(batch.startedAt), outcome, duration_us, \(batch.branch), \(batch.commit),
                        \(batch.environment), failed_tries
                    from incoming
                    on conflict do nothing
                ),
                -- Within a batch a test may stand more than once: its executions are ordered, and each compared with the one before.
                judged as (
                    select *, outcome = 'passed' as is_passed,
                        lag(outcome = 'passed') over (partition by test_id order by position) as before
                    from incoming where outcome <> 'skipped'
                ),
                changes as (
                    select test_id, count(*) filter (where before is distinct from is_passed and before is not null) as flips,
                        (array_agg(is_passed order by position))[1] as first_passed,
                        (array_agg(is_passed order by position desc))[1] as last_passed
                    from judged group by test_id
                ),
                sums as (
                    select i.test_id, min(i.suite_name) as suite_name, min(i.class_name) as class_name, min(i.name) as name,
                        count(*) filter (where outcome = 'passed') as passed, count(*) filter (where outcome = 'failed') as failed,
                        count(*) filter (where outcome = 'errored') as errored, count(*) filter (where outcome = 'skipped') as skipped,
                        (array_agg(outcome order by position desc))[1] as last_outcome,
                        count(duration_us) as timed, coalesce(sum(duration_us), 0)::bigint as duration_us
                    from incoming i group by i.test_id
                ),
                known as (
                    select t.id, t.last_passed, t.last_started_at from tests t
                    where t.tenant_id = \(tenant) and t.id in (select test_id from sums)
                    order by t.id for update
                ),
                -- What stood before and behind this run, of tests that have run since: results of the past that are imported, or that were overtaken.
                around as (
                    select k.id,
                        (select f.outcome = 'passed' from facts f
                            where f.tenant_id = \(tenant) and f.test_id = k.id and f.started_at <= \(batch.startedAt) and f.outcome <> 'skipped'
                            order by f.started_at desc, f.result_id desc limit 1) as before,
                        (select f.outcome = 'passed' from facts f
                            where f.tenant_id = \(tenant) and f.test_id = k.id and f.started_at > \(batch.startedAt) and f.outcome <> 'skipped'
                            order by f.started_at, f.result_id limit 1) as behind
                    from known k where k.last_started_at > \(batch.startedAt)
                ),
                -- Against what was known before. Of a run in between, what has changed with it: two new neighbours for one old one.
                flipped as (
                    select s.test_id, coalesce(c.flips, 0)
                        + case when c.first_passed is null then 0
                            when a.id is not null then (a.before is not null and a.before <> c.first_passed)::int
                                + (a.behind is not null and a.behind <> c.last_passed)::int
                                - (a.before is not null and a.behind is not null and a.before <> a.behind)::int
                            else (k.last_passed is not null and k.last_passed <> c.first_passed)::int end as flips
                    from sums s left join changes c on c.test_id = s.test_id left join known k on k.id = s.test_id left join around a on a.id = s.test_id
                ),
                kept as (
                    insert into tests as t (
                        tenant_id, id, project_id, suite_name, class_name, name, passed, failed, errored, skipped, flips, last_passed, last_outcome,
                        last_started_at, timed, duration_us, first_seen_at, last_seen_at)
                    select \(tenant), s.test_id, \(batch.project), s.suite_name, s.class_name, s.name, s.passed, s.failed, s.errored, s.skipped,
                        f.flips, c.last_passed, s.last_outcome, \(batch.startedAt), s.timed, s.duration_us, \(batch.startedAt), \(batch.startedAt)
                    from sums s join flipped f on f.test_id = s.test_id left join changes c on c.test_id = s.test_id
                    order by s.test_id
                    on conflict on constraint tests_pkey do update set
                        passed = t.passed + excluded.passed, failed = t.failed + excluded.failed, errored = t.errored + excluded.errored,
                        skipped = t.skipped + excluded.skipped, flips = t.flips + excluded.flips,
                        last_passed = case when t.last_started_at <= excluded.last_started_at
                            then coalesce(excluded.last_passed, t.last_passed) else t.last_passed end,
                        last_outcome = case when t.last_started_at <= excluded.last_started_at then excluded.last_outcome else t.last_outcome end,
                        last_started_at = greatest(t.last_started_at, excluded.last_started_at),
                        timed = t.timed + excluded.timed, duration_us = t.duration_us + excluded.duration_us,
                        first_seen_at = least(t.first_seen_at, excluded.first_seen_at), last_seen_at = greatest(t.last_seen_at, excluded.last_seen_at)
                )
                select coalesce(sum(flips), 0)::bigint as flips from flipped
                """
            ) { try $0.value("flips", as: Int64.self) }
            try await stabilities.record(batch, tenant: tenant, in: tx)
            let tally = Tally(facts)
            try await tx.execute(
                """
                insert into days as d (tenant_id, project_id, day, passed, failed, errored, skipped, flips, duration_us)
                values (\(tenant), \(batch.project), (\(day) at time zone 'UTC')::date, \(tally.passed), \(tally.failed), \(tally.errored),
                        \(tally.skipped), \(flips), \(facts.reduce(Int64(0)) { $0 + ($1.duration ?? 0) }))
                on conflict on constraint days_pkey do update set
                    passed = d.passed + excluded.passed, failed = d.failed + excluded.failed, errored = d.errored + excluded.errored,
                    skipped = d.skipped + excluded.skipped, flips = d.flips + excluded.flips, duration_us = d.duration_us + excluded.duration_us
                """)
        }
    }

    /// Newest first.
    func history(_ page: PageRequest, test: ID<Test>, tenant: ID<Tenant>) async throws -> Page<Execution> {
        let before = try HistoryCursor(page.cursor)
        let rows = try await database.rows(
            .tenant(tenant),
            """
            select result_id, run_id, outcome, duration_us, branch, commit_sha, started_at from facts
            where tenant_id = \(tenant) and test_id = \(test)
              and (\(before?.startedAt)::timestamptz is null or (started_at, result_id) < (\(before?.startedAt), \(before?.result)))
            order by started_at desc, result_id desc
            limit \(page.limit + 1)
            """
        ) { try Execution(row: $0) }
        return Page(rows: rows, limit: page.limit) { HistoryCursor(startedAt: $0.executedAt, result: $0.result).description }
    }

    /// Called at start and every hour: partitions must be there before the rows.
    func ensurePartitions() async throws {
        try await database.execute(.system, "select ensure_fact_partitions()")
    }

    /// Senders stop repeating a delivery long before that.
    func sweepInbox() async throws {
        try await database.execute(.system, "delete from inbox where received_at < now() - interval '14 days'")
    }
}

extension Tally {
    init(_ facts: [Fact]) {
        for fact in facts {
            switch fact.outcome {
            case .passed: passed += 1
            case .failed: failed += 1
            case .errored: errored += 1
            case .skipped: skipped += 1
            }
        }
    }
}

extension Execution {
    fileprivate init(row: Row) throws {
        result = try row.value("result_id")
        run = try row.value("run_id")
        outcome = try Outcome(stored: row.value("outcome"))
        duration = try row.value("duration_us")
        branch = try row.value("branch")
        commit = try row.value("commit_sha")
        executedAt = try row.value("started_at")
    }
}

extension Outcome {
    /// - Throws: `facts.unknown_outcome`, which means that a newer release wrote the row.
    init(stored text: String) throws(Fault) {
        guard let known = Outcome(rawValue: text) else { throw Fault(.internal, "facts.unknown_outcome", "Unknown outcome \(text).") }
        self = known
    }
}
