import Foundation
import Postgres
import Primitives

/// All SQL about what is remembered of tests' stability.
struct StabilityStore: Sendable {
    let database: Database

    /// Executions of which the lines of a test are made again when another is joined to it.
    static let rebuildLimit = 5000

    /// Carries a batch into the lines of its tests and judges them. In the transaction that has their rows locked (`FactStore.insert`), so that two
    /// batches of one test follow each other.
    func record(_ batch: FactBatch, tenant: ID<Tenant>, in tx: Transaction) async throws {
        let known = try await tx.rows(
            """
            select given, coalesce(a.test_id, given) as test_id, l.branch, l.environment, l.state, l.results, l.last_at
            from (select distinct unnest(\(batch.facts.map(\.test))::uuid[]) as given) g
            left join test_aliases a on a.tenant_id = \(tenant) and a.project_id = \(batch.project) and a.alias_id = given
            left join test_lines l on l.tenant_id = \(tenant) and l.test_id = coalesce(a.test_id, given)
            """
        ) { (given: try $0.value("given", as: ID<Test>.self), test: try $0.value("test_id", as: ID<Test>.self), line: try TestLine(row: $0)) }
        var tests: [ID<Test>: ID<Test>] = [:]
        var lines: [ID<Test>: [TestLine]] = [:]
        for (given, test, line) in known {
            tests[given] = test
            // A test that two given ones stand for comes twice.
            if let line, lines[test]?.contains(where: { $0.isSameLine(as: line) }) != true { lines[test, default: []].append(line) }
        }
        var changed: [ID<Test>: TestLines] = [:]
        for fact in batch.facts {
            guard let test = tests[fact.test] else { continue }
            changed[test, default: TestLines(lines[test] ?? [])].record(fact, of: batch)
        }
        try await write(changed, at: batch.startedAt, tenant: tenant, in: tx)
    }

    /// Makes the lines of a test again from its newest facts: what was joined to it counts as its own.
    func rebuild(_ test: ID<Test>, without alias: ID<Test>, tenant: ID<Tenant>, in tx: Transaction) async throws {
        try await tx.execute("delete from test_lines where tenant_id = \(tenant) and test_id in (\(test), \(alias))")
        let facts = try await tx.rows(
            """
            select result_id, outcome, failed_tries, branch, environment, commit_sha, started_at from facts
            where tenant_id = \(tenant) and test_id = \(test)
            order by started_at desc, result_id desc
            limit \(Self.rebuildLimit)
            """
        ) { row in
            (
                fact: Fact(
                    result: try row.value("result_id"), test: test, suiteName: "", className: "", name: "",
                    outcome: try Outcome(stored: row.value("outcome")), duration: nil, failedTries: Int(try row.value("failed_tries", as: Int16.self))
                ),
                branch: try row.value("branch", as: String.self), environment: try row.value("environment", as: String.self),
                commit: try row.value("commit_sha", as: String.self), at: try row.value("started_at", as: Date.self)
            )
        }
        var lines = TestLines()
        for known in facts.reversed() {
            lines.record(
                known.fact.observations(at: known.at, commit: known.commit), branch: known.branch, environment: known.environment, at: known.at)
        }
        try await write([test: lines], at: facts.first?.at ?? .distantPast, tenant: tenant, in: tx)
    }

    private func write(_ changed: [ID<Test>: TestLines], at time: Date, tenant: ID<Tenant>, in tx: Transaction) async throws {
        var rows: [(test: ID<Test>, line: TestLine)] = []
        var gone: [(test: ID<Test>, line: TestLine)] = []
        var verdicts: [(test: ID<Test>, stability: Stability)] = []
        for (test, lines) in changed {
            var lines = lines
            let trimmed = lines.trim(at: time)
            rows += trimmed.changed.map { (test, $0) }
            gone += trimmed.gone.map { (test, $0) }
            if !trimmed.changed.isEmpty { verdicts.append((test, Stability(lines.verdict))) }
        }
        guard !rows.isEmpty else { return }
        try await tx.execute(
            """
            insert into test_lines as l (tenant_id, test_id, branch, environment, state, results, last_at)
            select \(tenant), u.* from unnest(
                \(rows.map(\.test))::uuid[], \(rows.map(\.line.branch))::text[], \(rows.map(\.line.environment))::text[],
                \(rows.map { Data($0.line.state.bytes) })::bytea[], \(rows.map(\.line.results))::bigint[], \(rows.map(\.line.lastAt))::timestamptz[]
            ) as u
            on conflict on constraint test_lines_pkey do update set
                state = excluded.state, results = excluded.results, last_at = excluded.last_at
            """)
        if !gone.isEmpty {
            try await tx.execute(
                """
                delete from test_lines l using unnest(
                    \(gone.map(\.test))::uuid[], \(gone.map(\.line.branch))::text[], \(gone.map(\.line.environment))::text[]
                ) as u (test_id, branch, environment)
                where l.tenant_id = \(tenant) and l.test_id = u.test_id and l.branch = u.branch and l.environment = u.environment
                """)
        }
        try await tx.execute(
            """
            update tests t set stability = u.stability, confidence = u.confidence, flaky_chance = u.flaky_chance
            from unnest(
                \(verdicts.map(\.test))::uuid[], \(verdicts.map(\.stability.kind.rawValue))::text[],
                \(verdicts.map(\.stability.confidence))::double precision[], \(verdicts.map(\.stability.flakyChance))::double precision[]
            ) as u (id, stability, confidence, flaky_chance)
            where t.tenant_id = \(tenant) and t.id = u.id
              and (t.stability, t.confidence, t.flaky_chance) is distinct from (u.stability, u.confidence, u.flaky_chance)
            """)
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
    fileprivate init?(row: Row) throws {
        guard let bytes = try row.value("state", as: Data?.self) else { return nil }
        guard let state = StabilityState(bytes: Array(bytes)) else { throw Fault.unknownState }
        self.init(
            branch: try row.value("branch"), environment: try row.value("environment"), state: state, results: try row.value("results"),
            lastAt: try row.value("last_at"))
    }
}
