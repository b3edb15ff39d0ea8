import Foundation
import Postgres
import Primitives

/// All SQL that reads groups.
struct GroupStore: Sendable {
    let database: Database

    private static let columns: SQL = """
        group_id, project_id, state, template, error_type, location, category, severity, failures, tests, signatures,
        first_at, first_result, first_run, first_branch, first_commit, first_environment,
        last_at, last_result, last_run, last_branch, last_commit, last_environment, sample,
        resolved_at, resolved_by, resolved_branch, resolved_commit, absent_runs, absent_days, absent_runs_needed, absent_days_needed,
        absent_elsewhere,
        regressed_at, regressed_result, regressed_run, regressed_branch, regressed_commit, regressed_environment, regressed_since, owner,
        judged_category, judged_severity, state_edition, is_recurring, is_contradicted, open_signatures, newest_open_at, other_words_at,
        proposed_owners,
        case when judged_category is not null then (
            select s.verdict_result from failure_signatures s
            where s.tenant_id = failure_groups.tenant_id and s.project_id = failure_groups.project_id and s.group_id = failure_groups.group_id
              and s.verdict_at is not null
            order by s.verdict_at desc, s.verdict_result desc
            limit 1) end as verdict_result
        """

    /// A project has at most `GroupingIndex.maxSignatures` groups, so what the order's index gives is looked at until the page is full.
    func list(_ page: PageRequest, _ filter: GroupFilter, by sort: GroupSort, _ scope: ProjectScope) async throws -> Page<FailureGroup> {
        let after = try GroupCursor(page.cursor, by: sort)
        var behind: SQL = ""
        var order: SQL
        switch sort {
        case .lastSeen:
            order = "last_at desc, group_id desc"
            if let after { behind = "and (last_at, group_id) < (\(after.time), \(after.group))" }
        case .failures:
            order = "failures desc, group_id desc"
            if let after { behind = "and (failures, group_id) < (\(after.value), \(after.group))" }
        case .id:
            order = "group_id"
            if let after { behind = "and group_id > \(after.group)" }
        }
        let rows = try await database.rows(
            .tenant(scope.tenant),
            """
            select \(fragment: Self.columns) from failure_groups
            where tenant_id = \(scope.tenant) and project_id = \(scope.project) \(fragment: filter.conditions(scope)) \(fragment: behind)
            order by \(fragment: order)
            limit \(page.limit + 1)
            """
        ) { try FailureGroup(row: $0) }
        return Page(rows: rows, limit: page.limit) { GroupCursor($0, by: sort).description }
    }

    /// Also by an id that has become obsolete.
    /// - Throws: `failure_group.not_found`.
    func get(_ id: ID<FailureGroup>, _ scope: ProjectScope) async throws -> FailureGroup {
        let found = try await database.lookUp(.tenant(scope.tenant), Self.current(id, scope)) { try FailureGroup(row: $0) }
        guard let found else { throw Fault.notFound("failure_group", id) }
        return found
    }

    /// - Throws: `failure_group.not_found`.
    func get(_ id: ID<FailureGroup>, _ scope: ProjectScope, in tx: Transaction) async throws -> FailureGroup {
        guard let found = try await find(id, scope, in: tx) else { throw Fault.notFound("failure_group", id) }
        return found
    }

    func find(_ id: ID<FailureGroup>, _ scope: ProjectScope, in tx: Transaction) async throws -> FailureGroup? {
        try await tx.first(Self.current(id, scope)) { try FailureGroup(row: $0) }
    }

    private static func current(_ id: ID<FailureGroup>, _ scope: ProjectScope) -> SQL {
        """
        select \(fragment: columns) from failure_groups
        where tenant_id = \(scope.tenant) and project_id = \(scope.project) and group_id = coalesce(
            (select s.group_id from failure_signatures s
             where s.tenant_id = \(scope.tenant) and s.project_id = \(scope.project) and s.signature_id = \(id)), \(id))
        """
    }

    /// Hours of signatures whose sketches are put together for one answer: some 2 MB where all are full.
    static let mostSketches = 2000

