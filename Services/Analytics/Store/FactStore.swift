import Foundation
import Jobs
import Postgres
import Primitives

/// All SQL that takes facts in (`FactStore+Insert.swift`), and reads them back as history.
struct FactStore: Sendable {
    let database: Database
    let stabilities: StabilityStore
    /// That stand by their names on a project's day.
    var mostSuites = RollupKey.mostSuites

    var jobs: JobQueue { JobQueue(database: database) }

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

    /// Executions of a test that are looked at for those on one branch, so that a branch on which it hardly runs costs no more.
    static let mostSearched: Int32 = 500

    /// The newest executions of each test, newest first. By the primary key: one short range a test.
    /// - Parameters:
    ///   - branch: only on this one, of the newest `most`; on any when empty.
    ///   - most: where one test is asked for, more may be looked at. It ends as soon as there are enough.
    func latest(
        _ count: Int, of tests: [ID<Test>], branch: String, searching most: Int32 = Self.mostSearched, tenant: ID<Tenant>
    ) async throws -> [ID<Test>: [Execution]] {
        let rows = try await database.rows(
            .tenant(tenant),
            """
            select t.id as test_id, f.result_id, f.run_id, f.outcome, f.duration_us, f.branch, f.commit_sha, f.started_at
            from unnest(\(tests)::uuid[]) as t (id)
            cross join lateral (
                select * from (
                    select result_id, run_id, outcome, duration_us, branch, commit_sha, started_at from facts
                    where tenant_id = \(tenant) and test_id = t.id
                    order by started_at desc, result_id desc
                    limit \(branch.isEmpty ? Int32(count) : most)
                ) newest
                where \(branch) = '' or branch = \(branch)
                limit \(Int32(count))
            ) f
            """
        ) { (test: try $0.value("test_id", as: ID<Test>.self), execution: try Execution(row: $0)) }
        return Dictionary(grouping: rows, by: \.test).mapValues { $0.map(\.execution) }
    }

    /// Called at start and every hour: partitions must be there before the rows.
    func ensurePartitions() async throws {
        try await database.execute(.system, "select ensure_fact_partitions()")
    }

    /// Senders stop repeating a delivery long before that.
    func sweepInbox(atOnce most: Int = 10_000) async throws {
        try await database.sweep("inbox", where: "received_at < now() - interval '14 days'", atOnce: most)
    }

    /// What failed where is looked at for some days (`EnvironmentFindings.window`); what was put down to an environment, or of
    /// which a person said anything, is kept as long as anybody asks.
    func sweepEnvironments(atOnce most: Int = 10_000) async throws {
        try await database.sweep("environment_runs", where: "started_at < now() - interval '7 days'", atOnce: most)
        for due: SQL in [
            "incident_id is null and said_version = 0 and started_at < now() - interval '7 days'",
            "incident_id is null and said_version > 0 and started_at < now() - interval '400 days'",
            "incident_id is not null and started_at < now() - interval '400 days'",
        ] {
            try await database.sweep("environment_failures", where: due, atOnce: most)
        }
        while try await sweepIncidents(atOnce: most) == most { try Task.checkCancellation() }
    }

    /// With what people said of them.
    private func sweepIncidents(atOnce most: Int) async throws -> Int {
        try await database.one(
            .system,
            """
            with gone as (
                delete from environment_incidents where ctid = any(array(
                    select ctid from environment_incidents where to_at < now() - interval '400 days' limit \(most)))
                returning tenant_id, id
            ), words as (
                delete from environment_verdicts v using gone where v.tenant_id = gone.tenant_id and v.incident_id = gone.id
            )
            select count(*) as n from gone
            """
        ) { try $0.value("n", as: Int.self) }
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
