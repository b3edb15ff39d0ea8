import Foundation
import Postgres
import Primitives

/// All SQL about parts of projects by days.
struct RollupStore: Sendable {
    let database: Database

    /// Older days than any trend can ask for are let go: one of quarters goes back to the beginning of its first.
    static let retention = TrendLength.limit + TrendPeriod.longest

    // MARK: - Ingest

    /// What adds to what is stored, histograms read already. In a transaction that holds the project's lock, so that nobody else adds meanwhile.
    /// - Parameter mostSuites: that stand by their names on a day.
    /// - Returns: the statement, and the suites that it adds up under the rest of their days.
    static func writing(
        _ changes: RollupChanges, mostSuites: Int, project: ID<Project>, tenant: ID<Tenant>, in tx: Transaction
    ) async throws -> (statement: SQL, rest: Set<RollupKey>) {
        var changes = changes
        let days = Set(changes.rollups.keys.map(\.day))
        let asked = sorted(Set(changes.rollups.keys).union(days.map { RollupKey.remaining(on: $0) }))
        let stored = try await tx.rows(
            """
            select k.number, r.durations, r.recoveries, r.suites
            from unnest(
                \(asked.map(\.dimension.rawValue))::text[], \(asked.map(\.value))::text[], \(asked.map(\.day))::text[]
            ) with ordinality as k (dimension, value, day, number)
            join rollups r on r.tenant_id = \(tenant) and r.project_id = \(project) and r.dimension = k.dimension and r.value = k.value
                and r.day = k.day::date
            """
        ) { row in
            (
                key: asked[Int(try row.value("number", as: Int64.self)) - 1], durations: try DurationHistogram(stored: row.value("durations")),
                recoveries: try row.value("recoveries", as: Data?.self).map { stored throws(Fault) in try DurationHistogram(stored: stored) },
                suites: try row.value("suites", as: Int?.self)
            )
        }
        let known = Dictionary(uniqueKeysWithValues: stored.map { ($0.key, $0) })
        let standing = Dictionary(uniqueKeysWithValues: days.map { ($0, known[RollupKey(dimension: .all, value: "", day: $0)]?.suites ?? 0) })
        let (rest, new) = changes.makeRoom(known: Set(known.keys), standing: standing, most: mostSuites)
        let keys = sorted(changes.rollups.keys)
        var rollups = keys.map { changes.rollups[$0] ?? Rollup() }
        for (index, key) in keys.enumerated() {
            guard let before = known[key] else { continue }
            rollups[index].durations.merge(before.durations)
            // Without a new one, what is stored stays as it is.
            if let recoveries = before.recoveries, rollups[index].recoveries.count > 0 { rollups[index].recoveries.merge(recoveries) }
        }
        let suites = keys.map { $0.dimension == .all ? new[$0.day] : nil }
        let statement: SQL = """
            insert into rollups as r (
                tenant_id, project_id, dimension, value, day, passed, failed, errored, skipped, duration_us, durations, recoveries, suites)
            select \(tenant), \(project), u.dimension, u.value, u.day::date, u.passed, u.failed, u.errored, u.skipped, u.duration_us, u.durations,
                u.recoveries, u.suites
            from unnest(
                \(keys.map(\.dimension.rawValue))::text[], \(keys.map(\.value))::text[], \(keys.map(\.day))::text[],
                \(rollups.map(\.tally.passed))::bigint[], \(rollups.map(\.tally.failed))::bigint[], \(rollups.map(\.tally.errored))::bigint[],
                \(rollups.map(\.tally.skipped))::bigint[], \(rollups.map(\.duration))::bigint[], \(rollups.map { Data($0.durations.bytes) })::bytea[],
                \(rollups.map { $0.recoveries.count > 0 ? Data($0.recoveries.bytes) : nil })::bytea[], \(suites)::bigint[]
            ) as u (dimension, value, day, passed, failed, errored, skipped, duration_us, durations, recoveries, suites)
            on conflict on constraint rollups_pkey do update set
                passed = r.passed + excluded.passed, failed = r.failed + excluded.failed, errored = r.errored + excluded.errored,
                skipped = r.skipped + excluded.skipped, duration_us = r.duration_us + excluded.duration_us, durations = excluded.durations,
                recoveries = coalesce(excluded.recoveries, r.recoveries), suites = coalesce(r.suites + excluded.suites, excluded.suites, r.suites)
            """
        return (statement, rest)
    }

