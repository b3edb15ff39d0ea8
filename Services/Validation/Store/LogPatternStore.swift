import Foundation
import Postgres
import Primitives

/// All SQL that reads what logs look like, and that forgets it.
struct LogPatternStore: Sendable {
    /// Runs that are forgotten at once.
    private static let forgottenAtOnce = 20
    /// Days of signatures that are.
    private static let daysAtOnce = 20_000

    let database: Database

    private var words: LogVerdictStore { LogVerdictStore(database: database) }

    // MARK: - Of a run

    /// Whose logs they are, with what is said of all of them.
    struct OfRun: Sendable {
        let project: ID<Project>
        let startedAt: Date
        let branch: String
        var logs: RunLogs
    }

    /// - Returns: nothing but zeros for a run without logs.
    /// - Throws: `validation.not_found` for a run that nothing has been heard of yet.
    func run(_ id: ID<Run>, tenant: ID<Tenant>) async throws -> OfRun {
        let found = try await database.lookUp(
            .tenant(tenant),
            """
            select coalesce(r.project_id, v.project_id) as project_id, coalesce(r.branch, v.branch) as branch,
                coalesce(r.started_at, v.started_at, now()) as started_at, coalesce(r.logs, 0) as logs, coalesce(r.lines, 0) as lines,
                coalesce(r.other_lines, 0) as other_lines, coalesce(r.cut_logs, 0) as cut_logs,
                coalesce(r.unreadable_logs, 0) as unreadable_logs
            from (select * from log_runs where tenant_id = \(tenant) and run_id = \(id)) r
            full join (select * from validations where tenant_id = \(tenant) and run_id = \(id)) v on v.run_id = r.run_id
            """
        ) { row in
            OfRun(
                project: try row.value("project_id"), startedAt: try row.value("started_at"), branch: try row.value("branch"),
                logs: RunLogs(
                    logs: try row.value("logs"), lines: try row.value("lines"), otherLines: try row.value("other_lines"),
                    cutLogs: try row.value("cut_logs"), unreadableLogs: try row.value("unreadable_logs")))
        }
        guard let found else { throw Fault.notFound("validation", id) }
        return found
    }

    /// All patterns of a run's logs, what a person looks for first, with what says how new they are. Each is of at most `LogBounds.signaturesOfRun`
    /// signatures, and so are the runs that it is held against.
    func patterns(of id: ID<Run>, _ run: inout OfRun, tenant: ID<Tenant>) async throws -> [RunLogPattern] {
        let said = try await words.words(ProjectScope(tenant: tenant, project: run.project))
        let lines = try await database.rows(
            .tenant(tenant),
            """
            select l.signature_id, \(fragment: Self.pattern) as pattern_id, l.text, l.level, l.lines, l.sample, s.first_at,
                case when s.signature_id is null then l.category else s.category end as category,
                coalesce(s.pattern_id, p.pattern_id) is not null as known
            from log_run_signatures l \(fragment: Self.joined(run.project))
            where l.tenant_id = \(tenant) and l.run_id = \(id)
            """
        ) { try RunLogLine(row: $0, said) }
        let (compared, branch, areWhole) = try await compared(id, run, tenant)
        let recent = try await recent(but: id, LogBounds.recent, ProjectScope(tenant: tenant, project: run.project))
        run.logs.comparedRuns = Int64(compared.count)
        run.logs.comparedBranch = branch
        run.logs.comparedInPart = !areWhole
        run.logs.comparedWith = compared
        run.logs.recentRuns = Int64(recent.count)
        let seen = try await database.rows(
            .tenant(tenant),
            """
            select \(fragment: Self.pattern) as pattern_id,
                count(distinct l.run_id) filter (where l.run_id = any(\(compared.map(\.uuid)))) as compared,
                count(distinct l.run_id) filter (where l.run_id = any(\(recent.map(\.uuid)))) as recent
            from log_run_signatures l \(fragment: Self.joined(run.project))
            where l.tenant_id = \(tenant) and l.run_id = any(\(Array(Set(compared + recent)).map(\.uuid)))
            group by 1
            """
        ) {
            (
                pattern: try $0.signature("pattern_id"), compared: try $0.value("compared", as: Int64.self),
                recent: try $0.value("recent", as: Int64.self)
            )
        }
        let having = Dictionary(seen.map { ($0.pattern, $0.compared) }) { $1 }
        if !compared.isEmpty {
            run.logs.noveltyHash = LogNovelty.hash(lines, against: compared, having: having, areWhole: areWhole, startedAt: run.startedAt)
        }
        return RunLogPattern.of(
            lines, compared: compared.isEmpty ? nil : having, areWhole: areWhole, startedAt: run.startedAt,
            recent: Dictionary(seen.map { ($0.pattern, $0.recent) }) { $1 })
    }

