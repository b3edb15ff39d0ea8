import Audit
import Foundation
import Postgres
import Primitives
import Synchronization

/// All SQL about how a project's results are read.
final class ReadingRulesStore: Sendable {
    /// The raw values are stored.
    enum Kind: String, Sendable { case identity, fields, owners }

    /// What a project has set of one kind.
    struct Document: Sendable {
        let body: String
        let commit: String
        let version: Int64
        let updatedAt: Date?

        static let absent = Document(body: "", commit: "", version: 1, updatedAt: nil)
    }

    private struct OwnersKey: Hashable {
        let tenant: ID<Tenant>
        let project: ID<Project>
        let version: Int64
    }

    let database: Database
    /// Files of code owners that were read before: uploads come often, and the file changes seldom.
    private let owners = Mutex<[OwnersKey: CodeOwners]>([:])
    private static let mostOwners = 64

    init(database: Database) {
        self.database = database
    }

    /// Everything that an upload needs to know: one round trip, and another one where the code owners have changed.
    func rules(of project: ID<Project>, tenant: ID<Tenant>) async throws -> ReadingRules {
        let documents = try await database.rows(
            .tenant(tenant),
            """
            select kind, case when kind = 'owners' then '' else body end as body, version from reading_rules
            where tenant_id = \(tenant) and project_id = \(project)
            """
        ) {
            (
                kind: try $0.value("kind", as: String.self), body: try $0.value("body", as: String.self),
                version: try $0.value("version", as: Int64.self)
            )
        }
        var rules = ReadingRules()
        for document in documents {
            switch Kind(rawValue: document.kind) {
            case .identity: rules.identity = try JSONText(document.body).decode([IdentityRule].self)
            case .fields: rules.fields = try JSONText(document.body).decode([CustomField].self)
            case .owners: rules.owners = try await codeOwners(OwnersKey(tenant: tenant, project: project, version: document.version))
            case nil: break
            }
        }
        return rules
    }

    private func codeOwners(_ key: OwnersKey) async throws -> CodeOwners {
        if let known = owners.withLock({ $0[key] }) { return known }
        let read = CodeOwners(try await get(.owners, of: key.project, tenant: key.tenant).body)
        owners.withLock { owners in
            if owners.count >= Self.mostOwners { owners = [:] }
            owners[key] = read
        }
        return read
    }

    func get(_ kind: Kind, of project: ID<Project>, tenant: ID<Tenant>) async throws -> Document {
        try await database.lookUp(
            .tenant(tenant),
            """
            select body, commit_sha, version, updated_at from reading_rules
            where tenant_id = \(tenant) and project_id = \(project) and kind = \(kind.rawValue)
            """
        ) { try Document(row: $0) } ?? .absent
    }

    /// - Parameter version: that is to be replaced; 0 for any.
    /// - Throws: `precondition_failed`.
    func put(_ kind: Kind, _ body: String, commit: String = "", version: Int64 = 0, of project: ID<Project>, tenant: ID<Tenant>) async throws
        -> Document
    {
        try await database.transaction(.tenant(tenant)) { tx in
            let stored = try await tx.first(
                """
                insert into reading_rules as r (tenant_id, project_id, kind, body, commit_sha)
                select \(tenant), \(project), \(kind.rawValue), \(body), \(commit)
                where \(version) in (0, 1) or exists (
                    select from reading_rules where tenant_id = \(tenant) and project_id = \(project) and kind = \(kind.rawValue))
                on conflict on constraint reading_rules_pkey do update
                    set body = excluded.body, commit_sha = excluded.commit_sha, version = r.version + 1, updated_at = now()
                    where \(version) = 0 or r.version = \(version)
                returning body, commit_sha, version, updated_at
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
        commit = try row.value("commit_sha")
        version = try row.value("version")
        updatedAt = try row.value("updated_at", as: Date.self)
    }
}
