import Foundation
import Postgres
import Primitives

/// All SQL about what is remembered of tests' stability, but for what facts carry into it (`FactStore.insert`).
struct StabilityStore: Sendable {
    let database: Database

    /// Executions of which the lines of a test are made again when another is joined to it.
    static let rebuildLimit = 5000

    /// Makes the lines of a test again from its newest facts: what was joined to it counts as its own.
    func rebuild(_ test: ID<Test>, without alias: ID<Test>, tenant: ID<Tenant>, in tx: Transaction) async throws {
        try await tx.execute("delete from test_lines where tenant_id = \(tenant) and test_id in (\(test), \(alias))")
        let facts = try await tx.rows(
            """
            with newest as materialized (
                select result_id, outcome, failed_tries, branch, environment, commit_sha, started_at from facts
                where tenant_id = \(tenant) and test_id = \(test)
                order by started_at desc, result_id desc
                limit \(Self.rebuildLimit)
            )
            select n.*, i.id is not null as is_environmental from newest n
            left join environment_failures f on f.tenant_id = \(tenant) and f.result_id = n.result_id
            left join environment_incidents i on i.tenant_id = \(tenant) and i.id = f.incident_id and i.state = 'standing'
            order by n.started_at desc, n.result_id desc
            """
        ) { row in
            (
                fact: Fact(
                    result: try row.value("result_id"), test: test, suiteName: "", className: "", name: "",
                    outcome: try Outcome(stored: row.value("outcome")), duration: nil, failedTries: Int(try row.value("failed_tries", as: Int16.self))
                ),
                branch: try row.value("branch", as: String.self), environment: try row.value("environment", as: String.self),
                commit: try row.value("commit_sha", as: String.self), at: try row.value("started_at", as: Date.self),
                isEnvironmental: try row.value("is_environmental", as: Bool.self)
            )
        }
        var lines = TestLines()
        for known in facts.reversed() {
            lines.record(
                known.fact.observations(at: known.at, commit: known.commit, isEnvironmental: known.isEnvironmental), branch: known.branch,
                environment: known.environment, at: known.at)
        }
        let (changed, gone) = lines.trim(at: facts.first?.at ?? .distantPast)
        guard !changed.isEmpty else { return }
        let stability = Stability(lines.verdict)
        try await tx.pipeline(
            Self.writing(changed.map { (test, $0) }, gone: gone.map { (test, $0) }, tenant: tenant) + [
                """
                update tests set stability = \(stability.kind.rawValue), confidence = \(stability.confidence), flaky_chance = \(stability.flakyChance)
                where tenant_id = \(tenant) and id = \(test)
                """
            ])
    }

    /// Takes failures from their tests, or gives them back, and judges the tests anew. In a transaction that holds the project's lock.
    func change(
        excusing excused: [PlacedFailure], readmitting readmitted: [PlacedFailure], tenant: ID<Tenant>, in tx: Transaction
    ) async throws {
        let tests = Set((excused + readmitted).map(\.test)).sorted()
        guard !tests.isEmpty else { return }
        let rows = try await tx.rows(
            """
            select test_id, branch, environment, state, results, last_at from test_lines
            where tenant_id = \(tenant) and test_id = any(\(tests))
            """
        ) { (test: try $0.value("test_id", as: ID<Test>.self), line: try TestLine(row: $0)) }
        var lines = Dictionary(grouping: rows, by: \.test).mapValues { TestLines($0.compactMap(\.line)) }
        for failure in excused { lines[failure.test]?.excuse(failure) }
        for failure in readmitted { lines[failure.test]?.readmit(failure) }
        let changed = tests.flatMap { test in (lines[test]?.changed ?? []).map { (test: test, line: $0) } }
        let verdicts = tests.compactMap { test in lines[test].map { (test: test, stability: Stability($0.verdict)) } }
        try await tx.pipeline(
            Self.writing(changed, gone: [], tenant: tenant) + [
                """
                update tests t set stability = u.stability, confidence = u.confidence, flaky_chance = u.flaky_chance
                from unnest(
                    \(verdicts.map(\.test))::uuid[], \(verdicts.map(\.stability.kind.rawValue))::text[],
                    \(verdicts.map(\.stability.confidence))::double precision[], \(verdicts.map(\.stability.flakyChance))::double precision[]
                ) as u (id, stability, confidence, flaky_chance)
                where t.tenant_id = \(tenant) and t.id = u.id
                """
            ])
    }

    /// Statements that write lines down, and let go of others.
    static func writing(_ lines: [(test: ID<Test>, line: TestLine)], gone: [(test: ID<Test>, line: TestLine)], tenant: ID<Tenant>) -> [SQL] {
        var statements: [SQL] = []
        if !lines.isEmpty {
            statements.append(
                """
                insert into test_lines as l (tenant_id, test_id, branch, environment, state, results, last_at)
                select \(tenant), u.* from unnest(
                    \(lines.map(\.test))::uuid[], \(lines.map(\.line.branch))::text[], \(lines.map(\.line.environment))::text[],
                    \(lines.map { Data($0.line.state.bytes) })::bytea[], \(lines.map(\.line.results))::bigint[],
                    \(lines.map(\.line.lastAt))::timestamptz[]
                ) as u
                on conflict on constraint test_lines_pkey do update set
                    state = excluded.state, results = excluded.results, last_at = excluded.last_at
                """)
        }
        if !gone.isEmpty {
            statements.append(
                """
                delete from test_lines l using unnest(
                    \(gone.map(\.test))::uuid[], \(gone.map(\.line.branch))::text[], \(gone.map(\.line.environment))::text[]
                ) as u (test_id, branch, environment)
                where l.tenant_id = \(tenant) and l.test_id = u.test_id and l.branch = u.branch and l.environment = u.environment
                """)
        }
        return statements
    }

    /// What is remembered of tests; those of which nothing is are not in it.
    func lines(of tests: [ID<Test>], tenant: ID<Tenant>) async throws -> [ID<Test>: TestLines] {
        let rows = try await database.rows(
            .tenant(tenant),
            """
            select test_id, branch, environment, state, results, last_at from test_lines
            where tenant_id = \(tenant) and test_id = any(\(tests.map(\.uuid)))
            """
        ) { (test: try $0.value("test_id", as: ID<Test>.self), line: try TestLine(row: $0)) }
        return Dictionary(grouping: rows, by: \.test).mapValues { TestLines($0.compactMap(\.line)) }
    }

    /// The commit of a test's execution in a run that began at this millisecond; empty when none is known.
    func commit(of test: ID<Test>, at milliseconds: Int64, tenant: ID<Tenant>) async throws -> String {
        let from = Date(timeIntervalSince1970: (Double(milliseconds) - 0.5) / 1000)
        let to = Date(timeIntervalSince1970: (Double(milliseconds) + 0.5) / 1000)
        return try await database.lookUp(
            .tenant(tenant),
            """
            select commit_sha from facts
            where tenant_id = \(tenant) and test_id = \(test) and started_at >= \(from) and started_at < \(to) and commit_sha <> ''
            limit 1
            """
        ) { try $0.value("commit_sha", as: String.self) } ?? ""
    }
}

extension TestLine {
    /// `nil` for the empty side of an outer join.
    init?(row: Row) throws {
        guard let bytes = try row.value("state", as: Data?.self) else { return nil }
        guard let state = StabilityState(bytes: Array(bytes)) else { throw Fault.unknownState }
        self.init(
            branch: try row.value("branch"), environment: try row.value("environment"), state: state, results: try row.value("results"),
            lastAt: try row.value("last_at"))
    }
}
