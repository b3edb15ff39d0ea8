import Audit
import Foundation
import Postgres
import Primitives

/// All SQL about how a project's results are read, but for its code owners.
struct ReadingRulesStore: Sendable {
    /// The raw values are stored.
    enum Kind: String, Sendable { case identity, fields, retries }

    /// What a project has set of one kind.
    struct Document: Sendable {
        let body: String
        let version: Int64
        let updatedAt: Date?

        static let absent = Document(body: "", version: 1, updatedAt: nil)
    }

    let database: Database
    let owners: CodeOwnersStore

    /// Everything that an upload needs to know: one round trip, and another one for code owners that were not read before.
    /// - Parameter place: that the results are from.
    func rules(of project: ID<Project>, at place: CodeOwnersVersion.Place, tenant: ID<Tenant>) async throws -> ReadingRules {
        let documents = try await database.rows(
            .tenant(tenant),
            """
            select kind, body, null::uuid as id, null::bytea as sha256 from reading_rules
            where tenant_id = \(tenant) and project_id = \(project) and kind in ('identity', 'fields')
            union all
            select 'owners', '', id, sha256 from (\(fragment: CodeOwnersStore.resolution(of: project, at: place, tenant: tenant))) as r
            """
        ) {
            (
                kind: try $0.value("kind", as: String.self), body: try $0.value("body", as: String.self),
                owners: try $0.value("id", as: ID<CodeOwnersVersion>?.self), sha256: try $0.value("sha256", as: Data?.self)
            )
        }
        var rules = ReadingRules()
        for document in documents {
            switch Kind(rawValue: document.kind) {
            case .identity: rules.identity = try JSONText(document.body).decode([IdentityRule].self)
            case .fields: rules.fields = try JSONText(document.body).decode([CustomField].self)
            case .retries, nil:
                guard let sha256 = document.sha256 else { continue }
                rules.owners = try await owners.owners(sha256, project: project, tenant: tenant)
                rules.ownersVersion = rules.owners == nil ? nil : document.owners
            }
        }
        return rules
    }

    func get(_ kind: Kind, of project: ID<Project>, tenant: ID<Tenant>) async throws -> Document {
        try await database.lookUp(
            .tenant(tenant),
            """
            select body, version, updated_at from reading_rules
            where tenant_id = \(tenant) and project_id = \(project) and kind = \(kind.rawValue)
            """
        ) { try Document(row: $0) } ?? .absent
    }

    /// - Parameter version: that is to be replaced; 0 for any.
    /// - Throws: `precondition_failed`.
    func put(_ kind: Kind, _ body: String, version: Int64 = 0, of project: ID<Project>, tenant: ID<Tenant>) async throws
        -> Document
    {
        try await database.transaction(.tenant(tenant)) { tx in
            let stored = try await tx.first(
                """
                insert into reading_rules as r (tenant_id, project_id, kind, body)
                select \(tenant), \(project), \(kind.rawValue), \(body)
                where \(version) in (0, 1) or exists (
                    select from reading_rules where tenant_id = \(tenant) and project_id = \(project) and kind = \(kind.rawValue))
                on conflict on constraint reading_rules_pkey do update
                    set body = excluded.body, version = r.version + 1, updated_at = now()
                    where \(version) = 0 or r.version = \(version)
                returning body, version, updated_at
                """
            ) { try Document(row: $0) }
            guard let stored else { throw Fault.versionStale }
            try await tx.audit(project, project: project, details: ["version": "\(stored.version)"])
            return stored
        }
    }
}

extension ReadingRulesStore.Document {
    fileprivate init(row: Row) throws {
        body = try row.value("body")
        version = try row.value("version")
        updatedAt = try row.value("updated_at", as: Date.self)
    }
}