    /// The pattern that a line of a run is of today: as its project knows it, or knows the pattern that it was taken for.
    private static let pattern: SQL = "coalesce(s.pattern_id, p.pattern_id, l.pattern_id)"

    private static func joined(_ project: ID<Project>) -> SQL {
        """
        left join log_signatures s on s.tenant_id = l.tenant_id and s.project_id = \(project) and s.signature_id = l.signature_id
        left join log_signatures p on p.tenant_id = l.tenant_id and p.project_id = \(project) and p.signature_id = l.pattern_id
        """
    }

    /// The last runs before this one that had logs and in which everything passed: of its branch, or of all when it has none there.
    /// - Returns: also whether all that their logs say is known.
    private func compared(
        _ id: ID<Run>, _ run: OfRun, _ tenant: ID<Tenant>
    ) async throws -> (runs: [ID<Run>], branch: String, areWhole: Bool) {
        func passed(_ candidates: SQL) async throws -> [(run: ID<Run>, others: Int64)] {
            try await database.rows(
                .tenant(tenant),
                """
                select r.run_id, r.other_lines from (
                    select run_id, started_at, other_lines from log_runs
                    where tenant_id = \(tenant) and project_id = \(run.project) and trusted and started_at < \(run.startedAt)
                      and run_id <> \(id) \(fragment: candidates)
                    order by started_at desc, run_id
                    limit \(LogBounds.candidates)
                ) r
                join validations v on v.tenant_id = \(tenant) and v.run_id = r.run_id
                where v.judged_at is not null and v.is_whole and v.failed + v.errored = 0
                order by r.started_at desc, r.run_id
                limit \(LogBounds.compared)
                """
            ) { (run: try $0.value("run_id"), others: try $0.value("other_lines")) }
        }
        let own = try await passed("and branch = \(run.branch)")
        let found = own.isEmpty ? try await passed("") : own
        return (found.map(\.run), own.isEmpty ? "" : run.branch, found.allSatisfy { $0.others == 0 })
    }

    private func recent(but id: ID<Run>?, _ limit: Int, _ scope: ProjectScope) async throws -> [ID<Run>] {
        try await database.rows(
            .tenant(scope.tenant),
            """
            select run_id from log_runs
            where tenant_id = \(scope.tenant) and project_id = \(scope.project) and trusted and run_id is distinct from \(id)
            order by started_at desc, run_id
            limit \(limit)
            """
        ) { try $0.value("run_id", as: ID<Run>.self) }
    }

    // MARK: - Of a project

    /// A project has at most `LogBounds.signatures`, so all are put together; samples and receipts are read for the page alone.
    func list(_ page: PageRequest, _ filter: LogFilter, by sort: LogPatternSort, _ scope: ProjectScope) async throws -> Page<LogPattern> {
        let after = try LogPatternCursor(page.cursor, by: sort)
        let rows = try await database.rows(.tenant(scope.tenant), Self.signatures(scope, "true")) { try Member(row: $0) }
        let said = try await words.words(scope)
        let patterns = Member.patterns(rows, said)
            .filter { filter.takes($0.level, $0.category, $0.template) }
            .map { (pattern: $0, cursor: LogPatternCursor($0, by: sort)) }
            .filter { found in after.map { found.cursor < $0 } ?? true }
            .sorted { $0.cursor > $1.cursor }
            .prefix(page.limit + 1)
        let shown = try await showing(patterns.map(\.pattern), scope)
        return Page(rows: shown, limit: page.limit) { LogPatternCursor($0, by: sort).description }
    }

