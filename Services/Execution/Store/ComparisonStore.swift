import Foundation
import Postgres
import Primitives

/// All SQL about comparing two runs: both are read once, joined by test. Nothing of it is stored.
struct ComparisonStore: Sendable {
    let database: Database

    /// - Parameter kinds: empty for all.
    func list(
        _ run: RunSpan, against base: RunSpan, kinds: [TestDifference.Kind], _ page: PageRequest, by names: TestNames = .current, tenant: ID<Tenant>
    ) async throws -> Page<TestDifference> {
        let after = try page.cursor.map { text throws(Fault) in try ComparisonCursor(text) }
        let behind: SQL = after.map { "(d.kind, d.test_id) > (\($0.kind), \($0.test))" } ?? "true"
        let wanted = kinds.isEmpty ? nil : kinds.map(\.rawValue)
        let rows = try await database.rows(
            .tenant(tenant),
            """
            \(fragment: Self.differences(run, base, by: names, tenant))
            select d.*, r.suite_name, r.class_name, r.name from differences d
            -- The names as the newer run has them, where it has them.
            join results r on r.tenant_id = \(tenant) and r.id = coalesce(d.run_result, d.base_result)
                and r.recorded_at = coalesce(d.run_recorded_at, d.base_recorded_at)
            where d.kind > 0 and (\(wanted)::smallint[] is null or d.kind = any(\(wanted))) and \(fragment: behind)
            order by d.kind, d.test_id
            limit \(page.limit + 1)
            """
        ) { try TestDifference(row: $0) }
        return Page(rows: rows, limit: page.limit) { ComparisonCursor($0).text }
    }

    /// As many as there are, up to a limit that may be beyond a page's.
    func first(
        _ limit: Int, _ kinds: [TestDifference.Kind], of run: RunSpan, against base: RunSpan, tenant: ID<Tenant>
    ) async throws -> [TestDifference] {
        var found: [TestDifference] = []
        var cursor = ""
        repeat {
            let page = try await list(
                run, against: base, kinds: kinds, PageRequest(limit: min(200, limit - found.count), cursor: cursor), tenant: tenant)
            found += page.items
            guard let next = page.next else { break }
            cursor = next
        } while found.count < limit
        return found
    }

    func counts(_ run: RunSpan, against base: RunSpan, tenant: ID<Tenant>) async throws -> ComparisonCounts {
        let rows = try await database.rows(
            .tenant(tenant), "\(fragment: Self.differences(run, base, tenant)) select d.kind, count(*) as n from differences d group by d.kind"
        ) { (kind: try $0.value("kind", as: Int16.self), count: try $0.value("n", as: Int.self)) }
        var counts = ComparisonCounts()
        for row in rows {
            if let kind = TestDifference.Kind(rawValue: row.kind) { counts.differences[kind] = row.count } else { counts.unchanged = row.count }
        }
        return counts
    }

    /// The aliases by which tests of two runs are one as they are now, in the order of their ids; `nil` when there are more than a receipt keeps.
    func aliases(in run: RunSpan, and base: RunSpan, tenant: ID<Tenant>) async throws -> [JoinedTest]? {
        func tests(_ span: RunSpan) -> SQL {
            "select r.test_id from results r where r.tenant_id = \(tenant) and r.run_id = \(span.run) and \(fragment: span.condition)"
        }
        let found = try await database.rows(
            .tenant(tenant),
            """
            select alias_id, test_id from test_aliases
            where tenant_id = \(tenant) and project_id = \(run.project)
              and alias_id in (\(fragment: tests(run)) union \(fragment: tests(base)))
            order by alias_id
            limit \(JoinedTest.mostKept + 1)
            """
        ) { try JoinedTest(alias: $0.value("alias_id"), test: $0.value("test_id")) }
        return found.count > JoinedTest.mostKept ? nil : found
    }

    /// `differences`: a row per test of either run; kind 0 is no difference.
    static func differences(_ run: RunSpan, _ base: RunSpan, by names: TestNames = .current, _ tenant: ID<Tenant>) -> SQL {
        """
        with a as (\(fragment: tests(base, names, tenant))), b as (\(fragment: tests(run, names, tenant))),
        differences as (
            select coalesce(a.test_id, b.test_id) as test_id, a.outcome as base_outcome, a.duration_us as base_us, a.result as base_result,
                a.recorded_at as base_recorded_at, b.outcome as run_outcome, b.duration_us as run_us, b.result as run_result,
                b.recorded_at as run_recorded_at,
                (case
                    when b.outcome in (2, 3) and a.outcome in (2, 3) then 2
                    when b.outcome in (2, 3) then 1
                    when a.outcome in (2, 3) and b.test_id is not null then 3
                    when a.test_id is null then 4
                    when b.test_id is null then 5
                    when a.outcome = 1 and b.outcome = 1 and b.duration_us >= a.duration_us * \(SlowerRule.factor)
                        and b.duration_us - a.duration_us >= \(SlowerRule.microseconds) then 6
                    else 0
                end)::smallint as kind
            from a full join b on a.test_id = b.test_id
        )
        """
    }

    /// The heaviest result of each test of a run (`Outcome.weight`: failed, errored, skipped, passed), and its durations summed. A failure that a
    /// later try of its build has answered is left out, for the try has the test and passed it: what passes when it is tried again has not regressed,
    /// and as a part of a baseline it is to pass. Only runs with such tries pay: `answered` begins with an index that has no entry of others.
    private static func tests(_ span: RunSpan, _ names: TestNames, _ tenant: ID<Tenant>) -> SQL {
        """
        with answered as materialized (\(fragment: RetryStore.answered(span.run, tenant: tenant)))
        select distinct on (t.id) t.id as test_id, r.outcome, r.id as result, r.recorded_at,
            sum(r.duration_us) over (partition by t.id)::bigint as duration_us
        from results r
        left join \(fragment: aliases(names, span.project, tenant)) a on a.alias_id = r.test_id
        cross join lateral (select coalesce(a.test_id, r.test_id) as id) t
        where r.tenant_id = \(tenant) and r.run_id = \(span.run) and \(fragment: span.condition)
          and r.id not in (select id from answered)
        order by t.id, case r.outcome when 2 then 0 when 3 then 1 when 4 then 2 else 3 end, r.id
        """
    }

    /// `alias_id` and the `test_id` that each stands for.
    private static func aliases(_ names: TestNames, _ project: ID<Project>, _ tenant: ID<Tenant>) -> SQL {
        let all: SQL = "select alias_id, test_id from test_aliases where tenant_id = \(tenant) and project_id = \(project)"
        return switch names {
        case .current: "(\(fragment: all))"
        case .madeBy(let time): "(\(fragment: all) and created_at <= \(time))"
        case .these(let joined):
            "(select * from unnest(\(joined.map(\.alias))::uuid[], \(joined.map(\.test))::uuid[]) as u (alias_id, test_id))"
        }
    }
}

extension TestDifference {
    fileprivate init(row: Row) throws {
        kind = Kind(rawValue: try row.value("kind")) ?? .newFailure
        test = try row.value("test_id")
        suiteName = try row.value("suite_name")
        className = try row.value("class_name")
        name = try row.value("name")
        base = try Side(row: row, "base")
        run = try Side(row: row, "run")
    }
}

extension TestDifference.Side {
    fileprivate init?(row: Row, _ prefix: String) throws {
        guard let result = try row.value("\(prefix)_result", as: ID<TestResult>?.self) else { return nil }
        self.result = result
        outcome = Outcome(rawValue: try row.value("\(prefix)_outcome")) ?? .errored
        microseconds = try row.value("\(prefix)_us")
    }
}
