import Foundation
import Postgres
import Primitives

/// All SQL about results. Reads name the span of `recorded_at` that they need, so that PostgreSQL looks into few partitions.
struct ResultStore: Sendable {
    let database: Database

    /// What ListResults may ask for.
    struct Filter: Sendable {
        var outcomes: [Outcome] = []
        var search = ""
        var test: ID<TestIdentity>?
    }

    static let columns: SQL = """
        r.id, r.run_id, r.test_id, r.case_id, r.recorded_at, r.started_at, r.duration_us, r.line, r.outcome, r.attempt, r.suite_name, r.class_name,
        r.name, r.file, r.tags
        """

    // MARK: - Writing

    /// Ids that are there already are an error: results are written once, with everything else of their upload or case. Tests that are aliases are
    /// stored as what they stand for.
    func insert(_ batch: ResultBatch, run: ID<Run>, project: ID<Project>, tenant: ID<Tenant>, in tx: Transaction) async throws {
        guard !batch.isEmpty else { return }
        try await tx.pipeline(Self.insertion(batch, run: run, project: project, tenant: tenant))
    }

    private static func insertion(_ batch: ResultBatch, run: ID<Run>, project: ID<Project>, tenant: ID<Tenant>) -> [SQL] {
        var statements: [SQL] = [
            """
            insert into results (
                tenant_id, run_id, id, test_id, case_id, started_at, duration_us, line, outcome, attempt, suite_name, class_name, name, file,
                tags)
            select \(tenant), \(run), u.id, coalesce(a.test_id, u.test_id), u.case_id, u.started_at, u.duration_us, u.line, u.outcome, u.attempt,
                u.suite_name, u.class_name, u.name, u.file, u.tags
            from unnest(
                \(batch.ids), \(batch.tests), \(batch.cases), \(batch.startedAt), \(batch.microseconds), \(batch.lines), \(batch.outcomes),
                \(batch.attempts), \(batch.suiteNames), \(batch.classNames), \(batch.names), \(batch.files), \(batch.tags)
            ) as u (id, test_id, case_id, started_at, duration_us, line, outcome, attempt, suite_name, class_name, name, file, tags)
            left join test_aliases a on a.tenant_id = \(tenant) and a.project_id = \(project) and a.alias_id = u.test_id
            """
        ]
        if !batch.details.ids.isEmpty {
            let details = batch.details
            statements.append(
                """
                insert into result_details (
                    tenant_id, result_id, message, type, trace, system_out, system_err, http, properties, attachments, attempts)
                select \(tenant), u.*
                from unnest(
                    \(details.ids), \(details.messages), \(details.types), \(details.traces), \(details.systemOuts), \(details.systemErrs),
                    \(details.exchanges), \(details.properties), \(details.attachments), \(details.attempts)) as u
                """)
        }
        if !batch.segments.isEmpty { statements.append(TagStore.insertion(batch.segments, run: run, tenant: tenant)) }
        return statements
    }

    /// Called at start and daily by a ticker of the program.
    func ensurePartitions() async throws {
        try await database.execute(.system, "select ensure_result_partitions()")
    }

    // MARK: - Reading

    /// In the order of recording.
    func list(_ span: RunSpan, _ filter: Filter, _ page: PageRequest, tenant: ID<Tenant>) async throws -> Page<TestResult> {
        let after = try page.cursor.map { text throws(Fault) in
            guard let id = try? ID<TestResult>(text) else { throw Fault.invalidCursor }
            return id
        }
        // Not `or`: with it PostgreSQL would walk through everything before the cursor.
        let behind: SQL = after.map { "r.id > \($0)" } ?? "true"
        let outcomes = filter.outcomes.isEmpty ? nil : filter.outcomes.map(\.rawValue)
        let pattern = filter.search.isEmpty ? nil : "%\(filter.search.replacing(/[\\%_]/) { "\\" + $0.output })%"
        let rows = try await database.rows(
            .tenant(tenant),
            """
            with page as materialized (
                select \(fragment: Self.columns) from results r
                where r.tenant_id = \(tenant) and r.run_id = \(span.run) and \(fragment: span.condition)
                  and \(fragment: behind)
                  and (\(outcomes)::smallint[] is null or r.outcome = any(\(outcomes)))
                  and (\(filter.test)::uuid is null or r.test_id = \(filter.test) or exists (
                    select from test_aliases a
                    where a.tenant_id = r.tenant_id and a.project_id = \(span.project) and a.alias_id = r.test_id and a.test_id = \(filter.test)))
                  and (\(pattern)::text is null or r.name ilike \(pattern) or r.class_name ilike \(pattern) or r.suite_name ilike \(pattern))
                order by r.id
                limit \(page.limit + 1)
            )
            select r.*, left(d.message, 4096) as message, d.type from page r
            left join result_details d on d.tenant_id = \(tenant) and d.result_id = r.id and d.recorded_at = r.recorded_at
            order by r.id
            """
        ) { try TestResult(row: $0, isWhole: false) }
        return Page(rows: rows, limit: page.limit) { $0.id.description }
    }

    /// With all its texts.
    /// - Throws: `result.not_found`.
    func get(_ id: ID<TestResult>, tenant: ID<Tenant>) async throws -> TestResult {
        // An id carries the time of its making, which is within minutes of the recording whatever the clocks say.
        let from = id.time.addingTimeInterval(-86_400)
        let to = id.time.addingTimeInterval(86_400)
        let found = try await database.lookUp(
            .tenant(tenant),
            """
            select \(fragment: Self.columns), d.message, d.type, d.trace, d.system_out, d.system_err, d.http, d.properties, d.attachments, d.attempts
            from results r
            left join result_details d on d.tenant_id = \(tenant) and d.result_id = r.id and d.recorded_at = r.recorded_at
            where r.tenant_id = \(tenant) and r.id = \(id) and r.recorded_at between \(from) and \(to)
            """
        ) { try TestResult(row: $0, isWhole: true, hasExtras: true) }
        guard let found else { throw Fault.notFound("result", id) }
        return found
    }

