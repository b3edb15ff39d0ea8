import Audit
import Foundation
import Postgres
import Primitives

/// All SQL about what people say of failures.
struct VerdictStore: Sendable {
    let database: Database
    let signatures = SignatureVerdicts()
    let lessons = SignatureLessons()

    /// The severity that a person named with the verdict `v` on the failure `f`. Where an earlier release wrote it, one that is not the machine's was named.
    static let ownSeverity: SQL = "nullif(coalesce(v.own_severity, nullif(v.severity, coalesce(f.judged_severity, f.severity))), '')"

    /// What holds.
    /// - Throws: `failure.not_found`.
    func get(_ result: ID<Result>, tenant: ID<Tenant>) async throws -> Verdict {
        let found = try await database.lookUp(
            .tenant(tenant),
            """
            select f.result_id, f.verdict_version as version, v.category, \(fragment: Self.ownSeverity) as own_severity, coalesce(v.note, '') as note,
                coalesce(v.decided_by, '') as decided_by, v.decided_at
            from failures f
            left join failure_verdicts v on v.tenant_id = f.tenant_id and v.result_id = f.result_id and v.version = f.verdict_version
            where f.tenant_id = \(tenant) and f.result_id = \(result)
            """
        ) { try Verdict(row: $0) }
        guard let found else { throw Fault.notFound("failure", result) }
        return found
    }

    /// All of them, newest first.
    func list(_ page: PageRequest, of result: ID<Result>, tenant: ID<Tenant>) async throws -> Page<Verdict> {
        let before = try page.afterNumber()
        let rows = try await database.rows(
            .tenant(tenant),
            """
            select v.result_id, v.version, v.category, \(fragment: Self.ownSeverity) as own_severity, v.note, v.decided_by, v.decided_at
            from failure_verdicts v
            join failures f on f.tenant_id = v.tenant_id and f.result_id = v.result_id
            where v.tenant_id = \(tenant) and v.result_id = \(result) and (\(before)::bigint is null or v.version < \(before))
            order by v.version desc
            limit \(page.limit + 1)
            """
        ) { try Verdict(row: $0) }
        return Page(rows: rows, limit: page.limit) { "\($0.version)" }
    }

    /// The failure is what a person says from here on. What the machine said is kept beside it, and goes on changing with the rules.
    /// - Parameters:
    ///   - severity: that of the machine when `nil`.
    ///   - version: that the verdict must have; 0 for any.
    /// - Throws: `failure.not_found`, `precondition_failed`.
    func put(
        _ category: Category, _ severity: Severity?, note: String, on result: ID<Result>, version: Int64, by actor: String, tenant: ID<Tenant>
    ) async throws -> Verdict {
        try await database.transaction(.tenant(tenant)) { tx in
            let failure = try await lock(result, tenant: tenant, in: tx)
            guard version == 0 || failure.version == version else { throw Fault.versionStale }
            let own = severity?.rawValue
            let severity = own ?? failure.judgedSeverity
            try await tx.execute(
                """
                update failures
                set judged_category = coalesce(judged_category, category), judged_severity = coalesce(judged_severity, severity),
                    category = \(category.rawValue), severity = \(severity), verdict_version = verdict_version + 1, verdict_at = clock_timestamp()
                where tenant_id = \(tenant) and result_id = \(result)
                """)
            let verdict = try await tx.one(
                """
                insert into failure_verdicts (tenant_id, result_id, version, project_id, category, severity, own_severity, note, decided_by, decided_at)
                select tenant_id, result_id, verdict_version, project_id, category, severity, \(own ?? ""), \(note), \(actor), verdict_at
                from failures where tenant_id = \(tenant) and result_id = \(result)
                returning result_id, version, category, nullif(own_severity, '') as own_severity, note, decided_by, decided_at
                """
            ) { try Verdict(row: $0) }
            try await teach(result, ProjectScope(tenant: tenant, project: failure.project), in: tx)
            if category == .environment || failure.isSaidEnvironment { try await publish(failure, tenant: tenant, in: tx) }
            try await tx.audit(result, project: failure.project, details: ["category": category.rawValue, "instead_of": failure.category])
            return verdict
        }
    }

