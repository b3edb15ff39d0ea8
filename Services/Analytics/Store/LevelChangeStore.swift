import Foundation
import Postgres
import Primitives

/// All SQL about changes of level that are kept. What people say of them is in `LevelChangeStore+Words.swift`, what single tests have of their own in
/// `LevelChangeStore+Tests.swift`.
struct LevelChangeStore: Sendable {
    let database: Database

    /// Of `c`, with the latest word on it as `v` (`said`).
    static let columns: SQL = """
        c.id, coalesce(c.project_id, c.test_project_id) as project_id, c.dimension, c.value, coalesce(c.branch, '') as branch, c.figure,
        to_char(c.day, 'YYYY-MM-DD') as day, c.level_before, c.level_after, c.result_id, c.executed_at, c.commit_sha, c.found_at, c.gone_at, c.edition,
        c.input_hash, c.looked_at, c.verdict, c.verdict_version, coalesce(v.note, '') as note, coalesce(v.decided_by, '') as decided_by, v.decided_at
        """
    static let said: SQL = """
        left join trend_change_verdicts v on v.tenant_id = c.tenant_id and v.change_id = c.id and v.version = c.verdict_version
        """

    // MARK: - Search

    /// Keeps what was found, and writes down what is not found any more. The same looks twice change nothing. Of two searches at once the one that
    /// looked earlier may come here last: it says nothing of parts that were looked at since.
    func keep(_ looks: [LevelLook], of project: ID<Project>, tenant: ID<Tenant>) async throws {
        guard let first = looks.map(\.firstDay).min() else { return }
        try await database.transaction(.tenant(tenant)) { tx in
            try await tx.execute(Self.locking(project))
            let known = try await tx.rows(
                """
                select \(fragment: Self.columns)
                from unnest(\(looks.map(\.part.dimension.rawValue))::text[], \(looks.map(\.part.value))::text[]) as u (dimension, value)
                join trend_changes c on c.tenant_id = \(tenant) and c.project_id = \(project) and c.dimension = u.dimension and c.value = u.value
                    and c.day >= \(first)::text::date
                \(fragment: Self.said)
                """
            ) { try LevelChange(row: $0) }
            let kept = Dictionary(grouping: known, by: \.part)
            var (written, gone): ([(change: LevelChange, input: String)], [LevelChange]) = ([], [])
            for look in looks {
                let known = kept[look.part] ?? []
                guard known.allSatisfy({ !$0.isOfLater(than: look.at) }) else { continue }
                let upkeep = LevelUpkeep(look, known: known, of: project)
                let input = look.series.text
                written += (upkeep.added + upkeep.renewed).map { (change: $0, input: input) }
                gone += upkeep.gone
            }
            guard !written.isEmpty || !gone.isEmpty, let at = looks.first?.at else { return }
            try await tx.pipeline([
                Self.writing(written, project: project, tenant: tenant), Self.leaving(gone, at: at, tenant: tenant),
                RevisionStore.raising(project, tenant: tenant),
            ])
        }
    }

    /// Taken by whoever keeps changes of a project, or moves those of a test.
    static func locking(_ project: ID<Project>) -> SQL {
        "select pg_advisory_xact_lock(hashtextextended('trend_changes/' || \(project)::uuid::text, 0))"
    }

    static func leaving(_ gone: [LevelChange], at: Date, tenant: ID<Tenant>) -> SQL {
        "update trend_changes set gone_at = \(at) where tenant_id = \(tenant) and id = any(\(gone.map(\.id)))"
    }

