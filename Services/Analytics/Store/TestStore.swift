import Foundation
import Postgres
import Primitives

/// All SQL that reads tests.
struct TestStore: Sendable {
    let database: Database

    private static let columns: SQL = """
        t.id, t.project_id, t.suite_name, t.class_name, t.name, t.passed, t.failed, t.errored, t.skipped, t.flips, t.last_outcome, t.first_seen_at,
        t.last_seen_at, case when t.timed > 0 then t.duration_us / t.timed end as mean_duration_us, t.stability, t.confidence, t.flaky_chance,
        v.test_id, v.version, v.kind, v.reason, v.decided_by, v.decided_at
        """

    /// Tests with the last that a person said of them.
    private static let tests: SQL = """
        tests t left join test_verdicts v on v.tenant_id = t.tenant_id and v.test_id = t.id and v.version = t.verdict_version
        """

    /// The test, or the one that it stands for: whatever names an alias means the test that it was joined to.
    /// - Throws: `test.not_found`.
    func get(_ id: ID<Test>, tenant: ID<Tenant>) async throws -> Test {
        let own = try await database.lookUp(
            .tenant(tenant),
            "select \(fragment: Self.columns) from \(fragment: Self.tests) where t.tenant_id = \(tenant) and t.id = \(id)"
        ) { try Test(row: $0) }
        if let own { return own }
        let lasting = try await database.lookUp(
            .tenant(tenant),
            """
            select \(fragment: Self.columns) from \(fragment: Self.tests)
            join test_aliases a on a.tenant_id = t.tenant_id and a.test_id = t.id and a.project_id = t.project_id
            where t.tenant_id = \(tenant) and a.tenant_id = \(tenant) and a.alias_id = \(id)
            limit 1
            """
        ) { try Test(row: $0) }
        guard let lasting else { throw Fault.notFound("test", id) }
        return lasting
    }

    /// Those of them that there are.
    func find(_ ids: [ID<Test>], tenant: ID<Tenant>) async throws -> [ID<Test>: Test] {
        let rows = try await database.rows(
            .tenant(tenant),
            "select \(fragment: Self.columns) from \(fragment: Self.tests) where t.tenant_id = \(tenant) and t.id = any(\(ids.map(\.uuid)))"
        ) { try Test(row: $0) }
        return Dictionary(uniqueKeysWithValues: rows.map { ($0.id, $0) })
    }

    /// Most flips first, or by id.
    /// - Parameter kinds: of which the tests are one, by what holds; those that rest are known as nothing. Empty for all.
    func list(
        _ page: PageRequest, kinds: Set<StabilityVerdict.Kind> = [], matching search: TestSearch = .all, by order: TestOrder = .rank,
        project: ID<Project>, tenant: ID<Tenant>
    ) async throws -> Page<Test> {
        // In the words of the index of migration 0019.
        let known: SQL =
            kinds.isEmpty ? "true" : "not t.resting and coalesce(t.verdict, t.stability, 'unknown') = any(\(kinds.map(\.rawValue).sorted()))"
        let wanted: SQL = "\(fragment: known) \(fragment: search.condition)"
        guard order == .rank else { return try await byID(page, wanted, project: project, tenant: tenant) }
        let after = try TestCursor(page.cursor)
        let rows = try await database.rows(
            .tenant(tenant),
            """
            select \(fragment: Self.columns) from \(fragment: Self.tests)
            where t.tenant_id = \(tenant) and t.project_id = \(project) and \(fragment: wanted)
              and (\(after?.flips)::bigint is null or t.flips < \(after?.flips) or (t.flips = \(after?.flips) and t.id > \(after?.test)))
            order by t.flips desc, t.id
            limit \(page.limit + 1)
            """
        ) { try Test(row: $0) }
        return Page(rows: rows, limit: page.limit) { TestCursor(flips: $0.flips, test: $0.id).description }
    }

    /// By the index of migration 0030, which a page enters where the one before ended.
    private func byID(_ page: PageRequest, _ condition: SQL, project: ID<Project>, tenant: ID<Tenant>) async throws -> Page<Test> {
        let after: SQL = try page.after(ID<Test>.self).map { "and t.id > \($0)" } ?? ""
        let rows = try await database.rows(
            .tenant(tenant),
            """
            select \(fragment: Self.columns) from \(fragment: Self.tests)
            where t.tenant_id = \(tenant) and t.project_id = \(project) and \(fragment: condition) \(fragment: after)
            order by t.id
            limit \(page.limit + 1)
            """
        ) { try Test(row: $0) }
        return Page(rows: rows, limit: page.limit) { $0.id.description }
    }

    /// How many tests of a project that do not rest are known for what, from an index alone: a person's word, where there is none the machine's.
    func census(project: ID<Project>, tenant: ID<Tenant>) async throws -> TestCensus {
        let rows = try await database.rows(
            .tenant(tenant),
            """
            select coalesce(verdict, stability) as stability, count(*) as count from tests
            where tenant_id = \(tenant) and project_id = \(project) and not resting group by coalesce(verdict, stability)
            """
        ) { (kind: try $0.value("stability", as: String?.self).flatMap(StabilityVerdict.Kind.init), count: try $0.value("count", as: Int64.self)) }
        return rows.reduce(into: TestCensus()) { census, row in
            census.tests += row.count
            switch row.kind {
            case .flaky: census.flaky += row.count
            case .broken, .regressed: census.broken += row.count
            case .stable, .environment, .unknown, nil: break
            }
        }
    }