    /// The failure is the machine's again: what the rules that judged it last say. Nothing happens where nobody had said anything.
    /// - Parameter version: that the verdict must have; 0 for any.
    /// - Throws: `failure.not_found`, `precondition_failed`.
    func delete(on result: ID<Result>, version: Int64 = 0, by actor: String, tenant: ID<Tenant>) async throws {
        try await database.transaction(.tenant(tenant)) { tx in
            let failure = try await lock(result, tenant: tenant, in: tx)
            guard version == 0 || failure.version == version else { throw Fault.versionStale }
            guard failure.isOverruled else {
                AuditedCall.changedNothing()
                return
            }
            try await tx.execute(
                """
                update failures
                set category = judged_category, severity = judged_severity, judged_category = null, judged_severity = null,
                    verdict_version = verdict_version + 1, verdict_at = null
                where tenant_id = \(tenant) and result_id = \(result)
                """)
            try await tx.execute(
                """
                insert into failure_verdicts (tenant_id, result_id, version, project_id, note, decided_by, decided_at)
                values (\(tenant), \(result), \(failure.version + 1), \(failure.project), '', \(actor), clock_timestamp())
                """)
            try await teach(result, ProjectScope(tenant: tenant, project: failure.project), in: tx)
            if failure.isSaidEnvironment { try await publish(failure, tenant: tenant, in: tx) }
            try await tx.audit(result, project: failure.project, details: ["instead_of": failure.category])
        }
    }

    /// What was said goes on to the failure's group, and to failures that no rule knows.
    private func teach(_ result: ID<Result>, _ scope: ProjectScope, in tx: Transaction) async throws {
        try await signatures.update(of: result, scope, in: tx)
        try await lessons.update(of: result, scope, in: tx)
    }

    /// Untrusted runs count for no test, so there is nothing to be told of them.
    private func publish(_ failure: Locked, tenant: ID<Tenant>, in tx: Transaction) async throws {
        guard failure.isTrusted else { return }
        try await publish([failure.result], ProjectScope(tenant: tenant, project: failure.project), in: tx)
    }

    private struct Locked {
        let result: ID<Result>
        let project: ID<Project>
        let version: Int64
        let category: String
        let judgedSeverity: String
        let isOverruled: Bool
        let isTrusted: Bool

        /// By the person whose word holds so far.
        var isSaidEnvironment: Bool { isOverruled && category == Category.environment.rawValue }
    }

    /// The project's lock first, as whoever changes its groups takes it: then of two words the later one has the later time, and no two wait for each other.
    private func lock(_ result: ID<Result>, tenant: ID<Tenant>, in tx: Transaction) async throws -> Locked {
        let project = try await tx.first("select project_id from failures where tenant_id = \(tenant) and result_id = \(result)") {
            try $0.value("project_id", as: ID<Project>.self)
        }
        guard let project else { throw Fault.notFound("failure", result) }
        try await ProjectScope(tenant: tenant, project: project).lock(in: tx)
        let found = try await tx.first(
            """
            select project_id, verdict_version, category, coalesce(judged_severity, severity) as severity, judged_category is not null as is_overruled,
                trusted
            from failures where tenant_id = \(tenant) and result_id = \(result) for update
            """
        ) {
            Locked(
                result: result, project: try $0.value("project_id"), version: try $0.value("verdict_version"), category: try $0.value("category"),
                judgedSeverity: try $0.value("severity"), isOverruled: try $0.value("is_overruled"),
                isTrusted: try $0.value("trusted"))
        }
        guard let found else { throw Fault.notFound("failure", result) }
        return found
    }
}

extension Verdict {
    fileprivate init(row: Row) throws {
        result = try row.value("result_id")
        category = try row.value("category", as: String?.self).map { try stored($0) }
        severity = try row.value("own_severity", as: String?.self).map { try stored($0) }
        note = try row.value("note")
        decidedBy = try row.value("decided_by")
        decidedAt = try row.value("decided_at", as: Date?.self)
        version = try row.value("version")
    }
}
