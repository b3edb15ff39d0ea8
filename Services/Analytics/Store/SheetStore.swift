import Foundation
import Postgres
import Primitives

/// All SQL about what tests did week by week in sets of runs.
struct SheetStore: Sendable {
    let database: Database

    // MARK: - Ingest

    /// What adds to what is stored. In a transaction that holds the project's lock, so that nobody else adds meanwhile.
    static func writing(_ changes: SheetChanges, project: ID<Project>, tenant: ID<Tenant>, in tx: Transaction) async throws -> [SQL] {
        guard !changes.sheets.isEmpty else { return [] }
        let keys = Array(changes.sheets.keys)
        var sheets = keys.map { changes.sheets[$0] ?? TestSheet() }
        let stored = try await tx.rows(
            """
            select k.number, s.part, s.tests from \(fragment: list(keys)) join test_sheets s on \(fragment: match(project, tenant))
            order by k.number, s.part
            """
        ) { row in
            (
                number: Int(try row.value("number", as: Int64.self)) - 1, part: try row.value("part", as: Int32.self),
                tests: try row.value("tests", as: Int32.self)
            )
        }
        // From which part on they are merged with what is new.
        let parts = Dictionary(grouping: stored, by: \.number)
        let first = sheets.indices.map { number in
            Int32(SheetParts.staying((parts[number] ?? []).map { Int($0.tests) }, adding: sheets[number].count))
        }
        let merged = stored.contains { $0.part >= first[$0.number] }
        if merged {
            let known = try await tx.rows(
                """
                select k.number, s.sums from \(fragment: list(keys)) join unnest(\(first)::integer[]) with ordinality as f (part, number) using (number)
                join test_sheets s on \(fragment: match(project, tenant)) and s.part >= f.part
                """
            ) { (number: Int(try $0.value("number", as: Int64.self)) - 1, sheet: try TestSheet(stored: $0.value("sums"))) }
            for (number, sheet) in known { sheets[number].add(sheet) }
        }
        let insert: SQL = """
            insert into test_sheets as s (tenant_id, project_id, kind, branch, environment, week, part, tests, sums)
            select \(tenant), \(project), k.kind, k.branch, k.environment, k.week, n.part, n.tests, n.sums
            from \(fragment: list(keys)) join unnest(
                \(first)::integer[], \(sheets.map { Int32($0.count) })::integer[], \(sheets.map { Data($0.bytes) })::bytea[]
            ) with ordinality as n (part, tests, sums, number) using (number)
            on conflict on constraint test_sheets_pkey do update set tests = excluded.tests, sums = excluded.sums
            """
        guard merged else { return [insert] }
        return [
            insert,
            """
            delete from test_sheets s
            using \(fragment: list(keys)), unnest(\(first)::integer[]) with ordinality as f (part, number)
            where f.number = k.number and \(fragment: match(project, tenant)) and s.part > f.part
            """,
        ]
    }

    private static func list(_ keys: [SheetChanges.Key]) -> SQL {
        """
        unnest(
            \(keys.map(\.set.kind.rawValue))::text[], \(keys.map(\.set.branch))::text[], \(keys.map(\.set.environment))::text[],
            \(keys.map(\.week))::text[]::date[]
        ) with ordinality as k (kind, branch, environment, week, number)
        """
    }

    private static func match(_ project: ID<Project>, _ tenant: ID<Tenant>) -> SQL {
        """
        s.tenant_id = \(tenant) and s.project_id = \(project) and s.kind = k.kind and s.branch = k.branch and s.environment = k.environment
            and s.week = k.week
        """
    }

    /// Some at once: the sums of a row are up to some hundred KiB.
    func sweep(atOnce most: Int = 1_000) async throws {
        try await database.sweep("test_sheets", where: "week < (now() at time zone 'UTC')::date - \(Int32(WeekRange.kept * 7))", atOnce: most)
    }

    // MARK: - Reading

    /// What tests did in a set of runs. Week by week, so that no more than one of them is in memory beside the sum.
    func sheet(of set: RunSet, in range: WeekRange, project: ID<Project>, tenant: ID<Tenant>) async throws -> TestSheet {
        var sum = TestSheet()
        for week in range.weeks {
            let parts = try await database.rows(
                .tenant(tenant),
                """
                select sums from test_sheets
                where tenant_id = \(tenant) and project_id = \(project) and kind = \(set.kind.rawValue) and branch = \(set.branch)
                  and environment = \(set.environment) and week = \(week)::date
                """
            ) { try TestSheet(stored: $0.value("sums")) }
            for part in parts { sum.add(part) }
        }
        let aliases = try await database.rows(
            .tenant(tenant), "select alias_id, test_id from test_aliases where tenant_id = \(tenant) and project_id = \(project)"
        ) { (alias: try $0.value("alias_id", as: ID<Test>.self), test: try $0.value("test_id", as: ID<Test>.self)) }
        return sum.joined(by: Dictionary(aliases.map { ($0.alias, $0.test) }) { first, _ in first })
    }
}

extension TestSheet {
    /// - Throws: `comparison.unknown_sheet`, which means that a newer release wrote the row.
    fileprivate init(stored: Data) throws(Fault) {
        guard let known = TestSheet(bytes: Array(stored)) else { throw .unknownSheet }
        self = known
    }
}
