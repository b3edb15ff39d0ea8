import Foundation
import Postgres
import Primitives

/// All SQL that joins the histories of two tests that are one.
struct AliasStore: Sendable {
    let database: Database
    let stabilities: StabilityStore
    let quarantines: QuarantineStore
    /// Facts that one statement moves: it has some seconds, however many a test has.
    var mostMoved = 10_000

    /// Milliseconds of a statement of a transaction that joins: changes of outcome and days are counted anew from all facts of a test in one read
    /// each.
    private static let longest = 60_000

    private var verdicts: TestVerdictStore { TestVerdictStore(database: database) }

    /// The tests that others stand for.
    static func known(_ given: [ID<Test>], project: ID<Project>, tenant: ID<Tenant>, in tx: Transaction) async throws -> [ID<Test>: ID<Test>] {
        let rows = try await tx.rows(
            """
            select alias_id, test_id from test_aliases
            where tenant_id = \(tenant) and project_id = \(project) and alias_id = any(\(given.map(\.uuid)))
            """
        ) { (try $0.value("alias_id", as: ID<Test>.self), try $0.value("test_id", as: ID<Test>.self)) }
        return Dictionary(uniqueKeysWithValues: rows)
    }

    /// Joins the history of `alias` to that of `test`, and remembers it for facts that are on their way. Again it changes nothing.
    ///
    /// Jobs that tell of aliases overtake each other, so it is not waited for what they say of others: as where aliases are made, `test` is none of
    /// `alias` any more, and aliases of the new alias are moved on. There are no chains, or facts would go to a test that is another's by now.
    /// - Parameter test: `nil` when the alias stands for itself again.
    func set(_ alias: ID<Test>, to test: ID<Test>?, project: ID<Project>, tenant: ID<Tenant>) async throws {
        try await database.transaction(.tenant(tenant)) { tx in
            // Waits for a batch that is being stored and did not know of it; see FactStore.insert.
            try await tx.pipeline([FactStore.planning, "select pg_advisory_xact_lock(\(fragment: Self.lock(project)))"])
            guard let test, test != alias else {
                try await tx.pipeline([
                    "delete from test_aliases where tenant_id = \(tenant) and project_id = \(project) and alias_id = \(alias)",
                    RevisionStore.raising(project, tenant: tenant),
                ])
                return
            }
            try await tx.pipeline([
                TestDayStore.joining,
                "select set_config('statement_timeout', \(String(Self.longest)), true)",
                """
                delete from test_aliases
                where tenant_id = \(tenant) and project_id = \(project) and alias_id = \(test) and test_id = \(alias)
                """,
                "update test_aliases set test_id = \(test) where tenant_id = \(tenant) and project_id = \(project) and test_id = \(alias)",
                """
                insert into test_aliases (tenant_id, project_id, alias_id, test_id) values (\(tenant), \(project), \(alias), \(test))
                on conflict on constraint test_aliases_pkey do update set test_id = excluded.test_id
                """,
            ])
            try await join(alias, to: test, project: project, tenant: tenant, in: tx)
            try await tx.execute(RevisionStore.raising(project, tenant: tenant))
        }
    }

    private func join(_ alias: ID<Test>, to test: ID<Test>, project: ID<Project>, tenant: ID<Tenant>, in tx: Transaction) async throws {
        let found = try await tx.rows(
            "select id from tests where tenant_id = \(tenant) and project_id = \(project) and id in (\(alias), \(test)) order by id for update"
        ) { try $0.value("id", as: ID<Test>.self) }
        let said = try await found.contains(alias) ? joinHistories(alias, to: test, project: project, tenant: tenant, in: tx) : nil
        // Also where there is nothing else to join: a release before migration 0031 left them with the alias. Near the end, since who asks for durations
        // waits for the same lock; only the word comes behind it, which raises the revision as those do who hold that lock.
        try await LevelChangeStore.join(alias, to: test, project: project, tenant: tenant, in: tx)
        if let said { try await verdicts.join(alias, saying: said, to: test, tenant: tenant, in: tx) }
    }

