import Audit
import Foundation
import Jobs
import Postgres
import Primitives

/// All SQL about judging failures again.
struct RecategorisationStore: Sendable {
    let database: Database
    let jobs: JobQueue
    let signatures = SignatureVerdicts()

    private static let columns: SQL = """
        id, project_id, state, done, total, changed, without_texts, built_in_edition, project_edition, lessons_edition, after_result, until_result,
        started_by, created_at, finished_at, changed_log_patterns
        """

    /// - Parameter key: the idempotency key; the same one again gives the first.
    /// - Throws: `recategorisations.under_way`.
    func insert(
        _ edition: Rulebook.Edition, of project: ID<Project>, by actor: String, key: String?, tenant: ID<Tenant>
    ) async throws -> Recategorisation {
        do {
            return try await database.transaction(.tenant(tenant)) { tx in
                if let key {
                    let made = try await tx.first(
                        "select \(fragment: Self.columns) from recategorisations where tenant_id = \(tenant) and idempotency_key = \(key)"
                    ) { try Recategorisation(row: $0) }
                    if let made {
                        AuditedCall.changedNothing()
                        return made
                    }
                }
                // One whose job is dead must not be in the way for ever.
                try await tx.execute(
                    """
                    update recategorisations set state = 'abandoned', finished_at = now()
                    where tenant_id = \(tenant) and project_id = \(project) and finished_at is null and touched_at < now() - interval '1 hour'
                    """)
                let started = try await tx.one(
                    """
                    insert into recategorisations (
                        tenant_id, id, project_id, built_in_edition, project_edition, lessons_edition, started_by, idempotency_key)
                    values (
                        \(tenant), \(ID<Recategorisation>.new()), \(project), \(edition.builtIn), \(edition.project), \(edition.lessons), \(actor), \(key))
                    returning \(fragment: Self.columns)
                    """
                ) { try Recategorisation(row: $0) }
                try await jobs.enqueue(RecategoriseFailures.Payload(id: started.id, after: nil), tenant: tenant, in: tx)
                try await tx.audit(
                    started.id, project: project, details: ["edition": "\(edition.project)", "built_in_edition": "\(edition.builtIn)"])
                return started
            }
        } catch let error as PostgresError where error.constraint == "recategorisations_project_id_unique" {
            throw Fault.recategorisationUnderWay
        }
    }

    /// - Throws: `recategorisation.not_found`.
    func get(_ id: ID<Recategorisation>, tenant: ID<Tenant>) async throws -> Recategorisation {
        let found = try await database.lookUp(
            .tenant(tenant), "select \(fragment: Self.columns) from recategorisations where tenant_id = \(tenant) and id = \(id)"
        ) { try Recategorisation(row: $0) }
        guard let found else { throw Fault.notFound("recategorisation", id) }
        return found
    }

    /// Newest first.
    func list(_ page: PageRequest, of project: ID<Project>, tenant: ID<Tenant>) async throws -> Page<Recategorisation> {
        let before = try page.after(ID<Recategorisation>.self)
        let rows = try await database.rows(
            .tenant(tenant),
            """
            select \(fragment: Self.columns) from recategorisations
            where tenant_id = \(tenant) and project_id = \(project) and (\(before)::uuid is null or id < \(before))
            order by id desc
            limit \(page.limit + 1)
            """
        ) { try Recategorisation(row: $0) }
        return Page(rows: rows, limit: page.limit) { $0.id.description }
    }

    // MARK: The job

    /// Counts what there is to do, once.
    func begin(_ id: ID<Recategorisation>, tenant: ID<Tenant>) async throws {
        try await database.execute(
            .tenant(tenant),
            """
            update recategorisations r
            set state = 'running', touched_at = now(),
                total = (select count(*) from failures f where f.tenant_id = r.tenant_id and f.project_id = r.project_id),
                until_result = (
                    select f.result_id from failures f where f.tenant_id = r.tenant_id and f.project_id = r.project_id
                    order by f.result_id desc limit 1)
            where r.tenant_id = \(tenant) and r.id = \(id) and r.state = 'waiting'
            """)
    }