    /// Also by an id that has become obsolete.
    /// - Throws: `log_pattern.not_found`.
    func get(_ id: ID<LogPattern>, _ scope: ProjectScope) async throws -> LogPattern {
        let rows = try await database.rows(.tenant(scope.tenant), Self.signatures(scope, Self.isOf(id, scope))) { try Member(row: $0) }
        let said = try await words.words(scope)
        guard let found = Member.patterns(rows, said).first else { throw Fault.notFound("log_pattern", id) }
        return try await showing([found], scope)[0]
    }

    /// A line of each, and why that is of its category.
    private func showing(_ patterns: [LogPattern], _ scope: ProjectScope) async throws -> [LogPattern] {
        let details = try await database.rows(
            .tenant(scope.tenant),
            """
            select distinct on (s.pattern_id) s.pattern_id, s.sample, s.category, \(fragment: LogReceiptStore.columns) from log_signatures s
            where \(fragment: Self.own(scope)) and s.pattern_id = any(\(patterns.map(\.id.uuid)))
            order by s.pattern_id, (s.signature_id = s.pattern_id) desc, s.lines desc, s.signature_id
            """
        ) {
            (
                id: try $0.value("pattern_id", as: ID<LogPattern>.self), sample: try $0.value("sample", as: String.self),
                receipt: try LogReceipt(row: $0)
            )
        }
        let found = Dictionary(details.map { ($0.id, $0) }) { $1 }
        return patterns.map { $0.showing(found[$0.id]?.sample ?? "", found[$0.id]?.receipt) }
    }

    /// Days on which it was seen, oldest first.
    func days(of id: ID<LogPattern>, _ scope: ProjectScope) async throws -> [(day: String, lines: Int64)] {
        try await database.rows(
            .tenant(scope.tenant),
            """
            select to_char(d.day, 'YYYY-MM-DD') as day, sum(d.lines)::bigint as lines
            from log_signatures s
            join log_days d on d.tenant_id = s.tenant_id and d.project_id = s.project_id and d.signature_id = s.signature_id
            where \(fragment: Self.own(scope)) and \(fragment: Self.isOf(id, scope))
              and d.day > now() - make_interval(days => \(Int32(LogBounds.days)))
            group by d.day
            order by d.day
            """
        ) { (day: try $0.value("day"), lines: try $0.value("lines")) }
    }

    struct Sighting: Sendable {
        let run: ID<Run>
        let startedAt: Date
        let branch: String
        let lines: Int64
    }

    /// Of the last runs with logs those that have it, newest first.
    func runs(of id: ID<LogPattern>, _ scope: ProjectScope) async throws -> [Sighting] {
        let recent = try await recent(but: nil, LogBounds.history, scope)
        return try await database.rows(
            .tenant(scope.tenant),
            """
            select r.run_id, r.started_at, r.branch, sum(l.lines)::bigint as lines
            from log_signatures s
            join log_run_signatures l on l.tenant_id = s.tenant_id and l.run_id = any(\(recent.map(\.uuid))) and l.signature_id = s.signature_id
            join log_runs r on r.tenant_id = l.tenant_id and r.run_id = l.run_id
            where \(fragment: Self.own(scope)) and \(fragment: Self.isOf(id, scope))
            group by r.run_id, r.started_at, r.branch
            order by r.started_at desc, r.run_id
            """
        ) {
            Sighting(
                run: try $0.value("run_id"), startedAt: try $0.value("started_at"), branch: try $0.value("branch"), lines: try $0.value("lines"))
        }
    }

    static func own(_ scope: ProjectScope) -> SQL { "s.tenant_id = \(scope.tenant) and s.project_id = \(scope.project)" }

    static func isOf(_ id: ID<LogPattern>, _ scope: ProjectScope) -> SQL {
        """
        s.pattern_id = coalesce((
            select o.pattern_id from log_signatures o
            where o.tenant_id = \(scope.tenant) and o.project_id = \(scope.project) and o.signature_id = \(id)), \(id))
        """
    }

    private static func signatures(_ scope: ProjectScope, _ condition: SQL) -> SQL {
        """
        select s.signature_id, s.pattern_id, s.text, s.level, s.category, s.lines, s.runs, s.first_at, s.last_at, s.last_run
        from log_signatures s
        where \(fragment: own(scope)) and \(fragment: condition)
        """
    }

    // MARK: - Forgetting

