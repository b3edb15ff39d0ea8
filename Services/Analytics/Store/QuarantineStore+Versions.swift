import Foundation
import Postgres
import Primitives

// What quarantines said from one change to the next, and what is in force with its words.

extension QuarantineStore {
    /// Adds what quarantines say now as a version of theirs. One that is there already stays as it is.
    /// - Parameters:
    ///   - actor: who said it; `nil` for nobody.
    ///   - at: when it was said.
    static func keep(
        _ quarantines: [ID<Quarantine>], as kind: QuarantineVersion.Kind, by actor: String?, at now: Date, tenant: ID<Tenant>, in tx: Transaction
    ) async throws {
        guard !quarantines.isEmpty else { return }
        try await tx.execute(
            """
            insert into quarantine_versions (
                tenant_id, quarantine_id, version, project_id, kind, owner, ticket, reason, expires_at, said_by, said_at)
            select tenant_id, id, version, project_id, \(kind.rawValue), owner, ticket, reason, expires_at, \(actor), \(now)
            from quarantines where tenant_id = \(tenant) and id = any(\(quarantines.map(\.uuid)))
            on conflict on constraint quarantine_versions_pkey do nothing
            """)
    }

    /// Called before a quarantine is changed or ended: what it says may have been said to a release that keeps no versions. Quarantines are locked before
    /// versions are added, by everybody.
    static func keepPast(_ quarantines: [ID<Quarantine>], tenant: ID<Tenant>, in tx: Transaction) async throws {
        guard !quarantines.isEmpty else { return }
        try await tx.execute(
            """
            insert into quarantine_versions (
                tenant_id, quarantine_id, version, project_id, kind, owner, ticket, reason, expires_at, said_by, said_at)
            select tenant_id, id, version, project_id, case version when 1 then 'created' else 'changed' end, owner, ticket, reason, expires_at,
                case version when 1 then created_by end, case version when 1 then created_at end
            from quarantines where tenant_id = \(tenant) and id = any(\(quarantines.map(\.uuid))) and lifted_at is null
            for update
            on conflict on constraint quarantine_versions_pkey do nothing
            """)
    }

    /// Of all quarantines of a test: the newest quarantine first, and of each its newest version. Behind the newest that is kept a release that keeps none may
    /// have changed or lifted the quarantine: when, only the lifting tells.
    func versions(_ page: PageRequest, of test: ID<Test>, project: ID<Project>, tenant: ID<Tenant>) async throws -> Page<QuarantineVersion> {
        let before = try QuarantineVersionCursor(page.cursor)
        let rows = try await database.rows(
            .tenant(tenant),
            """
            with page as materialized (
                select v.*, q.version as newest, q.lifted_at from quarantines q
                join quarantine_versions v on v.tenant_id = q.tenant_id and v.quarantine_id = q.id
                where q.tenant_id = \(tenant) and q.project_id = \(project) and q.test_id = \(test)
                  and (\(before?.quarantine)::uuid is null or (q.id, v.version) < (\(before?.quarantine)::uuid, \(before?.version)::bigint))
                order by q.id desc, v.version desc
                limit \(page.limit + 1)
            )
            select p.quarantine_id, p.version, p.kind, p.owner, p.ticket, p.reason, p.expires_at, p.said_by, p.said_at,
                p.version < p.newest as has_successor,
                case when n.version is not null then n.said_at when p.newest = p.version + 1 then p.lifted_at end as next_said_at
            from page p
            left join lateral (
                select version, said_at from quarantine_versions
                where tenant_id = \(tenant) and quarantine_id = p.quarantine_id and version > p.version
                order by version
                limit 1
            ) n on true
            order by p.quarantine_id desc, p.version desc
            """
        ) { try QuarantineVersion(row: $0) }
        return Page(rows: rows, limit: page.limit) { QuarantineVersionCursor(quarantine: $0.quarantine, version: $0.version).description }
    }

    /// What excuses tests of a project, newest first.
    func entriesInForce(project: ID<Project>, at now: Date, tenant: ID<Tenant>) async throws -> [QuarantineInForce] {
        let most = Int32(QuarantineInForce.mostText)
        return try await database.rows(
            .tenant(tenant),
            """
            select q.id, q.test_id, q.version, q.owner, left(q.ticket, \(most)) as ticket, left(q.reason, \(most)) as reason, q.expires_at,
                coalesce(v.said_by, case q.version when 1 then q.created_by end) as said_by
            from quarantines q
            left join quarantine_versions v on v.tenant_id = q.tenant_id and v.quarantine_id = q.id and v.version = q.version
            where q.tenant_id = \(tenant) and q.project_id = \(project) and q.lifted_at is null and q.expires_at > \(now)
            order by q.id desc
            limit \(QuarantineLimits.mostEver)
            """
        ) { row in
            QuarantineInForce(
                quarantine: try row.value("id"), test: try row.value("test_id"), version: try row.value("version"), owner: try row.value("owner"),
                ticket: try row.value("ticket"), reason: try row.value("reason"), expiresAt: try row.value("expires_at"),
                saidBy: try row.value("said_by"))
        }
    }
}

/// Where a page of versions ends.
private struct QuarantineVersionCursor: CustomStringConvertible {
    let quarantine: ID<Quarantine>
    let version: Int64

    init(quarantine: ID<Quarantine>, version: Int64) {
        self.quarantine = quarantine
        self.version = version
    }

    /// - Throws: `page.invalid_cursor`.
    init?(_ text: String?) throws(Fault) {
        guard let text else { return nil }
        let parts = text.split(separator: "~")
        guard parts.count == 2, let quarantine = try? ID<Quarantine>(String(parts[0])), let version = Int64(parts[1]) else { throw .invalidCursor }
        self.init(quarantine: quarantine, version: version)
    }

    var description: String { "\(quarantine)~\(version)" }
}

extension QuarantineVersion {
    /// - Throws: `quarantine.unknown_value`, which means that a newer release wrote the row.
    fileprivate init(row: Row) throws {
        guard let kind = Kind(rawValue: try row.value("kind")) else { throw Fault.unknownQuarantineVersion }
        self.kind = kind
        quarantine = try row.value("quarantine_id")
        version = try row.value("version")
        owner = try row.value("owner")
        ticket = try row.value("ticket")
        reason = try row.value("reason")
        expiresAt = try row.value("expires_at")
        saidBy = try row.value("said_by")
        saidAt = try row.value("said_at")
        successor = try row.value("has_successor", as: Bool.self) ? Successor(saidAt: try row.value("next_said_at")) : nil
    }
}
