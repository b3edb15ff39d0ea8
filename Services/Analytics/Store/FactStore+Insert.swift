import Foundation
import Jobs
import Postgres
import Primitives

extension FactStore {
    /// Each row is found by its key, whatever the statistics say: these tables grow from nothing to millions of rows within minutes, and a plan that was
    /// made when one was empty reads all that a tenant has, for every fact again. For the rest of the transaction; as in `JobStore`.
    static let planning: SQL = """
        select set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true), set_config('enable_hashjoin', 'off', true),
            set_config('enable_mergejoin', 'off', true), set_config('enable_material', 'off', true), set_config('jit', 'off', true),
            set_config('plan_cache_mode', 'force_custom_plan', true)
        """

    /// Stores batches of one project and carries them into the sums of their tests and days and into what is remembered of their stability, in one
    /// transaction. A batch that was taken already changes nothing.
    ///
    /// Transactions of one project follow each other, so rows that are read are not locked one by one, and what is written is worked out from them
    /// (`BatchChanges`): a test costs one read and one write of its row and of its line, however many of the batches it stands in.
    func insert(_ batches: [FactBatch], at now: Date = Date(), tenant: ID<Tenant>) async throws {
        guard let project = batches.first?.project else { return }
        try await database.transaction(.tenant(tenant)) { tx in
            // The lock comes first: of two deliveries of one batch the second waits here, and finds the first in the inbox.
            try await tx.pipeline([Self.planning, "select pg_advisory_xact_lock(\(fragment: AliasStore.lock(project)))"])
            let events = Set(
                try await tx.rows(
                    """
                    insert into inbox (tenant_id, event) select \(tenant), unnest(\(batches.map(\.event))::text[])
                    on conflict on constraint inbox_pkey do nothing
                    returning event
                    """
                ) { try $0.value("event", as: String.self) })
            // A delivery that was repeated at once may stand here twice.
            var taken = Set<String>()
            let new = batches.filter { events.contains($0.event) && taken.insert($0.event).inserted && !$0.facts.isEmpty }
            guard !new.isEmpty else { return }
            let mayShow = try await store(new, project: project, tenant: tenant, in: tx)
            for due in RollUpTestDays.due(after: new.map(\.startedAt), of: project, at: now) {
                try await jobs.enqueue(RollUpTestDays.Payload(project: project), tenant: tenant, key: due.key, after: due.delay, in: tx)
            }
            guard mayShow else { return }
            let search = SearchEnvironment.Payload(project: project)
            try await jobs.enqueue(search, tenant: tenant, key: search.key(at: now), after: SearchEnvironment.delay, in: tx)
        }
    }

    /// PostgreSQL is given the next statement while what the one before has told is worked on: transactions of a project follow each other, so a project's
    /// results are taken in as fast as this is.
    /// - Returns: whether the environment may show in them.
    private func store(_ batches: [FactBatch], project: ID<Project>, tenant: ID<Tenant>, in tx: Transaction) async throws -> Bool {
        let (aliases, tests, rows) = try await known(batches, project: project, tenant: tenant, in: tx)
        var known = rows
        let late = batches.flatMap { batch in
            BatchChanges.late(batch, aliases: aliases, known: rows).map { one in
                (event: batch.event, span: NeighbourStore.Span(test: one.test, at: batch.startedAt, first: one.first, last: one.last))
            }
        }
        async let lines = StabilityStore.lines(of: tests, tenant: tenant, in: tx)
        // Before the facts are among what is stored.
        let around = try await neighbours(of: late, tenant: tenant, in: tx)
        async let facts = tx.pipeline(Self.inserts(batches.map { Self.facts($0, aliases: aliases, tenant: tenant) }))
        async let sheets = SheetStore.writing(SheetChanges(batches), project: project, tenant: tenant, in: tx)
        for (test, lines) in try await lines { known[test, default: KnownTest()].lines = lines.lines }
        let changes = BatchChanges(batches, aliases: aliases, known: known, around: around)
        async let written = tx.pipeline(Self.inserts([Self.tests(changes, project: project, tenant: tenant)]))
        async let rollups = RollupStore.writing(
            RollupChanges(changes.batches), mostSuites: mostSuites, project: project, tenant: tenant, in: tx)
        var statements = StabilityStore.writing(changes.lines, gone: changes.gone, tenant: tenant)
        statements += changes.batches.map { Self.day($0, tenant: tenant) }
        let flipsBehind = changes.batches.reduce(into: [String: Int64]()) { $0.merge($1.flipsBehind, uniquingKeysWith: +) }
        statements += FlipStore.counting(flipsBehind, project: project, tenant: tenant)
        let (sums, rest) = try await rollups
        statements += changes.batches.flatMap { EnvironmentStore.writing($0, rest: rest, tenant: tenant) }
        statements.append(sums)
        statements += try await sheets
        statements += CommitStore.writing(batches, project: project, tenant: tenant)
        statements.append(RevisionStore.raising(project, tenant: tenant))
        _ = try await (facts, written, tx.pipeline(Self.inserts(statements)))
        return changes.batches.contains(where: \.mayShowEnvironment)
    }

