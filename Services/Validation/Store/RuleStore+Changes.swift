import Audit
import Foundation
import Patterns
import Postgres
import Primitives

/// Every change of a rule is a new edition of the project's rules; nothing that was is lost.
extension RuleStore {
    /// - Parameter key: the idempotency key; the same one again gives the first rule.
    /// - Throws: `rules.name_taken`, `rules.full`.
    func insert(_ draft: ProjectRule.Draft, of project: ID<Project>, by actor: String, key: String?, tenant: ID<Tenant>) async throws -> ProjectRule {
        try await naming(draft) {
            try await database.transaction(.tenant(tenant)) { tx in
                let edition = try await lock(project, tenant: tenant, in: tx)
                if let made = try await made(with: key, tenant: tenant, in: tx) {
                    AuditedCall.changedNothing()
                    return made
                }
                let count = try await tx.one(
                    "select count(*) from project_rules where tenant_id = \(tenant) and project_id = \(project) and until_edition is null"
                ) { try $0.value("count", as: Int64.self) }
                guard count < ProjectRule.maxRules else { throw Fault.rulesFull() }
                let id = ID<ProjectRule>.new()
                let change = Change(edition: edition + 1, kind: .created, rule: id, name: draft.name, actor: actor, key: key)
                let rule = try await write(draft, change, of: project, tenant: tenant, in: tx)
                try await tx.audit(id, project: project, details: draft.auditDetails(edition: change.edition))
                return rule
            }
        }
    }

    /// - Parameter version: edition in which the rule became what it must be; 0 for any.
    /// - Throws: `rule.not_found`, `precondition_failed`, `rules.name_taken`.
    func update(
        _ id: ID<ProjectRule>, to draft: ProjectRule.Draft, version: Int64, of project: ID<Project>, by actor: String, tenant: ID<Tenant>
    ) async throws -> ProjectRule {
        try await naming(draft) {
            try await database.transaction(.tenant(tenant)) { tx in
                let edition = try await lock(project, tenant: tenant, in: tx)
                guard let found = try await current(id, of: project, tenant: tenant, in: tx) else { throw Fault.notFound("rule", id) }
                guard version == 0 || found.edition == version else { throw Fault.versionStale }
                let change = Change(edition: edition + 1, kind: .updated, rule: id, name: draft.name, actor: actor, key: nil)
                try await end(id, change.edition, of: project, tenant: tenant, in: tx)
                let rule = try await write(draft, change, of: project, tenant: tenant, in: tx)
                try await tx.audit(id, project: project, details: draft.auditDetails(edition: change.edition))
                return rule
            }
        }
    }

    /// - Parameter version: that the rule must have; 0 for any.
    /// - Throws: `rule.not_found`, `precondition_failed`.
    func delete(_ id: ID<ProjectRule>, version: Int64 = 0, of project: ID<Project>, by actor: String, tenant: ID<Tenant>) async throws {
        try await database.transaction(.tenant(tenant)) { tx in
            let edition = try await lock(project, tenant: tenant, in: tx)
            guard let found = try await current(id, of: project, tenant: tenant, in: tx) else { throw Fault.notFound("rule", id) }
            guard version == 0 || found.edition == version else { throw Fault.versionStale }
            let change = Change(edition: edition + 1, kind: .deleted, rule: id, name: found.draft.name, actor: actor, key: nil)
            try await end(id, change.edition, of: project, tenant: tenant, in: tx)
            try await note(change, of: project, tenant: tenant, in: tx)
            try await tx.audit(id, project: project, details: found.draft.auditDetails(edition: change.edition))
        }
    }

    /// A rule that ran out of its budget too often is asked no more, until a person changes it. Doing it twice is the same as once.
    func switchOff(_ id: ID<ProjectRule>, of project: ID<Project>, tenant: ID<Tenant>) async throws {
        try await database.transaction(.tenant(tenant)) { tx in
            let edition = try await lock(project, tenant: tenant, in: tx)
            guard let found = try await current(id, of: project, tenant: tenant, in: tx), found.draft.isEnabled,
                found.overruns >= ProjectRule.mostOverruns
            else { return }
            let change = Change(edition: edition + 1, kind: .switchedOff, rule: id, name: found.draft.name, actor: "", key: nil)
            try await end(id, change.edition, of: project, tenant: tenant, in: tx)
            _ = try await write(found.draft.switchedOff, change, overruns: found, of: project, tenant: tenant, in: tx)
        }
    }

