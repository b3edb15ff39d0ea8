import Audit
import Foundation
import Postgres
import Primitives

/// Tokens of CI jobs, and the ID tokens that they were exchanged for: all SQL on them.
struct UploadTokenStore: Sendable {
    let database: Database

    /// Counts the exchange of an ID token, and stores what it is exchanged for, as one act.
    /// - Parameters:
    ///   - exchanged: what the ID token is known by, until when.
    ///   - record: for the audit log.
    /// - Throws: `oidc.token_replayed`; `oidc.not_trusted` when the policy was changed since it was read.
    func insert(
        _ token: UploadToken, text: Secret<String>, for exchanged: (digest: Data, expiresAt: Date), record: BuildRecord, tenant: ID<Tenant>
    ) async throws {
        try await database.transaction(.tenant(tenant)) { tx in
            let uses = try await tx.one(
                """
                insert into exchanged_tokens as e (tenant_id, digest, uses, expires_at)
                values (\(tenant), \(exchanged.digest), 1, \(exchanged.expiresAt))
                on conflict on constraint exchanged_tokens_pkey do update set uses = e.uses + 1
                returning uses
                """
            ) { try $0.value("uses", as: Int.self) }
            guard uses <= UploadToken.exchanges else { throw Fault.idTokenReplayed }
            let stored = try await tx.execute(
                """
                insert into upload_tokens (tenant_id, id, policy_id, policy_version, digest, lane, projects, expires_at)
                select p.tenant_id, \(token.id), p.id, p.version, \(SecretDigest(text.reveal()).data), \(token.lane.rawValue), \(token.projects),
                       now() + \(UploadToken.lifetime) * interval '1 second'
                from trust_policies p
                where p.tenant_id = \(tenant) and p.id = \(token.policy.id) and p.version = \(token.policy.version) and p.enabled
                for share of p
                """)
            guard stored > 0 else { throw Fault.buildNotTrusted }
            try await tx.audit(token.id, details: record.details, actor: token.policy.id)
        }
    }

    /// Who holds the token with this digest; `nil` when it is unknown, over, or its policy is not what it was when the token was given.
    func identity(_ digest: SecretDigest) async throws -> Identity? {
        // Whose token it is only the row says, so this looks across tenants.
        try await database.lookUp(
            .system,
            """
            select t.tenant_id, t.id, t.policy_id, t.lane, t.projects, t.expires_at, o.name as organization,
                   o.suspended_at is not null as is_suspended
            from upload_tokens t
            join trust_policies p on p.tenant_id = t.tenant_id and p.id = t.policy_id and p.version = t.policy_version and p.enabled
            join organizations o on o.tenant_id = t.tenant_id and o.deactivated_at is null
            where t.digest = \(digest.data) and t.expires_at > now()
            """
        ) { row in
            var identity = Identity(
                tenant: try row.value("tenant_id"), actor: .build(try row.value("id"), try row.value("policy_id")),
                permissions: UploadToken.scope.permissions, projects: Set(try row.value("projects", as: [UUID].self)),
                expiresAt: try row.value("expires_at"), organization: try row.value("organization"), isSuspended: try row.value("is_suspended"))
            identity.lane = Lane(rawValue: try row.value("lane")) ?? .untrusted
            return identity
        }
    }

    /// Forgets what is over. An ID token is remembered for as long as it could be good for anybody's clock.
    func sweep() async throws {
        try await database.execute(
            .system,
            """
            delete from upload_tokens where (tenant_id, id) in (
                select tenant_id, id from upload_tokens where expires_at < now() order by expires_at limit 1000 for update skip locked)
            """)
        try await database.execute(
            .system,
            """
            delete from exchanged_tokens where (tenant_id, digest) in (
                select tenant_id, digest from exchanged_tokens where expires_at < now() - interval '1 minute'
                order by expires_at limit 1000 for update skip locked)
            """)
    }
}
