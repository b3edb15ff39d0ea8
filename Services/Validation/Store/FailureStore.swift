import Foundation
import Postgres
import Primitives

/// All SQL about failures.
struct FailureStore: Sendable {
    let database: Database

    private static let columns: SQL = """
        result_id, run_id, project_id, test_id, test_name, class_name, outcome, category, severity, rule, evidence, message, judged_at,
        judged_category, judged_severity
        """

    /// Files what is not filed yet: a delivery that comes again changes nothing.
    func insert(
        _ results: [FailedResult], _ judgements: [Judgement], by editions: [Rulebook.Edition], run: ID<Run>, project: ID<Project>, lane: Lane,
        tenant: ID<Tenant>
    ) async throws {
        let messages = results.map { String($0.symptoms.message.prefix(500)) }
        let hashes = results.map(\.symptoms.hash)
        try await database.transaction(.tenant(tenant)) { tx in
            try await tx.execute(
                """
                insert into validations (tenant_id, run_id, project_id, lane) values (\(tenant), \(run), \(project), \(lane.rawValue))
                on conflict on constraint validations_pkey do nothing
                """)
            try await SymptomStore(database: database).insert(
                Dictionary(zip(hashes, results.map(\.symptoms))) { first, _ in first }, tenant: tenant, in: tx)
            try await tx.execute(
                """
                insert into failures
                    (tenant_id, run_id, project_id, result_id, test_id, test_name, class_name, outcome, category, severity, rule, rules_edition, evidence, message,
                     project_rules_edition, symptoms_hash)
                select \(tenant), \(run), \(project), f.* from (
                    select result_id, test_id, test_name, class_name, outcome, category, severity, rule, built_in, evidence, message, edition, hash
                    from unnest(
                        \(results.map(\.result))::uuid[], \(results.map(\.test))::uuid[], \(results.map(\.name))::text[],
                        \(results.map(\.className))::text[], \(results.map(\.outcome.rawValue))::text[], \(judgements.map(\.category.rawValue))::text[],
                        \(judgements.map(\.severity.rawValue))::text[], \(judgements.map(\.rule))::text[], \(judgements.map(\.evidence))::text[],
                        \(messages)::text[], \(editions.map(\.builtIn))::integer[], \(editions.map(\.project))::bigint[], \(hashes)::bytea[]
                    ) as u (result_id, test_id, test_name, class_name, outcome, category, severity, rule, evidence, message, built_in, edition, hash)
                ) f
                on conflict on constraint failures_pkey do nothing
                """)
        }
    }

    /// - Throws: `failure.not_found`.
    func get(_ result: ID<Result>, tenant: ID<Tenant>) async throws -> Failure {
        let found = try await database.lookUp(
            .tenant(tenant),
            "select \(fragment: Self.columns) from failures where tenant_id = \(tenant) and result_id = \(result)"
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
            select result_id, project_id, coalesce(judged_category, category) as category, coalesce(judged_severity, severity) as severity, rule,
                evidence, rules_edition, project_rules_edition, symptoms_hash, judged_at
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
            select \(fragment: Self.columns) from failures
            where tenant_id = \(tenant) and run_id = \(run) and (\(after)::uuid is null or result_id > \(after))
              and (cardinality(\(wanted)::text[]) = 0 or category = any(\(wanted)::text[]))
            order by result_id
            limit \(page.limit + 1)
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
    }
}

extension Receipt {
    fileprivate init(row: Row) throws {
        result = try row.value("result_id")
        project = try row.value("project_id")
        judgement = Judgement(
            category: try stored(row.value("category")), severity: try stored(row.value("severity")), rule: try row.value("rule"),
            evidence: try row.value("evidence"))
        edition = Rulebook.Edition(builtIn: try row.value("rules_edition"), project: try row.value("project_rules_edition"))
        hash = try row.value("symptoms_hash", as: Data?.self)
        judgedAt = try row.value("judged_at")
    }
}

/// - Throws: `validation.unknown_word`, which means that a newer release wrote the row.
func stored<Word: RawRepresentable>(_ text: String) throws(Fault) -> Word where Word.RawValue == String {
    guard let known = Word(rawValue: text) else { throw Fault(.internal, "validation.unknown_word", "Unknown \(Word.self) \(text).") }
    return known
}
