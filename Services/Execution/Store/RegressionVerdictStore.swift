import Audit
import Foundation
import Postgres
import Primitives

/// All SQL about what people say of regressions.
struct RegressionVerdictStore: Sendable {
    let database: Database

    /// Words of a test that are looked through for the one that holds.
    static let mostWords = 20

    private static let columns: SQL = "run_id, from_at, kind, reason, commit_sha, decided_by, decided_at, version"

    private static func place(_ line: RegressionVerdict.Line, _ tenant: ID<Tenant>) -> SQL {
        """
        tenant_id = \(tenant) and project_id = \(line.project) and baseline_id = \(line.baseline) and branch = \(line.branch)
            and environment = \(line.environment)
        """
    }

    /// All ids of tests, `name`, by the `id` that is asked about: what was said of a test before it was renamed stands by an id that is an alias
    /// since.
    private static func names(_ tests: [ID<TestIdentity>], _ project: ID<Project>, _ tenant: ID<Tenant>) -> SQL {
        """
        with asked as (
            select u.id, coalesce(a.test_id, u.id) as lasting from unnest(\(tests)::uuid[]) as u (id)
            left join test_aliases a on a.tenant_id = \(tenant) and a.project_id = \(project) and a.alias_id = u.id
        )
        select id, lasting as name from asked
        union
        select k.id, a.alias_id from asked k
        join test_aliases a on a.tenant_id = \(tenant) and a.project_id = \(project) and a.test_id = k.lasting
        """
    }

    /// The newest words on each of these tests, by test.
    func find(
        _ tests: [ID<TestIdentity>], on line: RegressionVerdict.Line, tenant: ID<Tenant>
    ) async throws -> [ID<TestIdentity>: [RegressionVerdict]] {
        let rows = try await database.rows(
            .tenant(tenant),
            """
            select n.id as test_id, v.* from (\(fragment: Self.names(tests, line.project, tenant))) n cross join lateral (
                select \(fragment: Self.columns) from regression_verdicts
                where \(fragment: Self.place(line, tenant)) and test_id = n.name
                order by version desc
                limit \(Self.mostWords)
            ) v
            """
        ) { try RegressionVerdict(row: $0) }
        return Dictionary(grouping: rows, by: \.test)
    }

    /// The newest words on tests of several lines of one project, in the order of the lines. One statement answers all of them.
    func find(
        _ asked: [(line: RegressionVerdict.Line, tests: [ID<TestIdentity>])], tenant: ID<Tenant>
    ) async throws -> [[ID<TestIdentity>: [RegressionVerdict]]] {
        guard let project = asked.first?.line.project else { return [] }
        let lines = asked.map { $0.line }
        let numbers = asked.indices.flatMap { index in Array(repeating: index + 1, count: asked[index].tests.count) }
        let tests = asked.flatMap { $0.tests }
        let rows = try await database.rows(
            .tenant(tenant),
            """
            select l.number as line, n.id as test_id, v.*
            from unnest(\(lines.map(\.baseline))::uuid[], \(lines.map(\.branch))::text[], \(lines.map(\.environment))::text[])
                with ordinality as l (baseline_id, branch, environment, number)
            join unnest(\(numbers)::bigint[], \(tests)::uuid[]) as p (line, test_id) on p.line = l.number
            join (\(fragment: Self.names(Array(Set(tests)), project, tenant))) n on n.id = p.test_id
            cross join lateral (
                select \(fragment: Self.columns) from regression_verdicts w
                where w.tenant_id = \(tenant) and w.project_id = \(project) and w.baseline_id = l.baseline_id and w.branch = l.branch
                  and w.environment = l.environment and w.test_id = n.name
                order by w.version desc
                limit \(Self.mostWords)
            ) v
            """
        ) { (line: try $0.value("line", as: Int.self), word: try RegressionVerdict(row: $0)) }
        var found = [[ID<TestIdentity>: [RegressionVerdict]]](repeating: [:], count: asked.count)
        for row in rows { found[row.line - 1][row.word.test, default: []].append(row.word) }
        return found
    }

