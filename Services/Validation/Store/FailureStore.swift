import Foundation
import Jobs
import Postgres
import Primitives

/// All SQL about failures.
struct FailureStore: Sendable {
    let database: Database
    let signatures = SignatureStore()

    var jobs: JobQueue { JobQueue(database: database) }

    private static let columns: SQL = """
        f.result_id, f.run_id, f.project_id, f.test_id, f.test_name, f.class_name, f.outcome, f.category, f.severity, f.rule, f.evidence, f.message,
        f.judged_at, f.judged_category, f.judged_severity, f.signature_id, (
            select s.group_id from failure_signatures s
            where s.tenant_id = f.tenant_id and s.project_id = f.project_id and s.signature_id = f.signature_id) as group_id
        """

    /// Files what is not filed yet, and learns from it when it can be trusted: a delivery that comes again changes nothing.
    func insert(_ batch: FailureBatch, by editions: [Rulebook.Edition], tenant: ID<Tenant>) async throws {
        let (run, project) = (batch.run, batch.project)
        let results = batch.failures.map(\.result)
        let judgements = batch.failures.map(\.judgement)
        let messages = results.map { String($0.symptoms.message.prefix(500)) }
        let hashes = results.map(\.symptoms.hash)
        let neighbours = try judgements.map { try $0.neighboursText }
        try await database.transaction(.tenant(tenant)) { tx in
            try await tx.pipeline([
                """
                insert into validations as v (tenant_id, run_id, project_id, lane, branch, commit_sha, environment, started_at)
                values (\(tenant), \(run), \(project), \(batch.lane.rawValue), \(batch.branch), \(batch.commit), \(batch.environment),
                        \(batch.startedAt))
                on conflict on constraint validations_pkey do nothing
                """,
                SymptomStore.inserting(Dictionary(zip(hashes, results.map(\.symptoms))) { first, _ in first }, tenant: tenant),
            ])
            let new = try await tx.rows(
                """
                insert into failures
                    (tenant_id, run_id, project_id, result_id, test_id, test_name, class_name, outcome, category, severity, rule, rules_edition, evidence, message,
                     project_rules_edition, symptoms_hash, signature_id, lessons_edition, learned_edition, neighbours, trusted, grouping_edition)
                select \(tenant), \(run), \(project), f.*, \(batch.lane == .trusted), \(GroupingEdition.current.number) from (
                    select result_id, test_id, test_name, class_name, outcome, category, severity, rule, built_in, evidence, message, edition, hash,
                        signature_id, lessons, learned, nullif(neighbours, '')::jsonb
                    from unnest(
                        \(results.map(\.result))::uuid[], \(results.map(\.test))::uuid[], \(results.map(\.name))::text[],
                        \(results.map(\.className))::text[], \(results.map(\.outcome.rawValue))::text[], \(judgements.map(\.category.rawValue))::text[],
                        \(judgements.map(\.severity.rawValue))::text[], \(judgements.map(\.rule))::text[], \(judgements.map(\.evidence))::text[],
                        \(messages)::text[], \(editions.map(\.builtIn))::integer[], \(editions.map(\.project))::bigint[], \(hashes)::bytea[],
                        \(batch.failures.map(\.signature.id.uuid))::uuid[], \(editions.map(\.lessons))::bigint[], \(editions.map(\.learned))::integer[],
                        \(neighbours)::text[]
                    ) as u (result_id, test_id, test_name, class_name, outcome, category, severity, rule, evidence, message, built_in, edition, hash,
                            signature_id, lessons, learned, neighbours)
                ) f
                on conflict on constraint failures_pkey do nothing
                returning result_id
                """
            ) { try $0.value("result_id", as: ID<Result>.self) }
            guard !new.isEmpty else { return }
            switch batch.lane {
            case .trusted:
                try await signatures.record(batch, new: Set(new), tenant: tenant, in: tx)
                try await publishMessages(of: batch, new: new, tenant: tenant, in: tx)
            case .untrusted: try await signatures.fit(batch, new: Set(new), tenant: tenant, in: tx)
            }
        }
    }

    /// - Throws: `failure.not_found`.
    func get(_ result: ID<Result>, tenant: ID<Tenant>) async throws -> Failure {
        let found = try await database.lookUp(
            .tenant(tenant),
            "select \(fragment: Self.columns) from failures f where f.tenant_id = \(tenant) and f.result_id = \(result)"
        ) { try Failure(row: $0) }
        guard let found else { throw Fault.notFound("failure", result) }
        return found
    }