    /// The next failures, oldest first.
    func page(_ job: Recategorisation, limit: Int, tenant: ID<Tenant>) async throws -> [Rejudgement.Before] {
        try await database.rows(
            .tenant(tenant),
            """
            select f.result_id, f.class_name, f.test_name, coalesce(f.judged_category, f.category) as category,
                coalesce(f.judged_severity, f.severity) as severity, f.rule, f.evidence, f.neighbours, s.hash, \(fragment: SymptomStore.columns)
            from failures f
            left join symptoms s on s.tenant_id = f.tenant_id and s.hash = f.symptoms_hash
            where f.tenant_id = \(tenant) and f.project_id = \(job.project) and f.result_id <= \(job.until)
              and f.result_id > coalesce(\(job.after)::uuid, '00000000-0000-0000-0000-000000000000')
            order by f.result_id
            limit \(limit)
            """
        ) { try Rejudgement.Before(row: $0) }
    }

    /// Writes what came of a page and that it is done, together. A person's category stays; what the machine says stands beside it.
    /// - Parameters:
    ///   - last: the last failure of the page; `nil` when there was none left.
    ///   - continuing: the job goes on in another one after this page.
    /// - Returns: false when somebody else has done this page: then nothing is written.
    func record(
        _ page: Rejudgement, of job: Recategorisation, last: ID<Result>?, continuing: Bool, tenant: ID<Tenant>
    ) async throws -> Bool {
        let new = page.changes
        let neighbours = try new.map { try $0.judgement.neighboursText }
        return try await database.transaction(.tenant(tenant)) { tx in
            let scope = ProjectScope(tenant: tenant, project: job.project)
            if !new.isEmpty { try await scope.lock(in: tx) }
            let moved = try await tx.execute(
                """
                update recategorisations
                set done = done + \(Int64(page.count)), changed = changed + \(Int64(new.count)),
                    without_texts = without_texts + \(Int64(page.withoutTexts)), touched_at = now(),
                    after_result = coalesce(\(last), after_result), state = case when \(last)::uuid is null then 'done' else state end,
                    finished_at = case when \(last)::uuid is null then now() end
                where tenant_id = \(tenant) and id = \(job.id) and finished_at is null and after_result is not distinct from \(job.after)
                """)
            guard moved == 1 else { return false }
            try await tx.execute(
                """
                update failures f
                set category = case when f.judged_category is null then u.category else f.category end,
                    severity = case when f.judged_category is null then u.severity else f.severity end,
                    judged_category = case when f.judged_category is null then null else u.category end,
                    judged_severity = case when f.judged_category is null then null else u.severity end,
                    rule = u.rule, evidence = u.evidence, rules_edition = u.built_in, project_rules_edition = u.edition,
                    lessons_edition = u.lessons, learned_edition = u.learned, neighbours = nullif(u.neighbours, '')::jsonb, judged_at = now()
                from unnest(
                    \(new.map(\.result))::uuid[], \(new.map(\.judgement.category.rawValue))::text[], \(new.map(\.judgement.severity.rawValue))::text[],
                    \(new.map(\.judgement.rule))::text[], \(new.map(\.judgement.evidence))::text[], \(new.map(\.edition.builtIn))::integer[],
                    \(new.map(\.edition.project))::bigint[], \(new.map(\.edition.lessons))::bigint[], \(new.map(\.edition.learned))::integer[],
                    \(neighbours)::text[]
                ) as u (result_id, category, severity, rule, evidence, built_in, edition, lessons, learned, neighbours)
                where f.tenant_id = \(tenant) and f.result_id = u.result_id
                """)
            try await signatures.rejudge(new.map(\.result), scope, in: tx)
            if continuing {
                try await jobs.enqueue(RecategoriseFailures.Payload(id: job.id, after: last), tenant: tenant, in: tx)
            }
            return true
        }
    }
}

extension Rejudgement.Before {
    fileprivate init(row: Row) throws {
        result = try row.value("result_id")
        className = try row.value("class_name")
        testName = try row.value("test_name")
        judgement = try Judgement(receipt: row)
        symptoms = try row.value("hash", as: Data?.self) == nil ? nil : Symptoms(row: row)
    }
}

extension Recategorisation {
    fileprivate init(row: Row) throws {
        id = try row.value("id")
        project = try row.value("project_id")
        state = try stored(row.value("state"))
        done = try row.value("done")
        total = try row.value("total", as: Int64?.self)
        changed = try row.value("changed")
        withoutTexts = try row.value("without_texts")
        changedLogPatterns = try row.value("changed_log_patterns")
        edition = Rulebook.Edition(
            builtIn: try row.value("built_in_edition"), project: try row.value("project_edition"), lessons: try row.value("lessons_edition"))
        after = try row.value("after_result", as: ID<Result>?.self)
        until = try row.value("until_result", as: ID<Result>?.self)
        startedBy = try row.value("started_by")
        createdAt = try row.value("created_at")
        finishedAt = try row.value("finished_at", as: Date?.self)
    }
}
