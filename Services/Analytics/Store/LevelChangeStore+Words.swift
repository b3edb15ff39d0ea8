import Audit
import Foundation
import Postgres
import Primitives

// What people say of changes of level.

extension LevelChangeStore {
    /// All of it, newest first.
    func verdicts(_ page: PageRequest, on change: ID<LevelChange>, tenant: ID<Tenant>) async throws -> Page<LevelVerdict> {
        let before = try page.cursor.map { text throws(Fault) in
            guard let number = Int64(text) else { throw Fault.invalidCursor }
            return number
        }
        let rows = try await database.rows(
            .tenant(tenant),
            """
            select change_id, version, kind, note, decided_by, decided_at from trend_change_verdicts
            where tenant_id = \(tenant) and change_id = \(change) and (\(before)::bigint is null or version < \(before))
            order by version desc
            limit \(page.limit + 1)
            """
        ) { try LevelVerdict(row: $0) }
        return Page(rows: rows, limit: page.limit) { "\($0.version)" }
    }

    /// A person's word holds from here on, whatever is found later.
    /// - Parameter version: that the verdict must have; 0 for any.
    /// - Throws: `level_change.not_found`, `precondition_failed`.
    func put(
        _ kind: LevelVerdict.Kind, note: String, on change: ID<LevelChange>, version: Int64, by actor: String, tenant: ID<Tenant>
    ) async throws -> LevelVerdict {
        try await database.transaction(.tenant(tenant)) { tx in
            let known = try await lock(change, version: version, tenant: tenant, in: tx)
            let verdict = try await tx.one(
                """
                insert into trend_change_verdicts (tenant_id, change_id, version, project_id, kind, note, decided_by, decided_at)
                values (
                    \(tenant), \(change), \(known.version + 1), \(known.project), \(kind.rawValue), \(note), \(actor), clock_timestamp())
                returning change_id, version, kind, note, decided_by, decided_at
                """
            ) { try LevelVerdict(row: $0) }
            try await tx.audit(
                change, project: known.project, details: ["kind": kind.rawValue, "instead_of": known.kind ?? "nothing", "note": note])
            try await Self.stand(kind, on: change, of: known.project, tenant: tenant, in: tx)
            return verdict
        }
    }

    /// The machine's stands alone again. Nothing happens where nobody's word held.
    /// - Parameter version: that the verdict must have; 0 for any.
    /// - Throws: `level_change.not_found`, `precondition_failed`.
    func takeBack(on change: ID<LevelChange>, version: Int64, by actor: String, tenant: ID<Tenant>) async throws {
        try await database.transaction(.tenant(tenant)) { tx in
            let known = try await lock(change, version: version, tenant: tenant, in: tx)
            guard let kind = known.kind else {
                AuditedCall.changedNothing()
                return
            }
            try await tx.execute(
                """
                insert into trend_change_verdicts (tenant_id, change_id, version, project_id, note, decided_by, decided_at)
                values (\(tenant), \(change), \(known.version + 1), \(known.project), '', \(actor), clock_timestamp())
                """)
            try await tx.audit(change, project: known.project, details: ["instead_of": kind])
            try await Self.stand(nil, on: change, of: known.project, tenant: tenant, in: tx)
        }
    }

    private static func stand(
        _ kind: LevelVerdict.Kind?, on change: ID<LevelChange>, of project: ID<Project>, tenant: ID<Tenant>, in tx: Transaction
    ) async throws {
        try await tx.pipeline([
            """
            update trend_changes set verdict = \(kind?.rawValue), verdict_version = verdict_version + 1
            where tenant_id = \(tenant) and id = \(change)
            """,
            RevisionStore.raising(project, tenant: tenant),
        ])
    }

    private struct Known {
        let project: ID<Project>
        let version: Int64
        /// What holds so far.
        let kind: String?
    }

    private func lock(_ change: ID<LevelChange>, version: Int64, tenant: ID<Tenant>, in tx: Transaction) async throws -> Known {
        let found = try await tx.first(
            """
            select coalesce(project_id, test_project_id) as project_id, verdict, verdict_version from trend_changes
            where tenant_id = \(tenant) and id = \(change) for update
            """
        ) {
            Known(
                project: try $0.value("project_id"), version: try $0.value("verdict_version"), kind: try $0.value("verdict", as: String?.self))
        }
        guard let found else { throw Fault.notFound("level_change", change) }
        guard version == 0 || found.version == version else { throw Fault.versionStale }
        return found
    }
}

extension LevelVerdict {
    fileprivate init(row: Row) throws {
        self.init(
            change: try row.value("change_id"), kind: try Kind(stored: row.value("kind", as: String?.self)), note: try row.value("note"),
            decidedBy: try row.value("decided_by"), decidedAt: try row.value("decided_at", as: Date?.self), version: try row.value("version"))
    }
}

extension LevelVerdict.Kind {
    /// `nil` for what was taken back, or never said.
    /// - Throws: `level_change.unknown_value`: a newer release wrote the row.
    init?(stored text: String?) throws(Fault) {
        guard let text else { return nil }
        guard let kind = Self(rawValue: text) else { throw .unknownLevelChange }
        self = kind
    }
}
