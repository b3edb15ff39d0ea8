import Audit
import Foundation
import Postgres
import Primitives

/// Trust policies: all SQL on them.
struct TrustPolicyStore: Sendable {
    let database: Database

    private static let columns: SQL = """
        id, name, provider, issuer, audience, claims, projects, forks, enabled, created_at, updated_at, version
        """

    /// - Parameter key: the idempotency key; the same one again gives the first policy.
    /// - Throws: `trust_policies.too_many`.
    func insert(_ draft: TrustPolicy.Draft, key: String?, tenant: ID<Tenant>) async throws -> TrustPolicy {
        try await database.transaction(.tenant(tenant)) { tx in
            // Counted and inserted by one at a time.
            _ = try await tx.first("select tenant_id from organizations where tenant_id = \(tenant) for no key update") { _ in true }
            let earlier = try await tx.first(
                "select \(fragment: Self.columns) from trust_policies where tenant_id = \(tenant) and idempotency_key = \(key)"
            ) { try TrustPolicy(row: $0) }
            if let earlier {
                AuditedCall.changedNothing()
                return earlier
            }
            let count = try await tx.one("select count(*) as n from trust_policies where tenant_id = \(tenant)") {
                try $0.value("n", as: Int64.self)
            }
            guard count < TrustPolicy.most else { throw Fault.tooManyPolicies(TrustPolicy.most) }
            let made = try await tx.one(
                """
                insert into trust_policies (tenant_id, id, name, provider, issuer, audience, claims, projects, forks, idempotency_key)
                values (\(tenant), \(ID<TrustPolicy>.new()), \(draft.name), \(draft.provider.rawValue), \(draft.issuer), \(draft.audience),
                        \(try Postgres.JSONText(encoding: draft.claims)), \(draft.projects), \(draft.forks.rawValue), \(key))
                returning \(fragment: Self.columns)
                """
            ) { try TrustPolicy(row: $0) }
            try await tx.audit(made.id, details: made.auditDetails)
            return made
        }
    }

    /// - Throws: `trust_policy.not_found`.
    func get(_ id: ID<TrustPolicy>, tenant: ID<Tenant>) async throws -> TrustPolicy {
        let found = try await database.lookUp(
            .tenant(tenant), "select \(fragment: Self.columns) from trust_policies where tenant_id = \(tenant) and id = \(id)"
        ) { try TrustPolicy(row: $0) }
        guard let found else { throw Fault.notFound("trust_policy", id) }
        return found
    }

    /// Newest first.
    func list(_ page: PageRequest, tenant: ID<Tenant>) async throws -> Page<TrustPolicy> {
        let before = try page.after(ID<TrustPolicy>.self)
        let rows = try await database.rows(
            .tenant(tenant),
            """
            select \(fragment: Self.columns) from trust_policies
            where tenant_id = \(tenant) and (\(before)::uuid is null or id < \(before))
            order by id desc
            limit \(page.limit + 1)
            """
        ) { try TrustPolicy(row: $0) }
        return Page(rows: rows, limit: page.limit) { $0.id.description }
    }

    /// The enabled ones of an issuer, oldest first; none for an organization that is unknown, suspended or over.
    func list(issuer: String, tenant: ID<Tenant>) async throws -> [TrustPolicy] {
        try await database.rows(
            .tenant(tenant),
            """
            select \(fragment: Self.columns) from trust_policies p
            where tenant_id = \(tenant) and issuer = \(issuer) and enabled
              and exists (select from organizations o
                          where o.tenant_id = p.tenant_id and o.suspended_at is null and o.deactivated_at is null)
            order by id
            limit \(TrustPolicy.most)
            """
        ) { try TrustPolicy(row: $0) }
    }

    /// - Parameters:
    ///   - version: that the policy must have; 0 for any.
    ///   - key: the idempotency key; the same one again changes nothing and gives the policy as it is.
    /// - Throws: `trust_policy.not_found`, `precondition_failed`.
    func update(_ id: ID<TrustPolicy>, _ change: TrustPolicy.Change, version: Int64, key: String?, tenant: ID<Tenant>) async throws -> TrustPolicy {
        let claims = try change.claims.map { try Postgres.JSONText(encoding: $0) }
        return try await database.transaction(.tenant(tenant)) { tx in
            let updated = try await tx.first(
                """
                update trust_policies
                set name = coalesce(\(change.name), name), audience = coalesce(\(change.audience), audience), claims = coalesce(\(claims), claims),
                    projects = coalesce(\(change.projects)::uuid[], projects), forks = coalesce(\(change.forks?.rawValue), forks),
                    enabled = coalesce(\(change.isEnabled), enabled), updated_at = now(), version = version + 1, change_key = \(key)
                where tenant_id = \(tenant) and id = \(id) and (\(version) = 0 or version = \(version))
                  and (\(key)::text is null or change_key is distinct from \(key))
                returning \(fragment: Self.columns)
                """
            ) { try TrustPolicy(row: $0) }
            if let updated {
                try await tx.audit(id, details: updated.auditDetails)
                return updated
            }
            let found = try await tx.first(
                "select \(fragment: Self.columns), change_key from trust_policies where tenant_id = \(tenant) and id = \(id)"
            ) { (policy: try TrustPolicy(row: $0), key: try $0.value("change_key", as: String?.self)) }
            guard let found else { throw Fault.notFound("trust_policy", id) }
            guard let key, found.key == key else { throw Fault.versionStale }
            AuditedCall.changedNothing()
            return found.policy
        }
    }

    /// The tokens that were given under it go with it.
    /// - Parameter version: that the policy must have; 0 for any.
    /// - Throws: `trust_policy.not_found`, `precondition_failed`.
    func delete(_ id: ID<TrustPolicy>, version: Int64, tenant: ID<Tenant>) async throws {
        try await database.transaction(.tenant(tenant)) { tx in
            let deleted = try await tx.first(
                """
                delete from trust_policies where tenant_id = \(tenant) and id = \(id) and (\(version) = 0 or version = \(version))
                returning \(fragment: Self.columns)
                """
            ) { try TrustPolicy(row: $0) }
            guard let deleted else {
                let isThere = try await tx.first("select true as found from trust_policies where tenant_id = \(tenant) and id = \(id)") { _ in true }
                throw isThere == true ? Fault.versionStale : Fault.notFound("trust_policy", id)
            }
            try await tx.audit(id, details: deleted.auditDetails)
        }
    }
}

extension TrustPolicy {
    /// What the audit log says of it.
    fileprivate var auditDetails: [String: String] {
        [
            "name": name, "provider": provider.rawValue, "issuer": issuer, "audience": audience, "forks": forks.rawValue, "enabled": "\(isEnabled)",
            "claims": claims.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: " "),
            "projects": projects.map { ID<Project>(uuid: $0).description }.joined(separator: " "),
        ]
    }

    fileprivate init(row: Row) throws {
        let provider = try row.value("provider", as: String.self)
        guard let provider = TrustProvider(rawValue: provider) else {
            throw Fault(.internal, "internal", "A trust policy is stored with the provider \(provider).")
        }
        self.init(
            id: try row.value("id"), name: try row.value("name"), provider: provider, issuer: try row.value("issuer"),
            audience: try row.value("audience"), claims: try row.value("claims", as: Postgres.JSONText.self).decode([String: String].self),
            projects: try row.value("projects"),
            // A word of a later release is not taken for the more generous one.
            forks: Forks(rawValue: try row.value("forks")) ?? .refuse, isEnabled: try row.value("enabled"),
            createdAt: try row.value("created_at"), updatedAt: try row.value("updated_at"), version: try row.value("version"))
    }
}
