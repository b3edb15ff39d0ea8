import Foundation
import Postgres
import Primitives

/// All SQL that reads tests.
struct TestStore: Sendable {
    let database: Database

    private static let columns: SQL = """
        id, project_id, suite_name, class_name, name, passed, failed, errored, skipped, flips, last_outcome, first_seen_at, last_seen_at,
        case when timed > 0 then duration_us / timed end as mean_duration_us, stability, confidence, flaky_chance
        """

    /// - Throws: `test.not_found`.
    func get(_ id: ID<Test>, tenant: ID<Tenant>) async throws -> Test {
        let found = try await database.lookUp(
            .tenant(tenant),
            "select \(fragment: Self.columns) from tests where tenant_id = \(tenant) and id = \(id)"
        ) { try Test(row: $0) }
        guard let found else { throw Fault.notFound("test", id) }
        return found
    }

    /// Most flips first.
    func list(_ page: PageRequest, project: ID<Project>, tenant: ID<Tenant>) async throws -> Page<Test> {
        let after = try TestCursor(page.cursor)
        let rows = try await database.rows(
            .tenant(tenant),
            """
            select \(fragment: Self.columns) from tests
            where tenant_id = \(tenant) and project_id = \(project)
              and (\(after?.flips)::bigint is null or flips < \(after?.flips) or (flips = \(after?.flips) and id > \(after?.test)))
            order by flips desc, id
            limit \(page.limit + 1)
            """
        ) { try Test(row: $0) }
        return Page(rows: rows, limit: page.limit) { TestCursor(flips: $0.flips, test: $0.id).description }
    }

    /// How many tests of a project are known for what, from an index alone.
    func census(project: ID<Project>, tenant: ID<Tenant>) async throws -> TestCensus {
        let rows = try await database.rows(
            .tenant(tenant),
            """
            select stability, count(*) as count from tests where tenant_id = \(tenant) and project_id = \(project) group by stability
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

    /// Likeliest first.
    func flaky(_ page: PageRequest, project: ID<Project>, tenant: ID<Tenant>) async throws -> Page<Test> {
        let after = try FlakyCursor(page.cursor)
        let rows = try await database.rows(
            .tenant(tenant),
            """
            select \(fragment: Self.columns) from tests
            where tenant_id = \(tenant) and project_id = \(project) and stability = 'flaky'
              and (\(after?.chance)::double precision is null
                or flaky_chance < \(after?.chance) or (flaky_chance = \(after?.chance) and id > \(after?.test)))
            order by flaky_chance desc, id
            limit \(page.limit + 1)
            """
        ) { try Test(row: $0) }
        return Page(rows: rows, limit: page.limit) { FlakyCursor(chance: $0.stability?.flakyChance ?? 0, test: $0.id).description }
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
        stability = try row.value("stability", as: String?.self).map { text in
            Stability(
                kind: StabilityVerdict.Kind(rawValue: text) ?? .unknown, confidence: try row.value("confidence"),
                flakyChance: try row.value("flaky_chance"))
        }
    }
}