    /// All of them, newest first.
    func list(
        _ page: PageRequest, of test: ID<TestIdentity>, on line: RegressionVerdict.Line, tenant: ID<Tenant>
    ) async throws -> Page<RegressionVerdict> {
        let before = try page.afterNumber()
        let rows = try await database.rows(
            .tenant(tenant),
            """
            select \(test)::uuid as test_id, \(fragment: Self.columns) from regression_verdicts
            where \(fragment: Self.place(line, tenant))
              and test_id in (select name from (\(fragment: Self.names([test], line.project, tenant))) n)
              and (\(before)::bigint is null or (extract(epoch from decided_at) * 1000000)::bigint < \(before))
            order by decided_at desc
            limit \(page.limit + 1)
            """
        ) { try RegressionVerdict(row: $0) }
        // Each id of a test has counted its own versions until they were one.
        return Page(rows: rows, limit: page.limit) { "\(Int64(($0.decidedAt.timeIntervalSince1970 * 1_000_000).rounded()))" }
    }

    /// What a person says of a test in a run.
    struct Word: Sendable {
        let test: ID<TestIdentity>
        let run: Run
        /// `nil` to take back what holds.
        let kind: RegressionVerdict.Kind?
        let reason: String
        let commit: String
        let actor: String
    }

    /// Adds a word, which holds from here on.
    /// - Parameters:
    ///   - version: that the latest word must have, 1 for none; 0 for any.
    ///   - holding: what holds so far, for the log; with `nil` there is nothing to take back.
    /// - Throws: `precondition_failed`.
    func add(
        _ word: Word, on line: RegressionVerdict.Line, version: Int64, holding: RegressionVerdict?, tenant: ID<Tenant>
    ) async throws -> RegressionVerdict? {
        try await database.transaction(.tenant(tenant)) { tx in
            // Whoever names it by an alias speaks of the same test.
            let lasting = try await tx.first(AliasStore.lasting(word.test, project: line.project, tenant: tenant)) {
                try $0.value("test_id", as: ID<TestIdentity>.self)
            }
            let test = lasting ?? word.test
            // One word at a time on a test of a line; the primary key would refuse the other, and this says why.
            let key = "regressions/\(line.baseline)/\(test)/\(line.branch)/\(line.environment)"
            try await tx.execute("select pg_advisory_xact_lock(hashtextextended(\(key), 0))")
            let latest = try await tx.one(
                """
                select coalesce(max(version), 1) as version from regression_verdicts
                where \(fragment: Self.place(line, tenant))
                  and test_id in (select name from (\(fragment: Self.names([test], line.project, tenant))) n)
                """
            ) { try $0.value("version", as: Int64.self) }
            guard version == 0 || version == latest else { throw Fault.versionStale }
            if word.kind == nil, holding == nil {
                AuditedCall.changedNothing()
                return nil
            }
            let said = try await tx.one(
                """
                insert into regression_verdicts (
                    tenant_id, project_id, baseline_id, branch, environment, test_id, version, run_id, from_at, kind, reason, commit_sha,
                    decided_by, decided_at)
                values (\(tenant), \(line.project), \(line.baseline), \(line.branch), \(line.environment), \(test), \(latest + 1),
                        \(word.run.id), \(word.run.startedAt ?? word.run.createdAt), \(word.kind?.rawValue), \(word.reason),
                        \(word.commit), \(word.actor),
                        clock_timestamp())
                returning test_id, \(fragment: Self.columns)
                """
            ) { try RegressionVerdict(row: $0) }
            try await tx.audit(
                test, project: line.project,
                details: [
                    "run": word.run.id.description, "baseline": line.baseline.description, "kind": word.kind?.rawValue ?? "",
                    "instead_of": holding?.kind?.rawValue ?? "", "reason": word.reason, "commit_sha": word.commit,
                ])
            return said
        }
    }
}

extension RegressionVerdict {
    fileprivate init(row: Row) throws {
        test = try row.value("test_id")
        run = try row.value("run_id")
        from = try row.value("from_at")
        kind = try row.value("kind", as: String?.self).flatMap(Kind.init)
        reason = try row.value("reason")
        commit = try row.value("commit_sha")
        decidedBy = try row.value("decided_by")
        decidedAt = try row.value("decided_at")
        version = try row.value("version")
    }
}
