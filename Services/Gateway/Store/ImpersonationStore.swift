import Audit
import Foundation
import Postgres
import Primitives

/// Super admins in somebody's place: all SQL on that.
struct ImpersonationStore: Sendable {
    let database: Database
    let members: MemberStore

    private static let columns: SQL = """
        tenant_id, id, user_id, impersonator_id, reason, read_only, created_at, expires_at, ended_at
        """

    /// Who a token speaks for, and in whose place; `nil` when it is unknown or over, or one of the two is not who they were.
    func identity(_ digest: SecretDigest) async throws -> Identity? {
        // Whose place it is only the row says, so this looks across tenants.
        let found = try await database.lookUp(
            .system,
            """
            select i.tenant_id, i.id, i.user_id, i.impersonator_id, i.reason, i.read_only, i.created_at, i.expires_at, i.ended_at,
                   case when p.email_verified_at is not null and p.disabled_at is null then p.email end as admin_email
            from impersonations i
            join people p on p.id = i.impersonator_id
            where i.digest = \(digest.data) and i.ended_at is null and i.expires_at > now()
            """
        ) { (impersonation: try Impersonation(row: $0), admin: try $0.value("admin_email", as: String?.self)) }
        guard let found, let admin = found.admin, members.superAdmins.contains(admin) else { return nil }
        let impersonation = found.impersonation
        return try await members.identity(of: impersonation.user, in: impersonation.tenant)?
            .impersonated(by: impersonation.impersonator, readOnly: impersonation.isReadOnly, until: impersonation.expiresAt)
    }

    func insert(
        user: ID<User>, impersonator: ID<User>, reason: String, readOnly: Bool, minutes: Int, digest: SecretDigest, tenant: ID<Tenant>,
        in tx: Transaction
    ) async throws -> Impersonation {
        try await tx.one(
            """
            insert into impersonations (tenant_id, id, user_id, impersonator_id, reason, read_only, digest, expires_at)
            values (\(tenant), \(ID<Impersonation>.new()), \(user), \(impersonator), \(reason), \(readOnly), \(digest.data),
                    now() + \(Int64(minutes)) * interval '1 minute')
            returning \(fragment: Self.columns)
            """
        ) { try Impersonation(row: $0) }
    }

    /// Newest first, of all organizations.
    func list(_ page: PageRequest) async throws -> Page<Impersonation> {
        let before = try page.after(ID<Impersonation>.self)
        let rows = try await database.rows(
            .system,
            """
            select \(fragment: Self.columns) from impersonations
            where (\(before)::uuid is null or id < \(before))
            order by id desc
            limit \(page.limit + 1)
            """
        ) { try Impersonation(row: $0) }
        return Page(rows: rows, limit: page.limit) { $0.id.description }
    }

    /// Ends one; `nil` when it is over already.
    /// - Throws: `impersonation.not_found`.
    func end(_ id: ID<Impersonation>, in tx: Transaction) async throws -> Impersonation? {
        let ended = try await tx.first(
            """
            update impersonations set ended_at = now() where id = \(id) and ended_at is null
            returning \(fragment: Self.columns)
            """
        ) { try Impersonation(row: $0) }
        if let ended { return ended }
        let isKnown = try await tx.one("select exists (select from impersonations where id = \(id)) as is_known") {
            try $0.value("is_known", as: Bool.self)
        }
        guard isKnown else { throw Fault.notFound("impersonation", id) }
        return nil
    }

    /// Ends one by the token that it is used with; nothing for any other token.
    func end(_ digest: SecretDigest, telling security: SecurityLog) async throws {
        try await database.transaction(.system) { tx in
            let ended = try await tx.first(
                """
                update impersonations set ended_at = now() where digest = \(digest.data) and ended_at is null
                returning \(fragment: Self.columns)
                """
            ) { try Impersonation(row: $0) }
            if let ended { try await tell(ended, security, in: tx) }
        }
    }

    /// Writes down and tells the end of those whose time is up, some at a time.
    func endOverdue(telling security: SecurityLog) async throws {
        try await database.transaction(.system) { tx in
            let ended = try await tx.rows(
                """
                update impersonations set ended_at = expires_at
                where (tenant_id, id) in (
                    select tenant_id, id from impersonations where ended_at is null and expires_at <= now()
                    order by expires_at limit 100 for update skip locked)
                returning \(fragment: Self.columns)
                """
            ) { try Impersonation(row: $0) }
            for one in ended { try await tell(one, security, in: tx) }
        }
    }

    private func tell(_ ended: Impersonation, _ security: SecurityLog, in tx: Transaction) async throws {
        let admin = ended.impersonator.description
        try await security.record(ended.end(by: admin), in: tx)
        let note = AuditNote(
            action: "impersonation.ended", actor: admin, subject: ended.user.description, details: ["impersonation": ended.id.description])
        try await tx.audit(note, tenant: ended.tenant)
    }
}

extension Impersonation {
    init(row: Row) throws {
        self.init(
            id: try row.value("id"), tenant: try row.value("tenant_id"), user: try row.value("user_id"),
            impersonator: try row.value("impersonator_id"), reason: try row.value("reason"), isReadOnly: try row.value("read_only"),
            createdAt: try row.value("created_at"), expiresAt: try row.value("expires_at"), endedAt: try row.value("ended_at"))
    }
}