    /// Planned afresh each time, and by keys: a plan from the days when the texts were few reads all that a tenant has, for every result again.
    private static let planning: SQL = """
        select set_config('plan_cache_mode', 'force_custom_plan', true), set_config('enable_seqscan', 'off', true),
            set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true), set_config('enable_material', 'off', true)
        """

    /// A page of what is published of a run or one of its uploads, in the order of recording.
    /// - Parameters:
    ///   - troubleOnly: failures and errors, with the beginnings of their texts; otherwise everything, without texts.
    ///   - textLimit: characters of each text.
    ///   - endLimit: characters of the end of traces and error outputs, which follow right behind the beginning of those that are longer; of outputs
    ///     there is nothing but the end.
    func list(
        _ span: RunSpan, after: ID<TestResult>?, troubleOnly: Bool, textLimit: Int, endLimit: Int = 0, limit: Int, tenant: ID<Tenant>
    ) async throws -> [TestResult] {
        let after = after ?? span.first
        let isFirst = after == span.first
        let low: SQL = isFirst ? "r.id >= \(after)" : "r.id > \(after)"
        guard troubleOnly else {
            return try await database.rows(
                .tenant(tenant), after: Self.planning,
                """
                select \(fragment: Self.columns), null::text as message, null::text as type from results r
                where r.tenant_id = \(tenant) and r.run_id = \(span.run) and \(fragment: span.condition) and \(fragment: low) and r.id <= \(span.last)
                order by r.id
                limit \(limit)
                """
            ) { try TestResult(row: $0, isWhole: false) }
        }
        let (length, end) = (Int32(textLimit), Int32(endLimit))
        // `octet_length` does not unpack what is long.
        func ends(_ column: SQL) -> SQL {
            """
            case when octet_length(\(fragment: column)) <= \(length) then \(fragment: column)
                else left(\(fragment: column), \(length)) || right(\(fragment: column), \(end)) end
            """
        }
        let troubles = Outcome.allCases.filter(\.isTrouble).map(\.rawValue)
        return try await database.rows(
            .tenant(tenant), after: Self.planning,
            """
            with page as materialized (
                select \(fragment: Self.columns) from results r
                where r.tenant_id = \(tenant) and r.run_id = \(span.run) and \(fragment: span.condition) and \(fragment: low) and r.id <= \(span.last)
                  and r.outcome = any(\(troubles))
                order by r.id
                limit \(limit)
            )
            select r.*, left(d.message, \(length)) as message, left(d.type, \(length)) as type, \(fragment: ends("d.trace")) as trace,
                right(d.system_out, \(end)) as system_out, \(fragment: ends("d.system_err")) as system_err, d.http
            from page r
            left join result_details d on d.tenant_id = \(tenant) and d.result_id = r.id and d.recorded_at = r.recorded_at
            order by r.id
            """
        ) { try TestResult(row: $0, isWhole: true) }
    }
}

/// Where the results of a run, or of one upload to it, are: ids from `first` to `last`, recorded between these times.
struct RunSpan: Sendable {
    let run: ID<Run>
    let project: ID<Project>
    let from: Date
    let to: Date
    var first = ID<TestResult>(uuid: UUID(high: 0, low: 0))
    var last = ID<TestResult>(uuid: UUID(high: .max, low: .max))

    var condition: SQL { "r.recorded_at between \(from) and \(to)" }
}

extension TestResult {
    /// - Parameter hasExtras: the row has the columns of `ResultExtras` too.
    init(row: Row, isWhole: Bool, hasExtras: Bool = false) throws {
        id = try row.value("id")
        run = try row.value("run_id")
        test = try row.value("test_id")
        suiteName = try row.value("suite_name")
        className = try row.value("class_name")
        name = try row.value("name")
        outcome = Outcome(rawValue: try row.value("outcome")) ?? .errored
        microseconds = try row.value("duration_us")
        file = try row.value("file", as: String?.self) ?? ""
        line = try row.value("line")
        startedAt = try row.value("started_at")
        recordedAt = try row.value("recorded_at")
        attempt = Int(try row.value("attempt", as: Int16.self))
        caseID = try row.value("case_id")
        tags = try row.value("tags", as: String?.self)?.split(separator: "\n").map(String.init) ?? []
        var texts = ResultTexts()
        texts.message = try row.value("message", as: String?.self) ?? ""
        texts.type = try row.value("type", as: String?.self) ?? ""
        if isWhole {
            texts.trace = try row.value("trace", as: String?.self) ?? ""
            texts.systemOut = try row.value("system_out", as: String?.self) ?? ""
            texts.systemErr = try row.value("system_err", as: String?.self) ?? ""
        }
        self.texts = texts
        exchange = isWhole ? try row.value("http", as: JSONText?.self)?.decode(Exchange.self) : nil
        extras = hasExtras ? try ResultExtras(row: row) : ResultExtras()
    }
}

extension ResultExtras {
    fileprivate init(row: Row) throws {
        properties = try row.value("properties", as: JSONText?.self)?.decode([Property].self) ?? []
        attachments = try row.value("attachments", as: JSONText?.self)?.decode([Attachment].self) ?? []
        attempts = try row.value("attempts", as: JSONText?.self)?.decode([Attempt].self) ?? []
    }
}