    static func writing(_ rows: [(change: LevelChange, input: String)], project: ID<Project>, tenant: ID<Tenant>) -> SQL {
        let changes = rows.map(\.change)
        return """
            insert into trend_changes (
                tenant_id, id, project_id, test_project_id, dimension, value, branch, figure, day, level_before, level_after, result_id, executed_at,
                commit_sha, found_at, edition, input_hash, input, looked_at)
            select \(tenant), u.id, case when u.branch is null then \(project) end, case when u.branch is not null then \(project) end, u.dimension,
                u.value, u.branch, u.figure, u.day::date, u.level_before, u.level_after, u.result_id, u.executed_at, u.commit_sha, u.found_at, u.edition,
                u.input_hash, u.input, u.looked_at
            from unnest(
                \(changes.map(\.id))::uuid[], \(changes.map(\.part.dimension.rawValue))::text[], \(changes.map(\.part.value))::text[],
                \(changes.map { $0.start == nil ? nil : $0.part.branch } as [String?])::text[],
                \(changes.map { $0.start?.result } as [ID<Result>?])::uuid[], \(changes.map { $0.start?.executedAt } as [Date?])::timestamptz[],
                \(changes.map { $0.start?.commit } as [String?])::text[],
                \(changes.map(\.figure.rawValue))::text[], \(changes.map(\.day))::text[], \(changes.map(\.before))::float8[],
                \(changes.map(\.after))::float8[], \(changes.map(\.foundAt))::timestamptz[], \(changes.map(\.receipt.edition))::integer[],
                \(changes.map { Int64(bitPattern: $0.receipt.inputHash) })::bigint[], \(rows.map(\.input))::text[],
                \(changes.map(\.receipt.lookedAt))::timestamptz[]
            ) as u (
                id, dimension, value, branch, result_id, executed_at, commit_sha, figure, day, level_before, level_after, found_at, edition, input_hash,
                input, looked_at)
            on conflict on constraint trend_changes_pkey do update set
                day = excluded.day, level_before = excluded.level_before, level_after = excluded.level_after, result_id = excluded.result_id,
                executed_at = excluded.executed_at, commit_sha = excluded.commit_sha, gone_at = null, edition = excluded.edition,
                input_hash = excluded.input_hash, input = excluded.input, looked_at = excluded.looked_at
            """
    }

    /// Those of days of which no rollups are kept any more; then what was said of changes that are gone, so that a word goes too that was put while its
    /// change went. Words are people's, and few: all of them are looked through.
    func sweep(atOnce most: Int = 1_000) async throws {
        try await database.sweep("trend_changes", where: "day < (now() at time zone 'UTC')::date - \(Int32(RollupStore.retention))", atOnce: most)
        try await database.sweep(
            "trend_change_verdicts",
            where: """
                not exists (
                    select from trend_changes c
                    where c.tenant_id = trend_change_verdicts.tenant_id and c.id = trend_change_verdicts.change_id)
                """, atOnce: most)
    }

    // MARK: - Reading

    /// What a list is narrowed to.
    struct Filter: Sendable {
        /// `nil` for all but single tests, which are a list of their own.
        var dimension: TrendDimension?
        /// Of the dimension; `nil` for all.
        var value: String?
        /// `nil` for both.
        var figure: TrendChange.Figure?
        /// Those, too, that are not found any more, and those that a person has dismissed.
        var gone = false
        var dismissed = false
    }

    /// The newest day first.
    func list(_ page: PageRequest, _ filter: Filter, of project: ID<Project>, tenant: ID<Tenant>) async throws -> Page<LevelChange> {
        let before = try LevelChangeCursor(page.cursor)
        // See migration 0031.
        let owner: SQL = filter.dimension == .test ? "c.test_project_id" : "c.project_id"
        let rows = try await database.rows(
            .tenant(tenant),
            """
            select \(fragment: Self.columns) from trend_changes c \(fragment: Self.said)
            where c.tenant_id = \(tenant) and \(fragment: owner) = \(project)
              and (\(before?.day)::text is null or (c.day, c.id) < (\(before?.day)::text::date, \(before?.change)::uuid))
              and (\(filter.dimension?.rawValue)::text is null or c.dimension = \(filter.dimension?.rawValue))
              and (\(filter.value)::text is null or c.value = \(filter.value))
              and (\(filter.figure?.rawValue)::text is null or c.figure = \(filter.figure?.rawValue))
              and (\(filter.gone) or c.gone_at is null) and (\(filter.dismissed) or c.verdict is distinct from 'dismissed')
            order by c.day desc, c.id desc
            limit \(page.limit + 1)
            """
        ) { try LevelChange(row: $0) }
        return Page(rows: rows, limit: page.limit) { LevelChangeCursor(day: $0.day, change: $0.id).description }
    }