    /// - Returns: the version of what holds of the alias.
    private func joinHistories(
        _ alias: ID<Test>, to test: ID<Test>, project: ID<Project>, tenant: ID<Tenant>, in tx: Transaction
    ) async throws -> Int64? {
        try await quarantines.join(alias, to: test, tenant: tenant, in: tx)
        // Before the facts are one test's: what was counted of each history by itself is no longer what the two are together.
        let flips = try await FlipStore.joining(alias, to: test, tenant: tenant, in: tx)
        // The names are those that came last.
        try await tx.execute(
            """
            insert into tests as t (
                tenant_id, id, project_id, suite_name, class_name, name, passed, failed, errored, skipped, flips, last_passed, last_outcome,
                last_started_at, timed, duration_us, first_seen_at, last_seen_at, resting)
            select tenant_id, \(test), project_id, suite_name, class_name, name, passed, failed, errored, skipped, flips, last_passed, last_outcome,
                last_started_at, timed, duration_us, first_seen_at, last_seen_at, resting
            from tests where tenant_id = \(tenant) and id = \(alias)
            on conflict on constraint tests_pkey do update set
                suite_name = case when t.last_started_at <= excluded.last_started_at then excluded.suite_name else t.suite_name end,
                class_name = case when t.last_started_at <= excluded.last_started_at then excluded.class_name else t.class_name end,
                name = case when t.last_started_at <= excluded.last_started_at then excluded.name else t.name end,
                passed = t.passed + excluded.passed, failed = t.failed + excluded.failed, errored = t.errored + excluded.errored,
                skipped = t.skipped + excluded.skipped, flips = t.flips + excluded.flips,
                last_passed = case when t.last_started_at <= excluded.last_started_at
                    then coalesce(excluded.last_passed, t.last_passed) else t.last_passed end,
                last_outcome = case when t.last_started_at <= excluded.last_started_at then excluded.last_outcome else t.last_outcome end,
                last_started_at = greatest(t.last_started_at, excluded.last_started_at),
                timed = t.timed + excluded.timed, duration_us = t.duration_us + excluded.duration_us,
                first_seen_at = least(t.first_seen_at, excluded.first_seen_at), last_seen_at = greatest(t.last_seen_at, excluded.last_seen_at),
                resting = t.resting and excluded.resting
            """)
        let ran = try await tx.first(
            "delete from tests where tenant_id = \(tenant) and id = \(alias) returning first_seen_at, last_seen_at, verdict_version"
        ) {
            (
                first: try $0.value("first_seen_at", as: Date.self), last: try $0.value("last_seen_at", as: Date.self),
                said: try $0.value("verdict_version", as: Int64.self)
            )
        }
        try await move(alias, to: test, tenant: tenant, in: tx)
        try await FlipStore.count(flips, of: test, project: project, tenant: tenant, in: tx)
        if let ran {
            try await TestDayStore.join(alias, to: test, days: ran.first.day...ran.last.day, project: project, tenant: tenant, in: tx)
        }
        try await tx.execute(
            "update environment_failures set test_id = \(test) where tenant_id = \(tenant) and test_id = \(alias)")
        try await stabilities.rebuild(test, without: alias, tenant: tenant, in: tx)
        return ran?.said
    }

    /// In parts along the primary key, each from where the one before ended: what was moved already is not looked at again.
    private func move(_ alias: ID<Test>, to test: ID<Test>, tenant: ID<Tenant>, in tx: Transaction) async throws {
        var behind: SQL = "true"
        while true {
            let end = try await tx.first(
                """
                select started_at, result_id from facts
                where tenant_id = \(tenant) and test_id = \(alias) and \(fragment: behind)
                order by started_at, result_id
                offset \(mostMoved - 1) limit 1
                """
            ) { (at: try $0.value("started_at", as: Date.self), result: try $0.value("result_id", as: ID<Result>.self)) }
            let until: SQL = if let end { "(started_at, result_id) <= (\(end.at), \(end.result))" } else { "true" }
            try await tx.execute(
                """
                update facts set test_id = \(test)
                where tenant_id = \(tenant) and test_id = \(alias) and \(fragment: behind) and \(fragment: until)
                """)
            guard let end else { return }
            behind = "(started_at, result_id) > (\(end.at), \(end.result))"
        }
    }

    /// Taken by whoever changes what is known of a project's tests: stores facts, or joins tests.
    static func lock(_ project: ID<Project>) -> SQL { "hashtextextended('test_aliases/' || \(project.description), 0)" }
}
