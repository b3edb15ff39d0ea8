import Audit
import Foundation
import Postgres
import Primitives

/// All SQL about the fields that cases of a project may have; that of their values is with the cases.
struct CaseFieldStore: Sendable {
    /// What a project has set.
    struct Definitions: Sendable {
        let fields: [CaseField]
        let version: Int64
        let updatedAt: Date?

        static let absent = Definitions(fields: [], version: 1, updatedAt: nil)
    }

    let database: Database

    func get(_ project: ID<Project>, tenant: ID<Tenant>) async throws -> Definitions {
        try await database.lookUp(.tenant(tenant), Self.query(project, tenant)) { try Definitions(row: $0) } ?? .absent
    }

    func get(_ project: ID<Project>, tenant: ID<Tenant>, in tx: Transaction) async throws -> Definitions {
        try await tx.first(Self.query(project, tenant)) { try Definitions(row: $0) } ?? .absent
    }

    private static func query(_ project: ID<Project>, _ tenant: ID<Tenant>) -> SQL {
        "select fields, version, updated_at from case_field_definitions where tenant_id = \(tenant) and project_id = \(project)"
    }

    /// - Parameter version: that is to be replaced; 0 for any.
    /// - Throws: `precondition_failed`, `project.not_found`.
    func put(_ fields: [CaseField], version: Int64, project: ID<Project>, tenant: ID<Tenant>) async throws -> Definitions {
        let body = try JSONText(encoding: fields)
        do {
            return try await database.transaction(.tenant(tenant)) { tx in
                let stored = try await tx.first(
                    """
                    insert into case_field_definitions as d (tenant_id, project_id, fields)
                    select \(tenant), \(project), \(body)
                    where \(version) in (0, 1) or exists (
                        select from case_field_definitions where tenant_id = \(tenant) and project_id = \(project))
                    on conflict on constraint case_field_definitions_pkey do update
                        set fields = excluded.fields, version = d.version + 1, updated_at = now()
                        where \(version) = 0 or d.version = \(version)
                    returning fields, version, updated_at
                    """
                ) { try Definitions(row: $0) }
                guard let stored else { throw Fault.versionStale }
                try await tx.audit(project, project: project, details: ["version": "\(stored.version)", "fields": "\(fields.count)"])
                return stored
            }
        } catch let error as PostgresError where error.constraint == "case_field_definitions_project_id_fkey" {
            throw Fault.notFound("project", project)
        }
    }
}

extension CaseFieldStore.Definitions {
    fileprivate init(row: Row) throws {
        fields = try row.value("fields", as: JSONText.self).decode([CaseField].self)
        version = try row.value("version")
        updatedAt = try row.value("updated_at", as: Date.self)
    }
}