    /// These have one plan.
    private static func inserts(_ statements: [SQL]) -> [SQL] {
        ["select set_config('plan_cache_mode', 'auto', true)"] + statements + ["select set_config('plan_cache_mode', 'force_custom_plan', true)"]
    }

    /// What stands before and behind runs, of tests that have run since or in the same run: results of the past that are imported, or that were
    /// overtaken, and tries that were delivered by themselves. What an environment did is passed over, as it is where changes of outcome are counted.
    private func neighbours(
        of late: [(event: String, span: NeighbourStore.Span)], tenant: ID<Tenant>, in tx: Transaction
    ) async throws -> [String: [ID<Test>: Neighbours]] {
        let found = try await NeighbourStore.around(late.map(\.span), tenant: tenant, in: tx)
        var around: [String: [ID<Test>: Neighbours]] = [:]
        for (one, neighbours) in zip(late, found) { around[one.event, default: [:]][one.span.test] = neighbours }
        return around
    }

    func insert(_ batch: FactBatch, tenant: ID<Tenant>) async throws { try await insert([batch], tenant: tenant) }

    /// The tests that others stand for, and what is known of those that the facts are of, but for their lines (which would carry their test along), and test by
    /// test, as in `StabilityStore.reading`.
    private func known(
        _ batches: [FactBatch], project: ID<Project>, tenant: ID<Tenant>, in tx: Transaction
    ) async throws -> (aliases: [ID<Test>: ID<Test>], tests: [ID<Test>], known: [ID<Test>: KnownTest]) {
        var given = Set<ID<Test>>()
        for batch in batches { given.formUnion(batch.facts.lazy.map(\.test)) }
        let aliases = try await AliasStore.known(given.sorted(), project: project, tenant: tenant, in: tx)
        let tests = (aliases.isEmpty ? given : Set(given.map { aliases[$0] ?? $0 })).sorted()
        let rows = try await tx.rows(
            """
            select t.* from unnest(\(tests)::uuid[]) as u (id) cross join lateral (
                select id, last_passed, last_outcome, last_started_at from tests where tenant_id = \(tenant) and id = u.id offset 0
            ) t
            """
        ) { row in
            let test = KnownTest(
                lastPassed: try row.value("last_passed"), lastOutcome: try Outcome(stored: row.value("last_outcome")),
                lastStartedAt: try row.value("last_started_at"))
            return (try row.value("id", as: ID<Test>.self), test)
        }
        return (aliases, tests, Dictionary(uniqueKeysWithValues: rows))
    }

    private static func facts(_ batch: FactBatch, aliases: [ID<Test>: ID<Test>], tenant: ID<Tenant>) -> SQL {
        let facts = batch.facts.map { (test: aliases[$0.test] ?? $0.test, fact: $0) }.sorted { $0.test < $1.test }
        return """
            insert into facts (tenant_id, test_id, result_id, run_id, started_at, outcome, duration_us, branch, commit_sha, environment, failed_tries)
            select \(tenant), u.test_id, u.result_id, \(batch.run), \(batch.startedAt), u.outcome, u.duration_us, \(batch.branch), \(batch.commit),
                \(batch.environment), u.failed_tries
            from unnest(
                \(facts.map(\.test))::uuid[], \(facts.map(\.fact.result))::uuid[], \(facts.map(\.fact.outcome.rawValue))::text[],
                \(facts.map(\.fact.duration))::bigint[], \(facts.map { Int16(clamping: $0.fact.failedTries) })::smallint[]
            ) as u (test_id, result_id, outcome, duration_us, failed_tries)
            on conflict do nothing
            """
    }