    /// Rows of one order are found and written side by side.
    private static func sorted(_ keys: some Sequence<RollupKey>) -> [RollupKey] {
        keys.sorted { ($0.dimension.rawValue, $0.value, $0.day) < ($1.dimension.rawValue, $1.value, $1.day) }
    }

    func sweep(atOnce most: Int = 10_000) async throws {
        try await database.sweep("rollups", where: "day < (now() at time zone 'UTC')::date - \(Int32(Self.retention))", atOnce: most)
    }

    // MARK: - Reading

    /// Today (UTC) and the days before it, as trends have them. Results of a clock that was ahead count when their day has come.
    private static func last(_ days: Int) -> SQL {
        "day > (now() at time zone 'UTC')::date - \(Int32(days)) and day <= (now() at time zone 'UTC')::date"
    }

    /// The days on which something of the part ran, oldest first; of the whole project with its runs and flips. Whoever tells sums of a project's results has
    /// them from here, so no two of them can differ.
    func days(_ dimension: TrendDimension, _ value: String, project: ID<Project>, last days: Int, tenant: ID<Tenant>) async throws -> [Day] {
        try await database.rows(
            .tenant(tenant),
            """
            select to_char(day, 'YYYY-MM-DD') as day, coalesce(d.runs, 0) as runs, coalesce(d.runs_passed, 0) as runs_passed,
                coalesce(d.flips, 0) as flips, coalesce(r.passed, 0) as passed, coalesce(r.failed, 0) as failed, coalesce(r.errored, 0) as errored,
                coalesce(r.skipped, 0) as skipped, coalesce(r.environmental, 0) as environmental, coalesce(a.untagged, 0) as untagged,
                coalesce(r.duration_us, 0) as duration_us, r.durations
            from (
                select day, passed, failed, errored, skipped, environmental, duration_us, durations from rollups
                where tenant_id = \(tenant) and project_id = \(project) and dimension = \(dimension.rawValue) and value = \(value)
                  and \(fragment: Self.last(days))
            ) r full join (
                select day, runs, runs_passed, flips from days
                where \(dimension == .all) and tenant_id = \(tenant) and project_id = \(project)
                  and \(fragment: Self.last(days))
            ) d using (day) left join (
                select day, abs(environmental - environmental_tagged) as untagged from rollups
                where \(dimension == .tag) and tenant_id = \(tenant) and project_id = \(project) and dimension = 'all' and value = ''
                  and \(fragment: Self.last(days))
            ) a using (day)
            order by day
            """
        ) { row in
            Day(
                day: try row.value("day"), runs: try row.value("runs"), runsPassed: try row.value("runs_passed"), tally: try Tally(row: row),
                environmental: try row.value("environmental"), untagged: try row.value("untagged"), flips: try row.value("flips"),
                duration: try row.value("duration_us"),
                durations: try row.value("durations", as: Data?.self).map { stored throws(Fault) in try DurationHistogram(stored: stored) }
                    ?? DurationHistogram())
        }
    }

    /// The branch with most results, which is the main one of most projects, and how long its tests had failed when they passed again. `nil` when no run
    /// named one.
    func mainBranch(project: ID<Project>, last days: Int, tenant: ID<Tenant>) async throws -> (name: String, recoveries: DurationHistogram)? {
        let name = try await database.first(
            .tenant(tenant),
            """
            select value from rollups
            where tenant_id = \(tenant) and project_id = \(project) and dimension = 'branch'
              and \(fragment: Self.last(days))
            group by value
            order by sum(passed + failed + errored) desc, value
            limit 1
            """
        ) { try $0.value("value", as: String.self) }
        guard let name else { return nil }
        let recoveries = try await database.rows(
            .tenant(tenant),
            """
            select recoveries from rollups
            where tenant_id = \(tenant) and project_id = \(project) and dimension = 'branch' and value = \(name)
              and \(fragment: Self.last(days)) and recoveries is not null
            """
        ) { try DurationHistogram(stored: $0.value("recoveries")) }
        return (name, recoveries.reduce(into: DurationHistogram()) { $0.merge($1) })
    }