    /// Those of a part that changes from a day on may be (`LevelMatching`), gone ones included.
    func list(of part: TrendPart, from day: String, project: ID<Project>, tenant: ID<Tenant>) async throws -> [LevelChange] {
        try await database.rows(
            .tenant(tenant),
            """
            select \(fragment: Self.columns) from trend_changes c \(fragment: Self.said)
            where c.tenant_id = \(tenant) and c.project_id = \(project) and c.dimension = \(part.dimension.rawValue) and c.value = \(part.value)
              and c.day >= \(day)::text::date - \(Int32(ChangeEdition.current.shortestLevel))
            """
        ) { try LevelChange(row: $0) }
    }

    /// - Throws: `level_change.not_found`.
    func get(_ id: ID<LevelChange>, tenant: ID<Tenant>) async throws -> LevelChange {
        let found = try await database.lookUp(
            .tenant(tenant),
            "select \(fragment: Self.columns) from trend_changes c \(fragment: Self.said) where c.tenant_id = \(tenant) and c.id = \(id)"
        ) { try LevelChange(row: $0) }
        guard let found else { throw Fault.notFound("level_change", id) }
        return found
    }

    /// A change with the days that it was found in (`TrendSeries.text`), or the executions (`DurationSeries.text`), of one moment.
    /// - Throws: `level_change.not_found`.
    func receipt(of id: ID<LevelChange>, tenant: ID<Tenant>) async throws -> (change: LevelChange, input: String) {
        let found = try await database.lookUp(
            .tenant(tenant),
            """
            select \(fragment: Self.columns), c.input from trend_changes c \(fragment: Self.said)
            where c.tenant_id = \(tenant) and c.id = \(id)
            """
        ) { (change: try LevelChange(row: $0), input: try $0.value("input", as: String.self)) }
        guard let found else { throw Fault.notFound("level_change", id) }
        return found
    }
}

/// Where a page of changes ends: the day and the change.
private struct LevelChangeCursor: CustomStringConvertible {
    let day: String
    let change: ID<LevelChange>

    init(day: String, change: ID<LevelChange>) {
        self.day = day
        self.change = change
    }

    /// - Throws: `page.invalid_cursor`.
    init?(_ text: String?) throws(Fault) {
        guard let text else { return nil }
        let parts = text.split(separator: "~")
        guard parts.count == 2, let number = DayNumber.of(String(parts[0])), let change = try? ID<LevelChange>(String(parts[1])) else {
            throw .invalidCursor
        }
        // As it was made: PostgreSQL knows no 31st of February.
        let day = Date(timeIntervalSince1970: Double(number) * 86_400).day
        guard day == parts[0] else { throw .invalidCursor }
        self.init(day: day, change: change)
    }

    var description: String { "\(day)~\(change)" }
}

extension LevelChange {
    /// - Throws: `level_change.unknown_value`, which means that a newer release wrote the row.
    init(row: Row) throws {
        guard let dimension = TrendDimension(rawValue: try row.value("dimension")), let figure = TrendChange.Figure(rawValue: try row.value("figure"))
        else { throw Fault.unknownLevelChange }
        let id = try row.value("id", as: ID<LevelChange>.self)
        self.init(
            id: id, project: try row.value("project_id"),
            part: TrendPart(dimension: dimension, value: try row.value("value"), branch: try row.value("branch")), figure: figure,
            day: try row.value("day"), before: try row.value("level_before"), after: try row.value("level_after"),
            start: dimension == .test
                ? LevelStart(result: try row.value("result_id"), executedAt: try row.value("executed_at"), commit: try row.value("commit_sha")) : nil,
            foundAt: try row.value("found_at"), goneAt: try row.value("gone_at", as: Date?.self),
            receipt: LevelReceipt(
                edition: try row.value("edition"), inputHash: UInt64(bitPattern: try row.value("input_hash", as: Int64.self)),
                lookedAt: try row.value("looked_at")),
            verdict: LevelVerdict(
                change: id, kind: try LevelVerdict.Kind(stored: row.value("verdict", as: String?.self)), note: try row.value("note"),
                decidedBy: try row.value("decided_by"), decidedAt: try row.value("decided_at", as: Date?.self),
                version: try row.value("verdict_version")))
    }
}
