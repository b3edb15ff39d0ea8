import Audit
import Foundation
import Postgres
import Primitives

/// All SQL about what people say of patterns of logs.
struct LogVerdictStore: Sendable {
    let database: Database

    /// All that was said of a pattern as it is today: what has been joined takes along what was said of its parts. The latest is the last by its
    /// number.
    private static func said(_ scope: ProjectScope, of pattern: ID<LogPattern>) -> SQL {
        """
        select s.pattern_id, v.category, v.reason, v.decided_by, v.decided_at,
            1 + row_number() over (order by v.decided_at, v.version, v.signature_id) as version
        from log_signatures s
        join log_pattern_verdicts v on v.tenant_id = s.tenant_id and v.project_id = s.project_id and v.signature_id = s.signature_id
        where s.tenant_id = \(scope.tenant) and s.project_id = \(scope.project) and s.pattern_id = \(pattern)
        """
    }

    /// What holds of each pattern, as it is called today, of which a person says anything. Put together here: PostgreSQL knows too little of how many
    /// there are of either to join them well.
    func words(_ scope: ProjectScope) async throws -> [SignatureID: Category] {
        let said = try await database.rows(
            .tenant(scope.tenant),
            """
            select distinct on (signature_id) signature_id, category, decided_at, version from log_pattern_verdicts
            where tenant_id = \(scope.tenant) and project_id = \(scope.project)
            order by signature_id, version desc
            """
        ) { try Word(row: $0) }
        guard !said.isEmpty else { return [:] }
        let patterns = try await database.rows(
            .tenant(scope.tenant),
            """
            select s.signature_id, s.pattern_id from log_signatures s
            where \(fragment: LogPatternStore.own(scope)) and s.signature_id = any(\(said.map(\.signature.uuid)))
            """
        ) { (signature: try $0.signature("signature_id"), pattern: try $0.signature("pattern_id")) }
        let pattern = Dictionary(patterns.map { ($0.signature, $0.pattern) }) { $1 }
        let known = said.filter { pattern[$0.signature] != nil }
        return Dictionary(grouping: known) { pattern[$0.signature] ?? $0.signature }.compactMapValues { $0.max(by: Word.precedes)?.category }
    }

    /// The latest on one signature.
    private struct Word {
        let signature: SignatureID
        let category: Category?
        let decidedAt: Date
        let version: Int64

        init(row: Row) throws {
            signature = try row.signature("signature_id")
            category = try row.value("category", as: String?.self).map { try stored($0) }
            decidedAt = try row.value("decided_at")
            version = try row.value("version")
        }

        static func precedes(_ one: Word, _ other: Word) -> Bool {
            (one.decidedAt, one.version, one.signature) < (other.decidedAt, other.version, other.signature)
        }
    }

    /// What holds.
    /// - Throws: `log_pattern.not_found`.
    func get(_ id: ID<LogPattern>, _ scope: ProjectScope) async throws -> LogVerdict {
        try await database.transaction(.tenant(scope.tenant)) { tx in try await standing(id, scope, in: tx).verdict }
    }

    /// All of them, newest first.
    /// - Throws: `log_pattern.not_found`.
    func list(_ page: PageRequest, of id: ID<LogPattern>, _ scope: ProjectScope) async throws -> Page<LogVerdict> {
        let before = try page.afterNumber()
        let rows = try await database.transaction(.tenant(scope.tenant)) { tx in
            let said = Self.said(scope, of: try await find(id, scope, in: tx).pattern)
            return try await tx.rows(
                """
                select * from (\(fragment: said)) v
                where \(before)::bigint is null or version < \(before)
                order by version desc
                limit \(page.limit + 1)
                """
            ) { try LogVerdict(row: $0) }
        }
        return Page(rows: rows, limit: page.limit) { "\($0.version)" }
    }

    /// The pattern is what a person says from here on. What the machine says stands beside it, and goes on changing with the rules.
    /// - Parameter version: that the verdict must have; 0 for any.
    /// - Throws: `log_pattern.not_found`, `precondition_failed`.
    func put(
        _ category: Category, reason: String, on id: ID<LogPattern>, version: Int64, by actor: String, _ scope: ProjectScope
    ) async throws -> LogVerdict {
        try await database.transaction(.tenant(scope.tenant)) { tx in
            try await lock(scope, in: tx)
            let standing = try await standing(id, scope, in: tx)
            guard version == 0 || standing.verdict.version == version else { throw Fault.versionStale }
            let verdict = try await add(category, reason: reason, after: standing.verdict, by: actor, scope, in: tx)
            let details = ["category": category.rawValue, "instead_of": standing.holding, "reason": reason]
            try await tx.audit(verdict.pattern, project: scope.project, details: details)
            return verdict
        }
    }

