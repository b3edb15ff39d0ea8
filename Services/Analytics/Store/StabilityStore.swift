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
        let old = try await tx.rows(
            """
            delete from test_lines where tenant_id = \(tenant) and test_id in (\(test), \(alias))
            returning branch, environment, state, messages, results, last_at
            """
        ) { try TestLine(row: $0) }
        let facts = try await tx.rows(
            """
            with newest as materialized (
                select result_id, outcome, failed_tries, branch, environment, commit_sha, started_at from facts
                where tenant_id = \(tenant) and test_id = \(test)
                order by started_at desc, result_id desc
                limit \(Self.rebuildLimit)
            )
            select n.*, i.id is not null or coalesce(f.said_environment, false) as is_environmental from newest n
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
        for line in old.compactMap(\.self) { lines.keepMessages(of: line) }
        let (changed, gone) = lines.trim(at: facts.first?.at ?? .distantPast)
        guard !changed.isEmpty else { return }
        try await tx.pipeline(
            Self.writing(changed.map { (test, $0) }, gone: gone.map { (test, $0) }, tenant: tenant) + [
                Self.judging([(test, lines.receipt)], tenant: tenant)
            ])
    }

    /// Failures of one statement, but for those of one test: an incident may have any number, and a statement has some seconds.
    static let mostAtOnce = 2000

    /// Takes failures from their tests, and from what days and branches count, or gives them back, and judges the tests anew. In a transaction that holds
    /// the project's lock.
    func change(
        excusing excused: [PlacedFailure], readmitting readmitted: [PlacedFailure], project: ID<Project>, tenant: ID<Tenant>, in tx: Transaction
    ) async throws {
        let (taken, given) = (Dictionary(grouping: excused, by: \.test), Dictionary(grouping: readmitted, by: \.test))
        var part: (excused: [PlacedFailure], readmitted: [PlacedFailure]) = ([], [])
        for test in Set(taken.keys).union(given.keys).sorted() {
            part.excused += taken[test] ?? []
            part.readmitted += given[test] ?? []
            guard part.excused.count + part.readmitted.count >= Self.mostAtOnce else { continue }
            try await changeTests(excusing: part.excused, readmitting: part.readmitted, project: project, tenant: tenant, in: tx)
            part = ([], [])
        }
        try await changeTests(excusing: part.excused, readmitting: part.readmitted, project: project, tenant: tenant, in: tx)
    }

    private func changeTests(
        excusing excused: [PlacedFailure], readmitting readmitted: [PlacedFailure], project: ID<Project>, tenant: ID<Tenant>, in tx: Transaction
    ) async throws {
        let tests = Set((excused + readmitted).map(\.test)).sorted()
        guard !tests.isEmpty else { return }
        var lines = try await Self.lines(of: tests, tenant: tenant, in: tx)
        let before = lines
        for failure in excused { lines[failure.test]?.excuse(failure) }
        for failure in readmitted { lines[failure.test]?.readmit(failure) }
        var recoveries = RecoveryChanges()
        for test in tests { recoveries.add(before: before[test]?.lines ?? [], after: lines[test]?.lines ?? []) }
        try await RollupStore.correcting(recoveries, project: project, tenant: tenant, in: tx)
        try await FlipStore.change(excusing: excused, readmitting: readmitted, project: project, tenant: tenant, in: tx)
        let suites = try await EnvironmentStore.suites(of: excused + readmitted, tenant: tenant, in: tx)
        let tags = try await EnvironmentStore.tags(ofTaken: excused, given: readmitted, tenant: tenant, in: tx)
        let counts = EnvironmentCounts(taken: excused, given: readmitted, suites: suites, tags: tags)
        let changed = tests.flatMap { test in (lines[test]?.changed ?? []).map { (test: test, line: $0) } }
        let receipts = tests.compactMap { test in lines[test].map { (test: test, receipt: $0.receipt) } }
        try await tx.pipeline(
            Self.writing(changed, gone: [], tenant: tenant) + [Self.judging(receipts, tenant: tenant)]
                + RollupStore.counting(counts, project: project, tenant: tenant) + [RevisionStore.raising(project, tenant: tenant)])
    }

    /// Carries messages of one project into what is remembered of their tests, and judges those anew; a test of which there is no fact yet is judged when
    /// one comes. Messages that are known already change nothing.
    func hear(_ batches: [MessageBatch], tenant: ID<Tenant>) async throws {
        guard let project = batches.first?.project else { return }
        let given = Set(batches.lazy.flatMap(\.messages).map(\.test)).sorted()
        guard !given.isEmpty else { return }
        try await database.transaction(.tenant(tenant)) { tx in
            try await tx.pipeline([FactStore.planning, "select pg_advisory_xact_lock(\(fragment: AliasStore.lock(project)))"])
            let aliases = try await AliasStore.known(given, project: project, tenant: tenant, in: tx)
            let tests = Set(given.map { aliases[$0] ?? $0 }).sorted()
            var lines = try await Self.lines(of: tests, tenant: tenant, in: tx)
            for batch in batches {
                for message in batch.messages { lines[aliases[message.test] ?? message.test, default: TestLines()].hear(message, of: batch) }
            }
            let newest = batches.map(\.startedAt).max() ?? .distantPast
            var (changed, gone): ([(test: ID<Test>, line: TestLine)], [(test: ID<Test>, line: TestLine)]) = ([], [])
            var receipts: [(test: ID<Test>, receipt: StabilityReceipt)] = []
            for test in tests {
                guard let trimmed = lines[test]?.trim(at: newest), !trimmed.changed.isEmpty, let receipt = lines[test]?.receipt else { continue }
                changed += trimmed.changed.map { (test, $0) }
                gone += trimmed.gone.map { (test, $0) }
                receipts.append((test, receipt))
            }
            guard !changed.isEmpty else { return }
            try await tx.pipeline(
                Self.writing(changed, gone: gone, tenant: tenant) + [
                    Self.judging(receipts, tenant: tenant), RevisionStore.raising(project, tenant: tenant),
                ])
        }
    }

    /// The statement that writes verdicts of the machine down, with their receipts.
    private static func judging(_ tests: [(test: ID<Test>, receipt: StabilityReceipt)], tenant: ID<Tenant>) -> SQL {
        """
        update tests t set
            stability = u.stability, confidence = u.confidence, flaky_chance = u.flaky_chance, stability_model = u.model, stability_input = u.input,
            flaky_reasons = u.reasons
        from unnest(
            \(tests.map(\.test))::uuid[], \(tests.map(\.receipt.stability.kind.rawValue))::text[],
            \(tests.map(\.receipt.stability.confidence))::double precision[], \(tests.map(\.receipt.stability.flakyChance))::double precision[],
            \(tests.map(\.receipt.model))::integer[], \(tests.map { Int64(bitPattern: $0.receipt.inputHash) })::bigint[],
            \(tests.map { $0.receipt.reasons.map { Data($0.bytes) } })::bytea[]
        ) as u (id, stability, confidence, flaky_chance, model, input, reasons)
        where t.tenant_id = \(tenant) and t.id = u.id
        """
    }

    /// Statements that write lines down, and let go of others.
    static func writing(_ lines: [(test: ID<Test>, line: TestLine)], gone: [(test: ID<Test>, line: TestLine)], tenant: ID<Tenant>) -> [SQL] {
        var statements: [SQL] = []
        if !lines.isEmpty {
            statements.append(
                """
                insert into test_lines as l (tenant_id, test_id, branch, environment, state, messages, results, last_at)
                select \(tenant), u.* from unnest(
                    \(lines.map(\.test))::uuid[], \(lines.map(\.line.branch))::text[], \(lines.map(\.line.environment))::text[],
                    \(lines.map { Data($0.line.bytes) })::bytea[],
                    \(lines.map { $0.line.messages.isEmpty ? nil : Data($0.line.messages) } as [Data?])::bytea[],
                    \(lines.map(\.line.results))::bigint[], \(lines.map(\.line.lastAt))::timestamptz[]
                ) as u
                on conflict on constraint test_lines_pkey do update set
                    state = excluded.state, messages = excluded.messages, results = excluded.results, last_at = excluded.last_at
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
        let rows = try await database.rows(.tenant(tenant), Self.reading(tests, tenant: tenant)) {
            (test: try $0.value("test_id", as: ID<Test>.self), line: try TestLine(row: $0))
        }
        return Dictionary(grouping: rows, by: \.test).mapValues { TestLines($0.compactMap(\.line)) }
    }

    static func lines(of tests: [ID<Test>], tenant: ID<Tenant>, in tx: Transaction) async throws -> [ID<Test>: TestLines] {
        let rows = try await tx.rows(reading(tests, tenant: tenant)) {
            (test: try $0.value("test_id", as: ID<Test>.self), line: try TestLine(row: $0))
        }
        return Dictionary(grouping: rows, by: \.test).mapValues { TestLines($0.compactMap(\.line)) }
    }

    /// Test by test: given as a list of ids, PostgreSQL reads all that a tenant has and leaves out the rest, until it has been told how much that is.
    private static func reading(_ tests: [ID<Test>], tenant: ID<Tenant>) -> SQL {
        """
        select l.* from unnest(\(tests)::uuid[]) as u (id) cross join lateral (
            select test_id, branch, environment, state, messages, results, last_at from test_lines
            where tenant_id = \(tenant) and test_id = u.id
            offset 0
        ) l
        """
    }

    /// The machine's verdict on a test with its receipt, and what is remembered of the test, both of one moment.
    /// - Throws: `test.not_found`; `stability.not_replayable`.
    func replay(_ test: ID<Test>, tenant: ID<Tenant>) async throws -> StabilityReplay {
        let rows = try await database.rows(
            .tenant(tenant),
            """
            select t.stability, t.confidence, t.flaky_chance, t.stability_model, t.stability_input, l.branch, l.environment, l.state, l.messages,
                l.results, l.last_at
            from tests t left join test_lines l on l.tenant_id = t.tenant_id and l.test_id = t.id
            where t.tenant_id = \(tenant) and t.id = \(test)
            """
        ) { (receipt: try StabilityReceipt(row: $0), line: try TestLine(row: $0)) }
        guard let first = rows.first else { throw Fault.notFound("test", test) }
        return try StabilityReplay(first.receipt, TestLines(rows.compactMap(\.line)).ordered())
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
        try self.init(
            branch: row.value("branch"), environment: row.value("environment"), bytes: Array(bytes),
            messages: Array(row.value("messages", as: Data?.self) ?? Data()), results: row.value("results"), lastAt: row.value("last_at"))
    }
}

extension Stability {
    /// `nil` for a test that was never judged.
    init?(row: Row) throws {
        guard let kind = try row.value("stability", as: String?.self) else { return nil }
        self.init(
            kind: try StabilityVerdict.Kind(stored: kind), confidence: try row.value("confidence"), flakyChance: try row.value("flaky_chance"))
    }
}

extension StabilityReceipt {
    /// `nil` for a verdict from before there were receipts.
    fileprivate init?(row: Row) throws {
        guard let stability = try Stability(row: row), let model = try row.value("stability_model", as: Int32?.self),
            let input = try row.value("stability_input", as: Int64?.self)
        else { return nil }
        self.init(stability: stability, model: model, inputHash: UInt64(bitPattern: input))
    }
}