    /// Hours that failures were counted in, oldest first, or what spans several of them. Different tests are told where all that was counted has a sketch,
    /// and there are no more than `mostSketches`.
    /// - Parameter step: seconds, whole hours, from `since` on.
    func hours(of group: ID<FailureGroup>, since: Date, step: Int32 = 3600, _ scope: ProjectScope) async throws -> [Occurrences.Point] {
        let hours: SQL = """
            from failure_signatures s
            join signature_hours h on h.tenant_id = s.tenant_id and h.project_id = s.project_id and h.signature_id = s.signature_id
            where s.tenant_id = \(scope.tenant) and s.project_id = \(scope.project) and s.group_id = \(group) and h.hour >= \(since)
            """
        return try await database.rows(
            .tenant(scope.tenant),
            """
            with few as materialized (
                select count(*) <= \(Self.mostSketches) as are from (
                    select 1 \(fragment: hours)
                    limit \(Self.mostSketches + 1)) as h
            ),
            counted as materialized (
                select date_bin(make_interval(secs => \(step)), h.hour, \(since)) as at, h.failures,
                    case when (select are from few) then h.tests end as tests
                \(fragment: hours)
            )
            select f.at, f.failures, t.used, t.sum
            from (select at, sum(failures)::bigint as failures, bool_or(tests is null) as lacks from counted group by at) f
            left join (
                select at, count(*) as used, sum(power(2::float8, -rank)) as sum
                from (select at, max(entry & 31) as rank from counted, unnest(tests) as e (entry) group by at, entry >> 5) r
                group by at
            ) t on t.at = f.at and not f.lacks
            order by f.at
            """
        ) { row in
            let used = try row.value("used", as: Int64?.self)
            let sum = try row.value("sum", as: Double?.self)
            return Occurrences.Point(
                at: try row.value("at"), failures: try row.value("failures"),
                tests: used.flatMap { used in sum.map { DistinctSketch.estimate(used: Int(used), sum: $0) } })
        }
    }
}

extension GroupFilter {
    /// What stands behind the project in a `where`.
    func conditions(_ scope: ProjectScope) -> SQL {
        var sql: SQL = ""
        if !states.isEmpty { sql = "\(fragment: sql) and state = any(\(states.map(\.rawValue)))" }
        if !categories.isEmpty { sql = "\(fragment: sql) and category = any(\(categories.map(\.rawValue)))" }
        if !owner.isEmpty { sql = "\(fragment: sql) and owner = \(owner)" }
        if !text.isEmpty { sql = "\(fragment: sql) and strpos(search, lower(\(text))) > 0" }
        guard !branch.isEmpty else { return sql }
        return """
            \(fragment: sql) and group_id in (
                select s.group_id from signature_branches b
                join failure_signatures s on s.tenant_id = b.tenant_id and s.project_id = b.project_id and s.signature_id = b.signature_id
                where b.tenant_id = \(scope.tenant) and b.project_id = \(scope.project) and b.branch = \(branch))
            """
    }
}

extension FailureGroup {
    fileprivate init(row: Row) throws {
        id = try row.value("group_id")
        project = try row.value("project_id")
        state = try stored(row.value("state"))
        template = try row.value("template")
        errorType = try row.value("error_type")
        location = try row.value("location")
        category = try stored(row.value("category"))
        severity = try stored(row.value("severity"))
        overruled = try row.value("judged_category", as: String?.self).map {
            Overruled(category: try stored($0), severity: try stored(row.value("judged_severity")))
        }
        verdictResult = try row.value("verdict_result")
        failures = try row.value("failures")
        tests = try row.value("tests")
        signatures = try row.value("signatures")
        firstSeen = try Sighting(row: row, "first")
        lastSeen = try Sighting(row: row, "last")
        sample = try row.value("sample")
        owner = try row.value("owner")
        proposedOwners = try row.value("proposed_owners")
        resolution = try Resolution(row: row)
        regression = try row.value("regressed_at", as: Date?.self) == nil ? nil : Sighting(row: row, "regressed")
        regressionSince = try row.value("regressed_since")
        basis = try StateBasis(row: row, resolution)
    }
}

extension Contradiction {
    /// What the row of a group tells; `nil` where that is nothing.
    init?(row: Row) throws {
        guard try row.value("regressed_at", as: Date?.self) != nil, let since = try row.value("regressed_since", as: Date?.self) else { return nil }
        self.init(sighting: try Sighting(row: row, "regressed"), since: since)
    }
}

extension StateBasis {
    /// `nil` where nothing is kept.
    init?(row: Row, _ resolution: Resolution?) throws {
        guard let edition = try row.value("state_edition", as: Int32?.self) else { return nil }
        self.init(
            edition: edition,
            evidence: GroupEvidence(
                isRecurring: try row.value("is_recurring"), resolvedAt: resolution?.at, isAbsence: resolution?.isAbsence ?? false,
                hasRegressed: try row.value("is_contradicted"), openSignatures: try row.value("open_signatures"),
                newestOpenAt: try row.value("newest_open_at", as: Date?.self), otherWordsAt: try row.value("other_words_at", as: Date?.self)))
    }
}

extension Sighting {
    /// - Parameter which: of its columns, such as `first`, `last` or `regressed`.
    init(row: Row, _ which: String) throws {
        self.init(
            at: try row.value(which + "_at"), result: try row.value(which + "_result"), run: try row.value(which + "_run"),
            branch: try row.value(which + "_branch"), commit: try row.value(which + "_commit"), environment: try row.value(which + "_environment"))
    }
}