    /// The pattern is the machine's again. Nothing happens where nobody had said anything.
    /// - Parameter version: that the verdict must have; 0 for any.
    /// - Throws: `log_pattern.not_found`, `precondition_failed`.
    func delete(on id: ID<LogPattern>, version: Int64, by actor: String, _ scope: ProjectScope) async throws {
        try await database.transaction(.tenant(scope.tenant)) { tx in
            try await lock(scope, in: tx)
            let standing = try await standing(id, scope, in: tx)
            guard version == 0 || standing.verdict.version == version else { throw Fault.versionStale }
            guard standing.verdict.category != nil else {
                AuditedCall.changedNothing()
                return
            }
            let verdict = try await add(nil, reason: "", after: standing.verdict, by: actor, scope, in: tx)
            try await tx.audit(verdict.pattern, project: scope.project, details: ["instead_of": standing.holding])
        }
    }

    private struct Standing {
        let verdict: LogVerdict
        /// The machine's category.
        let judged: String?

        var holding: String { verdict.category?.rawValue ?? judged ?? Category.unknown.rawValue }
    }

    /// One word of a project at a time: of two the later one has the later time.
    private func lock(_ scope: ProjectScope, in tx: Transaction) async throws {
        try await tx.execute("select pg_advisory_xact_lock(hashtextextended('log_pattern_verdicts/' || \(scope.project.description), 0))")
    }

    private func standing(_ id: ID<LogPattern>, _ scope: ProjectScope, in tx: Transaction) async throws -> Standing {
        let (pattern, judged) = try await find(id, scope, in: tx)
        let said = Self.said(scope, of: pattern)
        let latest = try await tx.first("select * from (\(fragment: said)) v order by version desc limit 1") { try LogVerdict(row: $0) }
        let none = LogVerdict(pattern: pattern, category: nil, reason: "", decidedBy: "", decidedAt: nil, version: 1)
        return Standing(verdict: latest ?? none, judged: judged)
    }

    /// - Returns: what it is called by today, and its category.
    private func find(
        _ id: ID<LogPattern>, _ scope: ProjectScope, in tx: Transaction
    ) async throws -> (pattern: ID<LogPattern>, judged: String?) {
        let found = try await tx.first(
            """
            select s.pattern_id, s.category from log_signatures s
            where \(fragment: LogPatternStore.own(scope)) and \(fragment: LogPatternStore.isOf(id, scope))
            order by (s.signature_id = s.pattern_id) desc, s.lines desc, s.signature_id
            limit 1
            """
        ) { (pattern: try $0.value("pattern_id", as: ID<LogPattern>.self), judged: try $0.value("category", as: String?.self)) }
        guard let found else { throw Fault.notFound("log_pattern", id) }
        return found
    }

    private func add(
        _ category: Category?, reason: String, after verdict: LogVerdict, by actor: String, _ scope: ProjectScope, in tx: Transaction
    ) async throws -> LogVerdict {
        let at = try await tx.one(
            """
            insert into log_pattern_verdicts (tenant_id, project_id, signature_id, version, category, reason, decided_by, decided_at)
            select \(scope.tenant), \(scope.project), \(verdict.pattern), coalesce(max(version), 1) + 1, \(category?.rawValue)::text, \(reason),
                \(actor), clock_timestamp()
            from log_pattern_verdicts
            where tenant_id = \(scope.tenant) and project_id = \(scope.project) and signature_id = \(verdict.pattern)
            returning decided_at
            """
        ) { try $0.value("decided_at", as: Date.self) }
        return LogVerdict(
            pattern: verdict.pattern, category: category, reason: reason, decidedBy: actor, decidedAt: at, version: verdict.version + 1)
    }
}

extension LogVerdict {
    fileprivate init(row: Row) throws {
        pattern = try row.value("pattern_id")
        category = try row.value("category", as: String?.self).map { try stored($0) }
        reason = try row.value("reason")
        decidedBy = try row.value("decided_by")
        decidedAt = try row.value("decided_at", as: Date?.self)
        version = try row.value("version")
    }
}