    /// What a test is known for is what was worked out: nobody else may have changed it meanwhile.
    private static func tests(_ changes: BatchChanges, project: ID<Project>, tenant: ID<Tenant>) -> SQL {
        let tests = changes.tests
        return """
            insert into tests as t (
                tenant_id, id, project_id, suite_name, class_name, name, passed, failed, errored, skipped, flips, last_passed, last_outcome,
                last_started_at, timed, duration_us, first_seen_at, last_seen_at, stability, confidence, flaky_chance, stability_model,
                stability_input, flaky_reasons)
            select \(tenant), u.id, \(project), u.suite_name, u.class_name, u.name, u.passed, u.failed, u.errored, u.skipped, u.flips, u.last_passed,
                u.last_outcome, u.last_started_at, u.timed, u.duration_us, u.first_started_at, u.last_started_at, u.stability, u.confidence,
                u.flaky_chance, u.stability_model, u.stability_input, u.flaky_reasons
            from unnest(
                \(tests.map(\.test))::uuid[], \(tests.map(\.suiteName))::text[], \(tests.map(\.className))::text[], \(tests.map(\.name))::text[],
                \(tests.map(\.tally.passed))::bigint[], \(tests.map(\.tally.failed))::bigint[], \(tests.map(\.tally.errored))::bigint[],
                \(tests.map(\.tally.skipped))::bigint[], \(tests.map(\.flips))::bigint[], \(tests.map(\.lastPassed))::boolean[],
                \(tests.map(\.lastOutcome.rawValue))::text[], \(tests.map(\.lastStartedAt))::timestamptz[], \(tests.map(\.timed))::bigint[],
                \(tests.map(\.duration))::bigint[], \(tests.map(\.firstStartedAt))::timestamptz[], \(tests.map(\.receipt?.stability.kind.rawValue))::text[],
                \(tests.map(\.receipt?.stability.confidence))::double precision[],
                \(tests.map(\.receipt?.stability.flakyChance))::double precision[], \(tests.map(\.receipt?.model))::integer[],
                \(tests.map { $0.receipt.map { Int64(bitPattern: $0.inputHash) } })::bigint[],
                \(tests.map { $0.receipt?.reasons.map { Data($0.bytes) } })::bytea[]
            ) as u (
                id, suite_name, class_name, name, passed, failed, errored, skipped, flips, last_passed, last_outcome, last_started_at, timed,
                duration_us, first_started_at, stability, confidence, flaky_chance, stability_model, stability_input, flaky_reasons)
            on conflict on constraint tests_pkey do update set
                passed = t.passed + excluded.passed, failed = t.failed + excluded.failed, errored = t.errored + excluded.errored,
                skipped = t.skipped + excluded.skipped, flips = t.flips + excluded.flips, last_passed = excluded.last_passed,
                resting = t.resting and excluded.last_seen_at <= t.last_seen_at,
                last_outcome = excluded.last_outcome, last_started_at = excluded.last_started_at, timed = t.timed + excluded.timed,
                duration_us = t.duration_us + excluded.duration_us, first_seen_at = least(t.first_seen_at, excluded.first_seen_at),
                last_seen_at = greatest(t.last_seen_at, excluded.last_seen_at), stability = coalesce(excluded.stability, t.stability),
                confidence = coalesce(excluded.confidence, t.confidence), flaky_chance = coalesce(excluded.flaky_chance, t.flaky_chance),
                stability_model = coalesce(excluded.stability_model, t.stability_model),
                stability_input = coalesce(excluded.stability_input, t.stability_input),
                flaky_reasons = case when excluded.stability is null then t.flaky_reasons else excluded.flaky_reasons end
            """
    }

    /// The day's flips. Its sums are told from rollups alone; they are written here too as long as the release before this one may run, which reads them.
    private static func day(_ part: BatchChanges.Part, tenant: ID<Tenant>) -> SQL {
        """
        insert into days as d (tenant_id, project_id, day, passed, failed, errored, skipped, flips, duration_us)
        values (\(tenant), \(part.batch.project), (\(part.batch.startedAt) at time zone 'UTC')::date, \(part.tally.passed), \(part.tally.failed),
                \(part.tally.errored), \(part.tally.skipped), \(part.flips), \(part.duration))
        on conflict on constraint days_pkey do update set
            passed = d.passed + excluded.passed, failed = d.failed + excluded.failed, errored = d.errored + excluded.errored,
            skipped = d.skipped + excluded.skipped, flips = d.flips + excluded.flips, duration_us = d.duration_us + excluded.duration_us
        """
    }
}
