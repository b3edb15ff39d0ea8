import Audit
import Foundation
import Postgres
import Primitives

/// All SQL about schedules, but for the claim of due ones, which makes firings (`FiringStore`).
struct ScheduleStore: Sendable {
    let database: Database

    static let columns: SQL = "id, project_id, suite_id, name, cron, time_zone, enabled, variables, environment, next_at, created_at, version"

    /// - Parameter key: the idempotency key; the same one again gives the first schedule.
    func insert(_ draft: Schedule.Draft, nextAt: Date, key: String?, tenant: ID<Tenant>) async throws -> Schedule {
        let variables = try JSONText(encoding: draft.variables)
        let next: Date? = draft.enabled ? nextAt : nil
        return try await database.transaction(.tenant(tenant)) { tx in
            let inserted = try await tx.first(
                """
                insert into schedules
                    (tenant_id, id, project_id, suite_id, name, cron, time_zone, enabled, variables, environment, next_at, idempotency_key)
                values
                    (\(tenant), \(ID<Schedule>.new()), \(draft.project), \(draft.suite), \(draft.name), \(draft.cron), \(draft.timeZone),
                     \(draft.enabled), \(variables), \(draft.environment), \(next), \(key))
                on conflict on constraint schedules_tenant_id_idempotency_key_unique do nothing
                returning \(fragment: Self.columns)
                """
            ) { try Schedule(row: $0) }
            guard let inserted else {
                AuditedCall.changedNothing()
                return try await tx.one(
                    "select \(fragment: Self.columns) from schedules where tenant_id = \(tenant) and idempotency_key = \(key)"
                ) { try Schedule(row: $0) }
            }
            try await tx.audit(inserted.id, project: inserted.project, details: inserted.auditDetails)
            return inserted
        }
    }

    /// - Throws: `schedule.not_found`.
    func get(_ id: ID<Schedule>, tenant: ID<Tenant>) async throws -> Schedule {
        let found = try await database.lookUp(
            .tenant(tenant),
            "select \(fragment: Self.columns) from schedules where tenant_id = \(tenant) and id = \(id)"
        ) { try Schedule(row: $0) }
        guard let found else { throw Fault.notFound("schedule", id) }
        return found
    }

    /// Newest first.
    func list(_ page: PageRequest, project: ID<Project>, tenant: ID<Tenant>) async throws -> Page<Schedule> {
        let before = try page.after(ID<Schedule>.self)
        let rows = try await database.rows(
            .tenant(tenant),
            """
            select \(fragment: Self.columns) from schedules
            where tenant_id = \(tenant) and project_id = \(project) and (\(before)::uuid is null or id < \(before))
            order by id desc
            limit \(page.limit + 1)
            """
        ) { try Schedule(row: $0) }
        return Page(rows: rows, limit: page.limit) { $0.id.description }
    }

    /// Reads, lets `change` decide, writes; the row is locked meanwhile.
    /// - Parameters:
    ///   - version: that the schedule must have; 0 for any.
    ///   - key: the idempotency key; the same one again changes nothing and gives the schedule as it is.
    /// - Throws: `schedule.not_found`, `precondition_failed`, and what `change` throws.
    func update(
        _ id: ID<Schedule>, version: Int64, key: String?, tenant: ID<Tenant>, _ change: @Sendable (Schedule) throws -> Schedule
    ) async throws -> Schedule {
        try await database.transaction(.tenant(tenant)) { tx in
            let found = try await tx.first(
                "select \(fragment: Self.columns), change_key from schedules where tenant_id = \(tenant) and id = \(id) for update"
            ) { (schedule: try Schedule(row: $0), key: try $0.value("change_key", as: String?.self)) }
            guard let found else { throw Fault.notFound("schedule", id) }
            if let key, found.key == key {
                AuditedCall.changedNothing()
                return found.schedule
            }
            guard version == 0 || found.schedule.version == version else { throw Fault.versionStale }
            let new = try change(found.schedule)
            let updated = try await tx.one(
                """
                update schedules
                set name = \(new.name), cron = \(new.cron), time_zone = \(new.timeZone), enabled = \(new.enabled),
                    environment = \(new.environment), next_at = \(new.nextAt), version = version + 1, change_key = \(key)
                where tenant_id = \(tenant) and id = \(id)
                returning \(fragment: Self.columns)
                """
            ) { try Schedule(row: $0) }
            try await tx.audit(id, project: updated.project, details: updated.auditDetails)
            return updated
        }
    }

    /// Its firings go with it.
    /// - Parameter version: that the schedule must have; 0 for any.
    /// - Throws: `schedule.not_found`, `precondition_failed`.
    func delete(_ id: ID<Schedule>, version: Int64, tenant: ID<Tenant>) async throws {
        try await database.transaction(.tenant(tenant)) { tx in
            let deleted = try await tx.first(
                """
                delete from schedules where tenant_id = \(tenant) and id = \(id) and (\(version) = 0 or version = \(version))
                returning \(fragment: Self.columns)
                """
            ) { try Schedule(row: $0) }
            guard let deleted else {
                let isThere = try await tx.first("select from schedules where tenant_id = \(tenant) and id = \(id)") { _ in true } != nil
                throw isThere ? Fault.versionStale : Fault.notFound("schedule", id)
            }
            try await tx.audit(id, project: deleted.project, details: deleted.auditDetails)
        }
    }
}

extension Schedule {
    /// What the audit log says of it.
    fileprivate var auditDetails: [String: String] { ["name": name, "cron": cron, "time_zone": timeZone, "enabled": "\(enabled)"] }

    init(row: Row) throws {
        id = try row.value("id")
        project = try row.value("project_id")
        suite = try row.value("suite_id")
        name = try row.value("name")
        cron = try row.value("cron")
        timeZone = try row.value("time_zone")
        enabled = try row.value("enabled")
        variables = try row.value("variables", as: JSONText.self).decode([String: String].self)
        environment = try row.value("environment")
        nextAt = try row.value("next_at")
        createdAt = try row.value("created_at")
        version = try row.value("version")
    }
}
