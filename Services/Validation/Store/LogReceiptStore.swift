import Foundation
import Postgres
import Primitives

/// All SQL about what gave lines of logs their categories, and about judging them again.
struct LogReceiptStore: Sendable {
    let database: Database

    /// Of `log_signatures s`; a receipt needs its category besides.
    static let columns: SQL = "s.rule, s.severity, s.evidence, s.rules_edition, s.project_rules_edition, s.input_hash, s.judged_at"

    /// The next signatures of a project, which has `LogBounds.signatures` at most; without those that newer rules have judged.
    func page(
        after last: SignatureID?, limit: Int, by edition: Rulebook.Edition, _ scope: ProjectScope
    ) async throws -> [LogRejudgement.Before] {
        try await database.rows(
            .tenant(scope.tenant),
            """
            select s.signature_id, s.signature_id = s.pattern_id as is_pattern, s.level, s.sample, s.category, \(fragment: Self.columns)
            from log_signatures s
            where s.tenant_id = \(scope.tenant) and s.project_id = \(scope.project)
              and (\(last?.uuid)::uuid is null or s.signature_id > \(last?.uuid)) and \(fragment: Self.isNotNewer(edition))
            order by s.signature_id
            limit \(limit)
            """
        ) { try LogRejudgement.Before(row: $0) }
    }

    /// Writes what came of some of them, as long as the job that judges them has not come to its end: what was given up writes over nothing. A line
    /// that somebody else has judged meanwhile, such as another run of the same job, is neither written nor counted.
    /// - Returns: whether it goes on.
    func record(_ judged: LogRejudgement, of job: ID<Recategorisation>, _ scope: ProjectScope) async throws -> Bool {
        try await database.transaction(.tenant(scope.tenant)) { tx in
            try await scope.lockLogs(in: tx)
            let goesOn = try await tx.execute(
                """
                update recategorisations set touched_at = now()
                where tenant_id = \(scope.tenant) and id = \(job) and finished_at is null
                """)
            guard goesOn == 1 else { return false }
            guard !judged.changes.isEmpty else { return true }
            let written = try await tx.rows(Self.writing(judged, scope)) { try $0.signature("signature_id") }
            let patterns = judged.patterns(among: Set(written))
            guard patterns > 0 else { return true }
            try await tx.execute(
                """
                update recategorisations set changed_log_patterns = changed_log_patterns + \(patterns)
                where tenant_id = \(scope.tenant) and id = \(job)
                """)
            return true
        }
    }

    /// One that was forgotten and learnt again meanwhile has another line, or newer rules have judged it.
    private static func writing(_ judged: LogRejudgement, _ scope: ProjectScope) -> SQL {
        let (new, old) = (judged.changes.map(\.judged), judged.changes.map(\.before))
        let (judgements, before) = (new.map(\.judgement), old.map { $0.receipt?.judged.judgement })
        return """
            update log_signatures s
            set category = u.category, rule = u.rule, severity = u.severity, evidence = u.evidence, rules_edition = u.built_in,
                project_rules_edition = u.edition, input_hash = u.hash, judged_at = now()
            from unnest(
                \(old.map(\.signature.uuid))::uuid[], \(old.map(\.sample))::text[], \(new.map { $0.category?.rawValue })::text[],
                \(judgements.map { $0?.rule })::text[], \(judgements.map { $0?.severity.rawValue })::text[],
                \(judgements.map { $0?.evidence })::text[], \(new.map(\.edition.builtIn))::integer[], \(new.map(\.edition.project))::bigint[],
                \(new.map(\.hash))::bytea[], \(old.map { $0.category?.rawValue })::text[], \(before.map { $0?.rule })::text[],
                \(before.map { $0?.severity.rawValue })::text[], \(before.map { $0?.evidence })::text[],
                \(old.map { $0.receipt?.judged.hash })::bytea[]
            ) as u (signature_id, sample, category, rule, severity, evidence, built_in, edition, hash, was_category, was_rule, was_severity,
                    was_evidence, was_hash)
            where s.tenant_id = \(scope.tenant) and s.project_id = \(scope.project) and s.signature_id = u.signature_id and s.sample = u.sample
              and (s.category, s.rule, s.severity, s.evidence, s.input_hash)
                  is not distinct from (u.was_category, u.was_rule, u.was_severity, u.was_evidence, u.was_hash)
              and \(fragment: isNotNewer(judged.edition))
            returning s.signature_id
            """
    }

    /// Whether no newer rules than these have judged the signature `s`.
    private static func isNotNewer(_ edition: Rulebook.Edition) -> SQL {
        """
        (s.rules_edition is null or s.rules_edition <= \(edition.builtIn))
        and (s.project_rules_edition is null or s.project_rules_edition <= \(edition.project))
        """
    }
}

extension LogReceipt {
    /// `nil` for what was judged before receipts were kept.
    init?(row: Row) throws {
        guard let hash = try row.value("input_hash", as: Data?.self) else { return nil }
        var judgement: Judgement?
        if let rule = try row.value("rule", as: String?.self) {
            let category: Category? = try row.value("category", as: String?.self).map { try stored($0) }
            judgement = Judgement(
                category: category ?? .unknown, severity: try stored(row.value("severity")), rule: rule, evidence: try row.value("evidence"))
        }
        judged = LogJudgement(
            judgement: judgement,
            edition: Rulebook.Edition(builtIn: try row.value("rules_edition"), project: try row.value("project_rules_edition")), hash: hash)
        judgedAt = try row.value("judged_at")
    }
}

extension LogRejudgement.Before {
    fileprivate init(row: Row) throws {
        signature = try row.signature("signature_id")
        isPattern = try row.value("is_pattern")
        level = try stored(row.value("level"))
        sample = try row.value("sample")
        category = try row.value("category", as: String?.self).map { try stored($0) }
        receipt = try LogReceipt(row: row)
    }
}