    private struct Change {
        let edition: Int64
        let kind: RuleEdition.Change
        let rule: ID<ProjectRule>
        let name: String
        let actor: String
        let key: String?
    }

    /// One change of a project's rules at a time.
    /// - Returns: the edition that holds.
    func lock(_ project: ID<Project>, tenant: ID<Tenant>, in tx: Transaction) async throws -> Int64 {
        try await tx.execute(
            """
            insert into rulebooks (tenant_id, project_id, edition) values (\(tenant), \(project), 0)
            on conflict on constraint rulebooks_pkey do nothing
            """)
        return try await tx.one(
            "select edition from rulebooks where tenant_id = \(tenant) and project_id = \(project) for update"
        ) { try $0.value("edition") }
    }

    private func made(with key: String?, tenant: ID<Tenant>, in tx: Transaction) async throws -> ProjectRule? {
        guard let key else { return nil }
        return try await tx.first(
            """
            select \(fragment: Self.columns) from project_rules r
            where r.tenant_id = \(tenant) and (r.project_id, r.rule_id, r.since_edition) = (
                select e.project_id, e.rule_id, e.edition from rule_editions e where e.tenant_id = \(tenant) and e.idempotency_key = \(key))
            """
        ) { try ProjectRule(row: $0) }
    }

    private func current(_ id: ID<ProjectRule>, of project: ID<Project>, tenant: ID<Tenant>, in tx: Transaction) async throws -> ProjectRule? {
        try await tx.first(Self.current(id, of: project, tenant: tenant)) { try ProjectRule(row: $0) }
    }

    private func end(_ id: ID<ProjectRule>, _ edition: Int64, of project: ID<Project>, tenant: ID<Tenant>, in tx: Transaction) async throws {
        try await tx.execute(
            """
            update project_rules set until_edition = \(edition)
            where tenant_id = \(tenant) and project_id = \(project) and rule_id = \(id) and until_edition is null
            """)
    }

    private func write(
        _ draft: ProjectRule.Draft, _ change: Change, overruns: ProjectRule? = nil, of project: ID<Project>, tenant: ID<Tenant>, in tx: Transaction
    ) async throws -> ProjectRule {
        let rule = try await tx.one(
            """
            insert into project_rules
                (tenant_id, project_id, rule_id, since_edition, name, category, severity, position, places, pattern, enabled, overruns, last_overrun)
            values (
                \(tenant), \(project), \(change.rule), \(change.edition), \(draft.name), \(draft.category.rawValue), \(draft.severity.rawValue),
                \(Int32(draft.order)), \(draft.places.map(\.rawValue)), \(draft.pattern.text), \(draft.isEnabled), \(overruns?.overruns ?? 0),
                \(overruns?.lastOverrun))
            returning \(fragment: Self.columns)
            """
        ) { try ProjectRule(row: $0) }
        try await note(change, of: project, tenant: tenant, in: tx)
        return rule
    }

    private func note(_ change: Change, of project: ID<Project>, tenant: ID<Tenant>, in tx: Transaction) async throws {
        try await tx.execute(
            "update rulebooks set edition = \(change.edition) where tenant_id = \(tenant) and project_id = \(project)")
        try await tx.execute(
            """
            insert into rule_editions (tenant_id, project_id, edition, change, rule_id, rule_name, actor, idempotency_key)
            values (
                \(tenant), \(project), \(change.edition), \(change.kind.rawValue), \(change.rule), \(change.name), \(change.actor), \(change.key))
            """)
    }

    private func naming<R: Sendable>(_ draft: ProjectRule.Draft, _ body: () async throws -> R) async throws -> R {
        do {
            return try await body()
        } catch let error as PostgresError where error.constraint == "project_rules_project_id_name_unique" {
            throw Fault.ruleNameTaken(draft.name)
        }
    }
}

extension ProjectRule.Draft {
    fileprivate var switchedOff: Self {
        Self(name: name, category: category, severity: severity, order: order, places: places, pattern: pattern, isEnabled: false)
    }

    /// What the audit log says of it.
    fileprivate func auditDetails(edition: Int64) -> [String: String] {
        ["name": name, "category": category.rawValue, "pattern": pattern.text, "enabled": "\(isEnabled)", "edition": "\(edition)"]
    }
}