    /// What the machine decided, and by what.
    /// - Throws: `failure.not_found`.
    func receipt(of result: ID<Result>, tenant: ID<Tenant>) async throws -> Receipt {
        let found = try await database.lookUp(
            .tenant(tenant),
            """
            select result_id, project_id, class_name, test_name, coalesce(judged_category, category) as category,
                coalesce(judged_severity, severity) as severity, rule, evidence, rules_edition, project_rules_edition, lessons_edition, learned_edition,
                neighbours, neighbours is not null and rule <> \(LearnedStep.rule) as has_stale_neighbours, symptoms_hash, judged_at
            from failures where tenant_id = \(tenant) and result_id = \(result)
            """
        ) { try Receipt(row: $0) }
        guard let found else { throw Fault.notFound("failure", result) }
        return found
    }

    /// In the order of their results, which are UUIDv7.
    /// - Parameter categories: only these; all when empty.
    func list(_ page: PageRequest, run: ID<Run>, categories: [Category], tenant: ID<Tenant>) async throws -> Page<Failure> {
        let after = try page.after(ID<Result>.self)
        let wanted = categories.map(\.rawValue)
        let rows = try await database.rows(
            .tenant(tenant),
            """
            select \(fragment: Self.columns) from failures f
            where f.tenant_id = \(tenant) and f.run_id = \(run) and (\(after)::uuid is null or f.result_id > \(after))
              and (cardinality(\(wanted)::text[]) = 0 or f.category = any(\(wanted)::text[]))
            order by f.result_id
            limit \(page.limit + 1)
            """
        ) { try Failure(row: $0) }
        return Page(rows: rows, limit: page.limit) { $0.result.description }
    }

    /// The newest first, without those of untrusted runs: the newest of each signature, and of these the newest.
    func list(_ page: PageRequest, of group: ID<FailureGroup>, _ scope: ProjectScope) async throws -> Page<Failure> {
        let before = try page.after(ID<Result>.self)
        let limit = page.limit + 1
        let rows = try await database.rows(
            .tenant(scope.tenant),
            """
            select \(fragment: Self.columns)
            from failure_signatures g, lateral (
                select * from failures n
                where n.tenant_id = g.tenant_id and n.project_id = g.project_id and n.signature_id = g.signature_id and n.trusted
                  and (\(before)::uuid is null or n.result_id < \(before))
                order by n.result_id desc
                limit \(limit)
            ) f
            where g.tenant_id = \(scope.tenant) and g.project_id = \(scope.project) and g.group_id = \(group)
            order by f.result_id desc
            limit \(limit)
            """
        ) { try Failure(row: $0) }
        return Page(rows: rows, limit: page.limit) { $0.result.description }
    }
}

extension Failure {
    fileprivate init(row: Row) throws {
        result = try row.value("result_id")
        run = try row.value("run_id")
        project = try row.value("project_id")
        test = try row.value("test_id")
        testName = try row.value("test_name")
        className = try row.value("class_name")
        outcome = try stored(row.value("outcome"))
        judgement = Judgement(
            category: try stored(row.value("category")), severity: try stored(row.value("severity")), rule: try row.value("rule"),
            evidence: try row.value("evidence"))
        if let category = try row.value("judged_category", as: String?.self), let severity = try row.value("judged_severity", as: String?.self) {
            overruled = Overruled(category: try stored(category), severity: try stored(severity))
        } else {
            overruled = nil
        }
        message = try row.value("message")
        judgedAt = try row.value("judged_at")
        group = try row.value("group_id")
        signature = try row.value("signature_id")
    }
}

extension Receipt {
    fileprivate init(row: Row) throws {
        result = try row.value("result_id")
        project = try row.value("project_id")
        className = try row.value("class_name")
        testName = try row.value("test_name")
        judgement = try Judgement(receipt: row)
        let isStale = try row.value("has_stale_neighbours", as: Bool.self)
        edition = Rulebook.Edition(
            builtIn: try row.value("rules_edition"), project: try row.value("project_rules_edition"),
            lessons: isStale ? 0 : try row.value("lessons_edition"), learned: isStale ? 0 : try row.value("learned_edition"))
        hash = try row.value("symptoms_hash", as: Data?.self)
        judgedAt = try row.value("judged_at")
    }
}

extension Judgement {
    /// With what it was decided after.
    init(receipt row: Row) throws {
        self.init(
            category: try stored(row.value("category")), severity: try stored(row.value("severity")), rule: try row.value("rule"),
            evidence: try row.value("evidence"))
        // A release that does not learn leaves neighbours where it judges again, and the editions of the lessons with them.
        guard rule == LearnedStep.rule else { return }
        neighbours = try row.value("neighbours", as: JSONText?.self)?.decode([Neighbour].self) ?? []
    }

    /// What is stored of the neighbours; empty without any.
    var neighboursText: String {
        get throws { neighbours.isEmpty ? "" : try JSONText(encoding: neighbours).text }
    }
}

/// - Throws: `validation.unknown_word`, which means that a newer release wrote the row.
func stored<Word: RawRepresentable>(_ text: String) throws(Fault) -> Word where Word.RawValue == String {
    guard let known = Word(rawValue: text) else { throw Fault(.internal, "validation.unknown_word", "Unknown \(Word.self) \(text).") }
    return known
}