    /// Those with most failures first, or by themselves, as the primary key has them: a page reads no value before its own.
    func values(
        _ page: PageRequest, of dimension: TrendDimension, by order: TrendValueOrder = .failures, project: ID<Project>, last days: Int,
        tenant: ID<Tenant>
    ) async throws -> Page<TrendValue> {
        let after = try ValueCursor(page.cursor, of: order)
        var (start, rest): (SQL, SQL) = ("", "")
        if let after {
            switch order {
            case .failures: rest = "where failed + errored < \(after.bad) or (failed + errored = \(after.bad) and value > \(after.value))"
            case .value: start = "and value > \(after.value)"
            }
        }
        let rows = try await database.rows(
            .tenant(tenant),
            """
            select * from (
                select value, sum(passed)::bigint as passed, sum(failed)::bigint as failed, sum(errored)::bigint as errored,
                    sum(skipped)::bigint as skipped, sum(duration_us)::bigint as duration_us
                from rollups
                where tenant_id = \(tenant) and project_id = \(project) and dimension = \(dimension.rawValue)
                  and \(fragment: Self.last(days)) \(fragment: start)
                group by value
            ) v
            \(fragment: rest)
            order by \(fragment: order == .failures ? "failed + errored desc, value" : "value")
            limit \(page.limit + 1)
            """
        ) { TrendValue(value: try $0.value("value"), tally: try Tally(row: $0), duration: try $0.value("duration_us")) }
        return Page(rows: rows, limit: page.limit) { ValueCursor(order: order, bad: $0.tally.bad, value: $0.value).description }
    }
}

/// The order of a list of values.
enum TrendValueOrder: Sendable {
    /// Most failures first. New results move values in it.
    case failures
    /// By itself: nothing moves, so all pages together have each value once.
    case value
}

/// One suite, branch, environment or tag over some days.
struct TrendValue: Sendable {
    let value: String
    let tally: Tally
    /// Microseconds.
    let duration: Int64
}

/// Where a page of values ends.
private struct ValueCursor: CustomStringConvertible {
    let order: TrendValueOrder
    /// Says nothing where the value alone gives the order.
    let bad: Int64
    let value: String

    init(order: TrendValueOrder, bad: Int64, value: String) {
        self.order = order
        self.bad = bad
        self.value = value
    }

    /// - Throws: `page.invalid_cursor`, also for one of the other order.
    init?(_ text: String?, of order: TrendValueOrder) throws(Fault) {
        guard let text else { return nil }
        let parts = text.split(separator: "~", maxSplits: 1, omittingEmptySubsequences: false)
        let bad: Int64? =
            switch order {
            case .failures: Int64(parts[0])
            case .value: parts[0].isEmpty ? 0 : nil
            }
        guard parts.count == 2, let bad else { throw .invalidCursor }
        self.init(order: order, bad: bad, value: String(parts[1]))
    }

    var description: String { order == .failures ? "\(bad)~\(value)" : "~\(value)" }
}

extension Tally {
    /// Of the columns `passed`, `failed`, `errored` and `skipped`.
    init(row: Row) throws {
        self.init(
            passed: try row.value("passed"), failed: try row.value("failed"), errored: try row.value("errored"), skipped: try row.value("skipped"))
    }
}

extension DurationHistogram {
    /// - Throws: `trends.unknown_histogram`, which means that a newer release wrote the row.
    init(stored: Data) throws(Fault) {
        guard let known = DurationHistogram(bytes: Array(stored)) else { throw .unknownHistogram }
        self = known
    }
}