    /// Drops runs of before.
    /// - Returns: `false` when there is nothing more to forget.
    func forgetRuns(before time: Date, _ scope: ProjectScope) async throws -> Bool {
        try await database.transaction(.tenant(scope.tenant)) { tx in
            let runs = try await tx.rows(
                """
                delete from log_runs where tenant_id = \(scope.tenant) and run_id in (
                    select run_id from log_runs
                    where tenant_id = \(scope.tenant) and project_id = \(scope.project) and started_at < \(time)
                    limit \(Self.forgottenAtOnce))
                returning run_id
                """
            ) { try $0.value("run_id", as: UUID.self) }
            try await tx.pipeline([
                "delete from log_run_signatures where tenant_id = \(scope.tenant) and run_id = any(\(runs))",
                "delete from log_pieces where tenant_id = \(scope.tenant) and run_id = any(\(runs))",
            ])
            return runs.count == Self.forgottenAtOnce
        }
    }

    /// Drops patterns that have not been seen since, whole: one that has keeps its id, and all ids that lead to it.
    func forgetPatterns(before time: Date, _ scope: ProjectScope) async throws {
        try await database.execute(
            .tenant(scope.tenant),
            """
            delete from log_signatures where tenant_id = \(scope.tenant) and project_id = \(scope.project) and pattern_id in (
                select pattern_id from log_signatures where tenant_id = \(scope.tenant) and project_id = \(scope.project)
                group by pattern_id having max(last_at) < \(time))
            """)
    }

    /// - Returns: `false` when there is nothing more to forget.
    func forgetDays(before time: Date, _ scope: ProjectScope) async throws -> Bool {
        try await database.execute(
            .tenant(scope.tenant),
            """
            delete from log_days where ctid = any(array(
                select ctid from log_days where tenant_id = \(scope.tenant) and project_id = \(scope.project) and day < \(time)::date
                limit \(Self.daysAtOnce)))
            """) == Self.daysAtOnce
    }
}

/// A signature of a project, with the pattern that it is of.
private struct Member {
    let signature: SignatureID
    let pattern: SignatureID
    let text: String
    let level: LogLevel
    let category: Category?
    let lines: Int64
    let runs: Int64
    let firstSeen: Date
    let lastSeen: Date
    let lastRun: ID<Run>

    /// - Parameter said: by people, of patterns.
    static func patterns(_ members: [Member], _ said: [SignatureID: Category]) -> [LogPattern] {
        Dictionary(grouping: members, by: \.pattern).compactMap { pattern, members in
            let members = members.sorted { ($0.lines, $1.signature) > ($1.lines, $0.signature) }
            guard let first = members.first(where: { $0.signature == pattern }) ?? members.first,
                let last = members.max(by: { $0.lastSeen < $1.lastSeen })
            else { return nil }
            return LogPattern(
                id: ID(uuid: pattern.uuid), template: LogTemplate.of([first.text] + members.map(\.text)), level: first.level,
                judged: first.category, said: said[pattern], lines: members.reduce(0) { $0 + $1.lines }, runs: members.reduce(0) { $0 + $1.runs },
                firstSeen: members.map(\.firstSeen).min() ?? first.firstSeen, lastSeen: last.lastSeen, lastRun: last.lastRun)
        }
    }
}

extension Member {
    init(row: Row) throws {
        signature = try row.signature("signature_id")
        pattern = try row.signature("pattern_id")
        text = try row.value("text")
        level = try stored(row.value("level"))
        category = try row.value("category", as: String?.self).map { try stored($0) }
        lines = try row.value("lines")
        runs = try row.value("runs")
        firstSeen = try row.value("first_at")
        lastSeen = try row.value("last_at")
        lastRun = try row.value("last_run")
    }
}

extension RunLogLine {
    /// - Parameter said: by people, of patterns.
    fileprivate init(row: Row, _ said: [SignatureID: Category]) throws {
        signature = try row.signature("signature_id")
        pattern = try row.signature("pattern_id")
        text = try row.value("text")
        level = try stored(row.value("level"))
        category = Category.standing(said[pattern], over: try row.value("category", as: String?.self).map { try stored($0) })
        lines = try row.value("lines")
        sample = try row.value("sample")
        firstSeen = try row.value("first_at", as: Date?.self)
        isKnown = try row.value("known")
        self.said = said[pattern]
    }
}
