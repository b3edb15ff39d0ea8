import AuditChain
import Foundation
import Postgres
import Primitives

extension AuditStore {
    /// What a list of entries may ask for; empty and `nil` for anything.
    struct Filter: Sendable {
        var action = ""
        var actor = ""
        var subject = ""
        /// Only of these projects, in text; what belongs to no project is left out then.
        var projects: [String]?
        /// Only these; for the activity feed.
        var actions: [String]?
        /// These as well, each in its project only.
        var granted: [Granted] = []
        var since: Date?
        var until: Date?
    }

    /// What may be seen of a project by whoever holds something there and not in the whole organization.
    struct Granted: Sendable {
        /// In text.
        let project: String
        let action: String
    }

    /// An entry with its link.
    struct Link: Sendable {
        let entry: AuditEntry
        let hash: AuditHash
        let at: Date
    }

    private static let columns: SQL = "tenant_id, number, id, at, service, action, actor, subject, project, details, request_id, address, hash"

    /// Newest first.
    func list(_ page: PageRequest, _ filter: Filter, tenant: ID<Tenant>) async throws -> Page<Link> {
        let before = try page.afterNumber()
        let (action, actor, subject) = (filter.action.nonEmpty, filter.actor.nonEmpty, filter.subject.nonEmpty)
        let rows = try await database.rows(
            .tenant(tenant),
            """
            select \(fragment: Self.columns) from audit_entries
            where tenant_id = \(tenant) and (\(before)::bigint is null or number < \(before))
              and (\(action)::text is null or action = \(action)) and (\(actor)::text is null or actor = \(actor))
              and (\(subject)::text is null or subject = \(subject))
              and (\(filter.projects)::text[] is null or project = any(\(filter.projects)))
              and (\(filter.actions)::text[] is null or action = any(\(filter.actions))
                   or (project, action) in (
                       select * from unnest(\(filter.granted.map(\.project))::text[], \(filter.granted.map(\.action))::text[])))
              and (\(filter.since)::timestamptz is null or at >= \(filter.since))
              and (\(filter.until)::timestamptz is null or at < \(filter.until))
            order by number desc
            limit \(page.limit + 1)
            """
        ) { try Link(row: $0) }
        return Page(rows: rows, limit: page.limit) { "\($0.entry.number)" }
    }

    /// A chain's entries in their order, for whoever follows it.
    /// - Parameter last: no further than this, so that what is appended meanwhile does not matter.
    func links(after number: Int64, upTo last: Int64 = .max, limit: Int, tenant: ID<Tenant>) async throws -> [Link] {
        try await database.rows(
            .tenant(tenant),
            """
            select \(fragment: Self.columns) from audit_entries
            where tenant_id = \(tenant) and number > \(number) and number <= \(last)
            order by number
            limit \(limit)
            """
        ) { try Link(row: $0) }
    }

    /// Those of a stretch of a chain, in its order.
    func checkpoints(after number: Int64, upTo last: Int64, tenant: ID<Tenant>) async throws -> [AuditCheckpoint] {
        try await database.rows(
            .tenant(tenant),
            """
            select \(fragment: Self.checkpointColumns) from audit_checkpoints
            where tenant_id = \(tenant) and number > \(number) and number <= \(last)
            order by number, at
            """
        ) { try AuditCheckpoint(row: $0, tenant) }
    }

    func newestCheckpoint(of tenant: ID<Tenant>) async throws -> AuditCheckpoint? {
        try await database.first(
            .tenant(tenant),
            """
            select \(fragment: Self.checkpointColumns) from audit_checkpoints where tenant_id = \(tenant) order by number desc, at desc limit 1
            """
        ) { try AuditCheckpoint(row: $0, tenant) }
    }

    private static let checkpointColumns: SQL = "number, hash, at, public_key, signature"

    /// `nil` for an organization that has done nothing yet.
    func head(of tenant: ID<Tenant>) async throws -> Head? {
        try await database.first(
            .tenant(tenant), "select \(fragment: Self.headColumns) from audit_heads where tenant_id = \(tenant)"
        ) { try Head(row: $0) }
    }

    // MARK: - Verification

    /// Chains that nobody has looked through for a day; they count as looked through from now on, so that a second gateway takes others.
    func claimForVerification(limit: Int = 100) async throws -> [ID<Tenant>] {
        let due = try await database.rows(
            .system,
            """
            select tenant_id from audit_heads
            where number > 0 and (verified_at is null or verified_at < now() - interval '24 hours')
            order by verified_at nulls first
            limit \(limit)
            """
        ) { try $0.value("tenant_id", as: ID<Tenant>.self) }
        var claimed: [ID<Tenant>] = []
        for tenant in due {
            let isOurs = try await database.execute(
                .tenant(tenant),
                """
                update audit_heads set verified_at = now()
                where tenant_id = \(tenant) and (verified_at is null or verified_at < now() - interval '24 hours')
                """)
            if isOurs > 0 { claimed.append(tenant) }
        }
        return claimed
    }

    func record(_ finding: AuditVerifier.Finding?, number: Int64, tenant: ID<Tenant>) async throws {
        try await database.execute(
            .tenant(tenant),
            """
            update audit_heads set verified_at = now(), verified_number = \(number), finding = \(finding?.description)
            where tenant_id = \(tenant)
            """)
    }

    /// How many chains were found broken when they were last looked through.
    func brokenChains() async throws -> Int64 {
        try await database.one(.system, "select count(*) as count from audit_heads where finding is not null") { try $0.value("count") }
    }
}

extension AuditStore.Link {
    fileprivate init(row: Row) throws {
        guard let hash = AuditHash(try row.value("hash", as: Data.self)) else { throw Fault.auditUnreadable }
        at = try row.value("at")
        self.hash = hash
        entry = AuditEntry(
            organization: try row.value("tenant_id", as: ID<Tenant>.self).description, number: try row.value("number"),
            id: try row.value("id", as: ID<AuditRecord>.self).description, at: AuditEntry.text(of: at), service: try row.value("service"),
            action: try row.value("action"), actor: try row.value("actor"), subject: try row.value("subject"), project: try row.value("project"),
            details: try row.value("details", as: Postgres.JSONText.self).decode([String: String].self), requestID: try row.value("request_id"),
            address: try row.value("address"))
    }
}

extension AuditCheckpoint {
    fileprivate init(row: Row, _ tenant: ID<Tenant>) throws {
        guard let hash = AuditHash(try row.value("hash", as: Data.self)) else { throw Fault.auditUnreadable }
        self.init(
            organization: tenant.description, number: try row.value("number"), hash: hash, at: AuditEntry.text(of: try row.value("at")),
            publicKey: try row.value("public_key"), signature: try row.value("signature"))
    }
}
