import Audit
import Foundation
import Jobs
import Postgres
import Primitives

/// All SQL about tests that were renamed, but for the two joins with which results are stored and compared.
struct AliasStore: Sendable {
    let database: Database
    let jobs: JobQueue

    private static let columns: SQL = "project_id, alias_id, test_id, note, created_by, created_at"

    /// In the order of the aliases' ids.
    func list(_ page: PageRequest, project: ID<Project>, tenant: ID<Tenant>) async throws -> Page<TestAlias> {
        let after = try page.after(ID<TestIdentity>.self)
        let rows = try await database.rows(
            .tenant(tenant),
            """
            select \(fragment: Self.columns) from test_aliases
            where tenant_id = \(tenant) and project_id = \(project) and (\(after)::uuid is null or alias_id > \(after))
            order by alias_id
            limit \(page.limit + 1)
            """
        ) { try TestAlias(row: $0) }
        return Page(rows: rows, limit: page.limit) { $0.alias.description }
    }

    /// Those of `tests` that are aliases, with what they stand for.
    func resolve(_ tests: [ID<TestIdentity>], project: ID<Project>, tenant: ID<Tenant>) async throws -> [ID<TestIdentity>: ID<TestIdentity>] {
        let rows = try await database.rows(
            .tenant(tenant),
            """
            select alias_id, test_id from test_aliases
            where tenant_id = \(tenant) and project_id = \(project) and alias_id = any(\(tests.map(\.uuid)))
            """
        ) { (try $0.value("alias_id", as: ID<TestIdentity>.self), try $0.value("test_id", as: ID<TestIdentity>.self)) }
        return Dictionary(rows) { first, _ in first }
    }

    /// What a test that is an alias stands for, `test_id`; no row of one that is none.
    static func lasting(_ test: ID<TestIdentity>, project: ID<Project>, tenant: ID<Tenant>) -> SQL {
        "select test_id from test_aliases where tenant_id = \(tenant) and project_id = \(project) and alias_id = \(test)"
    }

    /// One at a time in a project, so that no two of them can close a circle. A test that is an alias itself is taken for what it stands for, and
    /// aliases of the new alias are moved on: there are no chains.
    /// - Throws: `test_aliases.taken`, `test_aliases.circular`, `test_aliases.full`.
    func insert(
        _ alias: ID<TestIdentity>, of test: ID<TestIdentity>, note: String, by actor: String, project: ID<Project>, tenant: ID<Tenant>
    ) async throws -> TestAlias {
        try await database.transaction(.tenant(tenant)) { tx in
            try await tx.execute("select pg_advisory_xact_lock(hashtextextended('test_aliases/' || \(project.description), 0))")
            let known = try await tx.rows(
                """
                select \(fragment: Self.columns) from test_aliases
                where tenant_id = \(tenant) and project_id = \(project) and alias_id in (\(alias), \(test))
                """
            ) { try TestAlias(row: $0) }
            let target = known.first { $0.alias == test }?.test ?? test
            guard target != alias, test != alias else { throw Fault.aliasCircular(alias) }
            if let same = known.first(where: { $0.alias == alias }) {
                guard same.test == target else { throw Fault.aliasTaken(alias, same.test) }
                AuditedCall.changedNothing()
                // Of those that are older than this receiver it has not heard. To be told again changes nothing there.
                try await jobs.enqueue(PublishAliasToGroups.Payload(project: project, alias: alias), tenant: tenant, in: tx)
                return same
            }
            let count = try await tx.one(
                "select count(*) as n from test_aliases where tenant_id = \(tenant) and project_id = \(project)"
            ) { try $0.value("n", as: Int.self) }
            guard count < TestAlias.most else { throw Fault.aliasesFull }
            let moved = try await tx.rows(
                """
                update test_aliases set test_id = \(target) where tenant_id = \(tenant) and project_id = \(project) and test_id = \(alias)
                returning alias_id
                """
            ) { try $0.value("alias_id", as: ID<TestIdentity>.self) }
            let stored = try await tx.one(
                """
                insert into test_aliases (tenant_id, project_id, alias_id, test_id, note, created_by)
                values (\(tenant), \(project), \(alias), \(target), \(note), \(actor))
                returning \(fragment: Self.columns)
                """
            ) { try TestAlias(row: $0) }
            try await tx.audit(alias, project: project, details: ["test": target.description])
            for alias in [alias] + moved { try await publish(alias, project: project, tenant: tenant, in: tx) }
            return stored
        }
    }

    /// - Throws: `test_alias.not_found`.
    func delete(_ alias: ID<TestIdentity>, project: ID<Project>, tenant: ID<Tenant>) async throws {
        try await database.transaction(.tenant(tenant)) { tx in
            let count = try await tx.execute(
                "delete from test_aliases where tenant_id = \(tenant) and project_id = \(project) and alias_id = \(alias)")
            guard count > 0 else { throw Fault.notFound("test_alias", alias) }
            try await tx.audit(alias, project: project)
            try await publish(alias, project: project, tenant: tenant, in: tx)
        }
    }

    /// One job a receiver: none waits for another that is away.
    private func publish(_ alias: ID<TestIdentity>, project: ID<Project>, tenant: ID<Tenant>, in tx: Transaction) async throws {
        try await jobs.enqueue(PublishAlias.Payload(project: project, alias: alias), tenant: tenant, in: tx)
        try await jobs.enqueue(PublishAliasToGroups.Payload(project: project, alias: alias), tenant: tenant, in: tx)
    }
}

extension TestAlias {
    fileprivate init(row: Row) throws {
        project = try row.value("project_id")
        alias = try row.value("alias_id")
        test = try row.value("test_id")
        note = try row.value("note")
        createdBy = try row.value("created_by")
        createdAt = try row.value("created_at")
    }
}