    /// Who says that a test is flaky.
    enum Said: Sendable {
        case anybody, person
        /// And nobody anything else.
        case machine
        /// The machine, while a person says something else.
        case machineOverruled

        /// In the words of the indexes of migration 0028.
        fileprivate var condition: SQL {
            switch self {
            case .anybody: "not t.resting and (t.verdict = 'flaky' or (t.verdict is null and t.stability = 'flaky'))"
            case .person: "not t.resting and t.verdict is not null and t.verdict = 'flaky'"
            case .machine: "not t.resting and (t.verdict = 'flaky' or (t.verdict is null and t.stability = 'flaky')) and t.verdict is null"
            case .machineOverruled: "not t.resting and t.verdict is not null and t.verdict <> 'flaky' and t.stability = 'flaky'"
            }
        }
    }

    /// Likeliest first, as the machine sees it, or by id.
    func flaky(
        _ page: PageRequest, said: Said = .anybody, matching search: TestSearch = .all, by order: TestOrder = .rank, project: ID<Project>,
        tenant: ID<Tenant>
    ) async throws -> Page<FlakyTest> {
        let start: SQL =
            switch order {
            case .rank:
                try FlakyCursor(page.cursor).map { after in
                    "and (t.flaky_chance < \(after.chance) or (t.flaky_chance = \(after.chance) and t.id > \(after.test)))"
                } ?? ""
            case .id: try page.after(ID<Test>.self).map { "and t.id > \($0)" } ?? ""
            }
        let rows = try await database.rows(
            .tenant(tenant),
            """
            select \(fragment: Self.columns), t.stability_input, t.flaky_reasons from \(fragment: Self.tests)
            where t.tenant_id = \(tenant) and t.project_id = \(project) and \(fragment: said.condition) \(fragment: search.condition)
              \(fragment: start)
            order by \(fragment: order == .rank ? "t.flaky_chance desc, t.id" : "t.id")
            limit \(page.limit + 1)
            """
        ) { row in
            let kept = try row.value("flaky_reasons", as: Data?.self).flatMap { KeptReasons(bytes: Array($0)) }
            let input = try row.value("stability_input", as: Int64?.self).map { UInt64(bitPattern: $0) }
            return FlakyTest(test: try Test(row: row), reasons: kept?.inputHash == input ? kept?.reasons : nil)
        }
        return Page(rows: rows, limit: page.limit) { last in
            switch order {
            case .rank: FlakyCursor(chance: last.test.stability?.flakyChance ?? 0, test: last.test.id).description
            case .id: last.test.id.description
            }
        }
    }
}

extension TestSearch {
    /// What stands behind others. Tests are read in the order of the list until a page is full: of 100,000 of which none is meant, for 0.1 s. No column is kept
    /// for it, which ingest would have to write.
    fileprivate var condition: SQL {
        guard !text.isEmpty else { return "" }
        return """
            and (strpos(lower(t.name), lower(\(text))) > 0 or strpos(lower(t.class_name), lower(\(text))) > 0
                or strpos(lower(t.suite_name), lower(\(text))) > 0)
            """
    }
}

/// Where a page of tests ends.
private struct TestCursor: CustomStringConvertible {
    let flips: Int64
    let test: ID<Test>

    init(flips: Int64, test: ID<Test>) {
        self.flips = flips
        self.test = test
    }

    /// - Throws: `page.invalid_cursor`.
    init?(_ text: String?) throws(Fault) {
        guard let text else { return nil }
        let parts = text.split(separator: "~")
        guard parts.count == 2, let flips = Int64(parts[0]), let test = try? ID<Test>(String(parts[1])) else { throw .invalidCursor }
        self.flips = flips
        self.test = test
    }

    var description: String { "\(flips)~\(test)" }
}

/// Where a page of flaky tests ends: the chance in hundredths, as it is stored.
private struct FlakyCursor: CustomStringConvertible {
    let chance: Double
    let test: ID<Test>

    init(chance: Double, test: ID<Test>) {
        self.chance = chance
        self.test = test
    }

    /// - Throws: `page.invalid_cursor`.
    init?(_ text: String?) throws(Fault) {
        guard let text else { return nil }
        let parts = text.split(separator: "~")
        guard parts.count == 2, let hundredths = Int(parts[0]), (0...100).contains(hundredths), let test = try? ID<Test>(String(parts[1])) else {
            throw .invalidCursor
        }
        self.init(chance: Double(hundredths) / 100, test: test)
    }

    var description: String { "\(Int((chance * 100).rounded()))~\(test)" }
}

extension Test {
    fileprivate init(row: Row) throws {
        id = try row.value("id")
        project = try row.value("project_id")
        suiteName = try row.value("suite_name")
        className = try row.value("class_name")
        name = try row.value("name")
        tally = Tally(
            passed: try row.value("passed"), failed: try row.value("failed"), errored: try row.value("errored"), skipped: try row.value("skipped"))
        flips = try row.value("flips")
        lastOutcome = try Outcome(stored: row.value("last_outcome"))
        firstSeenAt = try row.value("first_seen_at")
        lastSeenAt = try row.value("last_seen_at")
        meanDuration = try row.value("mean_duration_us")
        stability = try Stability(row: row)
        verdict = try row.value("kind", as: String?.self) == nil ? nil : TestVerdict(row: row)
    }
}
