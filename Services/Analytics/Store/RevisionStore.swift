import Foundation
import Postgres
import Primitives

/// All SQL about how often what is known of projects has changed.
struct RevisionStore: Sendable {
    let database: Database

    /// To be read before what is answered: then an answer is never older than its revision says.
    func current(project: ID<Project>, tenant: ID<Tenant>) async throws -> AnswerRevision {
        let known = try await database.lookUp(
            .tenant(tenant),
            """
            select ((now() at time zone 'UTC')::date - date '1970-01-01')::bigint as day,
                coalesce((select revision from project_revisions where tenant_id = \(tenant) and project_id = \(project)), 0) as changes
            """
        ) { AnswerRevision(day: try $0.value("day"), changes: try $0.value("changes")) }
        return known ?? AnswerRevision(day: 0, changes: 0)
    }

    /// Of answers that say, too, which tests are in quarantine: that changes with the clock when one expires.
    func withQuarantines(project: ID<Project>, at now: Date, tenant: ID<Tenant>) async throws -> Int64 {
        async let current = current(project: project, tenant: tenant)
        let expired = try await database.one(
            .tenant(tenant),
            """
            select max(expires_at) as at from quarantines
            where tenant_id = \(tenant) and project_id = \(project) and lifted_at is null and expires_at <= \(now)
            """
        ) { try $0.value("at", as: Date?.self) }
        return AnswerRevision.number(try await current.number, since: expired)
    }

    /// The last statement of a transaction that changes what answers with a revision tell, so that it is locked for a moment only.
    static func raising(_ project: ID<Project>, tenant: ID<Tenant>) -> SQL {
        """
        insert into project_revisions as r (tenant_id, project_id) values (\(tenant), \(project))
        on conflict on constraint project_revisions_pkey do update set revision = r.revision + 1
        """
    }

    /// The same for the projects of tests.
    static func raising(of tests: [ID<Test>], tenant: ID<Tenant>) -> SQL {
        """
        insert into project_revisions as r (tenant_id, project_id)
        select distinct tenant_id, project_id from tests where tenant_id = \(tenant) and id = any(\(tests.map(\.uuid)))
        on conflict on constraint project_revisions_pkey do update set revision = r.revision + 1
        """
    }
}
