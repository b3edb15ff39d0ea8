import Audit
import Foundation
import Postgres
import Primitives

/// All SQL about what people say of trying tests again. A word is looked for under all names of a test, so it follows one that is renamed later.
struct RetryWordStore: Sendable {
    let database: Database

    /// What a person says of a test.
    struct Saying: Sendable {
        let test: ID<TestIdentity>
        /// `nil` to take back what holds.
        let kind: RetryWord.Kind?
        let note: String
        let actor: String
    }

    /// One of all that was said.
    struct Listed: Sendable {
        let word: RetryWord
        /// Nobody has said anything else since.
        let isHolding: Bool
    }

    /// The newest word on each of these tests, which are nobody's aliases. The version is the highest under any of a test's names.
    private static func latest(on tests: [ID<TestIdentity>], project: ID<Project>, tenant: ID<Tenant>) -> SQL {
        """
        with names as (
            select u.id as test_id, u.id as name_id from unnest(\(tests)::uuid[]) as u (id)
            union all
            select a.test_id, a.alias_id from unnest(\(tests)::uuid[]) as u (id)
            join test_aliases a on a.tenant_id = \(tenant) and a.project_id = \(project) and a.test_id = u.id
        )
        select distinct on (n.test_id) n.test_id, w.id, w.kind, w.note, w.said_by, w.said_at,
            max(w.version) over (partition by n.test_id) as version
        from names n
        cross join lateral (
            select id, kind, note, said_by, said_at, version from retry_words
            where tenant_id = \(tenant) and project_id = \(project) and test_id = n.name_id
            order by version desc
            limit 1
        ) w
        order by n.test_id, w.said_at desc, w.version desc
        """
    }

    /// The newest words on tests, those that were taken back among them, by test.
    /// - Parameter tests: as results name them; what is an alias is followed.
    func find(_ tests: [ID<TestIdentity>], project: ID<Project>, tenant: ID<Tenant>) async throws -> [ID<TestIdentity>: RetryWord] {
        guard !tests.isEmpty else { return [:] }
        let rows = try await database.rows(.tenant(tenant), Self.latest(on: tests, project: project, tenant: tenant)) { try RetryWord(row: $0) }
        return Dictionary(rows.map { ($0.test, $0) }) { first, _ in first }
    }

    /// The newest word on one test.
    /// - Returns: also what the test is called, should it be an alias.
    func get(
        _ test: ID<TestIdentity>, project: ID<Project>, tenant: ID<Tenant>
    ) async throws -> (test: ID<TestIdentity>, word: RetryWord?) {
        let lasting = try await database.lookUp(.tenant(tenant), AliasStore.lasting(test, project: project, tenant: tenant)) {
            try $0.value("test_id", as: ID<TestIdentity>.self)
        }
        let test = lasting ?? test
        return (test, try await find([test], project: project, tenant: tenant)[test])
    }

    /// All that was said in a project, newest first.
    /// - Parameter test: of which alone, by whichever of its names.
    func list(
        _ page: PageRequest, of test: ID<TestIdentity>? = nil, project: ID<Project>, tenant: ID<Tenant>
    ) async throws -> Page<Listed> {
        let before = try page.after(ID<RetryWord>.self)
        let ofTest: SQL =
            test.map { test in
                """
                test_id in (
                    with lasting as (
                        select coalesce((\(fragment: AliasStore.lasting(test, project: project, tenant: tenant))), \(test)::uuid) as id
                    )
                    select id from lasting
                    union all
                    select a.alias_id from test_aliases a
                    join lasting on a.tenant_id = \(tenant) and a.project_id = \(project) and a.test_id = lasting.id)
                """
            } ?? "true"
        let rows = try await database.rows(
            .tenant(tenant),
            """
            with page as materialized (
                select id, test_id, kind, note, said_by, said_at, version from retry_words
                where tenant_id = \(tenant) and project_id = \(project) and (\(before)::uuid is null or id < \(before)) and \(fragment: ofTest)
                order by id desc
                limit \(page.limit + 1)
            )
            select p.id, coalesce(a.test_id, p.test_id) as test_id, p.kind, p.note, p.said_by, p.said_at, p.version,
                p.kind is not null and not exists (
                    select from (
                        select coalesce(a.test_id, p.test_id) as name_id
                        union all
                        select o.alias_id from test_aliases o
                        where o.tenant_id = \(tenant) and o.project_id = \(project) and o.test_id = coalesce(a.test_id, p.test_id)
                    ) n
                    join retry_words l on l.tenant_id = \(tenant) and l.project_id = \(project) and l.test_id = n.name_id
                    where (l.said_at, l.version) > (p.said_at, p.version)
                ) as is_holding
            from page p
            left join test_aliases a on a.tenant_id = \(tenant) and a.project_id = \(project) and a.alias_id = p.test_id
            order by p.id desc
            """
        ) { Listed(word: try RetryWord(row: $0), isHolding: try $0.value("is_holding")) }
        return Page(rows: rows, limit: page.limit) { $0.word.id.description }
    }

    /// Adds a word, which holds from now on.
    /// - Parameter version: that the newest word must have, 1 for none; 0 for any.
    /// - Returns: `nil` when there was nothing to take back.
    /// - Throws: `precondition_failed`.
    func add(_ saying: Saying, version: Int64, project: ID<Project>, tenant: ID<Tenant>) async throws -> RetryWord? {
        try await database.transaction(.tenant(tenant)) { tx in
            let lasting = try await tx.first(AliasStore.lasting(saying.test, project: project, tenant: tenant)) {
                try $0.value("test_id", as: ID<TestIdentity>.self)
            }
            let test = lasting ?? saying.test
            // One word at a time on a test; the primary key would refuse the other, and this says why.
            let key = "retry_words/\(project)/\(test)"
            try await tx.execute("select pg_advisory_xact_lock(hashtextextended(\(key), 0))")
            let latest = try await tx.first(Self.latest(on: [test], project: project, tenant: tenant)) { try RetryWord(row: $0) }
            let newest = latest?.version ?? 1
            guard version == 0 || version == newest else { throw Fault.versionStale }
            if saying.kind == nil, latest?.kind == nil {
                AuditedCall.changedNothing()
                return nil
            }
            let said = try await tx.one(
                """
                insert into retry_words (tenant_id, id, project_id, test_id, version, kind, note, said_by, said_at)
                values (\(tenant), \(ID<RetryWord>.new()), \(project), \(test), \(newest + 1), \(saying.kind?.rawValue), \(saying.note),
                        \(saying.actor), clock_timestamp())
                returning id, test_id, kind, note, said_by, said_at, version
                """
            ) { try RetryWord(row: $0) }
            try await tx.audit(
                test, project: project,
                details: ["kind": saying.kind?.rawValue ?? "", "instead_of": latest?.kind?.rawValue ?? "", "note": saying.note])
            return said
        }
    }
}

extension RetryWord {
    fileprivate init(row: Row) throws {
        id = try row.value("id")
        test = try row.value("test_id")
        kind = try row.value("kind", as: String?.self).flatMap(Kind.init)
        note = try row.value("note")
        saidBy = try row.value("said_by")
        saidAt = try row.value("said_at")
        version = try row.value("version")
    }
}
