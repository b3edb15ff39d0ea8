import Audit
import Foundation
import Postgres
import Primitives

/// The switch of the learned step.
extension RuleStore {
    func learning(of project: ID<Project>, tenant: ID<Tenant>) async throws -> Learning {
        try await database.transaction(.tenant(tenant)) { tx in try await learning(of: project, tenant: tenant, in: tx) }
    }

    /// A new edition of the project's rules, unless nothing changes.
    /// - Parameter version: that it must have; 0 for any.
    /// - Throws: `precondition_failed`.
    func put(learning isOn: Bool, version: Int64, of project: ID<Project>, by actor: String, tenant: ID<Tenant>) async throws -> Learning {
        try await database.transaction(.tenant(tenant)) { tx in
            let edition = try await lock(project, tenant: tenant, in: tx) + 1
            var learning = try await learning(of: project, tenant: tenant, in: tx)
            guard version == 0 || learning.version == version else { throw Fault.versionStale }
            guard learning.isOn != isOn else {
                AuditedCall.changedNothing()
                return learning
            }
            learning.isOn = isOn
            learning.version += 1
            try await tx.execute(
                """
                insert into learning_switches (tenant_id, project_id, edition, is_on, version, actor)
                values (\(tenant), \(project), \(edition), \(isOn), \(learning.version), \(actor))
                """)
            try await tx.execute("update rulebooks set edition = \(edition) where tenant_id = \(tenant) and project_id = \(project)")
            try await tx.audit(project, project: project, details: ["enabled": "\(isOn)", "edition": "\(edition)"])
            return learning
        }
    }

    /// Whether it was on in an edition.
    func isLearning(_ project: ID<Project>, edition: Int64, tenant: ID<Tenant>) async throws -> Bool {
        try await database.lookUp(
            .tenant(tenant),
            """
            select is_on from learning_switches
            where tenant_id = \(tenant) and project_id = \(project) and edition <= \(edition) order by edition desc limit 1
            """
        ) { try $0.value("is_on") } ?? true
    }

    private func learning(of project: ID<Project>, tenant: ID<Tenant>, in tx: Transaction) async throws -> Learning {
        try await tx.first(
            """
            select coalesce(s.is_on, true) as is_on, coalesce(s.version, 1) as version, r.lessons_edition
            from rulebooks r
            left join lateral (
                select is_on, version from learning_switches s
                where s.tenant_id = r.tenant_id and s.project_id = r.project_id order by edition desc limit 1
            ) s on true
            where r.tenant_id = \(tenant) and r.project_id = \(project)
            """
        ) { Learning(isOn: try $0.value("is_on"), version: try $0.value("version"), lessons: try $0.value("lessons_edition")) } ?? Learning()
    }
}
